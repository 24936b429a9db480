"""The results directory: config, environment, metrics, checkpoints and summary of one run, readable without us.

::

    request.json          what was asked for, which --resume goes on with
    config.toml           the config with defaults filled in; running it again repeats the run
    environment.json      versions, platform, seeds, command
    metrics.jsonl         one line a step, written as it happens
    checkpoints/          step-NNNNNN.npz: weights, output_weights, threshold, step; of a deep network weights_0 ..,
                          input_weights_0 .., output_weights, thresholds, step; and all else that makes the network
                          (:func:`hybrid_train.network.storing.stored`) or prepares rows for it
                          (:class:`hybrid_train.data.Preparation`), which ``read_checkpoint`` rebuilds; no pickle
                          resume-NNNNNN.npz: the newest two breaks, see :mod:`hybrid_train.experiments.halfway`
                          snapshot-NNNNNN.npz: W(t) of the steps that ``run.snapshots`` asks for, as step-NNNNNN.npz
    summary.json          the document ``hybrid-train run --json`` prints; its ``status`` is "running" from the start,
                          then "done", "stopped" or "failed"
    manifest.json         sizes and SHA-256 of these files, see :mod:`hybrid_train.experiments.manifest`
    proofs/               with ``run.proof``: see :mod:`hybrid_train.proofs.recording`
    figures/              pictures (PNG) and the data behind them (JSON)
    .lock                 held by the process that writes here

A comparison holds one such directory ``<index>-<finder>`` for each row, and its own ``summary.json`` and ``figures``.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from hybrid_train.config import Config, load_config
from hybrid_train.config.toml import toml_text
from hybrid_train.data import Preparation
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.document import versions, write_summary
from hybrid_train.experiments.folder import CONFIG, METRICS, REQUEST, SUMMARY, whole_lines
from hybrid_train.experiments.folder import finish as finish_folder
from hybrid_train.experiments.halfway import Halfway
from hybrid_train.experiments.manifest import MANIFEST, Manifest, differing
from hybrid_train.experiments.records import read_records
from hybrid_train.network.storing import Network, restored, stored
from hybrid_train.proofs.recording import SEALS
from hybrid_train.support.archives import opened_archive
from hybrid_train.support.declared import checked
from hybrid_train.support.declared import path as path_kind
from hybrid_train.support.files import (
    append_line,
    file_digest,
    json_text,
    remove_file,
    replacing,
    sync_file,
    write_json,
    write_text,
    writing,
)
from hybrid_train.support.messages import listed, printable, quoted
from hybrid_train.support.parallel import processors
from hybrid_train.support.rng import Role
from hybrid_train.support.untrusted import GIB, MIB, memory_limit, read_bytes, reading

_STEP = re.compile(r"checkpoints/(step|resume|snapshot)-([0-9]{1,18})\.npz")
_BREAKS_KEPT = 2
_LARGEST_DOCUMENT, _LARGEST_CHECKPOINT = 256 * MIB, 64 * GIB
_TEXT_GROWTH = 8
"""Memory that reading JSON takes, in sizes of the file."""

_ENVIRONMENT, _CHECKPOINTS = "environment.json", "checkpoints"


@final
class RunDirectory:
    """Writes one run. Everything written is complete on disk when the call returns.

    Args:
        path: made with its parents.
        config: of this run.
        resumed: whether to go on with what is there, if there is anything.

    Attributes:
        halfway: where the run was, if it is gone on with; None from the beginning.
        records: the metrics until there.

    Raises:
        ConfigError: it holds results already, or those of another config, whose keys are named.
        CheckpointError: it cannot be written to, or what is there is damaged.
    """

    def __init__(self, path: Path, config: Config, *, resumed: bool = False) -> None:
        self.path = path
        self.halfway: Halfway | None = None
        self.records: list[dict[str, Any]] = []
        self._manifest = Manifest()
        self.passed_over: str | None = None
        if resumed and _begun(path):
            self._take_up(config)
            return
        if not resumed:
            _check_free(path)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        write_text(path / CONFIG, toml_text(config.as_dict()))
        write_json(path / _ENVIRONMENT, environment(config))
        write_text(path / METRICS, "")
        for name in (CONFIG, _ENVIRONMENT):
            self._manifest.take(path, name)
        self._manifest.take(path, METRICS, lines=0)
        self._manifest.write(path)

    def append(self, record: dict[str, Any]) -> None:
        """Add one line to the metrics."""
        append_line(self.path / METRICS, json_text(record))

    def checkpoint(
        self, step: int, network: Network, preparation: Preparation | None = None, *, kind: str = "step"
    ) -> Path:
        """Write the network as it is after ``step`` steps, and what prepares rows for it; return the file.

        Args:
            step: t.
            network: at W(t), or the one that is returned.
            preparation: of rows.
            kind: "step" for the network that is returned, "snapshot" for one on the way.
        """
        target = self.path / _CHECKPOINTS / f"{kind}-{step:06d}.npz"
        with writing(target):
            target.parent.mkdir(exist_ok=True)
        arrays = {"step": step, **stored(network), **({} if preparation is None else preparation.arrays())}
        with replacing(target) as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)
        shapes = {name: list(np.shape(array)) for name, array in arrays.items()}
        self._manifest.take(self.path, f"{_CHECKPOINTS}/{target.name}", arrays=shapes)
        self._manifest.write(self.path)
        return target

    def metrics_until_now(self) -> tuple[int, str]:
        """Return bytes and SHA-256 of the metrics, which are on the disk for good now."""
        sync_file(self.path / METRICS)
        with writing(self.path / METRICS):
            return file_digest(self.path / METRICS)

    def keep(self, halfway: Halfway) -> None:
        """Write where the run may be taken up again; the two newest of these files stay."""
        step = halfway.progress.step
        target = self.path / _CHECKPOINTS / f"resume-{step:06d}.npz"
        with writing(target):
            target.parent.mkdir(exist_ok=True)
        halfway.write(target)
        known = sorted({step, *_steps_of(self._manifest, "resume")}, reverse=True)
        self._manifest.take(self.path, f"{_CHECKPOINTS}/{target.name}")
        self._manifest.take(self.path, METRICS, lines=step)
        for old in known[_BREAKS_KEPT:]:
            self._manifest.files.pop(f"{_CHECKPOINTS}/resume-{old:06d}.npz", None)
        self._manifest.write(self.path)
        for old in known[_BREAKS_KEPT:]:
            remove_file(self.path / _CHECKPOINTS / f"resume-{old:06d}.npz")

    def begin(self, summary: dict[str, Any]) -> None:
        """Write the summary of a run that has just begun."""
        write_summary(self.path, summary)

    def finish(self, summary: dict[str, Any]) -> None:
        """Write the summary; the run is over, as its ``status`` says."""
        write_summary(self.path, summary)
        with writing(self.path / METRICS):
            records, _ = read_records(self.path / METRICS)
            self._manifest.take(self.path, METRICS, lines=len(records))
            if (self.path / SEALS).exists():
                self._manifest.take(self.path, SEALS)
        with writing(self.path):
            self._tidy()
            finish_folder(self.path, self._manifest, str(summary.get("status", "done")))

    def _tidy(self) -> None:
        """Remove what was left half done: files that are not whole, and breaks that nobody names any more."""
        for file in [*self.path.glob("*.partial"), *self.path.glob(f"{_CHECKPOINTS}/*")]:
            name = f"{_CHECKPOINTS}/{file.name}"
            ours = file.name.endswith(".partial") or _STEP.fullmatch(name) is not None
            if ours and name not in self._manifest.files and file.is_file():
                remove_file(file)

    def _take_up(self, config: Config) -> None:
        """Find the newest break that is whole, and cut off what came after it."""
        path = self.path
        self._manifest = Manifest.read(path)
        self._manifest.check(path, spare="resume-")
        named = f"resume={str(path)!r}"
        lines = differing(plain_config(load_config(path / CONFIG)), plain_config(config))
        if lines:
            raise ConfigError(listed([f"{named}: its checkpoints are of another config, {line}" for line in lines]))
        self._manifest.status = "running"
        damaged = ""
        for step in sorted(_steps_of(self._manifest, "resume"), reverse=True):
            name = f"{_CHECKPOINTS}/resume-{step:06d}.npz"
            try:
                self._manifest.check_one(path, name)
                found = Halfway.read(path / name, printable(os.fspath(path / name)))
                self._check_halfway(found, step)
            except CheckpointError as error:
                damaged = damaged or str(error)
                self._manifest.files.pop(name)
                continue
            self.halfway = found
            if damaged:
                self.passed_over = f"{damaged}; gone on with from the checkpoint of step {step} before it"
            break
        if self.halfway is None and damaged:
            raise CheckpointError(f"{damaged}; no earlier checkpoint is whole, so run again into another directory")
        size = 0 if self.halfway is None else self.halfway.metrics[0]
        with writing(path / METRICS):
            whole_lines(path / METRICS, size)
        self.records, _ = read_records(path / METRICS)
        self._manifest.take(path, METRICS, lines=len(self.records))
        begin = 0 if self.halfway is None else self.halfway.progress.step
        last = [name for name in self._manifest.files if name.startswith(f"{_CHECKPOINTS}/step-")]
        later = [step for step in _steps_of(self._manifest, "snapshot") if step >= begin]
        last += [f"{_CHECKPOINTS}/snapshot-{step:06d}.npz" for step in later]
        for name in [*last, SUMMARY, REQUEST]:
            self._manifest.files.pop(name, None)
        self._manifest.write(path)
        for name in last:
            remove_file(path / name)
        self._tidy()

    def _check_halfway(self, found: Halfway, step: int) -> None:
        """Refuse a break that is none of this run's metrics."""
        name = printable(os.fspath(self.path / METRICS))
        with reading(name, CheckpointError):
            size, digest = file_digest(self.path / METRICS, found.metrics[0])
        if found.progress.step != step or (size, digest) != found.metrics:
            raise CheckpointError(f"{name}: not the metrics that the checkpoint of step {step} was written with")
        records, _ = read_records(self.path / METRICS)
        if [record.get("step") for record in records[:step]] != list(range(step)):
            raise CheckpointError(f"{name}: its lines are not those of the steps 0 .. {step - 1}")


