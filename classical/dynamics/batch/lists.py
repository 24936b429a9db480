"""For every example the neurons that could fire for it, and for every neuron how long that stays certain."""

from __future__ import annotations

from typing import final

import numpy as np

from classical.dynamics.batch import kernels as compiled
from classical.lists import kernels as list_kernels
from classical.lists.layout import SETTLED, Lists, Margins, Rule
from classical.lists.thickness import SAMPLE
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads, one_blas_thread

_BLOCK_PAIRS = 1 << 17
"""Inner products in one block of a scan: they stay in the second-level cache."""

_SHARE = 1 << 10
_DOUBLE = np.finfo(np.float64)


@final
class BatchLists:
    """Candidate lists by example, certified by neuron as in :mod:`classical.lists.kernels`.

    A scan of a neuron finds the examples within a skin of its half-space and how far the others are (its gap); until
    its drift has used that up it can fire for nobody but those. A bit for every pair says what is listed; lists only
    grow, up to three times their first size.

    Args:
        bank: the neurons.
        columns: (n, d) the examples.
        threshold: b.
        skin: distance within which a pair is listed.

    Attributes:
        skin: of the scans to come.
        pool: ``drift``, ``reach``, ``gap`` and ``todo`` of every neuron; it has no lists.
        scanned: inner products of scans.
        candidates: pairs in the lists.
        occupied: neurons with a list, when all lists were made.
        density: pairs that a neuron with a list has more per unit of skin, estimated then.
        spare: pairs of its list on average, then.
    """

    def __init__(self, bank: Bank, columns: FloatArray, threshold: float, skin: float) -> None:
        self.skin = skin
        self.scanned = 0
        self._bank, self._columns, self._threshold = bank, columns, float(threshold)
        self._scale = norm_bounds(columns)
        # single precision halves the time of a scan; its margin covers the cast of vectors that are not tiny or huge
        single = self._scale.min() > 1e-15 and self._scale.max() < 1e15
        self._screen: FloatArray = columns.astype(np.float32 if single else np.float64)
        tiny = columns.shape[1] * float(np.finfo(self._screen.dtype).tiny)
        self._speck = tiny / self._scale + (tiny if single else 0.0)
        m, nothing = len(bank), np.empty(0, np.int64)
        self.pool = Lists(
            start=nothing,
            size=nothing,
            fired=nothing,
            drift=np.zeros(m),
            reach=np.zeros(m),
            gap=np.zeros(m),
            error=np.empty(0),
            todo=np.zeros(m, np.uint8),
            column=nothing,
            inner=np.empty(0),
        )
        self._known = np.zeros((m, len(columns) // 64 + 1), np.uint64)
        self._seen, self._slot = np.zeros(m // 64 + 1, np.uint64), np.empty(m, np.int32)
        self.scan_all()

    @property
    def rule(self) -> Rule:
        """The numbers the compiled passes certify with."""
        return Rule.of(self._bank, self._threshold, float(self._scale.max()))

    def scan_all(self) -> None:
        """Make all lists anew."""
        rows = np.arange(len(self._bank))
        self._known[:] = 0
        counts, index = self._scan(rows)
        self.occupied = int(np.count_nonzero(counts))
        indptr, listed = compiled.by_column(rows, counts, index, len(self._columns))
        self._lists = np.split(listed, indptr[1:-1])
        self._late: list[list[IntArray]] = [[] for _ in self._lists]
        self.candidates, self._most = len(listed), 3 * len(listed) + 64
        self.density = self._density()
        self.spare = len(listed) / max(1, self.occupied)

    def scan(self, rows: IntArray) -> None:
        """Scan neurons again, ascending, and list what is new."""
        if not len(rows):
            return
        counts, index = self._scan(rows)
        self.candidates += len(index)
        if self.candidates > self._most:
            self.scan_all()
            return
        indptr, listed = compiled.by_column(rows, counts, index, len(self._columns))
        for j in np.flatnonzero(np.diff(indptr)):
            self._late[j].append(listed[indptr[j] : indptr[j + 1]])

    def _density(self) -> float:
        """Return how many more pairs a neuron with a list would have per unit of skin, from a sample of neurons."""
        sample = self._bank[: min(len(self._bank), SAMPLE)]
        with np.errstate(over="ignore", invalid="ignore"):
            distances = (self._threshold - self._columns @ sample.T) / self._scale[:, None]
            spare = np.count_nonzero((distances >= 0) & (distances < self.skin))
        occupied = max(1.0, self.occupied * len(sample) / len(self._bank))
        return max(spare / (self.skin * occupied), 1e-9)

    def near(self, examples: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return (neurons ascending, indptr, their examples) of all listed pairs of some examples, ascending."""
        lists = [self._list(j) for j in examples]
        sizes = np.array([len(part) for part in lists], np.int64)
        listed = np.concatenate([np.empty(0, np.int32), *lists])
        rows, indptr, index = compiled.by_row(listed, sizes, examples, self._seen, self._slot)
        return rows, indptr, index

    def _list(self, example: int) -> IntArray:
        """Return the neurons of an example, ascending."""
        late = self._late[example]
        if late:
            self._lists[example] = compiled.merged(self._lists[example], np.sort(np.concatenate(late)))
            late.clear()
        return self._lists[example]

    def _scan(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return (candidates per row, their columns packed) of ``rows``, without those listed before; note gaps."""
        self.scanned += len(rows) * len(self._columns)
        everything = len(rows) == len(self._bank)
        counts, gap, reach = np.empty(len(rows), np.int32), np.empty(len(rows)), np.empty(len(rows))
        block = max(64, _BLOCK_PAIRS // len(self._columns))

        def scan(first: int, last: int) -> list[IntArray]:
            packed: list[IntArray] = []
            for start in range(first, last, block):
                part = slice(start, min(start + block, last))
                vectors = np.ascontiguousarray(self._bank[part if everything else rows[part]])
                reach[part] = norm_bounds(vectors)
                packed.append(self._scan_block(vectors, reach[part], counts[part], gap[part]))
            return packed

        with one_blas_thread():
            parts = in_threads(scan, len(rows), _SHARE)
        pool = self.pool
        pool.reach[rows], pool.gap[rows], pool.drift[rows], pool.todo[rows] = reach, gap, 0.0, SETTLED
        index = np.concatenate([np.empty(0, np.int32), *(block for part in parts for block in part)])
        return counts, index[: compiled.unknown(self._known, rows, counts, index)]

    def _scan_block(self, vectors: FloatArray, reach: FloatArray, counts: IntArray, gap: FloatArray) -> IntArray:
        dimension, dtype = vectors.shape[1], self._screen.dtype
        info = np.finfo(dtype)
        rounding = float(rounding_margin(dimension, 1.0, 1.0, dtype))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            products = self._screen @ vectors.T.astype(dtype, copy=False)
            offset = 8 * _DOUBLE.eps * abs(self._threshold) / self._scale + self._speck
            skin = self.skin + 4 * rounding * reach
        listed = np.empty(products.shape, bool)
        margins = Margins(self._threshold, self._scale, offset, rounding + 8 * _DOUBLE.eps, float(info.max) / 8)
        list_kernels.measure(products, margins, reach, skin, listed, counts, gap)
        index = np.empty(counts.sum(), np.int32)
        list_kernels.collect(listed, counts, index)
        return index
