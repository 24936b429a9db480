"""How many neurons fire at the start: the expectation and the bound of PRE Lemma 3.8."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from scipy.special import ndtr, ndtri

from hybrid_train.errors import ConfigError
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.support.arrays import FloatArray


@overload
def expected_active(width: int, threshold: float, norms: float = 1.0) -> float: ...
@overload
def expected_active(width: int, threshold: float, norms: FloatArray) -> FloatArray: ...
def expected_active(width: int, threshold: float, norms: float | FloatArray = 1.0) -> float | FloatArray:
    """Return m P(N(0, 1) > b / ||x||), the neurons expected to fire for x when w ~ N(0, I).

    This is the true mean behind the m^{4/5} of PRE Remark 3.9, which is an upper bound: at m = 1024 with the usual
    threshold 49 neurons fire, not 256.

    Args:
        width: m, the number of neurons.
        threshold: b, in units of the inner product.
        norms: ||x||, one number or an array of any shape.

    Returns:
        A float for one norm, else an array of the shape of ``norms``.

    Raises:
        ConfigError: width below 1, threshold not finite, or a norm negative or not finite.
    """
    _check(width, threshold)
    lengths = np.asarray(norms, dtype=np.float64)
    if not (np.isfinite(lengths) & (lengths >= 0)).all():
        raise ConfigError("norms: every norm must be finite and at least 0")
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = threshold / lengths
    # The zero vector has the inner product 0 with every neuron: all fire or none do.
    mean = width * np.where(lengths > 0, ndtr(-reach), float(threshold < 0))
    return float(mean) if mean.ndim == 0 else mean


def alpha_threshold(width: int, alpha: float) -> float:
    """Return b = sqrt(0.5 (1 - alpha) ln m), with which O(m^{(3 + alpha) / 4}) neurons fire (PRE Corollary E.1).

    Args:
        width: m.
        alpha: above 0 and at most 1; 0.2 gives :func:`.auto_threshold`.

    Raises:
        ConfigError: an argument out of range.
    """
    _check(width, 0.0)
    if not 0.0 < alpha <= 1.0:
        raise ConfigError(f"alpha={alpha}: expected a number above 0 and at most 1")
    return math.sqrt(0.5 * (1.0 - alpha) * math.log(width))


def share_threshold(fraction: float) -> float:
    """Return the b at which this share of the neurons is expected to fire for a unit vector at the start.

    It holds on any data of unit rows: <w, x> ~ N(0, 1) for each of them.

    Args:
        fraction: strictly between 0 and 1.

    Raises:
        ConfigError: fraction out of range.
    """
    if not 0.0 < fraction < 1.0:
        raise ConfigError(f"fraction={fraction}: expected a share of the neurons strictly between 0 and 1")
    return -float(ndtri(fraction))


def sparsity_bound(width: int, threshold: float) -> float:
    """Return 2 m exp(-b^2 / 2), which the fired neurons of a unit vector stay below at the start (PRE Lemma 3.8).

    It holds for one datum but for a probability of exp(-Omega(m exp(-b^2 / 2))). A negative threshold leaves nothing
    to bound, and gives the trivial 2 m.

    Args:
        width: m, the number of neurons.
        threshold: b.

    Raises:
        ConfigError: width below 1 or threshold not finite.
    """
    _check(width, threshold)
    return 2.0 * width * gaussian_decay(max(threshold, 0.0))


def gaussian_decay(reach: float) -> float:
    """Return exp(-b^2 / 2); 0 for b whose square is beyond double precision."""
    return math.exp(-reach * reach / 2.0)


def _check(width: int, threshold: float) -> None:
    if width < 1:
        raise ConfigError(f"width={width}: there must be at least 1 neuron")
    if not math.isfinite(threshold):
        raise ConfigError(f"threshold={threshold}: must be a finite number")


def expected_fired(width: int) -> float:
    """Return k = m P(N(0,1) > b), b = sqrt(0.4 ln m): neurons that fire for a unit vector at the start."""
    return float(expected_active(width, auto_threshold(width)))
