"""The dense scan: rough products in blocks, the shared predicate near the threshold."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError
from hybrid_train.finder import scan_kernels as _scan_kernels
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Watched, checked_rows
from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.support.arrays import FloatArray, IntArray, fixed
from hybrid_train.support.declared import an, array, checked, either, inside, limit, optional
from hybrid_train.support.parallel import in_threads, one_blas_thread, processors, ranges, side_by_side

_BLOCK_PAIRS = 1 << 17
"""Inner products in one block of the scan: the block stays in the second-level cache."""


_THREAD_PAIRS = 1 << 18
"""Inner products that are worth waking a thread for."""


_THREAD_COPIES = 1 << 15
"""Active pairs to be copied that are worth waking a thread for."""


_SHARES = 4
"""Shares of a scan for each processor: one that is busy with something else then holds the others up less."""


_FEW_QUERIES = 256
"""Queries that stay together however many points there are."""


_SMALL_DIMENSION = 4
"""Up to here our own products are faster than the library's."""


_NARROW_SIDE = 32
"""Vectors on each side of a block from which it pays to multiply float64 vectors in float32."""


_NARROW_SCALE = 1e15
"""float64 vectors are multiplied in float32 when the largest norms lie between this and its reciprocal."""


_VAIN = 1 / 32
"""Share of the pairs that may be decided in vain before products in float32 are given up."""


class _Part(NamedTuple):
    """Active pairs of a block: ``counts`` for each of its queries, which are the asked ones from ``row`` on."""

    row: int
    counts: IntArray
    ids: IntArray
    values: FloatArray


