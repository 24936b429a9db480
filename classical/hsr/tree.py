"""Half-space reporting: a dynamic set of points that tells which of them lie in a half-space."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from classical.hsr import queries as _tree_query
from classical.hsr import updates as _tree_kernels
from classical.hsr.proof import boxes_left_out
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Watched, checked_rows, checked_vectors
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.predicate import rounding_margin
from hybrid_train.finder.proof import Proof
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import processors, side_by_side

_CHUNK = 1 << 14
"""Queries answered by one call of the kernel, at most."""

_THREAD_PAIRS = 1 << 16
"""(Query, point) pairs that are worth a thread."""


_KEPT = 1 << 21
"""Pairs of scratch that are kept for the next query, at most: 32 MB."""


class _Answer(NamedTuple):
    """What one call of the kernel found, see ``_tree_query.report``."""

    counts: IntArray
    spent: IntArray
    scratch: _tree_query.Scratch


@final
class HalfSpaceTree:
    """A dynamic set of points that reports, exactly, those in an open half-space <p, q> > b.

    A space-partition tree over boxes: a box below the boundary is pruned, one above it is reported whole, a leaf that
    the boundary may cross is tested point by point. It pays where boxes separate points, up to about d = 6: with
    leaves of 64 and 2^18 Gaussian points at b = sqrt(0.4 ln m), 2 % of the points lie in leaves that must be tested
    for d = 2, 8 % for d = 4, half of them for d = 8 and nearly all for d = 16. Nodes visited grow as m^0.37 there for
    d = 2, m^0.48 for d = 3 and m^0.55 for d = 4; as m^{1 - 1/d} in the worst case, which is above the
    m^{1 - 1/floor(d/2)} of PRE Corollary 3.6.

    Updates are amortised: a point moved by a little costs O(d) and stays in its leaf, whose box is made tight again
    after as many moves as it holds points; one that leaves the neighbourhood of its leaf is deleted and inserted in
    O(log N); a subtree is rebuilt, in O(n log n), once a third of its n points have come or gone.

    Algorithm 1 (HALFSPACEREPORT: INIT, QUERY, ADD, DELETE) of the preprocessing paper, after Agarwal, Eppstein and
    Matousek, "Dynamic half-space reporting, geometric optimization, and minimum spanning trees" (FOCS 1992).

    Args:
        points: (N, d) numbers; copied. They get the ids 0 .. N - 1. float32 stays float32.
        leaf_size: points in a leaf of a fresh tree, at most.

    Attributes:
        cost: bounds evaluated (``nodes_visited``) and points tested or reported (``inner_products``, one for each pair
            that was not pruned), by queries so far; nodes touched and points sorted by building and updates
            (``structure_updates``).

    Raises:
        DataError: points are not (N, d), empty or not finite.
        ConfigError: leaf_size below 1.
    """

    def __init__(self, points: npt.ArrayLike, *, leaf_size: int = 64) -> None:
        if leaf_size < 1:
            raise ConfigError(f"leaf_size={leaf_size}: give at least 1")
        vectors = np.require(checked_vectors(points, "points"), requirements=["C", "W"])
        self._leaf_size = leaf_size
        self._spare_ids: list[int] = []
        self._spare_scratch: list[_tree_query.Scratch] = []
        self.cost = Cost()
        bare = _tree_kernels.bare_tree(len(vectors), vectors.shape[1], leaf_size, vectors.dtype)
        self._tree: _tree_kernels.TreeArrays = _tree_kernels.build(bare, 0, vectors, np.arange(len(vectors)), leaf_size)
        self._charged = 0
        self._charge_updates()
        self._tree.state["touched"] = self._tree.state["rebuilt"] = self._tree.state["sorted"] = self._charged = 0

    def __len__(self) -> int:
        return int(self._tree.nodes["count"][0])

    @property
    def n_ids(self) -> int:
        """One more than the largest id given out so far; the number of points that answers are shaped for."""
        return len(self._tree.place)

    @property
    def nodes_touched(self) -> int:
        """Nodes read or written by ``insert``, ``delete`` and ``move`` so far, those of rebuilt subtrees included."""
        return int(self._tree.state["touched"][0])

    @property
    def nodes_rebuilt(self) -> int:
        """Nodes made anew by ``insert``, ``delete`` and ``move`` so far; they are among those touched."""
        return int(self._tree.state["rebuilt"][0])

    def query(
        self,
        queries: Bank | Watched | FloatArray,
        threshold: float,
        rows: npt.ArrayLike | None = None,
        *,
        threads: int | None = None,
    ) -> ActiveSets:
        """Report the points with <p, q> > threshold for each query (QUERY).

        Args:
            queries: (Q, d).
            threshold: b.
            rows: queries to answer for, all by default.
            threads: how many work at once, by default as the amount of work and the processors allow; neither the
                answer nor the cost depends on it.

        Returns:
            Sets stored by query, one row for each asked query, in the order asked; values and membership are those of
            the shared predicate, to the last bit.

        Raises:
            DataError: queries of another dimension, or bad rows.
        """
        dimension = self._tree.box.shape[2]
        if len(queries.shape) != 2 or queries.shape[1] != dimension:
            raise DataError(f"queries: shape {queries.shape} does not fit points of dimension {dimension}")
        asked = checked_rows(rows, len(queries), "queries")
        workers = threads or min(processors(), 1 + len(asked) * len(self) // _THREAD_PAIRS)
        step = min(_CHUNK, max(1, -(-len(asked) // workers)))
        parts = [slice(start, start + step) for start in range(0, max(1, len(asked)), step)]
        margin = _margin(dimension, self._tree.vectors.dtype)

        def answer(part: slice) -> _Answer:
            chunk = np.require(queries[part] if rows is None else queries[asked[part]], np.float64, ["C", "W"])
            scratch = self._spare_scratch.pop() if self._spare_scratch else _tree_query.fresh_scratch()
            return _Answer(*_tree_query.report(self._tree, chunk, float(threshold), margin, scratch))

        answers = side_by_side(answer, parts)
        indptr, ids, values = self._joined(answers)
        visited, tested = np.sum([one.spent for one in answers], axis=0)
        self.cost.nodes_visited += int(visited)
        self.cost.inner_products += int(tested)
        return ActiveSets(indptr, ids, values, (len(queries), self.n_ids), asked)

    def _joined(self, answers: list[_Answer]) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the answers, one after the other, as CSR, and keep their scratch for the next query."""
        counts = np.concatenate([answer.counts for answer in answers])
        indptr = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        ids, values = np.empty(indptr[-1], np.int64), np.empty(indptr[-1])
        ends = indptr[np.cumsum([len(answer.counts) for answer in answers])]

        def put(at: int) -> None:
            scratch, stop = answers[at].scratch, ends[at]
            start = ends[at - 1] if at else 0
            ids[start:stop] = scratch.ids[: stop - start]
            values[start:stop] = scratch.values[: stop - start]
            if scratch.found_ids.size + scratch.ids.size <= _KEPT:
                self._spare_scratch.append(scratch)

        side_by_side(put, range(len(answers)))
        return indptr, ids, values

    def proof(self, queries: FloatArray, threshold: float) -> Proof:
        """Return why no point fires but those that :meth:`query` reports, where no point was ever deleted."""
        return boxes_left_out(self._tree, np.require(queries, np.float64, ["C"]), float(threshold))

    def insert(self, points: npt.ArrayLike) -> IntArray:
        """Add points (n, d) and return their ids (ADD); ids of deleted points are given out again.

        Raises:
            DataError: not (n, d), empty or not finite.
        """
        vectors = self._checked(points)
        reused = min(len(vectors), len(self._spare_ids))
        ids = np.array(self._spare_ids[len(self._spare_ids) - reused :], np.int64)
        del self._spare_ids[len(self._spare_ids) - reused :]
        fresh = np.arange(self.n_ids, self.n_ids + len(vectors) - reused)
        if len(fresh):
            place = np.concatenate([self._tree.place, np.full(len(fresh), -1)])
            self._tree = self._tree._replace(place=place)
        ids = np.concatenate([ids, fresh])
        self._update(ids, vectors, leaving=False, coming=True)
        return ids

    def delete(self, ids: npt.ArrayLike) -> None:
        """Remove these points (DELETE).

        Raises:
            DataError: an id that is repeated or not in the set.
        """
        where = self._present(ids)
        self._update(where, np.empty((0, 0), self._tree.vectors.dtype), leaving=True, coming=False)
        self._spare_ids.extend(where.tolist())

    def move(self, ids: npt.ArrayLike, points: npt.ArrayLike) -> None:
        """Put these points (n, d) in the place of those with these ids: DELETE and ADD, cheaper when they moved little.

        Raises:
            DataError: an id that is repeated or not in the set; points of another shape or not finite.
        """
        where = self._present(ids)
        if not len(where):
            return
        vectors = self._checked(points)
        if len(vectors) != len(where):
            raise DataError(f"points: {len(where)} ids cannot move to {len(vectors)} points")
        self._update(where, vectors, leaving=True, coming=True)

    def _update(self, ids: IntArray, points: FloatArray, *, leaving: bool, coming: bool) -> None:
        self._tree = _tree_kernels.update(self._tree, ids, points, leaving, coming, self._leaf_size)
        self._charge_updates()

    def _charge_updates(self) -> None:
        """Charge the nodes touched and points sorted since the last time."""
        state = self._tree.state[0]
        spent = int(state["touched"]) + int(state["sorted"])
        self.cost.structure_updates += spent - self._charged
        self._charged = spent

    def _checked(self, points: npt.ArrayLike) -> FloatArray:
        vectors = checked_vectors(points, "points")
        if vectors.shape[1] != self._tree.box.shape[2]:
            raise DataError(f"points: shape {vectors.shape} does not fit dimension {self._tree.box.shape[2]}")
        return np.require(vectors, self._tree.vectors.dtype, ["C", "W"])

    def _present(self, ids: npt.ArrayLike) -> IntArray:
        where = checked_rows(ids, self.n_ids, "points")
        missing = self._tree.place[where] < 0
        if missing.any():
            raise DataError(f"points: id={int(where[np.argmax(missing)])} is not in the set (deleted already?)")
        return where


def _margin(dimension: int, dtype: npt.DTypeLike) -> _tree_query.Margin:
    """Return the room for rounding that queries leave when they compute in this precision."""
    slope, offset = (float(rounding_margin(dimension, norm, norm, dtype)) for norm in (1.0, 0.0))
    return _tree_query.Margin(slope, offset, safe=float(np.finfo(np.dtype(dtype)).max) / 4)
