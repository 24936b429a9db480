"""The closed form of the shifted kernel against integration, simulation and its limits."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binom

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.theory.predictions.kernel import joint_firing, shifted_kernel
from hybrid_train.theory.predictions.spectrum import (
    discrete_kernel,
    discrete_kernel_failure,
    eigenvalues,
    kernel_drift_bound,
    kernel_drift_failure,
    smallest_of,
    spectral_bounds,
)

Floats = npt.NDArray[np.floating]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


def integrated(h: float, k: float, angle: float) -> float:
    """P(Z1 > h, Z2 > k) by Plackett's integral over the correlation sin(theta), from the nearer end rho = +-1.

    ``angle`` is that between the two vectors; panels grow geometrically from the end, where the integrand is sharp.
    """
    near = angle if angle <= math.pi / 2 else math.pi - angle
    sign = 1.0 if angle <= math.pi / 2 else -1.0
    edges = np.concatenate([[0.0], near * 10.0 ** np.arange(-16.0, 0.25, 0.25).clip(max=0.0)])
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    gap = middle[:, None] + half[:, None] * NODES
    exponent = ((h - sign * k) ** 2 + 4.0 * sign * h * k * np.sin(gap / 2) ** 2) / (2.0 * np.sin(gap) ** 2)
    area = float((half * (np.exp(-exponent) @ WEIGHTS)).sum()) / (2.0 * math.pi)
    if sign > 0:
        return float(ndtr(-max(h, k))) - area
    return max(0.0, float(ndtr(-h) - ndtr(k))) + area


def at_angle(angle: float, norms: tuple[float, float]) -> Floats:
    return np.array([[norms[0], 0.0], [norms[1] * math.cos(angle), norms[1] * math.sin(angle)]])


EPS = float(np.finfo(np.float64).eps)
EXACT = [
    (3.367310632145079, 1.3, 1.0, 2.4815816767370145e-06),
    (4.656401296324667, 1.0, 1.3576424561788232, 2.745452146630665e-07),
    (5.0, 1.0, 1.0, 1.3703600110717434e-09),
    (6.0, 1.0, 1.0, 7.856286208172105e-13),
    (6.0, 1.0, 3.0, 9.291878231426264e-10),
    (6.0, 2.0, 1.0, 2.688208698216055e-30),
    (-3.0, 1.0, 0.5, 0.9986501016236735),
    (-3.0, 2.5, 1.0, 0.9973002039367398),
    (3.42, 1.4, 1.0, 7.200382119158918e-07),
    (3.4, 0.2, 1.02, 0.0002686019784380623),
    (20.0, 1.0, 1.0, 1.8327214277350183e-116),
    (20.0, 0.01, 1.0, 2.5337366892811067e-89),
]
"""(b, angle, norm of the second, P): Plackett's integral from a right angle on, in arithmetic of 40 digits."""

angles = (
    st.floats(1e-7, math.pi - 1e-7)
    | st.floats(-7, 0).map(lambda e: 10**e)
    | st.floats(-7, 0).map(lambda e: math.pi - 10**e)
)


