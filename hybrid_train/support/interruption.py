"""Ctrl-C and its kin: never lost, and never acted on where something would be left half done.

A program that asks for it (:func:`caught`) has SIGINT, SIGTERM and SIGHUP raise :class:`Interrupted`. Python can lose
what a signal handler raises: in a destructor, a weak reference's callback or a callback of compiled code the exception
is reported as "ignored", and the work goes on. So the number of the signal is kept, whoever counts steps looks at it
before the next one (:func:`check`), and what was ignored is raised again a moment later.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, final

from hybrid_train.errors import is_interruption

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_AGAIN_S = 0.02
_PATIENCE = b"\nstopping after this step; once more stops at once\n"


@final
class Interrupted(KeyboardInterrupt):
    """A signal asks the program to end."""


@final
class Signals:
    """The signals of a program, while they are caught.

    Attributes:
        number: of the first that came; None until then.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._holders = 1
        self._repeated = False

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Let signals raise :class:`Interrupted` inside; elsewhere they are only noted."""
        self._holders -= 1
        try:
            yield
        finally:
            self._holders += 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let signals wait inside; whoever goes on afterwards has to :func:`check`."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1

    def handle(self, number: int, _: FrameType | None) -> None:
        """Note the first signal; the second ends the process at once, as if nobody had caught it."""
        if self._repeated:
            self._repeated = False
        elif self.number is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        else:
            self.number = number
        if not self._holders:
            raise Interrupted(number)
        if self._holders > 1:
            _tell(_PATIENCE)

    def report(self, ignored: Any) -> None:
        """Take the place of ``sys.unraisablehook``: an interruption that Python ignores comes again."""
        if self.number is not None and is_interruption(ignored.exc_value):
            timer = threading.Timer(_AGAIN_S, self._repeat)
            timer.daemon = True
            timer.start()
        else:
            sys.__unraisablehook__(ignored)

    def _repeat(self) -> None:
        if self.number is not None and self is _caught:
            self._repeated = True
            if hasattr(signal, "pthread_kill"):  # wakes a main thread that sleeps or waits
                signal.pthread_kill(threading.main_thread().ident or 0, self.number)
            else:
                signal.raise_signal(self.number)


_caught: Signals | None = None


@contextmanager
def caught(*, restored: bool) -> Iterator[Signals]:
    """Catch the signals that ask a program to end, those excepted that it was started to ignore.

    Args:
        restored: give the former handlers back at the end. Otherwise the process is about to end, and from then on the
            signals kill it, rather than disturb the interpreter while it shuts down.
    """
    global _caught
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    former = {number: handler for number in numbers if (handler := signal.getsignal(number)) != signal.SIG_IGN}
    former_hook, former_caught, sys.unraisablehook, _caught = sys.unraisablehook, _caught, signals.report, signals
    try:
        for number in former:
            signal.signal(number, signals.handle)
        yield signals
    finally:
        for number, handler in former.items():
            signal.signal(number, (handler or signal.SIG_DFL) if restored else signal.SIG_DFL)
        sys.unraisablehook, _caught = former_hook, former_caught


def came() -> bool:
    """Return whether a signal that is caught has come."""
    return _caught is not None and _caught.number is not None


def check() -> None:
    """Raise :class:`Interrupted` if a signal has come and was held back or lost."""
    if _caught is not None and _caught.number is not None and _in_main_thread():
        raise Interrupted(_caught.number)


@contextmanager
def held() -> Iterator[None]:
    """Let caught signals wait until the end of what is inside, which has to be done wholly or not at all."""
    if _caught is None or not _in_main_thread():
        yield
        return
    with _caught.held():
        yield


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _tell(text: bytes) -> None:
    """Write to a terminal from within a handler, where Python's own streams may be busy."""
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), text)
