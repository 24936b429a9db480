"""Progress on the terminal, where there is one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def with_progress(records: Iterable[T], total: int, label: str, *, shown: bool) -> Iterator[T]:
    """Yield ``records`` and move a bar on standard error meanwhile.

    Args:
        records: what is counted.
        total: how many there will be.
        label: written before the bar.
        shown: whether a bar is wanted; it is drawn only if standard error is a terminal.
    """
    if not (shown and sys.stderr.isatty()):
        yield from records
        return
    from tqdm import tqdm

    with tqdm(records, total=total, desc=label, unit="step", file=sys.stderr, leave=False) as bar:
        yield from bar


@contextmanager
def announced(text: str, *, shown: bool) -> Iterator[None]:
    """Show a line on standard error while something without steps goes on, if that is a terminal; then clear it."""
    drawn = shown and sys.stderr.isatty()
    if drawn:
        print(f"{text} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
