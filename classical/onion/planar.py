"""One static onion in the plane."""

from __future__ import annotations

from typing import final

import numpy as np

from classical.onion.catalogue import PlanarLayers, catalogue
from classical.onion.meeting import Found
from classical.onion.peeling import peel
from classical.onion.places import Gridded, Standing
from classical.onion.walking import walk
from hybrid_train.support.arrays import FloatArray, IntArray


@final
class PlanarOnion:
    """Convex layers over some of the points of a bank, in one or two dimensions.

    Args:
        ids: (n,) of the points, at least one.
        points: (n, d) float64, where they are.

    Attributes:
        standing: who stands where.
        spent: nodes and points that building it went through.
        met: dead points that queries have looked at.
    """

    def __init__(self, ids: IntArray, points: FloatArray) -> None:
        gridded = Gridded(points)
        places = np.zeros((len(gridded.places), 2), np.int64)
        places[:, : points.shape[1]] = gridded.places
        layered, starts, spent = peel(*(np.ascontiguousarray(places[:, axis]) for axis in range(2)))
        self.standing = Standing(ids, points, gridded, layered)
        x, y = (places[layered, axis].astype(np.int32) for axis in range(2))
        edges, own, entries = catalogue(x, y, starts)
        self._layers = PlanarLayers(x, y, starts, edges, own, entries)
        self.spent = int(spent) + 2 * len(ids) + len(own)
        self.met = 0

    def report(self, vectors: FloatArray, queries: FloatArray, threshold: float) -> Found:
        """Report the living points in the open half-space of every query.

        Args:
            vectors: (N, d) the points of the bank as they are, C-contiguous.
            queries: (Q, d) float64, likewise.
            threshold: b.
        """
        found: Found = walk(self._layers, self.standing.ground, vectors, queries, threshold)
        return found