@final
@dataclass(frozen=True)
class StoredRun:
    """A run read back.

    Attributes:
        config: as ``load_config`` takes it.
        environment: versions, platform, seeds, command.
        metrics: one dict for each step that was written whole.
        summary: the document of the run; None where it did not end.
        checkpoints: of the network that was returned, by step, ascending.
        snapshots: of W(t) on the way, by step, ascending.
    """

    config: Config
    environment: dict[str, Any]
    metrics: list[dict[str, Any]]
    summary: dict[str, Any] | None
    checkpoints: dict[int, Path]
    snapshots: dict[int, Path] = field(default_factory=dict)


@checked(directory=path_kind())
def read_run(directory: str | os.PathLike[str]) -> StoredRun:
    """Read the results directory of one run, finished or not.

    Raises:
        CheckpointError: no results there, or a file is damaged, another than was written, or does not agree with the
            others (a torn last line of the metrics is forgiven).
        ConfigError: the config is not valid any more.
    """
    name = f"directory={printable(repr(os.fspath(directory)))}"
    with reading(name, CheckpointError):
        path = Path(directory)
        if not (path / CONFIG).is_file():
            raise CheckpointError(f"{name}: holds no run ({CONFIG} is missing)")
        manifest = Manifest.read(path)
        summary = path / SUMMARY
        run = StoredRun(
            config=load_config(path / CONFIG),
            environment=_read_json(path / _ENVIRONMENT),
            metrics=read_metrics(path / METRICS),
            summary=_read_json(summary) if summary.exists() else None,
            checkpoints=_named(path, manifest, "step"),
            snapshots=_named(path, manifest, "snapshot"),
        )
        if missing := sorted({CONFIG, _ENVIRONMENT, METRICS} - manifest.files.keys()):
            raise CheckpointError(f"{name}: {MANIFEST} does not speak of {', '.join(missing)}; run again")
        manifest.check(path)
        _check_agreement(name, run, manifest)
        return run


