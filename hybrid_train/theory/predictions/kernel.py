"""The shifted tangent kernel of infinite width, in closed form (PRE Proposition 5.1, Theorem F.1)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, owens_t

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray

_NEARLY = 1e-3
"""Pairs whose |cosine| is closer to 1 than this have it computed from differences of their rows."""

_BLOCK_NUMBERS = 1 << 22


def joint_firing(inputs: npt.ArrayLike, threshold: float) -> FloatArray:
    """Return P(<w, x_i> > b and <w, x_j> > b) for w ~ N(0, I): how often one neuron fires for both data.

    A bivariate normal probability by Owen's T function (Owen 1956): with p, q the norms, rho the cosine and
    Q the normal tail, it is Q(b/p)/2 + Q(b/q)/2 - T(b/p, (p/q - rho)/s) - T(b/q, (q/p - rho)/s), s^2 = 1 - rho^2.
    1 - rho and 1 + rho are taken from differences and sums of rows where they cancel, so that duplicates, antipodes
    and near-parallel rows come out right. The error is a few 1e-15 of the larger of
    Q(b/p) and Q(b/q).

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
    alone = np.where(norms > 0, ndtr(-threshold / np.where(norms > 0, norms, 1.0)), float(threshold < 0))
    joint = np.outer(alone, alone)
    joint[np.ix_(present, present)] = _both(rows[present], norms[present], threshold, alone[present])
    return joint


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
    """Return Q(h)/2 - T(h, a); where a > 1 and h > 0, T's reflection keeps its accuracy relative to Q(a h)."""
    steep = (slope > 1.0) & (reach > 0.0)
    far = np.where(steep, reach * np.where(steep, slope, 1.0), 0.0)
    flat = np.where(steep, 1.0 / np.where(steep, slope, 1.0), 0.0)
    direct = 0.5 * ndtr(-reach) - owens_t(reach, np.where(steep, 0.0, slope))
    reflected = owens_t(far, flat) - 0.5 * ndtr(-far) + ndtr(-reach) * ndtr(-far)
    return np.asarray(np.where(steep, reflected, direct))


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
