"""What SGD on sublinearly many neurons comes to, and the width and steps it needs (SGD Theorems 1.5, 5.6).

R of the data is :func:`hybrid_train.data.input_bound`, M of a target :func:`kernel_norm`.
"""

from __future__ import annotations

import math

import numpy as np

from hybrid_train.data.even_polynomial import EvenPolynomial
from hybrid_train.errors import ConfigError
from hybrid_train.theory.predictions.hermite import step_coefficients


def excess_loss_bound(
    pairs: int,
    steps: int,
    dimension: int,
    norm: float,
    data_bound: float,
    *,
    lipschitz: float = 1.0,
    feature_bound: float = 1.0,
) -> float:
    """Return L R C M / sqrt(m d) + L C M / sqrt(T): by how much the expected loss exceeds the best (SGD Theorem 5.6).

    For the learning rate of :func:`sgd_rate`. Compared with the best function of kernel norm M. The polynomials of
    coefficient norm M have a larger kernel norm: what SGD Theorem 5.1 calls a constant grows with the threshold.

    Args:
        pairs: m; the network has 2 m neurons.
        steps: T.
        dimension: d.
        norm: M, see :func:`kernel_norm`.
        data_bound: R.
        lipschitz: L of the loss.
        feature_bound: C; 1 for unit data and an activation of slope at most 1.

    Raises:
        ConfigError: a size that is not positive.
    """
    _check(pairs=pairs, steps=steps, dimension=dimension)
    reach = lipschitz * feature_bound * norm
    return reach * data_bound / math.sqrt(pairs * dimension) + reach / math.sqrt(steps)


def regret_bound(
    pairs: int,
    steps: int,
    dimension: int,
    norm: float,
    data_bound: float,
    rate: float,
    *,
    lipschitz: float = 1.0,
    feature_bound: float = 1.0,
) -> float:
    """Return L R C M / sqrt(m d) + M^2 / (2 eta T) + eta L^2 C^2 / 2, for any learning rate (SGD Theorem 5.6).

    At :func:`sgd_rate` it is :func:`excess_loss_bound`, and no other rate has a lower one.

    Args:
        pairs: m.
        steps: T.
        dimension: d.
        norm: M, see :func:`kernel_norm`.
        data_bound: R.
        rate: eta, of a step along the mean gradient of a batch.
        lipschitz: L of the loss.
        feature_bound: C.

    Raises:
        ConfigError: a size or the rate is not positive.
    """
    _check(pairs=pairs, steps=steps, dimension=dimension, rate=rate)
    reach = lipschitz * feature_bound
    regret = norm**2 / (2.0 * rate * steps) + rate * reach**2 / 2.0
    return reach * norm * data_bound / math.sqrt(pairs * dimension) + regret


def sgd_width(
    accuracy: float,
    dimension: int,
    norm: float,
    data_bound: float,
    *,
    lipschitz: float = 1.0,
    feature_bound: float = 1.0,
) -> int:
    """Return the pairs of neurons m that bring the first term of :func:`excess_loss_bound` to epsilon / 2.

    m = 4 L^2 R^2 C^2 M^2 / (d epsilon^2), the O(d^-1 epsilon^-2 M^2 R^2) of SGD Theorem 1.5 with its constant.

    Raises:
        ConfigError: accuracy or dimension not positive, or the accuracy so small that double precision ends.
    """
    _check(accuracy=accuracy, dimension=dimension)
    ratio = 2.0 * lipschitz * data_bound * feature_bound * norm / accuracy
    return _whole(ratio * ratio / dimension, accuracy)


def sgd_steps(accuracy: float, norm: float, *, lipschitz: float = 1.0, feature_bound: float = 1.0) -> int:
    """Return the steps T that bring the second term of :func:`excess_loss_bound` to epsilon / 2.

    T = 4 L^2 C^2 M^2 / epsilon^2, the O(epsilon^-2 M^2) of SGD Theorem 1.5 with its constant.

    Raises:
        ConfigError: accuracy not positive, or so small that double precision ends.
    """
    _check(accuracy=accuracy)
    ratio = 2.0 * lipschitz * feature_bound * norm / accuracy
    return _whole(ratio * ratio, accuracy)


def sgd_rate(steps: int, norm: float, *, lipschitz: float = 1.0, feature_bound: float = 1.0) -> float:
    """Return eta = M / (sqrt(T) L C) of SGD Theorem 5.6.

    Raises:
        ConfigError: steps not positive.
    """
    _check(steps=steps)
    return norm / (math.sqrt(steps) * lipschitz * feature_bound)


def kernel_norm(polynomial: EvenPolynomial, dimension: int, threshold: float) -> float:
    """Return an upper bound of the norm of an even polynomial in the kernel space of SGD Theorem 5.6.

    The kernel is <x, y> E 1[<w, x> > b] 1[<w, y> > b] = sum_n b_n <x, y>^n on the sphere, b_n = a_{n-1}^2 with the
    Hermite coefficients a of the step, and ||p||^2 <= sum_n ||coefficients of degree n||^2 / b_n (SGD Lemma 3.10).
    There is no b_0: a constant is that times ||x||^2. With b = sqrt(0.4 ln m) and degree 2 the bound is
    (2 pi)^{1/2} m^{1/5} times the norm of the coefficients. Infinite where some b_n is 0.

    Args:
        polynomial: p.
        dimension: d.
        threshold: b.
    """
    constant, by_degree, squares = 0.0, {2: 0.0}, np.zeros(dimension)
    for variables, coefficients in zip(polynomial.variables, polynomial.coefficients, strict=True):
        degree = variables.shape[1]
        if degree == 0:
            constant = float(coefficients.sum())
            continue
        pure = (variables[:, 0] == variables[:, -1]) & (degree == 2)
        np.add.at(squares, variables[pure, 0], coefficients[pure])
        by_degree[degree] = by_degree.get(degree, 0.0) + float(np.square(coefficients[~pure]).sum())
    by_degree[2] += float(np.square(squares + constant).sum())
    coefficients = np.square(step_coefficients(threshold, max(by_degree)))
    total = 0.0
    for degree, square in by_degree.items():
        if square > 0:
            total += square / float(coefficients[degree - 1]) if coefficients[degree - 1] > 0 else math.inf
    return math.sqrt(total)


def _whole(number: float, accuracy: float) -> int:
    if math.isinf(number):
        raise ConfigError(f"accuracy={accuracy}: asks for more than double precision counts; take a larger one")
    return math.ceil(number)


def _check(**sizes: float) -> None:
    for name, size in sizes.items():
        if not size > 0:
            raise ConfigError(f"{name}={size}: expected a number above 0")
