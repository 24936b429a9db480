"""The finder of the preprocessing paper: half-space reporting over the points."""

from __future__ import annotations

from typing import Annotated, final

import numpy.typing as npt
from pydantic import Field

from classical.hsr.tree import HalfSpaceTree
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.proof import Proof
from hybrid_train.finder.watching import WatchingFinder


@final
class HSRFinder(WatchingFinder):
    """Half-space reporting: a dynamic tree over the points, asked with every query.

    Over the neurons it is Algorithms 2 and 5 of the preprocessing paper (points move, queries stay), over the data
    Algorithms 3 and 6 (points stay, queries move). Pays for dimensions up to about 6, see :class:`HalfSpaceTree`.

    Args:
        leaf_size: points in a leaf, at most; those of a leaf the boundary crosses are all tested.
    """

    source = (
        "Agarwal, Eppstein, Matousek: Dynamic half-space reporting, geometric optimization, and minimum spanning trees "
        "(FOCS 1992), as used by Song, Yang, Zhang: Does preprocessing help training over-parameterized neural "
        "networks? (NeurIPS 2021)"
    )

    def __init__(self, *, leaf_size: Annotated[int, Field(ge=1, le=1 << 40)] = 64) -> None:
        super().__init__()
        self._leaf_size = leaf_size

    @property
    def promise(self) -> Promise:
        return EXACT

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self._tree = HalfSpaceTree(self._points[:], leaf_size=self._leaf_size)
        self.cost = self._tree.cost

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        self._check_built()
        return self._tree.query(self._queries, self._threshold, rows)

    def prepare_proofs(self) -> None:
        pass

    def proof(self, sets: ActiveSets) -> Proof:
        return self._tree.proof(self._queries.taken(sets.rows), self._threshold)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        where = self._points.put(rows, points)
        self._tree.move(where, self._points[where])

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)
