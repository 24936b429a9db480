"""Bounds of stochastic gradient descent: the width and steps they ask for are enough for them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.errors import ConfigError
from hybrid_train.theory.predictions import sgd


class TestSgd:
    @given(st.floats(0.01, 1), st.integers(1, 50), st.floats(0.1, 10), st.floats(1, 3))
    def test_width_and_steps_reach_the_accuracy(self, accuracy: float, d: int, norm_: float, bound: float) -> None:
        width, steps = sgd.sgd_width(accuracy, d, norm_, bound), sgd.sgd_steps(accuracy, norm_)
        assert sgd.excess_loss_bound(width, steps, d, norm_, bound) <= accuracy * (1 + 1e-12)
        general = norm_**2 / (2 * sgd.sgd_rate(steps, norm_) * steps) + sgd.sgd_rate(steps, norm_) / 2
        assert general == pytest.approx(norm_ / math.sqrt(steps))

    def test_sizes_must_be_positive(self) -> None:
        with pytest.raises(ConfigError, match="accuracy=0"):
            sgd.sgd_steps(0, 1.0)
        with pytest.raises(ConfigError, match="pairs=0"):
            sgd.excess_loss_bound(0, 1, 1, 1.0, 1.0)
