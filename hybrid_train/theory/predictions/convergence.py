"""How fast and how far training goes (PRE Lemmas 5.2, C.5, D.1, D.9, Claim C.7)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from hybrid_train.network.sparsity import gaussian_decay
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.theory.predictions.hermite import dual_activation, ramp_coefficients

_TERMS = 256
"""Of the series of a dual activation; what is left of it is bounded."""


def initial_output_variance(threshold: float) -> float:
    """Return E f(x)^2 at a Gaussian start, ||x|| = 1: E max(z - b, 0)^2 = (1 + b^2) Q(b) - b phi(b).

    The exact mean behind PRE Claim D.1, whose bound n (1 + b^2) log^2(n / rho) has no constant.
    """
    tail, density = float(ndtr(-threshold)), gaussian_decay(threshold) / math.sqrt(2.0 * math.pi)
    return max(0.0, (1.0 + threshold * threshold) * tail - threshold * density) if tail > 0 else 0.0


def initial_output_deviation(inputs: FloatArray, threshold: float, width: int, outputs: int = 1) -> float:
    """Return the standard deviation of ||u(0)||^2 = sum_ik f_k(x_i)^2 over Gaussian starts, from above.

    With v_r = (max(<w_r, x_i> - b, 0))_i and C = E v v^T the variance is 2 K (1 - 1/m) ||C||_F^2 + K^2 Var ||v||^2 / m;
    Var ||v||^2 is at most n^2 E max(z - b, 0)^4 - (tr C)^2.

    Args:
        inputs: (n, d) of norm 1.
        threshold: b.
        width: m independent neurons.
        outputs: K.
    """
    variance = initial_output_variance(threshold)
    coefficients = ramp_coefficients(threshold, _TERMS)
    rest = max(0.0, variance - float(np.square(coefficients).sum()))
    correlation = np.clip(inputs @ inputs.T, -1.0, 1.0)
    covariance = dual_activation(coefficients, correlation) + rest * np.abs(correlation) ** _TERMS
    n = len(inputs)
    tail, density = float(ndtr(-threshold)), gaussian_decay(threshold) / math.sqrt(2.0 * math.pi)
    square = threshold * threshold
    fourth = max(0.0, (square * square + 6.0 * square + 3.0) * tail - threshold * (square + 5.0) * density)
    lengths = max(0.0, n * n * fourth - (n * variance) ** 2)
    crossed = 2.0 * outputs * (1.0 - 1.0 / width) * float(np.square(covariance).sum())
    return math.sqrt(crossed + outputs**2 * lengths / width)


def error_bound(initial: float, rate: float, smallest: float, steps: IntArray) -> FloatArray:
    """Return (1 - eta lambda / 2)^t ||err(0)||^2 for each t (PRE Lemma 5.2).

    Args:
        initial: ||err(0)||^2.
        rate: eta.
        smallest: lambda; eta lambda / 2 below 1.
        steps: (T,) the t.
    """
    return np.asarray(initial * np.exp(np.asarray(steps) * math.log1p(-rate * smallest / 2.0)))


def movement_bound(n: int, width: int, initial: float, smallest: float) -> float:
    """Return D = 4 sqrt(n) ||err(0)|| / (lambda sqrt(m)), which no neuron moves further than (PRE Claim C.7).

    Args:
        n: data.
        width: m.
        initial: ||err(0)||^2.
        smallest: lambda, above 0.
    """
    return 4.0 * math.sqrt(n * initial / width) / smallest


def theorem_rate(n: int, smallest: float) -> float:
    """Return the largest learning rate PRE Lemma D.9 speaks of, lambda / (4 n^2)."""
    return smallest / (4.0 * n**2)


def theorem_radius(n: int, smallest: float) -> float:
    """Return R = lambda / (24 n), how far neurons may move in PRE Lemma D.9.

    The paper has lambda / (12 n); with it, 4 eta n R + eta^2 n^2 of its Eq. 11 is 7/12 eta lambda at its own rate,
    not the 1/2 eta lambda it needs. Half of it gives 5/12.
    """
    return smallest / (24.0 * n)


def theorem_width(n: int, initial: float, smallest: float) -> float:
    """Return the width from which D < R, so that PRE Lemma D.9 applies: (4 sqrt(n) ||err(0)|| / (lambda R))^2.

    Infinite where double precision does not reach that far.

    Args:
        n: data.
        initial: ||err(0)||^2.
        smallest: lambda, above 0.
    """
    radius = theorem_radius(n, smallest)
    ratio = movement_bound(n, 1, initial, smallest) / radius if radius > 0 else math.inf
    return ratio * ratio


def theorem_steps(n: int, smallest: float, accuracy: float) -> float:
    """Return T = lambda^-2 n^2 ln(n / epsilon) of PRE Lemma 5.2, constants left out as there.

    Args:
        n: data.
        smallest: lambda, above 0.
        accuracy: epsilon.
    """
    ratio = n / smallest
    return ratio * ratio * math.log(n / accuracy)
