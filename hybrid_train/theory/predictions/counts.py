"""How many neurons fire and flip: spread and failure probabilities (PRE Lemmas 3.8 and C.10, Claim C.11)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

from hybrid_train.network.sparsity import gaussian_decay, sparsity_bound
from hybrid_train.support.arrays import FloatArray


def sparsity_failure(n: int, width: int, threshold: float) -> float:
    """Return n exp(-3 k_0 / 8), k_0 = m exp(-b^2/2): how likely some datum fires over 2 k_0 neurons (PRE Lemma 3.8).

    Args:
        n: data, of unit norm.
        width: m independent neurons; a paired start has half as many as it has neurons.
        threshold: b.
    """
    mean = width * gaussian_decay(max(threshold, 0.0))
    return min(1.0, n * math.exp(-3.0 * mean / 8.0))


def mean_count_error(joint: FloatArray, width: int) -> float:
    """Return the standard deviation of the mean over the data of k_{i,0}, the neurons that fire at the start.

    One neuron's indicators for two data have the covariance P_ij - P_i P_j, neurons are independent:
    the variance is m / n^2 sum_ij (P_ij - P_i P_j).

    Args:
        joint: (n, n) as :func:`hybrid_train.theory.predictions.kernel.joint_firing` gives it.
        width: m independent neurons.
    """
    alone = np.diag(joint)
    covariance = float((joint - np.outer(alone, alone)).sum())
    return math.sqrt(width * max(covariance, 0.0)) / len(joint)


def bernstein_margin(variance: float, largest: float, failure: float) -> float:
    """Return t with P(|X - E X| >= t) <= failure for a sum X of independent parts (Bernstein, PRE Lemma B.1).

    Args:
        variance: of X.
        largest: how far a part can lie from its mean.
        failure: between 0 and 1.
    """
    level = math.log(2.0 / failure)
    slack = level * largest / 3.0
    return slack + math.sqrt(slack**2 + 2.0 * variance * level)


def flip_probability_bound(threshold: float, radius: float) -> float:
    """Return min(R, e exp(-b^2/2)): a neuron that moves by less than R <= 1/b flips with at most this probability.

    PRE Claim C.11, Part 2, with its constant written out: exp(-(b - R)^2/2) <= e exp(-b^2/2).
    """
    return min(radius, math.e * gaussian_decay(threshold))


def flip_bound(width: int, threshold: float, radius: float) -> float:
    """Return 2 m min(R, e exp(-b^2/2)), which a datum's ever-flipped neurons stay below (proof of PRE Lemma C.10).

    Args:
        width: m.
        threshold: b, at least 0.
        radius: R, which no neuron moves further than; at most 1/b.
    """
    return 2.0 * width * flip_probability_bound(threshold, radius)


def flip_failure(n: int, width: int, threshold: float, radius: float) -> float:
    """Return the probability with which some datum has more flips than :func:`flip_bound`, by Bernstein's inequality.

    The paper's proof takes m min(R, ...) for the count and the same for its mean; twice the mean is what its
    inequality gives, but for n exp(-3/8 m min(R, e exp(-b^2/2))). 0 for R = 0, where nothing can flip.
    """
    if radius == 0:
        return 0.0
    return min(1.0, n * math.exp(-3.0 / 8.0 * width * flip_probability_bound(threshold, radius)))


def fired_bound(width: int, threshold: float, radius: float) -> float:
    """Return what k_{i,t} stays below at every step: 2 m exp(-b^2/2) at the start and the flips (PRE Lemma C.10)."""
    return sparsity_bound(width, threshold) + flip_bound(width, threshold, radius)


def reach_probability(threshold: float, radius: float) -> float:
    """Return P(|z - b| < R), z ~ N(0, 1): the share of neurons that a move of R can flip (PRE Claim C.11, Part 1)."""
    near, far = abs(threshold) - radius, abs(threshold) + radius
    high, low = log_ndtr(-near), log_ndtr(-far)
    if math.isinf(high):
        return 0.0
    return max(0.0, float(-np.exp(high) * np.expm1(low - high)))
