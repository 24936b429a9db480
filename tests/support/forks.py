"""Fresh processes that need not import the program: forked by a server that has imported it and run none of it.

For tests of what a process does with compiled code, with its results folder or with a signal; where its own start is
the point, a test starts a process itself.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.forkable"])


@dataclass(frozen=True)
class Done:
    """How a process ended: its exit code, negative for a signal, and what it wrote."""

    code: int
    out: str
    err: str


class Fork:
    """A process at work.

    Args:
        work: what it does, with the arguments; its exit code is what is returned.
        arguments: that can be pickled.
        environment: variables that are other than here.
    """

    def __init__(self, work: Callable[..., int], *arguments: Any, environment: Mapping[str, str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fork-")
        streams = [str(self._path / name) for name in ("out", "err")]
        changes = dict(os.environ) | dict(environment or {})
        given = (work, arguments, changes, os.getcwd(), streams)
        self._process = _CONTEXT.Process(target=_begin, args=given, daemon=True)
        self._process.start()

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)

    @property
    def working(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End it without a word or a clean-up."""
        self._process.kill()

    def done(self, seconds: float = 300.0) -> Done:
        """Wait for its end."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self.kill()
            self._process.join()
            raise TimeoutError(f"no end after {seconds:.0f} s")
        told = []
        for name in ("out", "err"):
            path = self._path / name  # a process killed early has not opened it
            told.append(path.read_text(encoding="utf-8", errors="replace") if path.exists() else "")
        self._folder.cleanup()
        return Done(self._process.exitcode, *told)


def program(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Fork:
    """Start a command of the program.

    Args:
        words: as typed after its name.
        environment: variables that are other than here.
    """
    return Fork(_program, list(words), environment=environment)


def _program(words: list[str]) -> int:
    from hybrid_train.cli.program import main

    sys.argv[1:] = words
    return main()


def _begin(
    work: Callable[..., int], arguments: tuple[Any, ...], environment: dict[str, str], folder: str, streams: list[str]
) -> None:
    """Become what a process started from a shell would be, and work."""
    for stream, descriptor in zip(streams, (1, 2), strict=True):
        opened = os.open(stream, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    numba.config.reload_config()
    with suppress(FileNotFoundError):
        os.chdir(folder)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    sys.exit(work(*arguments))
