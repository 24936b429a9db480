"""Eigenvalues of the tangent kernels and what bounds the smallest one (PRE Theorem F.1, Lemmas C.1, C.2)."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.network.sparsity import gaussian_decay
from hybrid_train.support.arrays import FloatArray


def discrete_kernel(sets: ActiveSets, inputs: FloatArray, width: int) -> FloatArray:
    """Return H_ij = <x_i, x_j> |S_i and S_j| / m from the active sets alone (PRE Lemma C.1, Definition C.3).

    At W(0) this is H^dis, at W(t) it is H(t).

    Args:
        sets: active pairs of n data (the queries) and m neurons (the points).
        inputs: (n, d) the data.
        width: m.

    Returns:
        (n, n) symmetric.

    Raises:
        InvariantError: the sets belong to banks of other sizes.
    """
    n = len(inputs)
    if sets.shape != (n, width):
        raise InvariantError(f"ActiveSets of shape {sets.shape} given, the kernel needs {(n, width)}")
    ones = np.ones(sets.nnz)
    fired = sparse.csr_array((ones, (sets.query_ids, sets.point_ids)), shape=(n, width))
    gram = inputs @ inputs.T
    return np.asarray(0.5 * (gram + gram.T) * (fired @ fired.T).toarray() / width)


def eigenvalues(kernel: FloatArray) -> FloatArray:
    """Return the eigenvalues of a symmetric (n, n) matrix, ascending."""
    return np.asarray(np.linalg.eigvalsh(kernel))


def smallest_of(values: FloatArray) -> float:
    """Return the smallest of all eigenvalues (n,), ascending; 0 where rounding hides it: below 4 n u max |value|."""
    return 0.0 if abs(values[0]) <= hidden_below(values) else float(values[0])


def hidden_below(values: FloatArray) -> float:
    """Return 4 n u max |value| of n eigenvalues, or the least normal number: those below are lost in rounding."""
    double = np.finfo(np.float64)
    return max(4.0 * len(values) * float(double.eps) * float(np.abs(values).max()), float(double.tiny))


def spectral_bounds(n: int, threshold: float, delta: float) -> tuple[float, float]:
    """Return (lower, upper) bounds of lambda = lambda_min(H^cts) for unit data, b >= 0 (PRE Theorem F.1).

    exp(-b^2/2) delta / (100 n^2) <= lambda <= exp(-b^2/2).

    Args:
        n: data.
        threshold: b.
        delta: data separation, min over i != j of min(||x_i - x_j||, ||x_i + x_j||); for one datum, which has none,
            any number from 1.4 up counts as sqrt(2), the largest separation there is.

    Raises:
        ConfigError: n below 1, or a negative threshold or separation.
    """
    if n < 1 or not threshold >= 0 or not delta >= 0:
        raise ConfigError(f"n={n}, threshold={threshold}, delta={delta}: need n at least 1 and the others at least 0")
    upper = gaussian_decay(threshold)
    return upper * min(delta, math.sqrt(2.0)) / (100.0 * n**2), upper


def discrete_kernel_failure(n: int, width: int, smallest: float) -> float:
    """Return the probability with which lambda_min(H^dis) may be below 3/4 lambda: n exp(-lambda m / (32 n)).

    From the proof of PRE Lemma C.1 (matrix Chernoff bound); 1 where that says nothing.

    Args:
        n: data.
        width: m.
        smallest: lambda.
    """
    return min(1.0, n * math.exp(-max(smallest, 0.0) * width / (32.0 * n)))


def discrete_kernel_width(n: int, smallest: float, failure: float) -> float:
    """Return the width from which :func:`discrete_kernel_failure` is below ``failure``: 32 n / lambda ln(n / failure).

    Args:
        n: data.
        smallest: lambda, above 0.
        failure: above 0.
    """
    return 32.0 * n / smallest * math.log(n / failure)


def kernel_drift_bound(n: int, threshold: float, radius: float) -> float:
    """Return n min(2 e exp(-b^2/2), 3 R), which ||H(W) - H(W(0))||_F stays below (PRE Lemma C.2, Part 1).

    For all W with ||w_r - w_r(0)|| <= R <= 1/b, but for the probability of :func:`kernel_drift_failure`.

    Args:
        n: data.
        threshold: b, at least 0.
        radius: R.
    """
    return n * min(2.0 * math.e * gaussian_decay(threshold), 3.0 * radius)


def kernel_drift_failure(n: int, width: int, threshold: float, radius: float) -> float:
    """Return n^2 exp(-m min(3/8 e exp(-b^2/2), R/10)), see :func:`kernel_drift_bound`; 0 for R = 0."""
    if radius == 0:
        return 0.0
    share = min(3.0 / 8.0 * math.e * gaussian_decay(threshold), radius / 10.0)
    return min(1.0, n**2 * math.exp(-width * share))
