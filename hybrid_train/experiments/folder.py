"""A results directory in the hands of one process: claimed before anything is computed, and never shared."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.manifest import MANIFEST, Manifest, differing
from hybrid_train.support.files import cut_file, json_text, on_disk, write_json, writing
from hybrid_train.support.locks import FolderLock
from hybrid_train.support.messages import listed, printable
from hybrid_train.support.untrusted import MIB, read_bytes, reading

CONFIG, METRICS, SUMMARY, REQUEST, ROWS = "config.toml", "metrics.jsonl", "summary.json", "request.json", "rows.jsonl"
RESULTS = (REQUEST, CONFIG, METRICS, SUMMARY, ROWS, MANIFEST)
Place = str | os.PathLike[str]

_PROBE = ".probe"
_LARGEST = 64 * MIB
_IRRELEVANT = ("threads",)
"""Keys of ``[run]`` that change no result."""


def check_vacant(path: Path) -> None:
    """Raise ConfigError if results are at ``path`` already, or a file is."""
    name = f"out={str(path)!r}"
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{name}: is a file; name a directory")
    if any((path / one).exists() for one in RESULTS):
        raise ConfigError(
            f"{name}: already holds results; name another directory or remove this one, or go on with it by --resume"
        )


@final
class Folder:
    """A results directory, locked and known to take files before anything is computed.

    Leaving it as a context gives the lock back; where nothing was written, the directory goes as well, if it was made
    here.

    Args:
        path: made with its parents.
        resumed: whether results that are there are to be gone on with, rather than refused.

    Attributes:
        path: of the directory.
        begun: whether there was something to go on with.

    Raises:
        ConfigError: it holds results already, or is a file, or another process writes there.
        CheckpointError: it cannot be made or written to.
    """

    def __init__(self, path: str | os.PathLike[str], *, resumed: bool = False) -> None:
        self.path = Path(path)
        name = f"{'resume' if resumed else 'out'}={str(self.path)!r}"
        if resumed and self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{name}: is a file; name the results directory of a run")
        if not resumed:
            check_vacant(self.path)
        self._made = [one for one in (self.path, *self.path.parents) if not one.exists()]
        with writing(self.path):
            on_disk("write", self.path)
            self.path.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(self.path, name)
        try:
            self._probe()
            if not resumed:
                check_vacant(self.path)  # somebody may have written there before the lock was ours
        except BaseException:
            self.close()
            raise
        self.begun = (self.path / REQUEST).exists()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the directory back."""
        empty = self._empty()
        self._lock.release(remove=empty)
        if empty:
            for folder in self._made:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def agree(self, request: dict[str, Any]) -> None:
        """Write down what is asked for; where something was begun, check that it was the same.

        Args:
            request: plain JSON: command, config, options.

        Raises:
            ConfigError: another thing was begun here; a line for each key that differs.
            CheckpointError: what was asked for cannot be read any more.
        """
        if not self.begun:
            write_json(self.path / REQUEST, request)
            return
        there = _relevant(read_request(self.path))
        lines = differing(there, _relevant(json.loads(json_text(request))))
        if lines:
            name = f"resume={str(self.path)!r}"
            raise ConfigError(listed([f"{name}: was begun with another request, {line}" for line in lines]))

    def ask_anew(self, request: dict[str, Any]) -> None:
        """Write down what is asked for in the place of what was, which it goes on with."""
        write_json(self.path / REQUEST, request)

    def _probe(self) -> None:
        """Write a file, to hear now rather than later that none can be written."""
        probe = self.path / _PROBE
        with writing(self.path):
            on_disk("write", probe)
            probe.write_bytes(b"hybrid-train\n" * 400)
            probe.unlink()

    def _empty(self) -> bool:
        try:
            return all(one.name in {".lock", _PROBE} for one in self.path.iterdir())
        except OSError:
            return False


def claimed(out: Place | None, resume: Place | None) -> Folder | None:
    """Return the directory that is named, claimed; None where none is.

    Raises:
        ConfigError: both are given, or the directory is in use or holds results already.
        CheckpointError: it cannot be written to.
    """
    if out is not None and resume is not None:
        raise ConfigError("resume: the results stay in the directory that is gone on with; leave out out")
    place = out if resume is None else resume
    return None if place is None else Folder(place, resumed=resume is not None)


def read_request(path: Path) -> dict[str, Any]:
    """Return what a results directory was begun for.

    Raises:
        CheckpointError: it does not say, or is damaged.
    """
    name = printable(os.fspath(path / REQUEST))
    with reading(name, CheckpointError, "damaged"):
        request = json.loads(read_bytes(path / REQUEST, _LARGEST).decode("utf-8"))
        if not isinstance(request, dict) or not isinstance(request.get("command"), str):
            raise CheckpointError(f"{name}: damaged: it does not say what was asked for")
    return request


def requested_config(path: Path, command: str) -> dict[str, Any]:
    """Return the tables of the config that a results directory was begun with.

    Raises:
        ConfigError: there is nothing, or another command began it.
    """
    if not (path / REQUEST).exists():
        raise ConfigError(f"resume={str(path)!r}: holds nothing to go on with; name a CONFIG to begin there")
    request = read_request(path)
    config = request.get("config")
    if request["command"] != command or not isinstance(config, dict):
        raise ConfigError(
            f"resume={str(path)!r}: was begun by 'hybrid-train {printable(request['command'], 40)}'; go on with that"
        )
    return config


def whole_lines(path: Path, size: int) -> None:
    """Cut a file of lines to its first ``size`` bytes, which are known to be whole lines."""
    if path.stat().st_size > size:
        cut_file(path, size)


def _relevant(request: dict[str, Any]) -> dict[str, Any]:
    config = request.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("run"), dict):
        return request
    run = {key: value for key, value in config["run"].items() if key not in _IRRELEVANT}
    return request | {"config": config | {"run": run}}


def stopped_or_failed(interrupted: bool) -> str:
    """Return the status of what did not come to its end."""
    return "stopped" if interrupted else "failed"


def finish(path: Path, manifest: Manifest, status: str) -> None:
    """Write the manifest of a directory whose summary has just been written; it is over with that."""
    manifest.status = status
    for name in (REQUEST, SUMMARY, ROWS):
        if (path / name).exists():
            manifest.take(path, name)
    manifest.write(path)
