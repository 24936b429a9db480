"""The one predicate: a point p is active for a query q when <p, q> > b, strictly, by this module's arithmetic.

Finders may get candidates however they like; whether a pair near the threshold is active is decided here, so exact
finders agree set for set on the same banks, duplicates and ties included.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.active_sets import ActiveSets, FloatArray, IntArray
from hybrid_train.bank import Bank, Watched, checked_rows
from hybrid_train.kernels import dot, kernel
from hybrid_train.parallel import in_threads, one_blas_thread

_BLOCK_PAIRS = 1 << 17
"""Inner products in one block of the scan: the block stays in the second-level cache."""

_THREAD_PAIRS = 1 << 18
"""Inner products that are worth waking a thread for."""

Found = tuple[IntArray, IntArray, FloatArray]


def inner_products(points: FloatArray, queries: FloatArray, point_ids: IntArray, query_ids: IntArray) -> FloatArray:
    """Return the deciding inner products <points[i], queries[j]> of pairs (i, j).

    Args:
        points: (N, d) C-contiguous, float32 or float64.
        queries: (Q, d) likewise.
        point_ids: (k,) integers, the points of the pairs.
        query_ids: (k,) integers, their queries.

    Returns:
        (k,) float64. The value depends on the two vectors alone, not on their place, the finder or the machine.
    """
    out = np.empty(len(point_ids))
    _pair_products(points, queries, point_ids, query_ids, out)
    return out


def rounding_margin(dimension: int, point_norm: Any, query_norm: Any, dtype: npt.DTypeLike = np.float64) -> Any:
    """Return how far an inner product computed in ``dtype``, in any order of summation, can lie from the deciding one.

    |fl(<p, q>) - <p, q>| <= d u / (1 - d u) sum |p_i q_i| for any order (Higham 2002, section 3.1), and the deciding
    value has an error of its own; the norms (from :func:`norm_bounds`) bound the sum by Cauchy-Schwarz. A finder
    that prunes by its own arithmetic must leave this much room around the threshold. Infinite where the product may
    overflow: nothing may be pruned then.
    """
    info = np.finfo(np.dtype(dtype))
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.multiply(point_norm, query_norm, dtype=np.float64)
        margin = 2.0 * (dimension + 8) * float(info.eps) * largest + dimension * float(info.tiny)
    return np.where(largest < float(info.max) / 4, margin, np.inf)


def norm_bounds(vectors: FloatArray) -> FloatArray:
    """Return (N,) float64 upper bounds of the Euclidean norms, tight to rounding; infinite where squares overflow.

    The small constant covers entries whose squares vanish below the normal numbers.
    """
    info = np.finfo(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    dimension = vectors.shape[1]
    bounds: FloatArray = np.sqrt(squares) * (1 + (dimension + 2) * info.eps) + np.sqrt(dimension * info.tiny)
    return bounds


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
    """
    asked = checked_rows(rows, len(queries), "queries")
    n_points = points.shape[0]
    q_block = max(1, min(len(asked), max(256, _BLOCK_PAIRS // n_points)))

    def scan(first: int, last: int) -> list[Found]:
        """Answer the asked queries from the first to before the last, block by block."""
        found = []
        for start in range(first, last, q_block):
            part = slice(start, min(start + q_block, last))
            block = np.ascontiguousarray(queries[part] if rows is None else queries[asked[part]])
            found.append(_scan_block(points, block, threshold))
        return found

    with one_blas_thread() if len(asked) * n_points >= _THREAD_PAIRS else nullcontext():
        # many queries are shared out among the threads here, many points within a block of queries
        share = q_block if len(asked) > q_block else len(asked) + 1
        parts = [block for blocks in in_threads(scan, len(asked), share) for block in blocks]
    counts, indices, values = _concatenated(parts)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return ActiveSets(indptr, indices, values, (len(queries), n_points), asked)


def _scan_block(points: Bank | Watched | FloatArray, block: FloatArray, threshold: float) -> Found:
    """Return (counts per query, point ids, inner products) of one block of queries against all points."""
    query_norms = norm_bounds(block)
    step = max(64, _BLOCK_PAIRS // len(block))

    def scan(first: int, last: int) -> Found:
        """Look at the points from the first to before the last; (query, point, value) of each active pair."""
        return _concatenated(
            [
                _decide(
                    np.ascontiguousarray(points[start : min(start + step, last)]), start, block, query_norms, threshold
                )
                for start in range(first, last, step)
            ]
        )

    share = max(step, _THREAD_PAIRS // len(block))
    query_ids, point_ids, values = _concatenated(in_threads(scan, points.shape[0], share))
    order = np.argsort(query_ids, kind="stable")
    return np.bincount(query_ids, minlength=len(block)), point_ids[order], values[order]


def _decide(candidates: FloatArray, start: int, block: FloatArray, query_norms: FloatArray, threshold: float) -> Found:
    """Return (query, point, inner product) of the active pairs of a block of points that begins at ``start``."""
    dtype = np.result_type(block.dtype, candidates.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        products = block.astype(dtype, copy=False) @ candidates.T.astype(dtype, copy=False)
        cut = threshold - rounding_margin(candidates.shape[1], norm_bounds(candidates).max(), query_norms, dtype)
    query_ids, point_ids = _not_below(products, cut)
    exact = inner_products(candidates, block, point_ids, query_ids)
    active = exact > threshold
    return query_ids[active], point_ids[active] + start, exact[active]


def _concatenated(parts: list[Found]) -> Found:
    empty = np.empty(0, np.int64)
    first, second, third = zip(*parts, strict=True) if parts else ((), (), ())
    return np.concatenate([empty, *first]), np.concatenate([empty, *second]), np.concatenate([np.empty(0), *third])


@kernel
def _pair_products(points: Any, queries: Any, point_ids: Any, query_ids: Any, out: Any) -> None:
    for pair in range(point_ids.size):
        out[pair] = dot(points[point_ids[pair]], queries[query_ids[pair]])


@kernel
def _not_below(products: Any, cut: Any) -> Any:
    """Return (row, column) of the entries not known to lie below their row's cut; NaN counts as unknown."""
    total = 0
    for i in range(products.shape[0]):
        below = 0
        for j in range(products.shape[1]):
            below += products[i, j] < cut[i]
        total += products.shape[1] - below
    rows = np.empty(total, np.int64)
    columns = np.empty(total, np.int64)
    at = 0
    for i in range(products.shape[0]):
        for j in range(products.shape[1]):
            if not products[i, j] < cut[i]:
                rows[at] = i
                columns[at] = j
                at += 1
    return rows, columns
