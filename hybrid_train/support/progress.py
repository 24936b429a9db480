"""Progress on the terminal, where there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TextIO, TypeVar, final

from hybrid_train.support import interruption

T = TypeVar("T")


def with_progress(
    records: Iterable[T],
    total: int,
    label: str,
    *,
    shown: bool,
    whole: bool = False,
    told: Callable[[], str] | None = None,
) -> Iterator[T]:
    """Yield ``records`` and move a bar on standard error meanwhile; stop before the next one if a signal asks for it.

    Args:
        records: what is counted.
        total: how many there will be.
        label: written before the bar.
        shown: whether a bar is wanted; it is drawn only if standard error is a terminal.
        told: what to say behind the bar once a record is dealt with.
        whole: hold signals back until a record is made and dealt with, since half of that would leave a mess.
    """
    terminal = _terminal() if shown else None
    if terminal is None:
        yield from _interruptible(records, whole)
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=label, unit="step", file=terminal, leave=False) as bar:
        for record in _interruptible(records, whole):
            yield record
            if told is not None:
                bar.set_postfix_str(told(), refresh=False)
            bar.update()


@contextmanager
def announced(text: str, *, shown: bool) -> Iterator[None]:
    """Show a line on standard error while something without steps goes on, if that is a terminal; then clear it."""
    terminal = _terminal() if shown else None
    if terminal is not None:
        print(f"{text} ...", end="", file=terminal, flush=True)
    try:
        yield
    finally:
        if terminal is not None:
            print("\r\033[K", end="", file=terminal, flush=True)


def _interruptible(records: Iterable[T], whole: bool) -> Iterator[T]:
    iterator = iter(records)
    while True:
        interruption.check()
        with interruption.held() if whole else nullcontext():
            try:
                record = next(iterator)
            except StopIteration:
                return
            yield record


def _terminal() -> _Forgiving | None:
    """Return standard error if it is a terminal; it may be closed, or not be there at all."""
    stream = sys.stderr
    with suppress(AttributeError, OSError, ValueError):
        if stream.isatty():
            return _Forgiving(stream)
    return None


@final
class _Forgiving:
    """A terminal that may be closed meanwhile: what it does not take any more is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()
