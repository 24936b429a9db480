"""Correlation trees: every inner product stored, in a max-tree for each query."""

from __future__ import annotations

from typing import Annotated, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from classical.correlation_tree import kernels as compiled
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, checked_rows
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.memory import check_memory
from hybrid_train.support.parallel import in_threads

_BLOCK_NUMBERS = 1 << 22
"""Coordinates of vectors gathered at a time."""

_THREAD_PAIRS = 1 << 16
"""(Query, point) pairs that are worth waking a thread for."""


@final
class CorrelationTreeFinder(WatchingFinder):
    """Correlation trees: all inner products in max-trees over the points, one for each query.

    A query descends its tree wherever a node is above the threshold: O(k log N) nodes for k active points, whatever
    the dimension. A vector that moves has its inner products with the whole other bank computed afresh, Q or N of
    them, and the paths above them repaired, each level once for all vectors that moved together. Nothing of d
    dimensions is kept but the banks; memory is F / (F - 1) N Q float64 for a fan-out of F (2 N Q in the binary trees of
    the paper), and ``check_resources`` refuses what does not fit.

    Leaves hold the shared predicate's own inner products, so the sets are exact, ties and duplicates included.

    Against a scan of 64 queries and 2^16 points it pays while at most about a tenth of the points move between two
    answers. In full-batch training half of the neurons move at every step, and it takes 1 to 1.7 times as long.

    Charged: ``inner_products`` for computed ones, ``nodes_visited`` for nodes compared while descending (leaves
    included) and inner nodes recomputed while repairing, O(1) each and not O(d).

    Args:
        fanout: F, children of a node; 2 for the trees of the paper, more for fewer cache lines on a path.
    """

    source = (
        "Alman, Liang, Song, Zhang, Zhuo: Bypass exponential time preprocessing: fast neural network training via "
        "weight-data correlation preprocessing (NeurIPS 2023)"
    )

    def __init__(self, *, fanout: Annotated[int, Field(ge=2, le=1024)] = 16) -> None:
        super().__init__()
        self._fanout = fanout

    @property
    def promise(self) -> Promise:
        return EXACT

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        nodes = int(_levels(n_points, self._fanout).sum())
        check_memory(
            8 * nodes * n_queries,
            f"correlation_tree: {n_queries} trees of {nodes} nodes over {n_points} points",
            "take fewer neurons or data, or finder.kind='skin', which keeps only the pairs near the threshold",
        )

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()
        self.check_resources(len(self._points), len(self._queries), self._points.shape[1])
        size = _levels(len(self._points), self._fanout)
        heap = np.empty((len(self._queries), int(size.sum())))
        self._trees = compiled.Trees(heap, np.cumsum(size) - size, size, self._fanout)
        self._correlate(np.arange(len(self._queries)), np.arange(len(self._points)))

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        parts = in_threads(
            lambda first, last: compiled.report(self._trees, self._threshold, asked, first, last),
            len(asked),
            _THREAD_PAIRS // len(self._points) + 1,
        )
        counts, indices, values, visited = zip(*parts, strict=True)
        self.cost.nodes_visited += int(sum(visited))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        shape = len(self._queries), len(self._points)
        return ActiveSets(indptr, np.concatenate(indices), np.concatenate(values), shape, asked)

    def prepare_proofs(self) -> None:
        pass

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        where = self._points.put(rows, points)
        self._correlate(np.arange(len(self._queries)), where)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        where = self._queries.put(rows, queries)
        self._correlate(where, np.arange(len(self._points)))

    def _correlate(self, queries: IntArray, points: IntArray) -> None:
        """Compute the inner products of these queries with these points, and repair what lies above them."""
        if not len(queries) or not len(points):
            return
        block = max(compiled.BLOCK, _BLOCK_NUMBERS // self._points.shape[1])
        stale = self._above(points)
        for start in range(0, len(queries), block):
            trees = queries[start : start + block]
            asking = self._queries.taken(trees).astype(np.float64, copy=False)
            for first in range(0, len(points), block):
                self._write(asking, trees, points[first : first + block])
            in_threads(
                lambda low, high, trees=trees: compiled.repair(  # type: ignore[misc]
                    self._trees, trees, stale, low, high
                ),
                len(trees),
                _THREAD_PAIRS // len(points) + 1,
            )
        self.cost.inner_products += len(queries) * len(points)
        self.cost.nodes_visited += len(queries) * len(stale.nodes)

    def _write(self, asking: FloatArray, trees: IntArray, leaves: IntArray) -> None:
        """Write these leaves of these trees; threads share out the longer side."""
        arguments = self._trees.heap, asking, trees, self._points.taken(leaves), leaves
        many, few = max(len(trees), len(leaves)), min(len(trees), len(leaves))

        def write(first: int, last: int) -> None:
            ranges = ((first, last), (0, few)) if len(trees) > len(leaves) else ((0, few), (first, last))
            compiled.correlate(*arguments, *ranges)

        in_threads(write, many, _THREAD_PAIRS // few + 1)

    def _above(self, leaves: IntArray) -> compiled.Stale:
        """Return the inner nodes above these leaves, level by level, and where each level ends among them."""
        found, ends = [np.empty(0, np.int64)], [0]
        for size in self._trees.size[1:]:
            above = np.zeros(size, bool)
            above[leaves // self._fanout] = True
            leaves = np.flatnonzero(above)
            found.append(leaves)
            ends.append(ends[-1] + len(leaves))
        return compiled.Stale(np.concatenate(found), np.array(ends))


def _levels(leaves: int, fanout: int) -> IntArray:
    """Return the number of nodes of each level of a tree, leaves first, the root last."""
    sizes = [leaves]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // fanout))
    return np.array(sizes)
