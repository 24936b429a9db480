"""The smallest finder: look at every pair."""

from __future__ import annotations

from typing import final

import numpy.typing as npt

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.scan import active_pairs
from hybrid_train.finder.watching import WatchingFinder


@final
class ScanFinder(WatchingFinder):
    """Dense scan: a blocked matrix product with the threshold fused in. Charged N inner products a query."""

    @property
    def promise(self) -> Promise:
        return EXACT

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        sets = active_pairs(self._points, self._queries, self._threshold, rows)
        self.cost.inner_products += len(sets.rows) * len(self._points)
        return sets

    def prepare_proofs(self) -> None:
        pass

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._points.put(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)
