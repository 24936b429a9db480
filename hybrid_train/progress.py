"""Progress on the terminal, where there is one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
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
