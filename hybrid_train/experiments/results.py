"""The results directory: config, environment, metrics, checkpoints and summary of one run, readable without us.

::

    config.toml           the config with defaults filled in; running it again repeats the run
    environment.json      versions, platform, seeds, command
    metrics.jsonl         one line a step, written as it happens
    checkpoints/          step-NNNNNN.npz: weights, output_weights, threshold, step; of a deep network weights_0 ..,
                          input_weights_0 .., output_weights, thresholds, step; and all else that makes the network
                          (:func:`hybrid_train.network.storing.stored`) or prepares rows for it
                          (:class:`hybrid_train.data.Preparation`), which ``read_checkpoint`` rebuilds; no pickle
    summary.json          the document ``hybrid-train run --json`` prints
    figures/              pictures (PNG) and the data behind them (JSON)

A comparison holds one such directory ``<index>-<finder>`` for each row, and its own ``summary.json`` and ``figures``.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from hybrid_train.config import Config, load_config
from hybrid_train.config.toml import toml_text
from hybrid_train.data import Preparation
from hybrid_train.errors import CheckpointError
from hybrid_train.experiments.document import CONFIG, METRICS, SUMMARY, make_directory, versions, write_summary
from hybrid_train.network.storing import Network, restored, stored
from hybrid_train.support.archives import opened_archive
from hybrid_train.support.files import json_text, replacing, write_json, write_text, writing
from hybrid_train.support.messages import printable
from hybrid_train.support.parallel import processors
from hybrid_train.support.rng import Role
from hybrid_train.support.untrusted import GIB, MIB, memory_limit, read_bytes, reading

_STEP = re.compile(r"step-[0-9]{1,18}\.npz")
_LARGEST_DOCUMENT, _LARGEST_METRICS, _LARGEST_CHECKPOINT = 256 * MIB, GIB, 64 * GIB
_TEXT_GROWTH = 8
"""Memory that reading JSON takes, in sizes of the file."""

_ENVIRONMENT, _CHECKPOINTS = "environment.json", "checkpoints"


@final
class RunDirectory:
    """Writes one run. Everything written is complete on disk when the call returns.

    Args:
        path: made with its parents.
        config: of this run.

    Raises:
        ConfigError: it holds results already.
        CheckpointError: it cannot be written to.
    """

    def __init__(self, path: Path, config: Config) -> None:
        make_directory(path)
        self.path = path
        write_text(path / CONFIG, toml_text(config.as_dict()))
        write_json(path / _ENVIRONMENT, environment(config))
        write_text(path / METRICS, "")

    def append(self, record: dict[str, Any]) -> None:
        """Add one line to the metrics."""
        with writing(self.path / METRICS), open(self.path / METRICS, "a", encoding="utf-8") as file:
            file.write(json_text(record) + "\n")

    def checkpoint(self, step: int, network: Network, preparation: Preparation | None = None) -> Path:
        """Write the network as it is after ``step`` steps, and what prepares rows for it; return the file."""
        target = self.path / _CHECKPOINTS / f"step-{step:06d}.npz"
        with writing(target):
            target.parent.mkdir(exist_ok=True)
        with replacing(target) as partial, open(partial, "wb") as file:
            np.savez(file, step=step, **stored(network), **({} if preparation is None else preparation.arrays()))
        return target

    def finish(self, summary: dict[str, Any]) -> None:
        """Write the summary; the run is over."""
        write_summary(self.path, summary)


@final
@dataclass(frozen=True)
class StoredRun:
    """A run read back.

    Attributes:
        config: as ``load_config`` takes it.
        environment: versions, platform, seeds, command.
        metrics: one dict for each step that was written whole.
        summary: the document of the run; None where it did not end.
        checkpoints: by step, ascending.
    """

    config: Config
    environment: dict[str, Any]
    metrics: list[dict[str, Any]]
    summary: dict[str, Any] | None
    checkpoints: dict[int, Path]


def read_run(directory: str | os.PathLike[str]) -> StoredRun:
    """Read the results directory of one run, finished or not.

    Raises:
        CheckpointError: no results there, or a file is damaged (a torn last line of the metrics is forgiven).
        ConfigError: the config is not valid any more.
    """
    name = f"directory={printable(repr(os.fspath(directory)))}"
    with reading(name, CheckpointError):
        path = Path(directory)
        if not (path / CONFIG).is_file():
            raise CheckpointError(f"{name}: holds no run ({CONFIG} is missing)")
        summary = path / SUMMARY
        files = sorted(file for file in (path / _CHECKPOINTS).glob("step-*.npz") if _STEP.fullmatch(file.name))
        return StoredRun(
            config=load_config(path / CONFIG),
            environment=_read_json(path / _ENVIRONMENT),
            metrics=read_metrics(path / METRICS),
            summary=_read_json(summary) if summary.exists() else None,
            checkpoints={int(file.stem.removeprefix("step-")): file for file in files},
        )


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the records of a metrics file; a last line that was torn while being written is left out.

    Raises:
        CheckpointError: unreadable, or another line is damaged; the line is named.
    """
    records = []
    lines = _read(path, memory_limit(_LARGEST_METRICS, _TEXT_GROWTH)).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):  # no JSON, an integer of thousands of digits, or nested as deeply
            record = None
        if isinstance(record, dict):
            records.append(record)
        elif number < len(lines):
            raise CheckpointError(f"{path}: line {number} is damaged; restore the file from a copy or run again")
    return records


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return a checkpoint: ``step``, the ``network`` rebuilt to the last bit, its ``preparation``, and the arrays.

    ``preparation`` is what was done to the rows of the data, None in files that do not say. The arrays are those of
    :func:`hybrid_train.network.storing.restored`. Files of earlier versions give no ``network``: put their weights into
    the one that the run's config starts.

    Raises:
        CheckpointError: unreadable or damaged.
    """
    name, problem = printable(os.fspath(path)), "not a readable checkpoint"
    limit = memory_limit(_LARGEST_CHECKPOINT, 2)
    with reading(f"{name}: {problem}", CheckpointError, "damaged"), opened_archive(path, limit) as arrays:
        return restored(arrays) | {"step": int(arrays["step"]), "preparation": Preparation.of_arrays(arrays)}


def environment(config: Config) -> dict[str, Any]:
    """Return what a run stood on: versions, platform, seeds, command."""
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": processors(),
        "seeds": {"root": config.run.seed, "spawn_keys": {role.name.lower(): [0, int(role)] for role in Role}},
        "command": sys.argv,
    }


def _read(path: Path, limit: int) -> str:
    with reading(printable(os.fspath(path)), CheckpointError):
        return read_bytes(path, limit).decode("utf-8", errors="replace").replace("\r\n", "\n")


def _read_json(path: Path) -> dict[str, Any]:
    name, text = printable(os.fspath(path)), _read(path, memory_limit(_LARGEST_DOCUMENT, _TEXT_GROWTH))
    with reading(name, CheckpointError, "not valid JSON"):
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise CheckpointError(f"{name}: not valid JSON, line {error.lineno}") from None
    if not isinstance(document, dict):
        raise CheckpointError(f"{name}: not a JSON object")
    return document
