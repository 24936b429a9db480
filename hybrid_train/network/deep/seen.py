"""What one block of neurons saw and did, and products with it that touch active pairs alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from scipy import sparse

from hybrid_train.network.deep.kernels import Entries, Pairs, Support, combine, pull_back, push_forward
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.parallel import in_threads

_DENSE = 0.015
"""Share of (neuron, input) pairs that are both active from which a matrix product is faster than following them."""

_THREAD_PAIRS = 1 << 18
"""Multiplications that are worth waking a thread for."""


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """What one block of neurons saw and did.

    Every product below is one with the sparsity of ``fired`` on the neurons' side and of the queries on the other:
    done pair by pair where both are sparse, by a matrix product where that is faster.

    Attributes:
        queries: (J, D) what each example showed each position.
        fired: (J, m) max(<p, q> - b, 0) of the neurons that fired.
    """

    queries: FloatArray
    fired: sparse.csr_array

    @cached_property
    def support(self) -> sparse.csr_array:
        """The queries as a sparse array (J, D)."""
        return sparse.csr_array(self.queries)

    @cached_property
    def by_neuron(self) -> sparse.csc_array:
        """The pairs that fired neuron by neuron, each with its place among those of ``fired``."""
        return like(self.fired, np.arange(self.fired.nnz)).tocsc()

    @cached_property
    def dense(self) -> bool:
        """Whether matrix products are faster."""
        size = self.fired.shape[0] * self.fired.shape[1]
        return bool(self.fired.nnz * np.count_nonzero(self.queries) > _DENSE * size * self.queries.size)

    def pull_back(self, factors: FloatArray, points: FloatArray) -> FloatArray:
        """Return (J, D) ``F @ points`` where the queries are not zero; elsewhere it does not matter.

        Args:
            factors: (nnz,) F, at the pairs that fired.
            points: (m, D).
        """
        if self.dense:
            return np.asarray(like(self.fired, factors).toarray() @ points)
        pairs, support = self.by_neuron, self.support
        ordered, out = factors[pairs.data], np.zeros(support.nnz)
        fired, where = Pairs(pairs.indptr, pairs.indices), Support(support.indptr, support.indices)

        def pull(first: int, last: int) -> None:
            pull_back(first, last, fired, ordered, points, where, out)

        in_threads(pull, len(self.queries), self._share(len(self.queries)))
        return np.asarray(like(support, out).toarray())

    def push_forward(self, points: FloatArray, values: FloatArray) -> FloatArray:
        """Return (nnz,) <points[r], values[j]> at the pairs that fired, for values (J, D) zero where queries are."""
        if self.dense:
            return at_pairs(self.fired, values @ points.T)
        pairs, support = self.by_neuron, self.support
        given = values[np.repeat(np.arange(len(values)), np.diff(support.indptr)), support.indices]
        found = np.zeros(self.fired.nnz)
        fired, entries = Pairs(pairs.indptr, pairs.indices), Entries(support.indptr, support.indices, given)

        def push(first: int, last: int) -> None:
            push_forward(first, last, fired, points, entries, found)

        in_threads(push, len(points), self._share(len(points)))
        out = np.empty_like(found)
        out[pairs.data] = found
        return out

    def combine(self, factors: FloatArray) -> FloatArray:
        """Return (m, D) F^T Q, Q the queries and F (nnz,) at the pairs that fired."""
        if self.dense:
            return np.asarray(like(self.fired, factors).toarray().T @ self.queries)
        pairs, support = self.by_neuron, self.support
        ordered = factors[pairs.data]
        out = np.zeros((self.fired.shape[1], self.queries.shape[1]))
        fired, entries = Pairs(pairs.indptr, pairs.indices), Entries(support.indptr, support.indices, support.data)

        def add(first: int, last: int) -> None:
            combine(first, last, fired, ordered, entries, out)

        in_threads(add, len(out), self._share(len(out)))
        return out

    def _share(self, rows: int) -> int:
        """Return how many of these rows are worth a thread."""
        work = int(self.fired.nnz) * max(1, int(self.support.nnz) // max(1, len(self.queries)))
        return 1 + _THREAD_PAIRS * rows // max(1, work)


def like(pattern: sparse.csr_array, data: FloatArray) -> sparse.csr_array:
    """Return other numbers at the same places."""
    return sparse.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)


def at_pairs(fired: sparse.csr_array, values: FloatArray) -> FloatArray:
    """Return (nnz,) what ``values``, of the shape of ``fired`` or one that reshapes to it, hold at its places."""
    rows = np.repeat(np.arange(fired.shape[0]), np.diff(fired.indptr))
    return np.asarray(np.ascontiguousarray(values).reshape(fired.shape)[rows, fired.indices])
