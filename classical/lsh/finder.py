"""Locality-sensitive hashing: look only at the points whose signs agree with the query's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from classical.lsh import kernels as compiled
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Watched, checked_rows
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import APPROXIMATE, Promise
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.memory import check_memory
from hybrid_train.support.parallel import in_threads, one_blas_thread

_BLOCK_PRODUCTS = 1 << 18
"""Hash products in one block: they stay in the second-level cache."""

_THREAD_PRODUCTS = 1 << 18
"""Hash products that are worth waking a thread for."""

_THREAD_ENTRIES = 1 << 16
"""Table entries that are worth waking a thread for."""


@final
class LSHFinder(WatchingFinder):
    """SimHash tables: candidates are the points in a query's bucket of any table. Approximate.

    Each of L tables puts a point into one of 2^K buckets by the signs of K inner products with Gaussian directions; a
    query at angle a shares a bucket with it with probability 1 - (1 - (1 - a / pi)^K)^L. Active points at angles where
    that is small are missed: the audit counts them. With the default tables, b = sqrt(0.4 ln m), standard Gaussian
    points and unit queries the recall is 0.80 at d = 16, 0.39 at d = 64 and 0.20 at d = 256 for m = 2^16, and 0.42 at
    d = 64 for m = 2^20, while a tenth of all pairs or more are verified. Candidates are decided by the shared
    predicate, so none that is reported is spurious. Signs do not depend on norms, hence huge and tiny rows hash as well
    as any.

    Rows that moved are hashed again by the next ``find`` that needs them: points all together, queries when they are
    asked. That takes K L inner products a row, more than a scan of a smaller bank would. A point that changed its
    bucket is struck out and chained to the new one; a table with too many of them is sorted again.

    Charged: ``inner_products`` for candidates verified (each once for a query, whatever number of tables it is in) and
    for hashing, one for each of the K L directions; ``nodes_visited`` for bucket entries read, O(1) each and not O(d).

    Args:
        tables: L; more find more and cost more.
        bits: K; more bits make smaller buckets, which find less and cost less.
    """

    source = (
        "Charikar: Similarity estimation techniques from rounding algorithms (STOC 2002), in tables as in Chen, "
        "Medini, Farwell, Gobriel, Tai, Shrivastava: SLIDE: in defense of smart algorithms over hardware acceleration "
        "for large-scale deep learning systems (MLSys 2020)"
    )

    def __init__(
        self, *, tables: Annotated[int, Field(ge=1, le=4096)] = 50, bits: Annotated[int, Field(ge=1, le=16)] = 9
    ) -> None:
        super().__init__()
        self._n_tables, self._bits = tables, bits
        self._seed = np.random.SeedSequence(0)

    @property
    def promise(self) -> Promise:
        return APPROXIMATE

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        if seed is not None:
            self._seed = seed

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        table = 8 * n_points + 8 * compiled.side_room(n_points) + (8 << self._bits)
        needed = self._n_tables * (table + 2 * n_queries + 4 * self._bits * dimension)
        check_memory(
            needed,
            f"finder.tables={self._n_tables}: hash tables of {n_points} points and {n_queries} queries",
            "take fewer tables, neurons or data",
        )

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()
        dimension = self._points.shape[1]
        self.check_resources(len(self._points), len(self._queries), dimension)
        generator = np.random.default_rng(self._seed)
        self._directions = generator.standard_normal((dimension, self._n_tables * self._bits), dtype=np.float32)
        self._query_codes = np.empty((len(self._queries), self._n_tables), np.uint16)
        self._stale_queries = np.ones(len(self._queries), bool)
        self._stale_points = np.zeros(len(self._points), bool)
        self._tables = compiled.bare_tables(self._n_tables, self._bits, len(self._points))
        self._tables.code[:] = self._codes(self._points, np.arange(len(self._points))).T
        self._over_tables(lambda first, last: compiled.sort_tables(self._tables, first, last), len(self._points))

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        self._settle(asked)
        arguments = self._points[:], self._queries[asked], self._query_codes[asked], self._threshold
        expected = len(self._points) * self._n_tables >> self._bits
        parts = in_threads(
            lambda first, last: compiled.answer(self._tables, *arguments, first, last),
            len(asked),
            _THREAD_ENTRIES // max(expected, self._n_tables) + 1,
        )
        counts, indices, values, verified, read = zip(*parts, strict=True)
        self.cost.inner_products += int(sum(verified))
        self.cost.nodes_visited += int(sum(read))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        shape = len(self._queries), len(self._points)
        return ActiveSets(indptr, np.concatenate(indices), np.concatenate(values), shape, asked)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        where = self._points.put(rows, points)
        self._stale_points[where] = True

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        where = self._queries.put(rows, queries)
        self._stale_queries[where] = True

    def _settle(self, asked: IntArray) -> None:
        """Hash again what moved: all points, and the asked queries."""
        moved = np.flatnonzero(self._stale_points)
        if len(moved):
            codes = np.ascontiguousarray(self._codes(self._points, moved).T)
            self._over_tables(lambda first, last: compiled.move(self._tables, moved, codes, first, last), len(moved))
            self._stale_points[moved] = False
        unhashed = asked[self._stale_queries[asked]]
        if len(unhashed):
            self._query_codes[unhashed] = self._codes(self._queries, unhashed)
            self._stale_queries[unhashed] = False

    def _over_tables(self, work: Callable[[int, int], None], rows: int) -> None:
        in_threads(work, self._n_tables, _THREAD_ENTRIES // rows + 1)

    def _codes(self, bank: Watched, rows: IntArray) -> npt.NDArray[np.uint16]:
        """Return (len(rows), L) the buckets of these rows of a bank."""
        self.cost.inner_products += len(rows) * self._n_tables * self._bits
        codes = np.empty((len(rows), self._n_tables), np.uint16)
        width = self._n_tables * self._bits
        block = max(16, _BLOCK_PRODUCTS // width)

        def sign(first: int, last: int) -> None:
            for start in range(first, last, block):
                part = slice(start, min(start + block, last))
                compiled.pack(_scaled(bank[rows[part]]) @ self._directions, self._bits, codes[part])

        with one_blas_thread():
            in_threads(sign, len(rows), _THREAD_PRODUCTS // width + 1)
        return codes


def _scaled(vectors: FloatArray) -> npt.NDArray[np.float32]:
    """Return the rows with a largest coordinate of 1 (or zero rows): the signs of their products are the same."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled: npt.NDArray[np.float32] = (vectors / np.where(largest > 0, largest, 1)).astype(np.float32)
    return scaled
