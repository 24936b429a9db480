"""A dynamic set of points out of static onions: the logarithmic method."""

from __future__ import annotations

from typing import final

import numpy as np

from classical.onion.planar import PlanarOnion
from classical.onion.spatial import SpatialOnion
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.cost import Cost
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads

_THREAD_QUERIES = 1 << 10
"""Queries that are worth waking a thread for."""


@final
class OnionBlocks:
    """Onions of which no two have sizes between the same powers of two (Bentley and Saxe 1980).

    Points that come make an onion of their own, together with those of every onion of their size or below: a point is
    built into at most log2 N of them before it has to move again. One that goes only dies where it is; an onion is
    built again without its dead once they are half of it, or once queries have met as many dead as building it took.

    Args:
        vectors: (N, d) the points, d from 1 to 3; kept, and written to by :meth:`move`.
        room: how far a point may wander before it goes and comes again, in units of the mean size of a point.

    Attributes:
        cost: of queries (``nodes_visited``, edges and places compared; ``inner_products``, points looked at) and of
            building and moving (``structure_updates``).
    """

    def __init__(self, vectors: FloatArray, room: float) -> None:
        self._vectors = vectors
        self._room = room
        self.cost = Cost()
        self._onion = PlanarOnion if vectors.shape[1] < 3 else SpatialOnion
        self._blocks: dict[int, PlanarOnion | SpatialOnion] = {}
        self._home = np.full(len(vectors), -1)
        self._slot = np.zeros(len(vectors), np.int64)
        self._fresh = 0
        self._insert(np.arange(len(vectors)))

    def __len__(self) -> int:
        return len(self._blocks)

    def query(self, queries: FloatArray, threshold: float, asked: IntArray, n_queries: int) -> ActiveSets:
        """Return the points in the half-space of each query.

        Args:
            queries: (A, d) float64, C-contiguous, those that are asked.
            threshold: b.
            asked: (A,) their numbers.
            n_queries: Q, how many there are.
        """
        parts = [self._report(onion, queries, threshold) for onion in self._blocks.values()]
        shape = n_queries, len(self._vectors)
        if len(parts) == 1:
            counts, ids, values = parts[0]
        else:
            counts = np.sum([part[0] for part in parts], axis=0)
            query = np.concatenate([np.repeat(np.arange(len(asked)), part[0]) for part in parts])
            ids, values = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
            order = np.argsort(query * len(self._vectors) + ids, kind="stable")
            ids, values = ids[order], values[order]
        self._build_again()
        return ActiveSets(np.concatenate([[0], np.cumsum(counts)]), ids, values, shape, asked)

    def move(self, ids: IntArray, vectors: FloatArray) -> None:
        """Put points elsewhere: those that stay near their places there, the others into onions of their own."""
        self._vectors[ids] = vectors
        points, home = self._vectors[ids].astype(np.float64), self._home[ids]
        leaving = []
        for name, onion in list(self._blocks.items()):
            mine = np.flatnonzero(home == name)
            slots = self._slot[ids[mine]]
            standing = onion.standing
            stays = standing.settle(slots, points[mine], self._room * standing.spread)
            standing.bury(slots[~stays])
            leaving.append(ids[mine[~stays]])
        self.cost.structure_updates += len(ids)
        self._insert(np.concatenate(leaving))
        self._build_again()

    def _report(
        self, onion: PlanarOnion | SpatialOnion, queries: FloatArray, threshold: float
    ) -> tuple[IntArray, IntArray, FloatArray]:
        def work(first: int, last: int) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
            found = onion.report(self._vectors, queries[first:last], threshold)
            return found.counts, found.ids, found.values, found.spent

        counts, ids, values, spent = zip(*in_threads(work, len(queries), _THREAD_QUERIES), strict=True)
        compared, looked, dead = np.sum(spent, axis=0)
        self.cost.nodes_visited += int(compared)
        self.cost.inner_products += int(looked)
        onion.met += int(dead)
        return np.concatenate(counts), np.concatenate(ids), np.concatenate(values)

    def _build_again(self) -> None:
        """Build onions again that have many dead, or whose dead have cost as much as that."""
        for name, onion in list(self._blocks.items()):
            if 2 * onion.standing.living <= len(onion.standing) or onion.met > onion.spent:
                del self._blocks[name]
                self._insert(onion.standing.left)

    def _insert(self, ids: IntArray) -> None:
        """Build an onion of these points, which are in none, and of those in onions of their size or below."""
        if not len(ids):
            return
        joining: list[IntArray] = [ids]
        size = len(ids)
        for name, onion in sorted(self._blocks.items(), key=lambda item: len(item[1].standing)):
            if len(onion.standing).bit_length() > size.bit_length():
                break
            joining.append(onion.standing.left)
            size += onion.standing.living
            del self._blocks[name]
        together = np.concatenate(joining)
        onion = self._onion(together, self._vectors[together].astype(np.float64))
        self.cost.structure_updates += onion.spent
        self._blocks[self._fresh] = onion
        self._home[together] = self._fresh
        self._slot[together] = onion.standing.slots
        self._fresh += 1
