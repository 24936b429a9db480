"""The control: a finder that finds nothing."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, checked_rows
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import APPROXIMATE, Promise
from hybrid_train.finder.watching import WatchingFinder


@final
class EmptyFinder(WatchingFinder):
    """Reports no active point, at no cost: what a run looks like when nothing is found."""

    @property
    def promise(self) -> Promise:
        return APPROXIMATE

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        nothing = np.empty(0, np.int64)
        shape = (len(self._queries), len(self._points))
        return ActiveSets(np.zeros(len(asked) + 1, np.int64), nothing, np.empty(0), shape, asked)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._points.put(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)
