"""The largest eigenvalue of a symmetric positive semi-definite matrix, diagonalised whole or by Lanczos' iteration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from hybrid_train.support.arrays import FloatArray

_WHOLE = 512
"""Matrices up to this size are diagonalised: milliseconds, and every digit is right."""

_PRODUCTS = 24
"""A matrix known by its products alone is formed if it takes no more of them than this; Lanczos takes as many."""

_ACCURACY = 1e-6


def top_eigenvalue(matrix: FloatArray) -> float:
    """Return the largest eigenvalue of a symmetric positive semi-definite (n, n) matrix, to a relative 1e-6."""
    return top_of_operator(lambda vector: matrix @ vector, len(matrix), matrix=lambda: matrix)


def top_of_operator(
    product: Callable[[FloatArray], FloatArray],
    size: int,
    *,
    matrix: Callable[[], FloatArray] | None = None,
    krylov: int | None = None,
) -> float:
    """Return the largest eigenvalue of a symmetric positive semi-definite operator, to a relative 1e-6.

    Args:
        product: of the operator with a (size,) vector.
        size: n.
        matrix: makes the operator's (n, n) matrix, where that is cheaper than n products.
        krylov: vectors that Lanczos keeps; ARPACK's choice by default.
    """
    if size <= (_PRODUCTS if matrix is None else _WHOLE):
        return max(0.0, _largest(_formed(product, size) if matrix is None else matrix()))
    # A start of our own: ARPACK's is drawn from global state, and the learning rate must not be.
    begin = np.random.default_rng(0).standard_normal(size)
    if not product(begin).any():  # a zero operator, which ARPACK refuses
        return 0.0
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    found = eigsh(operator, k=1, which="LA", v0=begin, ncv=krylov, tol=_ACCURACY, return_eigenvectors=False)
    return max(0.0, float(found[0]))


def eigenvalue_bound(matrix: FloatArray) -> float:
    """Return an upper bound of the largest eigenvalue of a symmetric positive semi-definite (n, n) matrix.

    Rounding is covered; infinite where entries are not finite, or their sums overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        bound = float(np.abs(matrix).sum(axis=1).max())
    if not bound < np.inf:
        return np.inf
    if len(matrix) <= _WHOLE:
        bound = min(bound, _largest(matrix) + 1e-9 * bound)
    return max(0.0, bound)


def _largest(matrix: FloatArray) -> float:
    return float(np.linalg.eigvalsh(matrix)[-1])


def _formed(product: Callable[[FloatArray], FloatArray], size: int) -> FloatArray:
    """Return the matrix of an operator, symmetric to the last bit."""
    columns = np.array([product(unit) for unit in np.eye(size)])
    return np.asarray((columns + columns.T) / 2)
