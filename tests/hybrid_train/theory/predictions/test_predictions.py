"""The papers' predictions as functions: against simulation, against each other, against the papers' own numbers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import fraction_threshold
from hybrid_train.network.sparsity import sparsity_bound
from hybrid_train.theory.lines.observation import Observer, neurons_within, observed_steps, spectrum_steps
from hybrid_train.theory.predictions import adversarial, convergence, counts, sgd
from hybrid_train.theory.predictions.flips import FlipLog, flipped_pairs
from hybrid_train.theory.predictions.kernel import joint_firing
from hybrid_train.training.losses import make_loss

thresholds = st.floats(0.0, 4.0)
radii = st.floats(1e-6, 0.25)


def sets_of(mask: np.ndarray[Any, Any]) -> ActiveSets:
    """Active sets of an (n, m) mask."""
    indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    return ActiveSets(indptr, np.nonzero(mask)[1], np.ones(mask.sum()), mask.shape)


class TestFlips:
    @given(st.integers(1, 5), st.integers(1, 8), st.integers(1, 6), st.integers(0, 10**6))
    def test_equal_the_definitions(self, n: int, width: int, steps: int, seed: int) -> None:
        masks = np.random.default_rng(seed).random((steps + 1, n, width)) < 0.4
        log = FlipLog(sets_of(masks[0]))
        for before, after in pairwise(masks):
            flipped = np.argwhere(before != after)
            assert np.array_equal(flipped_pairs(sets_of(before), sets_of(after)), flipped)
            assert log.add(sets_of(after).by_point()) == len(flipped)
        ever = (masks != masks[0]).any(axis=0)
        assert np.array_equal(log.ever, np.argwhere(ever))
        assert np.array_equal(log.ever_per_datum, ever.sum(axis=1))

    def test_other_banks_are_refused(self) -> None:
        one, other = sets_of(np.ones((2, 3), bool)), sets_of(np.ones((2, 4), bool))
        with pytest.raises(InvariantError, match="sizes"):
            flipped_pairs(one, other)
        with pytest.raises(InvariantError, match="sizes"):
            FlipLog(one).add(other)


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

    def test_failure_probabilities_of_the_paper(self) -> None:
        assert counts.sparsity_failure(10, 1024, 2.0) == pytest.approx(10 * math.exp(-3 / 8 * 1024 * math.exp(-2)))
        assert counts.sparsity_failure(10, 4, 2.0) == 1.0
        assert counts.flip_failure(3, 1000, 0.5, 0.1) == pytest.approx(3 * math.exp(-37.5))

    def test_the_spread_of_the_mean_count(self) -> None:
        """Over 400 starts: the spread within 25 % (7 standard errors of it), where independent data would have half."""
        inputs = sphere(12, 3, seed=1).inputs
        found = [
            active_pairs(TwoLayerNetwork.initialize(256, 3, threshold=1.0, seed=s).weights, inputs, 1.0).nnz / 12
            for s in range(400)
        ]
        predicted = counts.mean_count_error(joint_firing(inputs, 1.0), 256)
        assert np.std(found) == pytest.approx(predicted, rel=0.25)
        alone = float(norm.sf(1.0))
        assert math.sqrt(256 * alone * (1 - alone) / 12) < 0.75 * predicted

    @given(st.integers(1, 500), st.floats(0.001, 0.5), st.floats(1e-9, 0.1))
    def test_bernsteins_margin_covers_binomial_counts(self, trials: int, share: float, failure: float) -> None:
        from scipy.stats import binom

        margin = counts.bernstein_margin(trials * share * (1 - share), 1.0, failure)
        mean = trials * share
        outside = binom.cdf(math.ceil(mean - margin) - 1, trials, share) + binom.sf(
            math.floor(mean + margin), trials, share
        )
        assert outside <= failure


class TestConvergence:
    @given(st.floats(-2, 5))
    def test_the_output_variance_is_the_integral(self, threshold: float) -> None:
        grid = np.linspace(0, 12, 200_001)
        density = grid**2 * norm.pdf(grid + threshold)
        integral = float(((density[1:] + density[:-1]) / 2).sum() * (grid[1] - grid[0]))
        assert convergence.initial_output_variance(threshold) == pytest.approx(integral, rel=1e-5, abs=1e-12)

    def test_a_start_has_that_variance(self) -> None:
        """E f^2 over 2000 outputs of 500 starts, 15 % off is seen; false alarms below 1e-9 (7 standard errors)."""
        inputs = np.eye(4)
        outputs = [TwoLayerNetwork.initialize(64, 4, threshold=0.5, seed=s).predict(inputs) for s in range(500)]
        measured = float(np.mean(np.square(outputs)))
        predicted = convergence.initial_output_variance(0.5)
        error = float(np.std(np.square(outputs))) / math.sqrt(2000)
        assert abs(measured - predicted) < 7 * error
        assert 7 * error < 0.35 * predicted
        assert abs(measured - float(norm.sf(0.5))) > 7 * error

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


class TestObserver:
    def test_measures_what_it_says(self) -> None:
        rng = np.random.default_rng(0)
        inputs, targets = sphere(4, 3, 1).inputs, rng.standard_normal((4, 1))
        network = TwoLayerNetwork.initialize(30, 3, threshold=0.3, seed=2)
        start = TwoLayerNetwork.initialize(30, 3, threshold=0.3, seed=2)
        observer = Observer(network, start.weights, inputs, targets, make_loss("squared"), steps=3)
        masks, errors, moved = [], [], []
        for step in range(4):
            if step:
                rows = np.arange(0, 30, step)
                network.weights.assign(rows, network.weights[rows] + 0.2 * rng.standard_normal((len(rows), 3)))
            observer.see(step)
            masks.append(inputs @ network.weights[:].T > 0.3)
            errors.append(np.square(network.predict(inputs) - targets).sum())
            moved.append(np.linalg.norm(network.weights[:] - start.weights[:], axis=1).max())
        seen = observer.observation(0.1)
        fires = np.array(masks)
        assert seen.errors == pytest.approx(np.array(errors))
        assert seen.mean_loss == pytest.approx(errors[-1] / 8)
        assert seen.movement == pytest.approx(np.array(moved))
        assert np.array_equal(seen.counts, fires.sum(axis=2))
        assert np.array_equal(seen.flips[1:], (fires[1:] != fires[:-1]).sum(axis=(1, 2)))
        assert np.array_equal(seen.ever_flipped, (fires != fires[0]).any(axis=0).sum(axis=1))
        assert (seen.ever_flipped <= seen.within_reach).all()
        assert seen.drift[0] == 0.0
        last = inputs @ inputs.T * (fires[-1].astype(float) @ fires[-1].T.astype(float)) / 30
        assert seen.spectra[-1] == pytest.approx(np.linalg.eigvalsh(last), abs=1e-14)
        assert seen.drift[-1] == pytest.approx(np.linalg.norm(last - seen.initial_kernel))

    @given(st.integers(0, 5000), st.integers(1, 3000))
    def test_looks_at_the_first_and_the_last_step(self, steps: int, n: int) -> None:
        seen = observed_steps(steps)
        assert seen[0] == 0
        assert seen[-1] == steps
        assert len(seen) <= 502
        some = spectrum_steps(seen, n)
        assert set(some) <= set(seen)
        assert {0, steps} == {some[0], some[-1]}
        assert len(some) <= 11

    def test_neurons_within_a_radius(self) -> None:
        network, inputs = TwoLayerNetwork.initialize(50, 3, seed=1), sphere(4, 3, 2).inputs
        near = np.abs(inputs @ network.weights[:].T - 0.4) <= 0.3
        assert np.array_equal(neurons_within(network.weights, inputs, 0.4, 0.3), near.sum(axis=1))


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
