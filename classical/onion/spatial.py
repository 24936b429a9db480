"""One static onion in space."""

from __future__ import annotations

from typing import final

from classical.onion.climbing import descend
from classical.onion.meeting import Found
from classical.onion.places import Gridded, Standing
from classical.onion.shells import chain
from hybrid_train.support.arrays import FloatArray, IntArray


@final
class SpatialOnion:
    """Convex layers over some of the points of a bank, in three dimensions.

    Args:
        ids: (n,) of the points, at least one.
        points: (n, 3) float64, where they are.

    Attributes:
        standing: who stands where.
        spent: facets and points that building it went through.
        met: dead points that queries have looked at.
    """

    def __init__(self, ids: IntArray, points: FloatArray) -> None:
        gridded = Gridded(points)
        self._layers, order, spent = chain(gridded.places)
        self.standing = Standing(ids, points, gridded, order)
        self.spent = spent + 2 * len(ids)
        self.met = 0

    def report(self, vectors: FloatArray, queries: FloatArray, threshold: float) -> Found:
        """Report the living points in the open half-space of every query.

        Args:
            vectors: (N, 3) the points of the bank as they are, C-contiguous.
            queries: (Q, 3) float64, likewise.
            threshold: b.
        """
        found: Found = descend(self._layers, self.standing.ground, vectors, queries, threshold)
        return found
