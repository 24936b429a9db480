"""A finder that passes everything on to another: what watchers of a finder at work derive from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Motion
from hybrid_train.finder.interface import ActiveSetFinder, Promise
from hybrid_train.finder.proof import Proof


class ForwardingFinder(ActiveSetFinder):
    """Answers as another finder does, at that finder's cost, and asks it again for every answer.

    Args:
        finder: who answers.
    """

    def __init__(self, finder: ActiveSetFinder) -> None:
        super().__init__()
        self._finder = finder

    @property
    def promise(self) -> Promise:
        return self._finder.promise

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        self._finder.plan(seed=seed, total_queries=total_queries)

    def ignore_clock(self) -> None:
        self._finder.ignore_clock()

    def prepare_proofs(self) -> None:
        self._finder.prepare_proofs()

    def proof(self, sets: ActiveSets) -> Proof:
        return self._finder.proof(sets)

    def check_dimension(self, dimension: int) -> None:
        self._finder.check_dimension(dimension)

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        self._finder.check_resources(n_points, n_queries, dimension)

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._finder.build(points, queries, threshold)
        self.cost, self.simulation = self._finder.cost, self._finder.simulation

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        return self._finder.find(rows)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._finder.move_points(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._finder.move_queries(rows, queries)

    def move_points_along(self, motion: Motion) -> None:
        self._finder.move_points_along(motion)

    def move_queries_along(self, motion: Motion) -> None:
        self._finder.move_queries_along(motion)
