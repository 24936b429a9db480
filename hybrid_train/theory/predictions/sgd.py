"""What SGD on sublinearly many neurons comes to, and the width and steps it needs (SGD Theorems 1.5, 5.6).

R of the data is :func:`hybrid_train.data.input_bound`, M of a target
:attr:`hybrid_train.data.even_polynomial.EvenPolynomial.norm`.
"""

from __future__ import annotations

import math

from hybrid_train.errors import ConfigError


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

    For the learning rate of :func:`sgd_rate`. Compared with the best function of kernel norm M; the polynomials of
    coefficient norm M have kernel norm O(M), with a constant the paper leaves out.

    Args:
        pairs: m; the network has 2 m neurons.
        steps: T.
        dimension: d.
        norm: M.
        data_bound: R.
        lipschitz: L of the loss.
        feature_bound: C; 1 for unit data and an activation of slope at most 1.

    Raises:
        ConfigError: a size that is not positive.
    """
    _check(pairs=pairs, steps=steps, dimension=dimension)
    reach = lipschitz * feature_bound * norm
    return reach * data_bound / math.sqrt(pairs * dimension) + reach / math.sqrt(steps)


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


def _whole(number: float, accuracy: float) -> int:
    if math.isinf(number):
        raise ConfigError(f"accuracy={accuracy}: asks for more than double precision counts; take a larger one")
    return math.ceil(number)


def _check(**sizes: float) -> None:
    for name, size in sizes.items():
        if not size > 0:
            raise ConfigError(f"{name}={size}: expected a number above 0")
