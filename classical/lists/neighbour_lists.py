"""Certified neighbour lists: which columns could be active for each row, and for how long that stays certain."""

from __future__ import annotations

from typing import final

import numpy as np
from scipy import sparse

from classical.lists import kernels as compiled
from classical.lists.following import MOST_COLUMNS
from classical.lists.layout import SETTLED, SPENT, STALE, Lists, Margins, Rule, Steps
from classical.lists.lengths import noise_of, stored
from hybrid_train.finder.bank import Watched
from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.support.arrays import FloatArray, IntArray, distinct
from hybrid_train.support.parallel import in_threads, one_blas_thread

_BLOCK_PAIRS = 1 << 17
"""Inner products in one block of a scan: they stay in the second-level cache."""

_BLOCK_NUMBERS = 1 << 20
"""Coordinates of rows gathered at a time."""

_SHARE = 1 << 14
"""Rows that make it worth to wake another thread."""

_DOUBLE = np.finfo(np.float64)


@final
class Frame:
    """The columns: where they are, and where they were when the rows were scanned.

    Attributes:
        reference: (n, d) where the certificates saw them.
        now: (n, d) where they are.
        scale: (n,) norm bounds of ``reference``.
        norms: (n,) norm bounds of ``now``.
        sway: bound of ||now - reference|| / ||reference|| over the columns.
        moved: (n,) columns that moved since the lists last took note.
    """

    def __init__(self, columns: Watched) -> None:
        self.reference = self.now = np.array(columns[:])
        self.scale = self.norms = norm_bounds(self.now)
        self.sway = 0.0
        self.moved = np.zeros(len(self.now), bool)
        self._gram: FloatArray | None = None

    def move(self, rows: IntArray, vectors: FloatArray) -> None:
        """Put columns elsewhere."""
        if self.now is self.reference:
            self.now, self.norms = self.now.copy(), self.norms.copy()
        self.now[rows] = vectors
        self.norms[rows] = norm_bounds(self.now[rows])
        with np.errstate(over="ignore", invalid="ignore"):
            shift = norm_bounds(self.now.astype(np.float64) - self.reference) / self.scale
            self.sway = float(np.nan_to_num(shift.max() * (1 + 16 * _DOUBLE.eps), nan=np.inf, posinf=np.inf))
        self.moved[rows] = True
        self._gram = None

    def gram(self) -> FloatArray:
        """Return (n, n) float64 inner products of the columns where they are."""
        if self._gram is None:
            columns = self.now.astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"), one_blas_thread():
                self._gram = np.ascontiguousarray(columns @ columns.T)
        return self._gram


