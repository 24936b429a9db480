"""The shifted tangent kernel of infinite width, in closed form (PRE Proposition 5.1, Theorem F.1)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.declared import array, checked, inside, real

_NEARLY = 1e-3
"""Pairs whose |cosine| is closer to 1 than this have it computed from differences of their rows."""

_BLOCK_NUMBERS = 1 << 22

_REACH = 9.0
"""Standard deviations of a normal beyond which nothing is left in double precision."""

_BEYOND, _VERTICAL = 1e3, 1e300
"""A reach that nothing exceeds, and a slope that stands for an infinite one: their product is finite."""

_LEGENDRE, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_NODES = (1.0 + _LEGENDRE) / 2.0
"""Of Gauss and Legendre on [0, 1], where their weights are halved."""


def joint_firing(inputs: npt.ArrayLike, threshold: float) -> FloatArray:
    """Return P(<w, x_i> > b and <w, x_j> > b) for w ~ N(0, I): how often one neuron fires for both data.

    A bivariate normal probability by Owen's T function (Owen 1956): with p, q the norms, rho the cosine and
    Q the normal tail, it is Q(b/p)/2 + Q(b/q)/2 - T(b/p, (p/q - rho)/s) - T(b/q, (q/p - rho)/s), s^2 = 1 - rho^2.
    1 - rho and 1 + rho are taken from differences and sums of rows where they cancel, so that duplicates, antipodes
    and near-parallel rows come out right. The error is a few 1e-15 of the larger of Q(b/p) and Q(b/q), or far out, at
    h = b/p or b/q, the h^2 units of rounding with which h itself determines Q(h).

    Args:
        inputs: (n, d) of any norms.
        threshold: b, of either sign.

    Returns:
        (n, n) symmetric; P(<w, x_i> > b) on the diagonal.

    Raises:
        DataError: not a finite (n, d) array.
        ConfigError: the threshold is not finite.
    """
    rows = checked_vectors(inputs, "inputs").astype(np.float64)
    if not math.isfinite(threshold):
        raise ConfigError(f"threshold={threshold}: must be a finite number")
    norms = np.linalg.norm(rows, axis=1)
    present = np.flatnonzero(norms > 0)
    # The zero vector has the inner product 0 with every neuron: all fire or none do.
    with np.errstate(over="ignore"):
        alone = np.where(norms > 0, ndtr(-threshold / np.where(norms > 0, norms, 1.0)), float(threshold < 0))
    joint = np.outer(alone, alone)
    joint[np.ix_(present, present)] = _both(rows[present], norms[present], threshold, alone[present])
    return joint


@checked(inputs=inside(array(2)), threshold=real())
def shifted_kernel(inputs: npt.ArrayLike, threshold: float) -> FloatArray:
    """Return H^cts_ij = <x_i, x_j> P(<w, x_i> > b and <w, x_j> > b), w ~ N(0, I) (PRE Proposition 5.1).

    Args:
        inputs: (n, d) of any norms.
        threshold: b, of either sign.

    Returns:
        (n, n) symmetric, positive semi-definite up to rounding.

    Raises:
        DataError: not a finite (n, d) array.
        ConfigError: the threshold is not finite.
    """
    rows = checked_vectors(inputs, "inputs").astype(np.float64)
    return np.asarray(_gram(rows) * joint_firing(rows, threshold))


def _gram(rows: FloatArray) -> FloatArray:
    product = rows @ rows.T
    return np.asarray(0.5 * (product + product.T))


def _both(rows: FloatArray, norms: FloatArray, threshold: float, alone: FloatArray) -> FloatArray:
    units = rows / norms[:, None]
    below, above = _gaps(units)
    spread = np.sqrt(below * above)
    with np.errstate(over="ignore"):
        reach = np.broadcast_to(threshold / norms[:, None], spread.shape)
    # p/q - rho = (p - q)/q + (1 - rho): without cancellation, and what norms carry of rounding drops out of the sum
    excess = (norms[:, None] - norms[None, :]) / norms[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (excess + below) / spread
    # equal rows: the limit of sqrt((1 - rho)/(1 + rho)) is 0; the halves then add up to the smaller tail
    slope = np.where(np.isnan(slope), 0.0, slope)
    half = _half(reach, slope)
    joint = half + half.T
    joint = np.clip(joint, 0.0, np.minimum(alone[:, None], alone[None, :]))
    np.fill_diagonal(joint, alone)
    return np.asarray(joint)


def _half(reach: FloatArray, slope: FloatArray) -> FloatArray:
    """Return Q(h)/2 - T(h, a), the integral of exp(-h^2 (1 + x^2)/2) / (2 pi (1 + x^2)) over x > a, for h >= 0.

    T is even in h and odd in a; where |a| > 1 its reflection keeps the accuracy relative to Q(a h).
    """
    h, a = np.minimum(np.abs(reach), _BEYOND), np.minimum(np.abs(slope), _VERTICAL)
    steep = a > 1.0
    far = np.minimum(h * a, _BEYOND)
    flat = np.divide(1.0, a, out=a.copy(), where=steep)
    tail, far_tail = ndtr(-h), ndtr(-far)
    part = _owens_t(np.where(steep, far, h), flat)
    above = np.where(steep, part - 0.5 * far_tail + tail * far_tail, 0.5 * tail - part)
    above = np.where(slope < 0.0, tail - above, above)
    return np.asarray(above + np.where(reach < 0.0, 0.5 - tail, 0.0))


def _owens_t(h: FloatArray, a: FloatArray) -> FloatArray:
    """Return T(h, a), the integral over x from 0 to a, for h >= 0 and 0 <= a <= 1, to a few units of rounding.

    SciPy's own is off by up to 1e-13 of Q(h) near h = 3.4, which is what is left of Q(h)/2 - T(h, a) far out.
    """
    end = np.minimum(a, _REACH / np.maximum(h, _REACH))
    square, steepness = np.square(end), 0.5 * np.square(h * end)
    total = np.zeros_like(end)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total += weight * np.exp(-steepness * node**2) / (1.0 + square * node**2)
    return np.asarray(total * end * np.exp(-0.5 * np.square(h)) / (4.0 * math.pi))


def _gaps(units: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return 1 - <u_i, u_j> and 1 + <u_i, u_j>, accurate however close the rows are to parallel."""
    cosine = np.clip(_gram(units), -1.0, 1.0)
    below, above = 1.0 - cosine, 1.0 + cosine
    for gap, sign in ((below, -1.0), (above, 1.0)):
        first, second = np.nonzero(gap < _NEARLY)
        step = max(1, _BLOCK_NUMBERS // units.shape[1])
        for start in range(0, len(first), step):
            i, j = first[start : start + step], second[start : start + step]
            gap[i, j] = 0.5 * np.square(units[i] + sign * units[j]).sum(axis=1)
    np.fill_diagonal(below, 0.0)
    return below, above
