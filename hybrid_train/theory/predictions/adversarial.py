"""How many neurons are activated in adversarial training, and how many change sides (ADV Lemma 5.15, Claim 5.16).

There W and b are drawn from N(0, 1/m): a neuron's value <w_r, x> + b_r has the spread sqrt((||x||^2 + 1) / m), and it
is activated where that exceeds tau.
"""

from __future__ import annotations

import math

from hybrid_train.network.adversarial import expected_fraction
from hybrid_train.network.sparsity import sparsity_bound


def expected_activated(width: int, threshold: float, norm: float = 1.0) -> float:
    """Return m P(<w_r, x> + b_r > tau), the neurons activated at the start on average.

    Args:
        width: m.
        threshold: tau.
        norm: ||x||.
    """
    return width * expected_fraction(width, threshold, norm)


def threshold_constant(width: int, threshold: float) -> float:
    """Return K of tau = K m^{-3/5} (ADV Lemma 5.15)."""
    return threshold * math.pow(width, 0.6)


def movement_constant(width: int, radius: float) -> float:
    """Return K of ||W - W(0)||_{2, infinity} = K m^{-3/5} (ADV Theorem 5.1).

    Args:
        width: m.
        radius: max_r ||w_r - w_r(0)||.
    """
    return radius * math.pow(width, 0.6)


def activation_bound(width: int, threshold: float) -> float:
    """Return Q_0 = 2 m exp(-m tau^2 / 4), which the activated neurons of a datum stay below (ADV Lemma 5.15).

    With tau = K m^{-3/5} that is the paper's 2 m exp(-K^2 / (4 m^{1/5})). For ||x|| = 1 and tau >= 0.

    Args:
        width: m.
        threshold: tau.
    """
    return sparsity_bound(width, math.sqrt(width / 2.0) * threshold)


def activation_failure(n: int, width: int, threshold: float) -> float:
    """Return n exp(-3 Q_0 / 16), how likely some datum activates more than Q_0 neurons (proof of ADV Lemma 5.15)."""
    return min(1.0, n * math.exp(-3.0 * activation_bound(width, threshold) / 16.0))


def flip_count_bound(n: int, width: int, radius: float) -> float:
    """Return 2 n m R sqrt(m / pi): neurons that change sides for some datum if none moves further than R.

    Twice the mean, by the density of N(0, 2/m) at 0; for the R = m^{-15/24} of ADV Claim 5.16 it is 1.13 n m^{7/8},
    the O(n m^{7/8}) there.

    Args:
        n: data of unit norm.
        width: m.
        radius: R.
    """
    return 2.0 * n * width * radius * math.sqrt(width / math.pi)


def flip_count_failure(n: int, width: int, radius: float) -> float:
    """Return exp(-3/16 of :func:`flip_count_bound`), its failure probability by Bernstein's inequality; 0 for R = 0."""
    if radius == 0:
        return 0.0
    return min(1.0, math.exp(-3.0 * flip_count_bound(n, width, radius) / 16.0))
