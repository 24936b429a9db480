"""A row of a table that is read back from a run that came to its end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

from hybrid_train.config import Config
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.manifest import differing
from hybrid_train.experiments.results import plain_config, read_run
from hybrid_train.experiments.row import Row
from hybrid_train.support.messages import listed, printable
from hybrid_train.support.untrusted import reading


@final
@dataclass(frozen=True, eq=False)
class StoredRow:
    """What :class:`hybrid_train.experiments.attempt.Attempt` says of a run, from its results directory.

    Attributes:
        row: of the run.
        fired: see :meth:`hybrid_train.experiments.tally.Tally.fired`.
        notes: in sentences.
        exact: whether the finder promises exact sets.
        error: None; the run came to its end.
    """

    row: Row
    fired: dict[str, Any] | None
    notes: list[str]
    exact: bool
    error: str | None = None

    @classmethod
    def of(cls, directory: Path, exact: bool, config: Config) -> Self:
        """Read the run back.

        Args:
            directory: of the run.
            exact: whether its finder promises exact sets.
            config: what it should have been run with.

        Raises:
            CheckpointError: it is damaged.
            ConfigError: it was run with another config; the keys that differ are named.
        """
        name = printable(f"resume={os.fspath(directory)!r}")
        stored = read_run(directory)
        lines = differing(plain_config(stored.config), plain_config(config))
        if lines:
            raise ConfigError(listed([f"{name}: is of another config, {line}" for line in lines]))
        with reading(name, CheckpointError, "its summary is damaged"):
            summary = stored.summary or {}
            (row,) = summary["rows"]
            return cls(Row.of(row), summary["fired"], [str(note) for note in summary["notes"]], exact)
