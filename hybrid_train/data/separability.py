"""Data separation: how far the rows lie from each other and from each other's antipodes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel

NEAR = 1e-6
"""Rows closer than this are called near-parallel."""

SAME = 1e-12
"""Rows closer than this differ only by the rounding of their normalisation."""

_BLOCK = 1024
_QUICK = 1 << 30


@final
@dataclass(frozen=True, eq=False)
class Separation:
    """What :func:`separation` found.

    The three lists of pairs hold one pair for each row that repeats another: the row and one that is nearest to it,
    the smaller number first. Their length is below n however many rows are alike.

    Attributes:
        delta: min over i != j of min(||x_i - x_j||, ||x_i + x_j||); infinite for one row.
        closest: a pair of rows that attains it; None for one row.
        duplicates: (k, 2) rows that are equal up to rounding.
        antipodes: (k, 2) rows that are each other's negative up to rounding.
        near_parallel: (k, 2) other rows with a separation below 1e-6.
        exact: whether delta is the least of all pairs; else an upper bound of it, from some of them.
    """

    delta: float
    closest: tuple[int, int] | None
    duplicates: IntArray
    antipodes: IntArray
    near_parallel: IntArray
    exact: bool = True

    @property
    def degenerate(self) -> bool:
        """Whether some rows are so close that the theory promises nothing, or next to nothing."""
        return self.delta < NEAR

    @property
    def text(self) -> str:
        """One line for people: a warning where rows are too close, else the separation."""
        if self.closest is None:
            return "one row: nothing to separate"
        parts = [
            _pairs_text(self.duplicates, "duplicates", "lambda can be 0 and convergence is not guaranteed"),
            _pairs_text(self.antipodes, "antipodes", "delta is 0 and so is the lower bound on lambda"),
            _pairs_text(self.near_parallel, "near-parallel", "lambda can be next to 0 and convergence very slow"),
        ]
        found = "; ".join(part for part in parts if part)
        if found:
            return found
        sign, pairs = ("=", "") if self.exact else ("<=", ", of the pairs measured")
        return f"data separation delta{sign}{self.delta:.3g} (rows {self.closest[0]} and {self.closest[1]}{pairs})"

    @property
    def delta_text(self) -> str:
        """Delta, as a note says it."""
        return f"delta = {self.delta:.3g}" if self.exact else f"delta <= {self.delta:.3g}, the least of some pairs"


def is_quick(n: int, dimension: int) -> bool:
    """Return whether :func:`separation` of n rows takes a fraction of a second."""
    return n * n * dimension <= _QUICK


def separation(inputs: npt.ArrayLike) -> Separation:
    """Return the data separation delta of PRE Theorem F.1 and the pairs of rows that spoil it; exact.

    lambda_min of the kernel is at least exp(-b^2/2) delta / (100 n^2) by that theorem, so close rows mean a slow or
    stuck run. Rows are sorted by the size of one coordinate, so that blocks further apart than the nearest pair so
    far are skipped; the rest are screened by blocked matrix products, and the few pairs that matter are measured by
    the difference of their rows, which does not cancel. Memory is one block of products beside the rows.

    Args:
        inputs: (n, d), rows of unit norm.

    Raises:
        DataError: not a finite (n, d) array.
    """
    rows = checked_vectors(inputs, "inputs").astype(np.float64)
    n, dimension = rows.shape
    sizes = np.abs(rows)
    coordinate = int(np.argmax(sizes.var(axis=0)))
    order = np.argsort(sizes[:, coordinate], kind="stable")
    key = sizes[order, coordinate]
    rows = np.ascontiguousarray(rows[order])
    squares = np.einsum("ij,ij->i", rows, rows)
    margin = 8.0 * (dimension + 8) * float(np.finfo(np.float64).eps) * float(squares.max())
    distances = np.full(n, np.inf)
    partners = np.full(n, -1, np.int64)
    best = np.array([np.inf])
    blocks = [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]
    # Sorted neighbours first: they are the likeliest to be close, and a small best so far skips the most.
    for apart in range(len(blocks)):
        for near, far in zip(blocks, blocks[apart:], strict=False):
            gap = key[far.start] - key[near.stop - 1]
            if gap > 0 and gap * gap > max(best[0], NEAR**2) + margin:
                continue
            products = rows[far] @ rows[near].T
            corner = (far.start, near.start)
            _nearest((rows, squares), products, corner, (margin, NEAR**2), (distances, partners, best))
    return report(np.sqrt(distances), order, partners, rows)


@kernel
def _nearest(vectors: Any, products: Any, corner: Any, cuts: Any, found: Any) -> None:
    """Lower each row's squared distance to the rows before it, wherever that can matter for the report."""
    rows, squares = vectors
    margin, near = cuts
    distances, partners, best = found
    for a in range(products.shape[0]):
        i = corner[0] + a
        for c in range(min(products.shape[1], i - corner[1])):
            j = corner[1] + c
            screened = squares[i] + squares[j] - 2.0 * abs(products[a, c])
            if screened - margin > min(distances[i], max(near, best[0])):
                continue
            sign = 1.0 if products[a, c] < 0.0 else -1.0
            total = 0.0
            for k in range(rows.shape[1]):
                total += (rows[i, k] + sign * rows[j, k]) ** 2
            if total < distances[i]:
                distances[i] = total
                partners[i] = j
                best[0] = min(best[0], total)
            if total == 0.0:
                break


def report(
    distances: FloatArray, order: IntArray, partners: IntArray, rows: FloatArray, *, exact: bool = True
) -> Separation:
    """Put pairs of sorted rows back into the caller's numbering and sort them by kind."""
    close = np.flatnonzero(distances < NEAR)
    same = distances[close] < SAME
    parallel = np.einsum("ij,ij->i", rows[close], rows[partners[close]]) > 0

    def pairs(chosen: IntArray) -> IntArray:
        listed = np.sort(np.stack([order[chosen], order[partners[chosen]]], axis=1), axis=1)
        return listed[np.lexsort((listed[:, 1], listed[:, 0]))]

    nearest = int(np.argmin(distances))
    found = math.isfinite(distances[nearest])
    closest = pairs(np.array([nearest]))[0] if found else None
    return Separation(
        float(distances[nearest]),
        None if closest is None else (int(closest[0]), int(closest[1])),
        pairs(close[same & parallel]),
        pairs(close[same & ~parallel]),
        pairs(close[~same]),
        exact,
    )


def _pairs_text(pairs: IntArray, kind: str, consequence: str) -> str:
    if not len(pairs):
        return ""
    more = f" (and {len(pairs) - 1} more such rows)" if len(pairs) > 1 else ""
    return f"rows {pairs[0, 0]} and {pairs[0, 1]} are {kind}{more}: {consequence}"
