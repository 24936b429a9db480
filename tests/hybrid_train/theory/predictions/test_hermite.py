"""Hermite coefficients against quadrature, dual activations against joint firing, and the kernel norm they give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special

from hybrid_train.data.even_polynomial import EvenPolynomial
from hybrid_train.theory.predictions.convergence import initial_output_deviation, initial_output_variance
from hybrid_train.theory.predictions.hermite import (
    dual_activation,
    hermite_values,
    ramp_coefficients,
    step_coefficients,
)
from hybrid_train.theory.predictions.kernel import joint_firing
from hybrid_train.theory.predictions.sgd import kernel_norm
from tests.support.statistics import mean_is, mean_is_at_most


def test_values_are_orthonormal_polynomials() -> None:
    expected = [special.eval_hermitenorm(k, 1.3) / math.sqrt(math.factorial(k)) for k in range(12)]
    assert hermite_values(1.3, 12) == pytest.approx(expected)


@pytest.mark.parametrize("threshold", [0.0, 0.7, 2.1])
def test_coefficients_are_integrals(threshold: float) -> None:
    def coefficient(k: int, power: int) -> float:
        def integrand(z: float) -> float:
            density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            return float((z - threshold) ** power * special.eval_hermitenorm(k, z) * density)

        return float(integrate.quad(integrand, threshold, 12)[0]) / math.sqrt(math.factorial(k))

    step, ramp = step_coefficients(threshold, 8), ramp_coefficients(threshold, 8)
    for k in range(8):
        assert step[k] == pytest.approx(coefficient(k, 0), abs=1e-9)
        assert ramp[k] == pytest.approx(coefficient(k, 1), abs=1e-9)


def test_the_dual_of_the_step_is_joint_firing() -> None:
    rows = np.array([[1.0, 0.0], [0.6, 0.8], [-0.3, math.sqrt(0.91)]])
    found = dual_activation(step_coefficients(0.9, 80), rows @ rows.T)
    assert found[0, 1:] == pytest.approx(joint_firing(rows, 0.9)[0, 1:], abs=1e-9)


def test_the_spread_of_the_first_outputs() -> None:
    """The bound is above their standard deviation, and close."""
    rng, inputs = np.random.default_rng(0), np.eye(6)
    found = []
    for _ in range(3000):
        active = np.maximum(rng.standard_normal((300, 6)) - 0.5, 0.0)
        found.append(float(np.square(active.T @ rng.choice([-1.0, 1.0], 300) / math.sqrt(300)).sum()))
    bound = initial_output_deviation(inputs, 0.5, 300)
    mean = 6 * initial_output_variance(0.5)
    squares = np.square(np.array(found) - mean)
    assert mean_is(found, mean, sees=0.12 * mean)
    assert not mean_is(found, 1.12 * mean, sees=0.12 * mean)
    assert mean_is_at_most(squares, bound**2, sees=0.5 * bound**2)
    assert mean_is_at_most(-squares, -((bound / 1.4) ** 2), sees=0.5 * bound**2)
    assert not mean_is_at_most(3 * squares, bound**2, sees=1.5 * bound**2)


class TestKernelNorm:
    def test_degree_two_hides_a_power_of_the_width(self) -> None:
        """b_2 = phi(b)^2: with b = sqrt(0.4 ln m) the norm is (2 pi)^{1/2} m^{1/5} times the coefficients'."""
        crossed = EvenPolynomial([np.array([[0, 1], [1, 2]])], [np.array([3.0, 4.0])])
        for width in (1 << 8, 1 << 16):
            expected = 5.0 * math.sqrt(2 * math.pi) * width**0.2
            assert kernel_norm(crossed, 4, math.sqrt(0.4 * math.log(width))) == pytest.approx(expected)

    def test_a_constant_is_that_times_the_squared_norm(self) -> None:
        one = EvenPolynomial([np.zeros((1, 0), np.int64)], [np.array([2.0])])
        spread = EvenPolynomial([np.array([[0, 0], [1, 1], [2, 2]])], [np.full(3, 2.0)])
        assert kernel_norm(one, 3, 0.5) == pytest.approx(kernel_norm(spread, 3, 0.5))

    def test_it_is_above_the_norm_that_points_show(self) -> None:
        """f(X)^T K^{-1} f(X) is at most the squared norm, whatever the points."""
        polynomial = EvenPolynomial.random(3, 4, seed=2)
        rows = np.random.default_rng(1).standard_normal((20, 3))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        kernel = (rows @ rows.T) * joint_firing(rows, 0.8)
        values = polynomial(rows)
        shown = math.sqrt(values @ np.linalg.solve(kernel, values))
        assert shown <= kernel_norm(polynomial, 3, 0.8)

    def test_a_degree_that_the_kernel_lacks(self) -> None:
        """h_2(1) = 0, and with it b_4."""
        fourth = EvenPolynomial([np.array([[0, 0, 1, 1]])], [np.array([1.0])])
        assert math.isinf(kernel_norm(fourth, 2, 1.0)) or kernel_norm(fourth, 2, 1.0) > 1e12
