"""The same check over several starts: how often each line failed, beside how often its theorem lets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import stats

from hybrid_train.support.text_table import aligned
from hybrid_train.theory.lines.line import Line

_FALSE_ALARM = 1e-3
"""With which probability a bound that fails as often as it may is said to fail more often, at most."""

_HEADER = ["quantity", "source", "starts", "failed", "may fail", "holds"]


@final
@dataclass(frozen=True)
class Repeated:
    """A line over several starts.

    Attributes:
        section: heading the line stands under.
        quantity: what is measured.
        source: paper short name and theorem.
        starts: of those, how many had all assumptions of the theorem, but for that it may fail seldom.
        failed: in how many of them its relation was not true.
        failure: with which probability the theorem lets it fail, the mean over these starts; 0 for what is certain.
        empty: whether no start could have broken it.
    """

    section: str
    quantity: str
    source: str
    starts: int
    failed: int
    failure: float
    empty: bool = False

    @property
    def holds(self) -> str:
        """Whether so many failures are what the theorem allows; "says nothing" where none could be too many."""
        if not self.starts:
            return "not applicable"
        if self.failure >= 1.0 or (self.empty and not self.failed):
            return "says nothing"
        chance = float(stats.binom.sf(self.failed - 1, self.starts, self.failure))
        return "yes" if chance >= _FALSE_ALARM else "no"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "section": self.section,
            "quantity": self.quantity,
            "source": self.source,
            "starts": self.starts,
            "failed": self.failed,
            "share": self.failed / self.starts if self.starts else None,
            "failure": self.failure,
            "holds": self.holds,
        }


def trial_of(line: Line) -> dict[str, Any]:
    """Return what one start says of a line, as JSON keeps it."""
    return {
        "section": line.section,
        "quantity": line.quantity,
        "source": line.source,
        "applies": line.applies_often,
        "satisfied": line.satisfied,
        "failure": min(1.0, line.failure),
        "empty": bool(line.nothing),
    }


def repeated(trials: Sequence[Sequence[Mapping[str, Any]]]) -> list[Repeated]:
    """Return the lines over all starts, in the order of the first.

    Args:
        trials: for each start, :func:`trial_of` of its lines.
    """
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for rows in trials:
        for row in rows:
            found.setdefault((row["section"], row["quantity"], row["source"]), []).append(row)
    lines = []
    for key, rows in found.items():
        told = [row for row in rows if row["applies"]]
        failed = sum(not row["satisfied"] for row in told)
        failure = float(np.mean([row["failure"] for row in told])) if told else 0.0
        lines.append(Repeated(*key, len(told), failed, failure, all(row["empty"] for row in told)))
    return lines


def repeated_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the lines that applied to some start."""
    table = [_HEADER]
    for row in rows:
        if row["starts"]:
            may = "never" if row["failure"] == 0 else f"{row['failure']:.2g}"
            share = f"{row['failed']} ({100 * row['share']:.3g} %)"
            table.append([row["quantity"], row["source"], str(row["starts"]), share, may, row["holds"]])
    return f"over several starts\n{aligned(table, len(_HEADER))}"