class TestClosedForm:
    @given(st.floats(-4, 6), angles, st.floats(0.3, 3), st.floats(0.3, 3))
    @settings(max_examples=300)
    def test_equals_the_integral(self, threshold: float, angle: float, one: float, other: float) -> None:
        joint = joint_firing(at_angle(angle, (one, other)), threshold)
        # the rounding of the vectors themselves turns them by about 1e-16
        expected = integrated(threshold / one, threshold / other, angle)
        # and that of h = b / ||x|| changes Q(h), from which the reference subtracts, by h^2 times as much
        rounding = np.maximum(2e-14, 4.0 * EPS * np.square(threshold / np.array([one, other])))
        assert joint[0, 1] == pytest.approx(expected, rel=1e-12, abs=(rounding * joint.diagonal()).max())

    @pytest.mark.parametrize(("threshold", "angle", "other", "expected"), EXACT)
    def test_equals_what_forty_digits_give(self, threshold: float, angle: float, other: float, expected: float) -> None:
        joint = joint_firing(at_angle(angle, (1.0, other)), threshold)
        largest = max(joint[0, 0], joint[1, 1])
        assert joint[0, 1] == pytest.approx(expected, rel=0, abs=max(2e-15, EPS * threshold**2) * largest)

    @given(st.floats(-4, 6), angles)
    def test_equal_norms_far_out_keep_their_relative_accuracy(self, threshold: float, angle: float) -> None:
        joint = joint_firing(at_angle(angle, (1.0, 1.0)), threshold)
        alone = float(ndtr(-threshold))
        assert joint.diagonal() == pytest.approx(alone, rel=1e-14)
        lost = alone - joint[0, 1]
        assert lost == pytest.approx(alone - integrated(threshold, threshold, angle), rel=1e-6, abs=1e-14)

    @given(st.floats(0, math.pi))
    def test_without_a_threshold_it_is_the_arcsine_law(self, angle: float) -> None:
        joint = joint_firing(at_angle(angle, (2.0, 0.5)), 0.0)
        assert joint[0, 1] == pytest.approx((math.pi - angle) / (2 * math.pi), abs=1e-12)

    @pytest.mark.parametrize("threshold", [-2.0, -1e-300, 0.0, 1e-300, 0.7, 5.0])
    def test_duplicates_and_antipodes(self, threshold: float) -> None:
        x = np.array([0.6, -0.3, 0.2])
        joint = joint_firing(np.array([x, x, -x, 2.0 * x]), threshold)
        alone = ndtr(-threshold / np.linalg.norm([x, 2 * x], axis=1))
        assert joint[0, 1] == joint[0, 0] == pytest.approx(alone[0], rel=1e-15)
        assert joint[0, 2] == pytest.approx(max(0.0, 2 * alone[0] - 1), abs=1e-16)
        assert joint[0, 3] == pytest.approx(alone.min(), rel=1e-14)

    @pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-12])
    @pytest.mark.parametrize("threshold", [0.0, 1.3, 4.0])
    def test_near_parallel_rows_are_told_apart(self, gap: float, threshold: float) -> None:
        """P_ii - P_ij = angle / (2 pi) exp(-b^2/2) to first order, also where the cosine rounds to 1."""
        joint = joint_firing(at_angle(gap, (1.0, 1.0)), threshold)
        slope = gap / (2 * math.pi) * math.exp(-(threshold**2) / 2)
        assert joint[0, 0] - joint[0, 1] == pytest.approx(slope, rel=1e-3, abs=1e-15 * joint[0, 0])

    def test_zero_rows_fire_for_all_or_none(self) -> None:
        rows = np.array([[0.0, 0.0], [1.0, 0.0]])
        alone = float(ndtr(1.0))
        assert np.array_equal(joint_firing(rows, 1.0)[0], [0.0, 0.0])
        assert joint_firing(rows, -1.0) == pytest.approx(np.array([[1.0, alone], [alone, alone]]))
        assert shifted_kernel(rows, -1.0)[0, 1] == 0.0

    @given(st.integers(1, 12), st.integers(1, 6), st.floats(-3, 5), st.floats(0.01, 100), st.integers(0, 99))
    def test_laws(self, n: int, dimension: int, threshold: float, scale: float, seed: int) -> None:
        rows = np.random.default_rng(seed).standard_normal((n, dimension))
        kernel = shifted_kernel(rows, threshold)
        assert np.array_equal(kernel, kernel.T)
        assert eigenvalues(kernel)[0] >= -1e-12 * max(1e-300, np.abs(kernel).max()) * n
        stretched = joint_firing(scale * rows, scale * threshold)
        assert stretched == pytest.approx(joint_firing(rows, threshold), rel=1e-9, abs=1e-12)
        order = np.random.default_rng(seed).permutation(n)
        assert shifted_kernel(rows[order], threshold) == pytest.approx(kernel[np.ix_(order, order)], rel=1e-9)

    def test_bad_input_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="threshold=nan"):
            joint_firing(np.ones((2, 2)), math.nan)
        with pytest.raises(DataError, match="inputs"):
            shifted_kernel(np.array([[math.inf]]), 1.0)


class TestSimulation:
    WIDTH = 1 << 18

    def plausible(self, counts: npt.NDArray[np.integer], probability: Floats) -> bool:
        """Exact binomial tails of every pair; false alarms 1e-9 in all."""
        tails = np.minimum(binom.cdf(counts, self.WIDTH, probability), binom.sf(counts - 1, self.WIDTH, probability))
        return bool((tails > 0.5e-9 / counts.size).all())

    @pytest.mark.parametrize("threshold", [-0.5, 0.0, 1.5])
    def test_neurons_fire_together_as_often_as_predicted(self, threshold: float) -> None:
        """Ten data of different norms; it sees a threshold 0.02 off, as the twins are."""
        rng = np.random.default_rng(5)
        rows = rng.standard_normal((10, 4))
        rows[3] = rows[2] + 0.01 * rng.standard_normal(4)
        weights = TwoLayerNetwork.initialize(self.WIDTH, 4, seed=8).weights
        sets = active_pairs(weights, rows, threshold)
        gram = rows @ rows.T
        together = np.rint(discrete_kernel(sets, rows, self.WIDTH) / gram * self.WIDTH).astype(np.int64)
        assert self.plausible(together, joint_firing(rows, threshold))
        assert not self.plausible(together, joint_firing(rows, threshold + 0.02))
        alone = joint_firing(rows, threshold).diagonal()
        assert not self.plausible(together, np.outer(alone, alone))


