"""The one predicate: a point p is active for a query q when <p, q> > b, strictly, by this module's arithmetic.

Finders may get candidates however they like; whether a pair near the threshold is active is decided here, so exact
finders agree set for set on the same banks, duplicates and ties included.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import FloatArray, IntArray, fixed
from hybrid_train.support.kernels import dot, kernel


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
    dimension = vectors.shape[1]
    bounds = np.empty(len(vectors))
    numbers = vectors if vectors.dtype == np.float32 else np.asarray(vectors, np.float64)
    _scale_norms(fixed(numbers), 1 + (dimension + 2) * info.eps, math.sqrt(dimension * info.tiny), bounds)
    return bounds


@kernel
def _pair_products(points: Any, queries: Any, point_ids: Any, query_ids: Any, out: Any) -> None:
    for pair in range(point_ids.size):
        out[pair] = dot(points[point_ids[pair]], queries[query_ids[pair]])


@kernel
def _scale_norms(vectors: Any, factor: Any, offset: Any, out: Any) -> None:
    for i in range(len(vectors)):
        out[i] = math.sqrt(dot(vectors[i], vectors[i])) * factor + offset