def is_done(directory: Path) -> bool:
    """Return whether a run is there that came to its end, by its manifest; nothing else is looked at."""
    return (directory / MANIFEST).exists() and Manifest.read(directory).status == "done"


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the records of a metrics file; a last line that was torn while being written is left out.

    Raises:
        CheckpointError: unreadable, or another line is damaged; the line is named.
    """
    return read_records(path)[0]


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


def _check_agreement(name: str, run: StoredRun, manifest: Manifest) -> None:
    """Refuse files that are whole each by itself, and do not belong together."""
    steps = [record.get("step") for record in run.metrics]
    if steps != list(range(len(steps))) or len(steps) > run.config.training.steps + 1:
        raise CheckpointError(f"{name}: {METRICS}: its lines are not those of the steps 0, 1, 2, .. of this config")
    if any(step > run.config.training.steps for step in (*run.checkpoints, *run.snapshots)):
        raise CheckpointError(f"{name}: a checkpoint is of a later step than the config has")
    summary = run.summary
    if summary is None:
        if manifest.status != "running":
            raise CheckpointError(f"{name}: {SUMMARY} is missing")
        return
    if "config" in summary and differing(_without_threads(summary["config"]), plain_config(run.config)):
        raise CheckpointError(f"{name}: {SUMMARY} is of another config than {CONFIG}")
    if manifest.status != "running" and summary.get("status", "done") != manifest.status:
        raise CheckpointError(f"{name}: {SUMMARY} says {quoted(summary.get('status'))}, not {manifest.status!r}")
    rows = summary.get("rows")
    if manifest.status == "done" and isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict):
        losses = rows[0].get("losses")
        if "losses" in rows[0] and losses != [record.get("loss") for record in run.metrics]:
            raise CheckpointError(f"{name}: the losses of {SUMMARY} are not those of {METRICS}")


def _begun(path: Path) -> bool:
    """Return whether a run has come so far that it can be taken up; refuse what only looks unbegun."""
    if (path / MANIFEST).exists():
        return True
    if (path / _CHECKPOINTS).exists() or (path / SUMMARY).exists():
        Manifest.read(path)
    return False


def _check_free(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise ConfigError(f"out={str(path)!r}: is a file; name a directory")
    if any((path / name).exists() for name in (CONFIG, METRICS, SUMMARY)):
        raise ConfigError(f"out={str(path)!r}: already holds results; name another directory or remove this one")


def _steps_of(manifest: Manifest, kind: str) -> list[int]:
    found = (_STEP.fullmatch(name) for name in manifest.files)
    return sorted(int(match[2]) for match in found if match is not None and match[1] == kind)


def _named(path: Path, manifest: Manifest, kind: str) -> dict[int, Path]:
    return {step: path / _CHECKPOINTS / f"{kind}-{step:06d}.npz" for step in _steps_of(manifest, kind)}


def plain_config(config: Config) -> dict[str, Any]:
    """Return the tables of a config as JSON has them, but for ``run.threads``, on which no result depends."""
    plain: dict[str, Any] = _without_threads(json.loads(json_text(config.as_dict())))
    return plain


def _without_threads(config: Any) -> Any:
    """Return the tables of a config but for ``run.threads``, on which no result depends."""
    run = config.get("run") if isinstance(config, dict) else None
    if not isinstance(run, dict):
        return config
    return config | {"run": {key: value for key, value in run.items() if key != "threads"}}


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
