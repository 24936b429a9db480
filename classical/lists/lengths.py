"""How far a row goes in a step, and what rounding does to that: one arithmetic for every kernel that certifies.

A step is sum_i c_i x_i over the columns of a row. Its *weight* sum_i |c_i| ||x_i|| bounds every intermediate sum, so
that rounding is a number of *terms* (columns of the row, and a few operations more) times the spacing times the weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_train.support.kernels import inlined

EPS = float(np.finfo(np.float64).eps)

UP = 1 + 16 * EPS
"""What a bound is multiplied with to cover the few operations that it was computed by."""


@inlined
def combined(columns: Any, coefficients: Any, begin: Any, end: Any, gram: Any, norms: Any) -> Any:
    """Return (c^T G c, the weight) of the combination from ``begin`` to before ``end``; (0, weight) without a G."""
    square, weight = 0.0, 0.0
    for u in range(begin, end):
        c, i = coefficients[u], columns[u]
        if gram.size > 0:
            cross = 0.0
            for v in range(begin, u):
                cross += coefficients[v] * gram[i, columns[v]]
            square += c * (2 * cross + c * gram[i, i])
        weight += abs(c) * norms[i]
    return square, weight


@inlined
def noise_of(rounding: Any, terms: Any, weight: Any) -> Any:
    """Return a bound of what <sum_i c_i x_i, x_j> / ||x_j|| loses.

    Args:
        rounding: error of an inner product <x_i, x_j>, in units of the norms.
        terms: columns of the row and 8 more.
        weight: of the combination.
    """
    return (rounding + 2 * terms * EPS) * weight


@inlined
def root(square: Any, noise: Any, weight: Any) -> Any:
    """Return a bound of the length of a combination whose c^T G c was computed with this noise, up to ``UP``."""
    return np.sqrt(max(square, 0.0) + noise * weight)


@inlined
def stored(rule: Any, norm: Any, terms: Any, weight: Any) -> Any:
    """Return a bound of what the bank loses when it adds the step in its own numbers, a column after the other.

    Each addition rounds the whole row, by half a spacing of a norm that is at most ``norm + weight`` on the way, and
    each product its own part of the weight.

    Args:
        rule: of the certificates.
        norm: bound of the row's norm before and after.
        terms: columns of the row and 8 more.
        weight: of the step.
    """
    return rule.eps * (0.5 * terms - 3) * (norm + weight) + terms * rule.bank_speck
