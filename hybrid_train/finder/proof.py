"""Why an answer is complete, in a form that somebody else can check (see :mod:`hybrid_train.proofs.checker`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Watched
from hybrid_train.finder.predicate import inner_products, norm_bounds, rounding_margin
from hybrid_train.support.arrays import FloatArray

_BLOCK_PAIRS = 1 << 21


@dataclass(frozen=True, eq=False)
class Proof:
    """Why no pair fires that an answer does not list.

    Attributes:
        reason: what is to be checked, by the names of :class:`hybrid_train.proofs.checker.Checker`.
        arrays: what it needs, by name.
    """

    reason: str
    arrays: dict[str, npt.NDArray[Any]]


def every_pair_looked_at(points: Watched, queries: Watched, sets: ActiveSets) -> Proof:
    """Return the proof of a finder that looks at every pair: how near to firing the nearest unlisted point is.

    Args:
        points: the bank that was searched.
        queries: the bank that was asked about.
        sets: the answer, stored by query.

    Returns:
        A proof with ``nearest`` (R,), for each asked query the largest inner product with a point that is not listed;
        -infinity if there is none. Whoever checks it evaluates every pair.
    """
    nearest = np.full(len(sets.rows), -np.inf)
    height = max(1, _BLOCK_PAIRS // len(points))
    vectors = np.ascontiguousarray(points[:])
    lengths = norm_bounds(vectors)
    for start in range(0, len(sets.rows), height):
        part = slice(start, min(start + height, len(sets.rows)))
        nearest[part] = _nearest(vectors, lengths, queries.taken(sets.rows[part]), sets, part)
    return Proof("all", {"nearest": nearest})


def _nearest(vectors: FloatArray, lengths: FloatArray, asking: FloatArray, sets: ActiveSets, part: slice) -> FloatArray:
    """Return (B,) the largest deciding inner product of each query of a block with a point that is not listed."""
    with np.errstate(over="ignore", invalid="ignore"):
        rough = asking.astype(np.float64) @ vectors.T.astype(np.float64)
        margin = rounding_margin(vectors.shape[1], norm_bounds(asking)[:, None], lengths)
        ends = sets.indptr[part.start : part.stop + 1]
        listed = np.repeat(np.arange(len(asking)), np.diff(ends)), sets.indices[ends[0] : ends[-1]]
        floor = rough - margin
        floor[listed] = -np.inf
        near = ~(rough + margin < np.fmax.reduce(floor, axis=1, initial=-np.inf)[:, None])
    near[listed] = False
    row, point = np.nonzero(near)
    nearest = np.full(len(asking), -np.inf)
    np.fmax.at(nearest, row, inner_products(vectors, np.ascontiguousarray(asking), point, row))
    return nearest