@final
class NeighbourLists:
    """For each row the columns not provably farther from activity than a skin, and their inner products.

    The distance of row p from column q is (b - <p, q>) / ||q||. A scan notes for each row how far its nearest
    unlisted column is; until drift and sway have used that up, no unlisted column can be active.

    Args:
        rows: the bank that gets lists.
        columns: the other bank.
        threshold: b.
        skin: distance within which a column is listed.
        swing: sway of the columns to leave room for.
        accuracy: tolerated error of a followed inner product, in units of ||p|| ||q||.

    Attributes:
        remembering: whether rows that are scanned again are kept in mind for :meth:`scanned_since`.
    """

    def __init__(
        self, rows: Watched, columns: Watched, threshold: float, skin: float, swing: float, accuracy: float
    ) -> None:
        self.frame = Frame(columns)
        self.skin = skin
        self.scanned = 0
        self.evaluated = 0
        self.touched = 0
        self.deviation = 0.0
        self.remembering = False
        self._news: list[IntArray] | None = None
        self._rows = rows
        self._threshold = float(threshold)
        self.swing = swing
        self._accuracy = accuracy
        everything = np.arange(len(rows))
        counts, index, gap, reach = self._scan(everything)
        n = len(rows)
        self._used = len(index)
        self._lists = Lists(
            start=np.concatenate([[0], np.cumsum(counts)[:-1]]),
            size=counts,
            fired=np.zeros(n, np.int32),
            drift=np.zeros(n),
            reach=reach,
            gap=gap,
            error=np.zeros(n),
            todo=np.full(n, STALE, np.uint8),
            column=np.concatenate([index, np.empty(len(index) // 8 + 64, np.int32)]),
            inner=np.empty(len(index) + len(index) // 8 + 64),
        )
        self.evaluate(everything, charge=False)

    @property
    def pool(self) -> Lists:
        """The lists themselves, for compiled passes; another object after a scan that needs more room."""
        return self._lists

    @property
    def candidates(self) -> int:
        """Entries of all lists."""
        return int(self._lists.size.sum())

    @property
    def active(self) -> int:
        """Active entries."""
        return int(self._lists.fired.sum())

    @property
    def occupied_rows(self) -> int:
        """Rows with a list that is not empty."""
        return int(np.count_nonzero(self._lists.size))

    @property
    def rule(self) -> Rule:
        """The numbers the compiled passes certify with."""
        frame = self.frame
        largest = float(frame.norms.max()) * (1 + frame.sway)
        return Rule.of(self._rows, self._threshold, largest, sway=frame.sway, accuracy=self._accuracy)

    def follow(self, rows: IntArray, coefficients: sparse.csr_array) -> float:
        """Move distinct ``rows`` by ``coefficients @ columns``; return the mean step length.

        Goes through the Gram matrix unless there are so many columns that it would be too large. The bank is taken to
        do its own addition p + sum_i c_i q_i in its dtype, in any order.
        """
        if len(self.frame.now) > MOST_COLUMNS:
            return self.drift(rows, coefficients, self.frame.now)
        frame, rule = self.frame, self.rule
        steps = Steps(rows, coefficients.indptr, coefficients.indices, coefficients.data)
        gram, norms = frame.gram(), frame.norms
        parts = in_threads(
            lambda first, last: compiled.follow(self._lists, rule, steps, gram, norms, first, last), len(rows), _SHARE
        )
        self.touched += sum(touched for touched, _ in parts)
        return float(sum(path for _, path in parts)) / max(1, len(rows))

    def drift(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> float:
        """Take note that distinct ``rows`` moved by ``coefficients @ directions``; return the mean step length."""
        lengths = self._lengths(rows, coefficients, directions)
        self.advance(rows, lengths)
        return float(lengths.mean()) if len(rows) else 0.0

    def _lengths(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> FloatArray:
        """Return bounds of how far ``coefficients @ directions`` moved ``rows``, stored as the bank's numbers."""
        rule, terms = self.rule, np.diff(coefficients.indptr) + 8
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = norm_bounds(coefficients @ directions.astype(np.float64))
            weight = abs(coefficients) @ norm_bounds(directions)
            lost = stored(rule, norm_bounds(self._rows[rows]) + 2 * lengths, terms, weight)
            return np.asarray(lengths + noise_of(0.0, terms, weight) + lost)

    def advance(self, rows: IntArray, lengths: FloatArray) -> None:
        """Take note that distinct ``rows`` moved by at most these lengths."""
        compiled.advance(self._lists, self.rule, rows, lengths)

    def note_columns(self) -> int:
        """Mark what the columns' motion makes stale or spent; return how many rows are spent."""
        rule, moved = self.rule, self.frame.moved
        parts = in_threads(
            lambda first, last: compiled.columns_moved(self._lists, rule, moved, first, last), len(self._rows), _SHARE
        )
        self.frame.moved[:] = False
        return int(sum(parts))

    def freshen(self, first: int, last: int) -> None:
        """Have the followed entries of a range of rows evaluated by the next :meth:`settle`."""
        compiled.followed(self._lists, first, last)

    def settle(self, *, compare: bool) -> int:
        """Bring all lists up to date; return how many rows had to look at every column.

        Args:
            compare: followed entries that are evaluated count for ``deviation`` (their columns have not moved).
        """
        pending = np.flatnonzero(self._lists.todo != SETTLED)
        if not len(pending):
            return 0
        spent = self._lists.todo[pending] == SPENT
        self.evaluate(pending[~spent], compare=compare)
        self.rescan(pending[spent])
        return int(np.count_nonzero(spent))

    def rescan_spent(self) -> int:
        """Make the lists anew that may lack something; return how many. What was followed is not evaluated."""
        spent = np.flatnonzero(self._lists.todo == SPENT)
        self.rescan(spent)
        return len(spent)

    def listed(self) -> tuple[IntArray, IntArray]:
        """Return (row, column) of every entry of the lists, row by row."""
        size = self._lists.size.astype(np.int64)
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        columns = self._lists.column[np.repeat(self._lists.start, size) + within]
        return np.repeat(np.arange(len(size)), size), columns.astype(np.int64)

    def evaluate(self, rows: IntArray, *, charge: bool = True, compare: bool = False) -> None:
        """Evaluate all entries of ``rows`` from the vectors."""
        block = max(64, _BLOCK_NUMBERS // self._rows.shape[1])
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            vectors = self._rows.taken(part)
            found = in_threads(
                lambda first, last, part=part, vectors=vectors: compiled.evaluate(  # type: ignore[misc]
                    self._lists, self._threshold, part, vectors, self.frame.now, compare, first, last
                ),
                len(part),
                _SHARE,
            )
            self.evaluated += charge * sum(count for count, _ in found)
            self.deviation = max(self.deviation, *(deviation for _, deviation in found))

    def report(self, rows: IntArray, indptr: IntArray) -> tuple[IntArray, FloatArray]:
        """Return (columns, inner products) of the active entries of ``rows``, row after row as ``indptr`` counts."""
        indices, values = np.empty(indptr[-1], np.int64), np.empty(indptr[-1])
        parts = in_threads(
            lambda first, last: compiled.report(
                self._lists, self._threshold, rows, indptr, indices, values, first, last
            ),
            len(rows),
            _SHARE,
        )
        self.touched += sum(parts)
        return indices, values

    def report_columns(self, columns: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return (indptr, rows, inner products) of the active entries of ``columns``, in that order."""
        indptr, indices, values, touched = compiled.report_columns(
            self._lists, self._threshold, columns, len(self.frame.now)
        )
        self.touched += touched
        return indptr, indices, values

    def occupied(self) -> tuple[IntArray, IntArray]:
        """Return (rows with active entries, indptr over them)."""
        rows, indptr = compiled.occupied(self._lists.fired)
        return rows, indptr

    def fired(self, rows: IntArray) -> IntArray:
        """Return the number of active entries of ``rows``."""
        return self._lists.fired[rows]

    def scanned_since(self) -> tuple[IntArray, bool]:
        """Return the rows scanned since the last call, ascending, and whether those are all since this was made."""
        news, self._news = self._news, []
        if news is None:
            return np.arange(len(self._rows)), True
        return distinct(np.concatenate([np.empty(0, np.int64), *news])), False

    def candidates_of(self, rows: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return (starts, columns, gaps) of the lists of ``rows``: of the k-th, columns from starts[k] on."""
        lists = self._lists
        starts = np.concatenate([[0], np.cumsum(lists.size[rows], dtype=np.int64)])
        entries = np.repeat(lists.start[rows] - starts[:-1], lists.size[rows]) + np.arange(starts[-1])
        return starts, lists.column[entries].astype(np.int64), lists.gap[rows]

    def rescan(self, rows: IntArray) -> None:
        """Make the lists of ``rows`` anew."""
        if not len(rows):
            return
        if self.remembering and self._news is not None:
            self._news.append(rows)
        counts, index, gap, reach = self._scan(rows)
        longer = counts > self._lists.size[rows]
        room = int(counts[longer].sum())
        if self._used + room > len(self._lists.column):
            self._lists.size[rows[longer]] = 0
            self._grow(room)
        lists = self._lists
        lists.start[rows[longer]] = self._used + np.cumsum(counts[longer]) - counts[longer]
        self._used += room
        lists.size[rows], lists.reach[rows], lists.gap[rows], lists.drift[rows] = counts, reach, gap, 0.0
        compiled.write(lists, rows, index)
        self.evaluate(rows, charge=False)

    def _grow(self, room: int) -> None:
        """Pack the lists into a pool with place for ``room`` more entries, and then some."""
        size = self.candidates + room
        size += size // 4 + 64
        column, inner = np.empty(size, np.int32), np.empty(size)
        self._used = int(compiled.repack(self._lists, column, inner))
        self._lists = self._lists._replace(column=column, inner=inner)

    def _scan(self, rows: IntArray) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Return (candidates per row, their columns packed, gaps, norm bounds) of ``rows`` as they are now."""
        self.scanned += len(rows) * len(self.frame.now)
        counts = np.empty(len(rows), np.int32)
        gap, reach = np.empty(len(rows)), np.empty(len(rows))
        block = max(64, _BLOCK_PAIRS // len(self.frame.now))

        def scan(first: int, last: int) -> list[IntArray]:
            packed: list[IntArray] = []
            for start in range(first, last, block):
                part = slice(start, min(start + block, last))
                vectors = self._rows.taken(rows[part])
                reach[part] = norm_bounds(vectors)
                packed.append(self._scan_block(vectors, reach[part], counts[part], gap[part]))
            return packed

        with one_blas_thread():
            parts = in_threads(scan, len(rows), _SHARE)
        packed = [index for part in parts for index in part]
        return counts, np.concatenate([np.empty(0, np.int32), *packed]), gap, reach

    def _scan_block(self, vectors: FloatArray, reach: FloatArray, counts: IntArray, gap: FloatArray) -> IntArray:
        frame, dimension = self.frame, vectors.shape[1]
        dtype = np.result_type(vectors.dtype, frame.reference.dtype)
        info = np.finfo(dtype)
        rounding = float(rounding_margin(dimension, 1.0, 1.0, dtype))
        with np.errstate(over="ignore", invalid="ignore"):
            products = frame.reference.astype(dtype, copy=False) @ vectors.T.astype(dtype, copy=False)
            offset = (dimension * float(info.tiny) + 8 * _DOUBLE.eps * abs(self._threshold)) / frame.scale
            # room for the columns' sway and for what _is_spent asks of a row that has not moved yet
            skin = self.skin + reach * (1.01 * max(frame.sway, self.swing) + 4 * rounding * (1 + frame.sway))
        listed = np.empty(products.shape, bool)
        margins = Margins(self._threshold, frame.scale, offset, rounding + 8 * _DOUBLE.eps, float(info.max) / 8)
        compiled.measure(products, margins, reach, skin, listed, counts, gap)
        index = np.empty(counts.sum(), np.int32)
        compiled.collect(listed, counts, index)
        return index
