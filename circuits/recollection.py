"""What a Grover finder remembers of each query's last answer."""

from __future__ import annotations

from typing import final

import numpy as np

from hybrid_train.support.arrays import FloatArray, IntArray


@final
class Recollection:
    """The last answer of each query: its items, and how many of them were new."""

    def __init__(self) -> None:
        self._items: dict[int, IntArray] = {}
        self._newcomers: dict[int, int] = {}

    def keep(self, rows: IntArray, queries: IntArray, points: IntArray, newcomers: IntArray) -> None:
        """Remember the answers of these queries.

        Args:
            rows: (Q,) the queries asked.
            queries: (P,) of each active pair, numbered as ``rows``.
            points: (P,) of each, in the order found within a query.
            newcomers: (Q,) how many of its points a query did not have before.
        """
        ordered = points[np.argsort(queries, kind="stable")]
        ends = np.cumsum(np.bincount(queries, minlength=len(rows))).tolist()
        start = 0
        for row, end, new in zip(rows.tolist(), ends, newcomers.tolist(), strict=True):
            self._items[row], self._newcomers[row] = ordered[start:end], new
            start = end

    def pairs(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return (query, item) of every remembered item, queries numbered as ``rows``."""
        lists = [self._items.get(row, np.empty(0, np.int64)) for row in rows.tolist()]
        queries = np.repeat(np.arange(len(rows)), [len(items) for items in lists])
        return queries, np.concatenate([np.empty(0, np.int64), *lists])

    def items(self, rows: IntArray) -> FloatArray:
        """Return (Q,) the number of items each query had last; not-a-number where it was never asked."""
        return np.array([len(self._items[row]) if row in self._items else np.nan for row in rows.tolist()])

    def newcomers(self, rows: IntArray) -> FloatArray:
        """Return (Q,) the number of items that were new the last time; not-a-number where it was never asked."""
        return np.array([self._newcomers.get(row, np.nan) for row in rows.tolist()])