@checked(
    points=either(an(Bank, Watched), array(2, finite=False, like=False, empty=True)),
    queries=either(an(Bank, Watched), array(2, finite=False, like=False, empty=True)),
    threshold=limit(),
    rows=inside(optional(array(1, "iu", empty=True))),
)
def active_pairs(
    points: Bank | Watched | FloatArray,
    queries: Bank | Watched | FloatArray,
    threshold: float,
    rows: npt.ArrayLike | None = None,
) -> ActiveSets:
    """Find the active points of the given queries by looking at every pair: the truth all else is measured against.

    A blocked matrix product with the threshold fused in: never more than one cache-sized block of inner products
    exists. Pairs that the product puts clearly below the threshold are dropped; the rest are decided by the shared
    predicate.

    Args:
        points: (N, d).
        queries: (Q, d).
        threshold: b.
        rows: queries to answer for, all by default.

    Returns:
        Sets stored by query, one row for each asked query, in the order asked.

    Raises:
        DataError: banks that are none or differ in dimension, or rows that are none of the queries'.
        ConfigError: a threshold that is not a number.
    """
    if points.shape[1] != queries.shape[1]:
        raise DataError(f"points have dimension {points.shape[1]} but queries have dimension {queries.shape[1]}")
    asked = checked_rows(rows, len(queries), "queries")
    n_points = points.shape[0]
    block_pairs = _BLOCK_PAIRS * (1 if len(asked) <= _FEW_QUERIES else 2)  # many queries take longer to set up
    height = max(1, min(len(asked), max(_FEW_QUERIES, block_pairs // max(n_points, _scan_kernels.WORD))))
    width = max(1, block_pairs // height // _scan_kernels.WORD) * _scan_kernels.WORD

    def scan(share: tuple[tuple[int, int], tuple[int, int]]) -> list[_Part]:
        """Answer some of the asked queries for some of the points, block by block."""
        (first, last), columns = share
        parts = []
        for row in range(first, last, height):
            part = slice(row, min(row + height, last))
            block = fixed(queries[part] if rows is None else queries[asked[part]])
            parts += _scan_block(points, columns, width, block, float(threshold), row)
        return parts

    pairs = len(asked) * n_points
    pieces = min(_SHARES * processors(), pairs // _THREAD_PAIRS) if processors() > 1 else 1
    if len(asked) > height:
        shares = [(asking, (0, n_points)) for asking in ranges(len(asked), pieces)]
    else:
        shares = [((0, len(asked)), columns) for columns in ranges(n_points, pieces)]
    with one_blas_thread() if pairs >= _THREAD_PAIRS else nullcontext():
        parts = [part for found in side_by_side(scan, shares) for part in found]
    return ActiveSets(*_joined(parts, len(asked)), (len(queries), n_points), asked)


def _scan_block(
    points: Bank | Watched | FloatArray,
    columns: tuple[int, int],
    width: int,
    block: FloatArray,
    threshold: float,
    row: int,
) -> list[_Part]:
    """Return the active pairs of a block of queries and a range of points, ``width`` of them at a time."""
    first, last = columns
    width = min(width, -(-(last - first) // _scan_kernels.WORD) * _scan_kernels.WORD)
    rough = _RoughProducts(block, width)
    parts = []
    for start in range(first, last, width):
        candidates = fixed(points[start : min(start + width, last)])
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            products, cuts = rough.of(candidates, threshold)
        counts, ids, values, opened = _scan_kernels.decide(products, cuts, candidates, block, start, threshold)
        rough.learn(opened - len(ids), len(block) * len(candidates))
        parts.append(_Part(row, counts, ids, values))
    return parts


@final
class _RoughProducts:
    """Inner products of a block of queries (Q, d) by a matrix product, and below what they rule a pair out."""

    def __init__(self, queries: FloatArray, width: int) -> None:
        self._queries: dict[Any, FloatArray] = {queries.dtype: queries}
        self._exact, self._width = queries.dtype, width
        self._norms = norm_bounds(queries)
        self._narrow = len(queries) >= _NARROW_SIDE and _moderate(self._norms.max())
        self._room: FloatArray = np.empty(0)
        self._cuts: FloatArray = np.empty(0)
        self._cuts_hold = (0.0, -1.0)

    def of(self, points: FloatArray, threshold: float) -> tuple[FloatArray, FloatArray]:
        """Return (products (Q, width), the first of each row taken; cuts (Q,)) for the points (N, d), N <= width."""
        dtype = np.result_type(points, self._exact)
        if dtype == np.float64 and self._narrow and len(points) >= _NARROW_SIDE:
            products = self._multiply(points, np.dtype(np.float32))
            largest = math.sqrt(points.shape[1]) * _largest_magnitude(points)
            if _moderate(largest):
                return products, self._below(largest, points.shape[1], threshold, products.dtype, narrowed=True)
        products = self._multiply(points, dtype)  # the points are in the cache when their norms are looked at
        largest = math.sqrt(points.shape[1]) * _largest_magnitude(points)
        return products, self._below(largest, points.shape[1], threshold, dtype)

    def learn(self, vain: int, pairs: int) -> None:
        """Hear how many pairs were decided in vain: if many, float32 is too rough for these banks."""
        self._narrow = self._narrow and vain <= _VAIN * pairs

    def _below(
        self, largest: float, dimension: int, threshold: float, dtype: np.dtype[Any], *, narrowed: bool = False
    ) -> FloatArray:
        """Return the cuts for points of this norm at most; those at hand if they are not much too low."""
        low, high = self._cuts_hold
        if not (low <= largest <= high and self._cuts.dtype == dtype):
            self._cuts_hold = largest / 4, 2 * largest
            margin = rounding_margin(dimension, 2 * largest, self._norms, dtype)
            if narrowed:  # what vanishes when vectors are rounded to float32; the margin covers the rest
                margin += dimension * float(np.finfo(dtype).tiny) * (2 * largest + self._norms)
            self._cuts = np.nextafter((threshold - margin).astype(dtype), -np.inf, dtype=dtype)
        return self._cuts

    def _multiply(self, points: FloatArray, dtype: np.dtype[Any]) -> FloatArray:
        if dtype not in self._queries:
            self._queries[dtype] = fixed(self._queries[self._exact].astype(dtype))
        if self._room.dtype != dtype or not self._room.size:
            self._room = np.empty((len(self._queries[dtype]), self._width), dtype)
        if points.shape[1] <= _SMALL_DIMENSION:
            _scan_kernels.multiply(self._queries[dtype], np.array(points.T, dtype, order="C"), self._room)
        else:
            np.matmul(self._queries[dtype], points.astype(dtype, copy=False).T, out=self._room[:, : len(points)])
        return self._room


def _moderate(norm: float) -> bool:
    return 1 / _NARROW_SCALE < norm < _NARROW_SCALE


def _largest_magnitude(vectors: FloatArray) -> float:
    """Return the largest |entry|; NaN where there is one."""
    bits = np.dtype(f"u{vectors.itemsize}")
    top = _scan_kernels.largest(vectors.reshape(-1).view(bits))
    return float(np.array([top], bits).view(vectors.dtype)[0])


def _joined(parts: list[_Part], asked: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Return (indptr, point ids, inner products) of parts, which stand in the order of their queries and points."""
    counts = np.zeros(asked, np.int64)
    starts = []
    for part in parts:
        rows = counts[part.row : part.row + len(part.counts)]
        starts.append(rows.copy())
        rows += part.counts
    indptr = np.concatenate([[0], np.cumsum(counts)])
    if len(parts) == 1:
        return indptr, parts[0].ids, parts[0].values
    ids, values = np.empty(indptr[-1], np.int64), np.empty(indptr[-1])

    def put(first: int, last: int) -> None:
        """Copy these parts to their places."""
        for part, start in zip(parts[first:last], starts[first:last], strict=True):
            begin = start + indptr[part.row : part.row + len(start)]
            _scan_kernels.put(part.counts, part.ids, part.values, begin, ids, values)

    in_threads(put, len(parts), 1 + len(parts) * _THREAD_COPIES // max(1, len(ids)))
    return indptr, ids, values
