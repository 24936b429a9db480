"""The finder for queries most of whose coordinates are zero, as in the hidden layers of a sparse network."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt

from classical.dynamics.columns.dynamics import ColumnDynamics
from classical.tiles.lists import lists_from
from classical.tiles.tiles import Tiles
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, checked_rows
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray, aligned_copy
from hybrid_train.support.memory import check_memory
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.following import FollowingFinder

_BLOCK_NUMBERS = 1 << 22
"""Coordinates of queries that are looked at together."""


@final
class SparseColumnsFinder(FollowingFinder, WatchingFinder):
    """Dense scan over the coordinates at which a query is not zero: a share s of the work of ``scan``.

    Points are kept by coordinate, in tiles of 64, so that what a query does not meet is not read, and 64 points are
    multiplied at once. A pair that rounding leaves open, and the inner product of every active pair, is evaluated by
    the shared predicate, whose lanes a zero does not change.

    Deep networks whose layers read all of the layer below train by :class:`ColumnDynamics`, which keeps
    the weights in such tiles and moves them there. Where it is asked for sets instead, it has a copy of the points.

    Charged: coordinates touched, N + k for each at which a query with k active points is not zero, in units of
    d-dimensional ``inner_products``, rounded up once a call.
    """

    source = (
        "Song, Yang, Zhang: Does preprocessing help training over-parameterized neural networks? (NeurIPS 2021), "
        "for the question"
    )

    @property
    def promise(self) -> Promise:
        return EXACT

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        check_memory(
            8.0 * n_points * dimension,
            f"sparse_columns: a copy of {n_points} points of dimension {dimension}",
            "take a narrower network or another finder",
        )

    def dynamics(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        return None

    def deep_dynamics(self, network: DeepNetwork, inputs: FloatArray) -> Dynamics | None:
        return ColumnDynamics(network, inputs) if ColumnDynamics.serves(network) else None

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()
        dtype = np.result_type(self._points.dtype, self._queries.dtype)
        self._tiles = Tiles(aligned_copy(np.asarray(self._points[:], dtype)))

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        self._check_built()
        asked = checked_rows(rows, len(self._queries), "queries")
        n_points, dimension = self._points.shape
        height = max(1, _BLOCK_NUMBERS // dimension)
        counts: list[IntArray] = [np.zeros(1, np.int64)]
        ids, values, touched = [], [], 0
        for first in range(0, max(1, len(asked)), height):
            queries = lists_from(np.asarray(self._queries.taken(asked[first : first + height]), self._tiles.dtype))
            found = self._tiles.fired(queries, self._threshold, exact=True)
            touched += int(queries.counts @ (n_points + found.counts))
            counts.append(found.counts)
            ids.append(found.columns)
            values.append(found.values)
        self.cost.inner_products += -(-touched // dimension)
        shape = len(self._queries), n_points
        indptr = np.cumsum(np.concatenate(counts))
        return ActiveSets(indptr, np.concatenate(ids), np.concatenate(values), shape, asked)

    def prepare_proofs(self) -> None:
        pass

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        where = self._points.put(rows, points)
        self._tiles.put(where, self._points[where])

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)
