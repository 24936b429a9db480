"""Hermite coefficients of shifted ReLU and of its step, and dual activations (SGD Definition 3.11)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from hybrid_train.network.sparsity import gaussian_decay
from hybrid_train.support.arrays import FloatArray


def hermite_values(point: float, count: int, factor: float = 1.0) -> FloatArray:
    """Return h_0 .. h_{count - 1} there, orthonormal under N(0, 1): h_{k+1} = (x h_k - k^{1/2} h_{k-1}) / (k+1)^{1/2}.

    Args:
        point: x.
        count: how many.
        factor: what all are multiplied by; by a density, which vanishes sooner than they grow, none overflows.
    """
    values = np.zeros(max(2, count))
    values[0], values[1] = factor, factor * point
    for k in range(1, count - 1):
        values[k + 1] = (point * values[k] - math.sqrt(k) * values[k - 1]) / math.sqrt(k + 1)
    return values[:count]


def step_coefficients(threshold: float, count: int) -> FloatArray:
    """Return (count,) Hermite coefficients of 1[z > b]: Q(b), and phi(b) h_{k-1}(b) / k^{1/2} from k = 1 on.

    Args:
        threshold: b.
        count: how many, from k = 0.
    """
    density = gaussian_decay(threshold) / math.sqrt(2.0 * math.pi)
    later = hermite_values(threshold, count - 1, density) / np.sqrt(np.arange(1, count))
    return np.concatenate([[float(ndtr(-threshold))], later])


def ramp_coefficients(threshold: float, count: int) -> FloatArray:
    """Return (count,) Hermite coefficients of max(z - b, 0): phi(b) - b Q(b), and those of its step over k^{1/2}.

    Args:
        threshold: b.
        count: how many, from k = 0.
    """
    density = gaussian_decay(threshold) / math.sqrt(2.0 * math.pi)
    later = step_coefficients(threshold, count - 1) / np.sqrt(np.arange(1, count))
    return np.concatenate([[density - threshold * float(ndtr(-threshold))], later])


def dual_activation(coefficients: FloatArray, correlation: FloatArray) -> FloatArray:
    """Return sum_k a_k^2 rho^k, which is E sigma(X) sigma(Y) for rho-correlated normals (SGD Definition 3.11).

    Args:
        coefficients: (count,) a_k; the rest is left out.
        correlation: rho, of any shape.
    """
    return np.asarray(np.polynomial.polynomial.polyval(correlation, np.square(coefficients)))
