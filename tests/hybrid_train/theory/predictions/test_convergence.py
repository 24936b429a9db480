"""Bounds on convergence: against each other and the papers' own numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from hybrid_train.network import TwoLayerNetwork
from hybrid_train.theory.predictions import convergence
from tests.support.statistics import mean_is


class TestConvergence:
    @given(st.floats(-2, 5))
    def test_the_output_variance_is_the_integral(self, threshold: float) -> None:
        grid = np.linspace(0, 12, 200_001)
        density = grid**2 * norm.pdf(grid + threshold)
        integral = float(((density[1:] + density[:-1]) / 2).sum() * (grid[1] - grid[0]))
        assert convergence.initial_output_variance(threshold) == pytest.approx(integral, rel=1e-5, abs=1e-12)

    def test_a_start_has_that_variance(self) -> None:
        """E f^2 over 2000 outputs of 500 starts; the twin is the share of active neurons."""
        inputs = np.eye(4)
        outputs = [TwoLayerNetwork.initialize(64, 4, threshold=0.5, seed=s).predict(inputs) for s in range(500)]
        predicted = convergence.initial_output_variance(0.5)
        assert mean_is(np.square(outputs), predicted, sees=0.4 * predicted)
        assert not mean_is(np.square(outputs), float(norm.sf(0.5)), sees=0.4 * predicted)

    def test_the_error_bound_is_the_power(self) -> None:
        steps = np.array([0, 1, 7])
        assert convergence.error_bound(3.0, 0.1, 0.2, steps) == pytest.approx(3.0 * 0.99**steps)
        assert np.array_equal(convergence.error_bound(3.0, 0.1, 0.0, steps), [3.0, 3.0, 3.0])

    @given(st.integers(1, 50), st.floats(1e-3, 1), st.floats(1e-2, 1e3))
    def test_the_conditions_of_the_theorem_fit_together(self, n: int, smallest: float, error: float) -> None:
        """PRE Eq. 11 at the theorem's rate and radius, which the paper's own radius breaks; and D = R at its width."""
        rate, radius = convergence.theorem_rate(n, smallest), convergence.theorem_radius(n, smallest)
        half = rate * smallest / 2
        assert 4 * rate * n * radius + rate**2 * n**2 <= half
        assert 4 * rate * n * smallest / (12 * n) + rate**2 * n**2 > half
        width = convergence.theorem_width(n, error, smallest)
        moved = 4 * math.sqrt(n * error / width) / smallest
        assert moved == pytest.approx(radius)

    def test_the_movement_bound(self) -> None:
        assert convergence.movement_bound(16, 100, 4.0, 0.5) == pytest.approx(4 * 4 * 2 / (0.5 * 10))
        assert convergence.theorem_steps(10, 0.1, 0.01) == pytest.approx(1e4 * math.log(1000))
