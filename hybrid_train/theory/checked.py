"""What a check of one kind of run takes and gives: the request, and lines with the pictures that go with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, final

from hybrid_train.config import Config
from hybrid_train.experiments.document import Draw
from hybrid_train.experiments.journal import Journal
from hybrid_train.experiments.setting import Setting
from hybrid_train.theory.lines.costs import CostGrowth
from hybrid_train.theory.lines.line import Line


@final
@dataclass(frozen=True, eq=False)
class Request:
    """What is to be checked.

    Attributes:
        config: valid.
        setting: of it.
        costs: whether the cost of a step is counted at several widths, where the papers speak of it.
        pictured: whether pictures will be drawn, so that what they alone show is worth computing.
        progress: show a bar, if standard error is a terminal.
        widths: at which that is; empty for the default ones.
        kept: what was worked out before, and where lines go as they come.
    """

    config: Config
    setting: Setting
    costs: bool = False
    pictured: bool = False
    progress: bool = False
    widths: tuple[int, ...] = ()
    kept: Journal = field(default_factory=Journal)

    def noted(self, lines: Iterable[Line]) -> list[Line]:
        """Return the lines; each is on disk as soon as it is worked out, where there is a directory."""
        found = []
        for line in lines:
            self.kept.note(f"{line.section}: {line.quantity} ({line.source})", line.as_dict())
            found.append(line)
        return found


@final
@dataclass(frozen=True, eq=False)
class Checked:
    """What came of it.

    Attributes:
        lines: the table.
        series: numbers for the pictures.
        draws: who draws them, each from the whole document of the check.
        growths: counted cost by finder.
    """

    lines: list[Line]
    series: dict[str, Any]
    draws: tuple[Draw, ...]
    growths: list[CostGrowth] = field(default_factory=list)


@final
@dataclass(frozen=True)
class Subject:
    """One kind of run that the papers speak of.

    Attributes:
        start: what the network of such a run starts as (:data:`hybrid_train.experiments.starts.STARTS`).
        algorithms: those whose runs are checked.
        check: trains as requested and compares.
        counted: the algorithms whose cost of a step is counted at several widths.
    """

    start: str
    algorithms: tuple[str, ...]
    check: Callable[[Request], Checked]
    counted: tuple[str, ...] = ()

    def fits(self, config: Config) -> bool:
        """Return whether a config describes such a run."""
        return config.network.starts_as == self.start
