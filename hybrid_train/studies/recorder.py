"""Watching a finder at work: how its answers change from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.forwarding import ForwardingFinder
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.support.arrays import IntArray


@final
@dataclass(frozen=True, eq=False)
class Asked:
    """The queries of one step.

    Attributes:
        rows: (Q,) which queries.
        active: (Q,) their active points.
        newcomers: (Q,) those of them that the same query did not have when it was last asked.
        known: (Q,) how many it had then.
        newcomers_before: (Q,) how many were new then; not-a-number if it was never asked.
    """

    rows: IntArray
    active: IntArray
    newcomers: IntArray
    known: IntArray
    newcomers_before: npt.NDArray[np.float64]


@final
class Recorder(ForwardingFinder):
    """Passes everything on to another finder and notes how the answers change.

    Args:
        finder: who answers.

    Attributes:
        asked: one entry for each ``find``.
    """

    def __init__(self, finder: ActiveSetFinder) -> None:
        super().__init__(finder)
        self.asked: list[Asked] = []

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        super().build(points, queries, threshold)
        self.asked = []
        self._pairs = np.empty(0, np.int64)
        self._counts: IntArray = np.empty(0, np.int64)

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        answer = super().find(rows)
        sets = answer.by_query()
        asked = np.arange(sets.shape[0]) if rows is None else np.asarray(rows, np.int64)
        self._note(asked, sets)
        return answer

    def _note(self, asked: IntArray, sets: ActiveSets) -> None:
        n_queries, n_points = sets.shape
        if not len(self._counts):
            self._counts, self._fresh = np.zeros(n_queries, np.int64), np.full(n_queries, np.nan)
        pairs = np.sort(sets.query_ids.astype(np.int64) * n_points + sets.point_ids)
        new = np.setdiff1d(pairs, self._pairs, assume_unique=True)
        counts = np.bincount(pairs // n_points, minlength=n_queries)
        newcomers = np.bincount(new // n_points, minlength=n_queries)
        self.asked.append(
            Asked(asked, counts[asked], newcomers[asked], self._counts[asked].copy(), self._fresh[asked].copy())
        )
        self._counts[asked], self._fresh[asked] = counts[asked], newcomers[asked]
        kept = self._pairs[~np.isin(self._pairs // n_points, asked)]
        self._pairs = np.concatenate([kept, pairs])
