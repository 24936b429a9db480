"""Bounds on counts: against simulation and the papers' own numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from hybrid_train.data import sphere
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.sparsity import sparsity_bound
from hybrid_train.theory.predictions import counts
from hybrid_train.theory.predictions.kernel import joint_firing
from tests.support.statistics import mean_is

thresholds = st.floats(0.0, 4.0)


radii = st.floats(1e-6, 0.25)


class TestCounts:
    @given(thresholds, radii)
    def test_the_bounds_are_above_the_exact_probabilities(self, threshold: float, radius: float) -> None:
        """PRE Claim C.11 with its constants written out, wherever R <= 1/b."""
        exact = counts.reach_probability(threshold, radius)
        assert exact == pytest.approx(norm.cdf(threshold + radius) - norm.cdf(threshold - radius), rel=1e-6)
        assert exact <= counts.flip_probability_bound(threshold, radius)
        assert counts.reach_probability(-threshold, radius) == pytest.approx(exact)
        bound = counts.fired_bound(1000, threshold, radius)
        assert bound == pytest.approx(sparsity_bound(1000, threshold) + counts.flip_bound(1000, threshold, radius))

    def test_no_move_flips_nothing(self) -> None:
        assert counts.reach_probability(1.0, 0.0) == counts.flip_bound(100, 1.0, 0.0) == 0.0
        assert counts.flip_failure(5, 100, 1.0, 0.0) == 0.0

    def test_flips_are_at_most_twice_their_mean(self) -> None:
        assert counts.flip_bound(100, 0.0, 0.25) == pytest.approx(2 * 100 * 0.25)
        assert counts.flip_bound(100, 3.0, 0.3) == pytest.approx(2 * 100 * math.e * math.exp(-4.5))

    def test_failure_probabilities_of_the_paper(self) -> None:
        assert counts.sparsity_failure(10, 1024, 2.0) == pytest.approx(10 * math.exp(-3 / 8 * 1024 * math.exp(-2)))
        assert counts.sparsity_failure(10, 4, 2.0) == 1.0
        assert counts.flip_failure(3, 1000, 0.5, 0.1) == pytest.approx(3 * math.exp(-37.5))

    def test_the_spread_of_the_mean_count(self) -> None:
        """The variance of independent data, which would have about half of it, is refuted."""
        inputs = sphere(12, 3, seed=1).inputs
        found = [
            active_pairs(TwoLayerNetwork.initialize(256, 3, threshold=1.0, seed=s).weights, inputs, 1.0).nnz / 12
            for s in range(1500)
        ]
        predicted = counts.mean_count_error(joint_firing(inputs, 1.0), 256)
        alone = float(norm.sf(1.0))
        squares = np.square(np.array(found) - 256 * alone)
        assert mean_is(squares, predicted**2, sees=0.4 * predicted**2)
        assert not mean_is(squares, 256 * alone * (1 - alone) / 12, sees=0.4 * predicted**2)

    @given(st.floats(1e-6, 1e6), st.floats(0.0, 1e3), st.floats(1e-12, 0.999))
    def test_bernsteins_margin_solves_his_inequality(self, variance: float, largest: float, failure: float) -> None:
        """P(|X - E X| >= t) <= 2 exp(-(t^2 / 2) / (V + M t / 3)), with both tails (PRE Lemma B.1)."""
        margin = counts.bernstein_margin(variance, largest, failure)
        bound = 2.0 * math.exp(-(margin**2 / 2.0) / (variance + largest * margin / 3.0))
        assert bound == pytest.approx(failure, rel=1e-9)

    @given(st.integers(1, 500), st.floats(0.001, 0.5), st.floats(1e-9, 0.1))
    def test_bernsteins_margin_covers_binomial_counts(self, trials: int, share: float, failure: float) -> None:
        from scipy.stats import binom

        margin = counts.bernstein_margin(trials * share * (1 - share), 1.0, failure)
        mean = trials * share
        outside = binom.cdf(math.ceil(mean - margin) - 1, trials, share) + binom.sf(
            math.floor(mean + margin), trials, share
        )
        assert outside <= failure
