"""The network of adversarial training: an activation that jumps, a fixed bias, and a threshold on the right scale."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt
from scipy.special import ndtr, ndtri

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.network.live import live_start
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.checks import checked_counts
from hybrid_train.support.rng import Role, generator

DEFAULT_FRACTION = 0.01
"""Share of the neurons that fires at the start where no threshold is asked for."""


def pre_activation_spread(width: int, norm: float = 1.0) -> float:
    """Return sqrt(||x||^2 + 1) / sqrt(m), the standard deviation of <w_r, x> + b_r at the start.

    With it the mean share of neurons that fire is P(N(0, 1) > tau / spread), exactly (ADV Lemma 5.15 bounds it).

    Args:
        width: m.
        norm: ||x||.
    """
    return math.sqrt((norm * norm + 1.0) / width)


def paper_threshold(width: int, k: float) -> float:
    """Return tau = K m^{-3/5} (ADV Lemma 5.15): K has to be about 13 at m = 2^20 before only 1 % fire."""
    return float(k * width**-0.6)


def fraction_threshold(width: int, fraction: float, norm: float = 1.0) -> float:
    """Return the tau at which this share of the neurons is expected to fire at the start.

    Args:
        width: m.
        fraction: strictly between 0 and 1.
        norm: ||x||.

    Raises:
        ConfigError: fraction out of range.
    """
    if not 0.0 < fraction < 1.0:
        raise ConfigError(f"fraction={fraction}: expected a share of the neurons strictly between 0 and 1")
    return -float(ndtri(fraction)) * pre_activation_spread(width, norm)


def expected_fraction(width: int, tau: float, norm: float = 1.0) -> float:
    """Return P(<w_r, x> + b_r > tau) at the start, the share of neurons expected to fire."""
    return float(ndtr(-tau / pre_activation_spread(width, norm)))


def adversarial_network(
    width: int,
    dimension: int,
    *,
    tau: float | None = None,
    k: float | None = None,
    fraction: float | None = None,
    outputs: int = 1,
    seed: int = 0,
    dtype: str = "float64",
    examples: npt.ArrayLike | None = None,
) -> TwoLayerNetwork:
    """Return f(x) = sum_r a_r z_r 1[z_r > tau], z_r = <w_r, x> + b_r, at the start of ADV Definition 3.1.

    W, b ~ N(0, 1/m), a_r = -m^{-1/5} or +m^{-1/5} by fair coins; only W is trained. The neurons are points
    (w_r, b_r) and take inputs (x, 1), see :func:`hybrid_train.data.padding.with_one`.

    Args:
        width: m.
        dimension: d, the length of x; the network's own is d + 1.
        tau: the threshold itself; or
        k: K of tau = K m^{-3/5}; or
        fraction: the share of neurons that should fire for ||x|| = 1, 0.01 if no threshold is given.
        outputs: number of outputs, each with coins of its own.
        seed: the run's seed.
        dtype: "float64" or "float32", of the stored weights.
        examples: (n, d + 1) inputs (x, 1): only neurons that fire for some of them are drawn, of Poisson(m) in all
            (:func:`hybrid_train.network.live.live_start`); None draws m neurons.

    Raises:
        ConfigError: a size below 1, more than one threshold, or one out of range.
    """
    checked_counts(width=width, dimension=dimension, outputs=outputs)
    if dtype not in ("float32", "float64"):
        raise ConfigError(f"dtype={dtype!r}: expected 'float32' or 'float64'")
    threshold = adversarial_threshold(width, tau=tau, k=k, fraction=fraction)
    bank: Bank
    signs: npt.NDArray[Any]
    if examples is None:
        weights = generator(seed, Role.WEIGHTS).standard_normal((width, dimension + 1)) / math.sqrt(width)
        signs = generator(seed, Role.SIGNS).choice([-1.0, 1.0], size=(width, outputs))
        bank, live = DenseBank(weights.astype(dtype), "weights"), None
    else:
        bank, signs, live = live_start(
            width,
            examples,
            threshold,
            outputs=outputs,
            seed=seed,
            dtype=dtype,
            dimension=dimension + 1,
            spread=pre_activation_spread(width, 0.0),
        )
    return TwoLayerNetwork(
        bank, signs * width**-0.2, threshold, activation="jump", output_scale=1.0, untrained=1, live=live
    )


def adversarial_threshold(
    width: int, *, tau: float | None = None, k: float | None = None, fraction: float | None = None
) -> float:
    """Return tau as a number, however it was given (see :func:`adversarial_network`).

    Raises:
        ConfigError: given in more than one way, or out of range.
    """
    given = [name for name, value in (("tau", tau), ("k", k), ("fraction", fraction)) if value is not None]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)}: each of them sets the threshold; give one")
    for name, value in (("tau", tau), ("k", k)):
        if value is not None and not math.isfinite(value):
            raise ConfigError(f"{name}={value}: expected a finite number")
    if tau is not None:
        return float(tau)
    if k is not None:
        return paper_threshold(width, k)
    return fraction_threshold(width, DEFAULT_FRACTION if fraction is None else fraction)