class TestSpectrum:
    @given(st.integers(2, 12), st.integers(2, 6), st.floats(0, 4), st.integers(0, 200))
    def test_lambda_lies_between_the_bounds(self, n: int, dimension: int, threshold: float, seed: int) -> None:
        dataset = sphere(n, dimension, seed)
        lower, upper = spectral_bounds(n, threshold, dataset.separation.delta)
        smallest = eigenvalues(shifted_kernel(dataset.inputs, threshold))[0]
        assert lower <= smallest * (1 + 1e-9) + 1e-15
        assert smallest <= upper

    @pytest.mark.parametrize("angle", [1e-2, 1e-4, 1e-6])
    def test_lambda_of_two_near_parallel_rows_is_known(self, angle: float) -> None:
        kernel = shifted_kernel(at_angle(angle, (1.0, 1.0)), 1.0)
        known = angle / (2 * math.pi) * math.exp(-0.5)
        assert eigenvalues(kernel)[0] == pytest.approx(known, rel=2e-2)
        assert spectral_bounds(2, 1.0, angle)[0] < known

    def test_the_smallest_is_zero_where_rounding_hides_it(self) -> None:
        rows = sphere(6, 3, 1).inputs
        assert smallest_of(eigenvalues(shifted_kernel(rows, 1.0))) > 1e-4
        rows = np.concatenate([rows, rows[:1]])
        assert smallest_of(eigenvalues(shifted_kernel(rows, 1.0))) == 0.0

    def test_the_discrete_kernel_is_the_sum_of_the_papers(self) -> None:
        rows, network = sphere(5, 3, 2).inputs, TwoLayerNetwork.initialize(40, 3, threshold=0.4, seed=1)
        sets = active_pairs(network.weights, rows, 0.4)
        fires = network.weights[:] @ rows.T > 0.4
        direct = rows @ rows.T * np.einsum("ri,rj->ij", fires, fires, dtype=float) / 40
        assert discrete_kernel(sets, rows, 40) == pytest.approx(direct, abs=1e-15)
        assert discrete_kernel(sets.by_point(), rows, 40) == pytest.approx(direct, abs=1e-15)
        with pytest.raises(InvariantError, match="shape"):
            discrete_kernel(sets, rows, 41)

    def test_wide_networks_come_close_and_their_bound_is_kept(self) -> None:
        """PRE Lemma C.1 at a width where it may fail once in 10^9."""
        rows, width, threshold = sphere(6, 12, 3).inputs, 1 << 16, 0.3
        smallest = eigenvalues(shifted_kernel(rows, threshold))[0]
        assert discrete_kernel_failure(6, width, smallest) < 1e-9
        network = TwoLayerNetwork.initialize(width, 12, threshold=threshold, seed=4)
        found = eigenvalues(discrete_kernel(active_pairs(network.weights, rows, threshold), rows, width))[0]
        assert 0.75 * smallest <= found <= 1.25 * smallest

    def test_failure_probabilities_say_when_they_say_nothing(self) -> None:
        assert discrete_kernel_failure(10, 100, 0.0) == discrete_kernel_failure(10, 100, 0.01) == 1.0
        assert kernel_drift_failure(10, 100, 1.0, 0.0) == 0.0
        assert kernel_drift_failure(10, 100, 1.0, 1e-3) == 1.0
        assert kernel_drift_bound(10, 0.0, 0.01) == pytest.approx(0.3)

    @pytest.mark.parametrize(("n", "threshold", "delta"), [(0, 1.0, 1.0), (2, -1.0, 1.0), (2, math.nan, 1.0)])
    def test_bad_sizes_are_refused(self, n: int, threshold: float, delta: float) -> None:
        with pytest.raises(ConfigError, match="at least"):
            spectral_bounds(n, threshold, delta)
