"""Bounds of adversarial training: against simulation and the paper's own numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError
from hybrid_train.network.adversarial import fraction_threshold
from hybrid_train.theory.predictions import adversarial


class TestAdversarial:
    def test_the_constant_that_makes_one_percent_fire(self) -> None:
        width = 1 << 20
        threshold = fraction_threshold(width, 0.01)
        assert adversarial.threshold_constant(width, threshold) == pytest.approx(13.16, abs=0.01)
        assert adversarial.expected_activated(width, threshold) == pytest.approx(0.01 * width)
        with pytest.raises(ConfigError, match="fraction=1"):
            fraction_threshold(width, 1.0)

    @given(st.integers(10, 10**7), st.floats(0, 20))
    def test_the_bound_of_the_paper(self, width: int, constant: float) -> None:
        threshold = constant * width**-0.6
        bound = adversarial.activation_bound(width, threshold)
        assert bound == pytest.approx(2 * width * math.exp(-(constant**2) / (4 * width**0.2)), rel=1e-9)
        assert adversarial.expected_activated(width, threshold) <= bound / 2 * (1 + 1e-9)
        claim = adversarial.flip_count_bound(5, width, width ** (-15 / 24))
        assert claim == pytest.approx(2 / math.sqrt(math.pi) * 5 * width ** (7 / 8))
        assert adversarial.activation_failure(5, width, 0.0) == pytest.approx(min(1, 5 * math.exp(-3 / 8 * width)))

    def test_a_start_keeps_both_bounds(self) -> None:
        """m = 2^14, five data: the bounds fail with probability 1e-9 at most, and are within a factor of 20."""
        width, n = 1 << 14, 5
        rng = np.random.default_rng(1)
        weights = rng.standard_normal((width, 4)) / math.sqrt(width)
        points = np.concatenate([sphere(n, 3, 1).inputs, np.ones((n, 1))], axis=1)
        values, threshold = points @ weights.T, fraction_threshold(width, 0.05)
        most = (values > threshold).sum(axis=1).max()
        assert adversarial.activation_failure(n, width, threshold) < 1e-9
        assert most <= adversarial.activation_bound(width, threshold) <= 20 * most
        radius = width ** (-15 / 24)
        flipped = (np.abs(values - threshold) <= radius).any(axis=0).sum()
        assert adversarial.flip_count_failure(n, width, radius) < 1e-9
        assert flipped <= adversarial.flip_count_bound(n, width, radius) <= 20 * flipped
