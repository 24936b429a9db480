"""What a Grover finder remembers of each query's last answer."""

from __future__ import annotations

from typing import final

import numpy as np

from circuits.search import Found
from circuits.strategies.strategy import Expectation
from hybrid_train.support.arrays import IntArray


@final
class Recollection:
    """The last answer of each query: its items, and how many of them were new."""

    def __init__(self) -> None:
        self._items: dict[int, IntArray] = {}
        self._newcomers: dict[int, int] = {}

    def keep(self, rows: IntArray, found: list[Found]) -> None:
        """Remember the answers of these queries."""
        for row, one in zip(rows.tolist(), found, strict=True):
            self._items[row] = np.fromiter(one.inner_products, np.int64, len(one.inner_products))
            self._newcomers[row] = one.newcomers

    def pairs(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return (search, item) of every remembered item, searches numbered as ``rows``."""
        lists = [self._items.get(row, np.empty(0, np.int64)) for row in rows.tolist()]
        searches = np.repeat(np.arange(len(rows)), [len(items) for items in lists])
        return searches, np.concatenate([np.empty(0, np.int64), *lists])

    def items_expected(self, rows: IntArray) -> Expectation:
        """Return the number of items each query had last; not-a-number where it was never asked."""
        return _around([len(self._items[row]) if row in self._items else np.nan for row in rows.tolist()])

    def newcomers_expected(self, rows: IntArray) -> Expectation:
        """Return the number of items that were new the last time."""
        return _around([self._newcomers.get(row, np.nan) for row in rows.tolist()])


def _around(counts: list[float]) -> Expectation:
    """Expect the same number as last time, give or take its square root."""
    mean = np.array(counts, np.float64)
    return Expectation(mean, np.sqrt(mean) + 0.5)
