"""Data separation where all pairs are too many: close rows exactly, the rest from some of the pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.data.separability import NEAR, SAME, Separation, report, squared_distance
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.kernels import kernel

_NEIGHBOURS = 256
"""Close candidates that are measured for a row before the rest are left."""

_DIRECTIONS = 4
_SAMPLE_PRODUCTS = 1 << 29
"""Multiplications spent on pairs that are not close."""


def separation_bound(inputs: npt.ArrayLike) -> Separation:
    """Return the pairs of rows closer than 1e-6, and an upper bound of the data separation where there are none.

    Rows within a distance have projections within it, on every direction: pairs whose projections on four random
    directions agree up to 1e-6 are measured, so that a row that repeats another is always found, in O(n d) and a few
    products more. The bound is the least separation of some rows from all.

    Args:
        inputs: (n, d), rows of unit norm.

    Returns:
        ``exact`` says whether ``delta`` is the least of all pairs, or of those that were measured.

    Raises:
        DataError: not a finite (n, d) array.
    """
    given = checked_vectors(inputs, "inputs").astype(np.float64)
    n, dimension = given.shape
    draw = np.random.default_rng(n)  # of the rows' number alone: the same data are always told the same of
    directions = draw.standard_normal((dimension, _DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    keys = given @ directions
    order = np.argsort(np.abs(keys[:, 0]), kind="stable")
    rows, keys = np.ascontiguousarray(given[order]), np.ascontiguousarray(keys[order])
    distances, partners = np.full(n, np.inf), np.full(n, -1, np.int64)
    margin = NEAR + 8.0 * (dimension + 8) * float(np.finfo(np.float64).eps)
    left = np.zeros(1, np.int64)
    _measure_close(rows, keys, (margin, SAME * SAME, _NEIGHBOURS), (distances, partners, left))
    found = bool((distances < NEAR * NEAR).any())
    if not found:
        _measure_sample(rows, draw, distances, partners)
    return report(np.sqrt(distances), order, partners, rows, exact=found and not left[0])


def _measure_sample(rows: Any, draw: np.random.Generator, distances: Any, partners: Any) -> None:
    """Lower the distances of some rows to what they are from all others."""
    n, dimension = rows.shape
    chosen = np.sort(draw.permutation(n)[: max(1, min(n, _SAMPLE_PRODUCTS // (n * dimension)))])
    for first in range(0, len(chosen), 64):
        some = chosen[first : first + 64]
        products = np.abs(rows[some] @ rows.T)
        products[np.arange(len(some)), some] = -np.inf
        nearest = products.argmax(axis=1)
        for row, other in zip(some, nearest, strict=True):
            squared = min(np.square(rows[row] - rows[other]).sum(), np.square(rows[row] + rows[other]).sum())
            if squared < distances[row]:
                distances[row], partners[row] = squared, other


@kernel
def _measure_close(rows: Any, keys: Any, cuts: Any, found: Any) -> None:
    """Measure each row from those before it whose projections are the same up to the margin."""
    margin, same, most = cuts
    distances, partners, left = found
    for i in range(rows.shape[0]):
        measured = 0
        for j in range(i - 1, -1, -1):
            if abs(keys[i, 0]) - abs(keys[j, 0]) > margin:
                break
            sign = 0.0
            for candidate in (-1.0, 1.0):
                agree = True
                for k in range(keys.shape[1]):
                    agree = agree and abs(keys[i, k] + candidate * keys[j, k]) <= margin
                if agree:
                    sign = candidate
            if sign == 0.0:
                continue
            if measured == most:
                left[0] += 1
                break
            measured += 1
            total = squared_distance(rows[i], rows[j], sign)
            if total < distances[i]:
                distances[i] = total
                partners[i] = j
            if total <= same:
                break
