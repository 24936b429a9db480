"""Commands that are killed, and what they come to when they are taken up again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hybrid_train.cli import main
from hybrid_train.support import files
from tests.support.forks import program

TIMES = {"finder_s", "wall_s", "step_s", "classical_rate", "versions", "seconds"}
"""Keys whose values the clock decides."""


def timeless(value: Any) -> Any:
    """Return a document without what the clock decides."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in TIMES}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def results(directory: Path) -> dict[str, Any]:
    """Return what a results directory says, but for times: summaries, metrics, networks."""
    found: dict[str, Any] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.name == "summary.json":
            found[name] = timeless(json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix == ".jsonl":
            found[name] = [timeless(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
        elif path.name.startswith("step-"):
            found[name] = path.read_bytes()
    return found


def command(arguments: list[str]) -> int:
    """Run a command of the program in this process, quietly."""
    return main([*arguments, "--quiet"])


class Died(BaseException):
    """Stands for the end of the process: nothing of ours may catch it and go on."""


@contextmanager
def disk(deed: Callable[[int, str, Path], None]) -> Iterator[list[tuple[str, Path]]]:
    """Let something happen before each change of the disk, of which a list is kept.

    Args:
        deed: called with the number of the change, what it is, and the file.
    """
    seen: list[tuple[str, Path]] = []

    def on_disk(doing: str, path: Path) -> None:
        seen.append((doing, path))
        deed(len(seen) - 1, doing, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "on_disk", on_disk)
        for module in ("hybrid_train.experiments.folder", "hybrid_train.support.files"):
            patch.setattr(f"{module}.on_disk", on_disk)
        yield seen


def heed_signals() -> None:
    """Undo what a shell does to programs in the background: they are begun with SIGINT, or SIGHUP, ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def spawned(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start the program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "hybrid_train", *arguments, "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"MPLBACKEND": "agg"},
        preexec_fn=heed_signals,  # noqa: PLW1509
    )


def killed_after(arguments: list[str], seconds: float) -> bool:
    """Start the program and kill it after so long; return whether it was still at work."""
    process = program(arguments)
    time.sleep(seconds)
    alive = process.working
    process.kill()
    process.done()
    return alive


def fresh(path: Path) -> Path:
    """Return a path where nothing is."""
    shutil.rmtree(path, ignore_errors=True)
    return path
