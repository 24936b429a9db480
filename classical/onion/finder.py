"""The finder of the preprocessing paper's second structure, where it can be had: convex layers in plane and space."""

from __future__ import annotations

from typing import Annotated, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from classical.onion.blocks import OnionBlocks
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, checked_rows
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.support.memory import check_memory

_BYTES = 500
"""A point takes, at most, while it is built in: two trees of four slots, or facets and surfaces, and sorting."""


@final
class OnionFinder(WatchingFinder):
    """Convex layers of the points, in 1 to 3 dimensions: an answer costs O(log N + k), as long as points stay put.

    From the outermost layer inwards: the place of a layer that is farthest along the query is found, and from there the
    layer is followed until the threshold is passed; the first layer without a point beyond the threshold ends the
    search, for all others lie inside of it. That is PRE Corollary 3.6, Part 2. In the plane the farthest place takes
    one binary search for the first layer and one comparison for every other (fractional cascading), whatever the
    points. In space one climbs the surface, from samples to the first layer and from each layer to the next: a bounded
    number of steps where corners are spread on a layer about as on the next, at worst as many as a layer has corners.
    In more dimensions no structure with these bounds is practical: ``hsr`` serves those.

    Points that move go and come in static onions of doubling sizes (the logarithmic method): O(log N) onions a query
    and, amortised, log N times a point's share of building a move. Building takes O(N log^2 N) in the plane and about
    N^{3/2} in space, where each layer is a hull of its own. A point that moves by less than ``room`` stays: every query
    then looks that much below its threshold.

    Charged: ``nodes_visited`` for edges and places compared, ``inner_products`` for points looked at (those that fire,
    and those within rounding or wandering of the threshold), ``structure_updates`` for nodes, facets and points that
    building and moving went through.

    Args:
        room: how far points may wander before they are taken out and put in again, in units of the mean over the
            points of their largest coordinate; 0 for none.
    """

    source = (
        "Chazelle, Guibas, Lee: The power of geometric duality (BIT 1985), in space over hulls by Barber, Dobkin, "
        "Huhdanpaa: The quickhull algorithm (ACM TOMS 1996), with the logarithmic method of Bentley, Saxe: "
        "Decomposable searching problems (J. Algorithms 1980); Song, Yang, Zhang: Does preprocessing help "
        "training over-parameterized neural networks? (NeurIPS 2021), Corollary 3.6"
    )
    most_dimensions = 3

    def __init__(self, *, room: Annotated[float, Field(ge=0, le=1)] = 0.02) -> None:
        super().__init__()
        self._room = room

    @property
    def promise(self) -> Promise:
        return EXACT

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        check_memory(
            _BYTES * n_points,
            f"onion: convex layers of {n_points} points",
            "take fewer neurons or data, or finder.kind='hsr'",
        )

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.check_resources(len(self._points), len(self._queries), self._points.shape[1])
        self._blocks = OnionBlocks(np.array(self._points[:], order="C"), self._room)
        self.cost = self._blocks.cost

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        queries = np.require(self._queries.taken(asked), np.float64, ["C", "W"])
        return self._blocks.query(queries, self._threshold, asked, len(self._queries))

    def prepare_proofs(self) -> None:
        pass

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        where = self._points.put(rows, points)
        if len(where):
            self._blocks.move(where, self._points[where])

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)
