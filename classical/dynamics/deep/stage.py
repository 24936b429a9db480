"""One bank of neurons of a deep network in training: its finder, its queries, and the answers that are still true."""

from __future__ import annotations

import time
from typing import final

import numpy as np
from scipy import sparse

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.deep import Block, Seen
from hybrid_train.support.arrays import FloatArray, IntArray


@final
class Stage:
    """A finder between the neurons of a block and what all examples show them.

    The query bank holds row i * S + s for example i at position s. Only queries that changed are moved, and only
    those that changed, or whose neurons moved, are asked again.

    Args:
        block: the neurons.
        threshold: b.
        finder: fresh.

    Attributes:
        seconds: wall time inside the finder since ``build``.
    """

    def __init__(self, block: Block, threshold: float, finder: ActiveSetFinder) -> None:
        self.block = block
        self.finder = finder
        self.seconds = 0.0
        self._threshold = threshold

    def build(self, queries: FloatArray) -> None:
        """Start over with the queries (n * S, D) of all examples."""
        self.seconds = 0.0
        self._queries = DenseBank(queries, "hidden activations")
        self._current = np.zeros(len(queries), bool)
        started = time.perf_counter()
        self.finder.build(self.block.points, self._queries, self._threshold)
        self.seconds += time.perf_counter() - started

    def find(self, rows: IntArray, queries: FloatArray) -> sparse.csr_array:
        """Return (len(rows), m) the inner products of the pairs that fire, for queries that are now so."""
        changed = (self._queries[rows] != queries).any(axis=1)
        if changed.any():
            moved = rows[changed]
            self._queries.assign(moved, queries[changed])
            self._current[moved] = False
            started = time.perf_counter()
            self.finder.move_queries(moved, queries[changed])
            self.seconds += time.perf_counter() - started
        needed = rows[~self._current[rows]]
        if len(needed):
            self._ask(needed)
        answers = self._answers.to_scipy()
        everything = len(rows) == answers.shape[0] and np.array_equal(rows, np.arange(len(rows)))
        return answers if everything else answers[rows]

    def _ask(self, rows: IntArray) -> None:
        everything = len(rows) == len(self._queries)
        started = time.perf_counter()
        found = self.finder.find() if everything else self.finder.find(rows)
        self.seconds += time.perf_counter() - started
        if everything or not self._current.any():
            self._answers = found.by_query()
        else:
            self._answers = self._answers.replaced(found.by_query())
        self._current[rows] = True

    def descend(self, rows: IntArray, seen: Seen, errors: FloatArray, rate: float) -> int:
        """Move the neurons by -rate sum_j errors_j queries_j; return how many moved.

        Args:
            rows: (J,) queries that were seen.
            seen: their pairs.
            errors: (nnz,) at the pairs that fired.
            rate: positive.
        """
        taken = errors != 0
        examples = np.repeat(rows, np.diff(seen.fired.indptr))[taken]
        shape = len(self.block.points), len(self._queries)
        combination = sparse.csr_array((-rate * errors[taken], (seen.fired.indices[taken], examples)), shape=shape)
        combination.sort_indices()
        moving = np.flatnonzero(np.diff(combination.indptr))
        if len(moving):
            motion = self.block.points.move_along(moving, combination[moving], self._queries[:])
            self._current[:] = False
            started = time.perf_counter()
            self.finder.move_points_along(motion)
            self.seconds += time.perf_counter() - started
        return len(moving)

    def audit(self, rows: IntArray, fired: sparse.csr_array) -> Audit:
        """Compare the answers to the queries ``rows`` with a scan."""
        shape = len(self._queries), len(self.block.points)
        sets = ActiveSets(fired.indptr, fired.indices, fired.data, shape, rows)
        return audit(sets, self.block.points, self._queries, self._threshold, query_rows=rows)
