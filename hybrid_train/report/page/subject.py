"""What a page is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """A results directory, read and checked; all of it may have been written by somebody else.

    Attributes:
        command: what made it: "run", "compare", "count", "count --along", "theory", "crossover", "sweep", ...
        name: of the directory.
        document: its summary, as ``--json`` prints it.
        request: what was asked for; empty where that was not kept.
        environment: versions, platform and seeds.
        config: TOML; None where there is no one config.
        again: the command that repeats it.
        bibtex: what to cite.
    """

    command: str
    name: str
    document: dict[str, Any]
    request: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    config: str | None = None
    again: str = ""
    bibtex: str = ""
