"""Every bound's constants: each formula written out again from its paper, at points where none of them cancels.

At these points a probability is between 0 and 1 and a minimum is taken on either side, so that no constant can be
doubled or halved unnoticed.
"""

from __future__ import annotations

import math
from math import e, exp, log, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError
from hybrid_train.network.adversarial import expected_fraction, fraction_threshold, paper_threshold
from hybrid_train.network.deep import DeepNetwork, fully_connected
from hybrid_train.network.sparsity import expected_active, expected_fired, gaussian_decay, sparsity_bound
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.theory.predictions import adversarial, convergence, counts, sgd, spectrum
from hybrid_train.theory.predictions.deep import gradient_bounds, linearisation, semi_smoothness
from hybrid_train.theory.predictions.robustness import Separability
from hybrid_train.training.losses import make_loss

REL = 1e-12
M, N = 1000, 7


def tail(reach: float) -> float:
    """P(N(0, 1) > reach), by the complementary error function."""
    return math.erfc(reach / sqrt(2)) / 2


class TestSparsity:
    def test_the_usual_threshold(self) -> None:
        assert auto_threshold(M) == pytest.approx(sqrt(0.4 * log(1000)), rel=REL)  # PRE Remark 3.9

    def test_expectations(self) -> None:
        assert gaussian_decay(1.5) == pytest.approx(exp(-(1.5**2) / 2), rel=REL)
        assert expected_active(M, 1.5) == pytest.approx(1000 * tail(1.5), rel=REL)
        assert expected_active(M, 1.5, 0.5) == pytest.approx(1000 * tail(3.0), rel=REL)
        assert expected_fired(M) == pytest.approx(1000 * tail(sqrt(0.4 * log(1000))), rel=REL)
        assert expected_active(1, 0.0) == 0.5

    def test_lemma_3_8(self) -> None:
        """Twice the bound m exp(-b^2/2) of the mean, but for n exp(-3/8 of it): Bernstein with t = M = the mean."""
        assert sparsity_bound(M, 1.5) == pytest.approx(2 * 1000 * exp(-(1.5**2) / 2), rel=REL)
        assert sparsity_bound(M, -1.0) == 2000.0
        mean = 30 * exp(-(1.2**2) / 2)
        assert counts.sparsity_failure(N, 30, 1.2) == pytest.approx(
            7 * exp(-(mean**2 / 2) / (mean + mean / 3)), rel=REL
        )
        assert counts.sparsity_failure(N, 30, -5.0) == pytest.approx(7 * exp(-3 / 8 * 30), rel=REL)
        assert counts.sparsity_failure(N, 1, 3.0) == 1.0


class TestCounts:
    def test_bernstein(self) -> None:
        """2 exp(-(t^2/2) / (V + M t/3)) is the failure at the margin t (PRE Lemma B.1)."""
        for variance, largest, failure in ((3.0, 0.7, 1e-3), (0.1, 2.0, 0.3)):
            t = counts.bernstein_margin(variance, largest, failure)
            assert 2 * exp(-(t**2 / 2) / (variance + largest * t / 3)) == pytest.approx(failure, rel=1e-10)

    def test_the_spread_of_a_mean(self) -> None:
        joint = np.array([[0.3, 0.1], [0.1, 0.2]])
        variance = 50 / 4 * (0.3 - 0.09 + 0.2 - 0.04 + 2 * (0.1 - 0.06))
        assert counts.mean_count_error(joint, 50) == pytest.approx(sqrt(variance), rel=REL)

    @pytest.mark.parametrize(("b", "radius", "share"), [(3.0, 0.1, e * exp(-4.5)), (1.0, 0.1, 0.1)])
    def test_claim_c_11_and_lemma_c_10(self, b: float, radius: float, share: float) -> None:
        assert counts.flip_probability_bound(b, radius) == pytest.approx(share, rel=REL)
        assert counts.flip_bound(M, b, radius) == pytest.approx(2 * 1000 * share, rel=REL)
        mean = 200 * share
        failure = 7 * exp(-(mean**2 / 2) / (mean + mean / 3))
        assert 0 < failure < 1
        assert counts.flip_failure(N, 200, b, radius) == pytest.approx(failure, rel=REL)
        assert counts.flip_failure(1000, 1, b, radius) == 1.0
        assert counts.flip_failure(N, 200, b, 0.0) == 0.0
        fired = 2 * 1000 * exp(-(b**2) / 2) + 2 * 1000 * share
        assert counts.fired_bound(M, b, radius) == pytest.approx(fired, rel=REL)

    @pytest.mark.parametrize(("b", "radius"), [(1.2, 0.3), (-0.4, 0.9)])
    def test_the_probability_to_be_within_reach(self, b: float, radius: float) -> None:
        near = quad(lambda z: exp(-(z**2) / 2) / sqrt(2 * pi), b - radius, b + radius)[0]
        assert counts.reach_probability(b, radius) == pytest.approx(near, rel=1e-10)


class TestConvergence:
    @pytest.mark.parametrize("b", [0.0, 0.7, -1.3])
    def test_the_variance_of_the_output(self, b: float) -> None:
        square = quad(lambda z: (z - b) ** 2 * exp(-(z**2) / 2) / sqrt(2 * pi), b, 12)[0]
        assert convergence.initial_output_variance(b) == pytest.approx(square, rel=1e-9)

    def test_lemmas_of_training(self) -> None:
        steps = np.array([0, 1, 5])
        expected = [3.0 * (1 - 0.4 * 0.3 / 2) ** t for t in (0, 1, 5)]  # PRE Lemma 5.2
        assert convergence.error_bound(3.0, 0.4, 0.3, steps) == pytest.approx(expected, rel=REL)
        moved = 4 * sqrt(7) * sqrt(3.0) / (sqrt(1000) * 0.3)  # PRE Claim C.7
        assert convergence.movement_bound(N, M, 3.0, 0.3) == pytest.approx(moved, rel=REL)
        assert convergence.theorem_rate(N, 0.3) == pytest.approx(0.3 / (4 * 49), rel=REL)  # PRE Lemma D.9
        radius = 0.3 / (12 * 7) / 2  # half that of PRE Lemma D.9, see theorem_radius
        assert convergence.theorem_radius(N, 0.3) == pytest.approx(radius, rel=REL)
        width = (4 * sqrt(7) * sqrt(3.0) / (0.3 * radius)) ** 2
        assert convergence.theorem_width(N, 3.0, 0.3) == pytest.approx(width, rel=REL)
        steps_needed = 0.3**-2 * 49 * log(7 / 0.01)
        assert convergence.theorem_steps(N, 0.3, 0.01) == pytest.approx(steps_needed, rel=REL)


class TestSpectrum:
    def test_theorem_f_1(self) -> None:
        lower, upper = spectrum.spectral_bounds(N, 1.5, 0.2)
        assert upper == pytest.approx(exp(-1.125), rel=REL)
        assert lower == pytest.approx(exp(-1.125) * 0.2 / (100 * 49), rel=REL)
        assert spectrum.spectral_bounds(1, 0.0, 5.0) == pytest.approx((sqrt(2) / 100, 1.0), rel=REL)
        with pytest.raises(ConfigError, match="n=0"):
            spectrum.spectral_bounds(0, 1.5, 0.2)

    def test_lemma_c_1(self) -> None:
        """Matrix Chernoff, n (e^-d / (1 - d)^(1 - d))^(lambda / (n / m)) with d = 1/4: d^2/2 = 1/32 is its exponent."""
        assert spectrum.discrete_kernel_failure(N, M, 1.2) == pytest.approx(7 * exp(-1.2 * 1000 / (32 * 7)), rel=REL)
        assert spectrum.discrete_kernel_failure(N, 1, 1e-3) == 1.0
        assert spectrum.discrete_kernel_failure(1, M, -1.0) == 1.0

    @pytest.mark.parametrize(("b", "radius"), [(3.0, 0.1), (1.0, 0.1)])
    def test_lemma_c_2(self, b: float, radius: float) -> None:
        decay = exp(-(b**2) / 2)
        drift = 7 * min(2 * e * decay, 3 * radius)
        assert spectrum.kernel_drift_bound(N, b, radius) == pytest.approx(drift, rel=REL)

    @pytest.mark.parametrize(("b", "radius", "share"), [(4.0, 0.2, 3 / 8 * e * exp(-8.0)), (1.0, 0.1, 0.1 / 10)])
    def test_how_lemma_c_2_fails(self, b: float, radius: float, share: float) -> None:
        width = round(6 / share)
        assert spectrum.kernel_drift_failure(N, width, b, radius) == pytest.approx(49 * exp(-width * share), rel=REL)
        assert spectrum.kernel_drift_failure(N, 1, b, radius) == 1.0
        assert spectrum.kernel_drift_failure(N, 1, b, 0.0) == 0.0

    def test_rounding_hides_the_smallest(self) -> None:
        u = 2.0**-52
        for share, shown in ((0.9, False), (1.1, True)):
            least = share * 4 * 3 * u * 5.0
            assert (spectrum.smallest_of(np.array([least, 1.0, 5.0])) == least) is shown


class TestAdversarial:
    def test_lemma_5_15(self) -> None:
        k = 5.0
        tau = k * M ** (-3 / 5)
        bound = 2 * 1000 * exp(-(k**2) / (4 * 1000 ** (1 / 5)))
        assert paper_threshold(M, k) == pytest.approx(tau, rel=REL)
        assert adversarial.threshold_constant(M, tau) == pytest.approx(k, rel=REL)
        assert adversarial.activation_bound(M, tau) == pytest.approx(bound, rel=REL)
        mean = 10 * exp(-10 * 0.3**2 / 4)  # half of Q_0; Bernstein with t = M = the mean
        failure = 7 * exp(-(mean**2 / 2) / (mean + mean / 3))
        assert adversarial.activation_failure(N, 10, 0.3) == pytest.approx(failure, rel=REL)
        assert adversarial.activation_failure(N, 1, 3.0) == 1.0

    def test_expectations(self) -> None:
        """A value has the spread sqrt((||x||^2 + 1) / m)."""
        assert adversarial.expected_activated(M, 0.05) == pytest.approx(1000 * tail(0.05 / sqrt(2 / 1000)), rel=REL)
        share = tail(0.05 / sqrt((3.0**2 + 1) / 1000))
        assert adversarial.expected_activated(M, 0.05, 3.0) == pytest.approx(1000 * share, rel=REL)
        assert expected_fraction(M, 0.05, 3.0) == pytest.approx(share, rel=REL)
        assert fraction_threshold(M, share, 3.0) == pytest.approx(0.05, rel=1e-10)

    def test_claim_5_16(self) -> None:
        """Twice n m times 2 R times the density of N(0, 2/m) at 0, which is sqrt(m / (4 pi))."""
        mean = 7 * 1000 * 2 * 1e-4 * sqrt(1000 / (4 * pi))
        assert adversarial.flip_count_bound(N, M, 1e-4) == pytest.approx(2 * mean, rel=REL)
        failure = exp(-(mean**2 / 2) / (mean + mean / 3))
        assert adversarial.flip_count_failure(N, M, 1e-4) == pytest.approx(failure, rel=REL)
        assert adversarial.flip_count_failure(N, M, 1e-9) == pytest.approx(1, rel=1e-3)
        assert adversarial.flip_count_failure(N, M, 0.0) == 0.0

    def test_definition_3_7(self) -> None:
        assert Separability(0.5, 0.1).gamma == pytest.approx(0.5 * (0.5 - 2 * 0.1), rel=REL)


class TestSgd:
    def test_theorem_5_6(self) -> None:
        excess = 1.1 * 2.0 * 1.3 * 3.0 / sqrt(50 * 6) + 1.1 * 1.3 * 3.0 / sqrt(400)
        found = sgd.excess_loss_bound(50, 400, 6, 3.0, 2.0, lipschitz=1.1, feature_bound=1.3)
        assert found == pytest.approx(excess, rel=REL)
        assert sgd.excess_loss_bound(50, 400, 6, 3.0, 2.0) == pytest.approx(6 / sqrt(300) + 3 / 20, rel=REL)
        assert sgd.sgd_rate(400, 3.0, lipschitz=1.1, feature_bound=1.3) == pytest.approx(3 / (20 * 1.1 * 1.3), rel=REL)
        assert sgd.sgd_rate(400, 3.0) == pytest.approx(3 / 20, rel=REL)

    def test_theorem_1_5(self) -> None:
        """4 L^2 R^2 C^2 M^2 / (d epsilon^2) pairs and 4 L^2 C^2 M^2 / epsilon^2 steps, rounded up."""
        constants = {"lipschitz": 1.1, "feature_bound": 1.3}
        steps = 4 * 1.1**2 * 1.3**2 * 9 / 0.01
        assert sgd.sgd_steps(0.1, 3.0, **constants) == math.ceil(steps)
        assert sgd.sgd_width(0.1, 6, 3.0, 2.0, **constants) == math.ceil(steps * 4 / 6)
        assert sgd.sgd_steps(0.125, 3.0) == 4 * 9 * 64
        assert sgd.sgd_width(0.125, 6, 3.0, 2.0) == 4 * 9 * 4 * 64 // 6


class TestDeep:
    """With the O's constants at 1; the paper's d is the number of outputs (DEEP Theorems 3, 4, 5)."""

    def nets(self) -> tuple[DeepNetwork, DeepNetwork]:
        net = fully_connected([20, 30, 24], 16, outputs=3, seed=1)
        rng = np.random.default_rng(0)
        return net, net.at([w + 0.01 * rng.standard_normal(w.shape) for w in net.weights()])

    def test_theorem_3(self) -> None:
        net, inputs = self.nets()[0], sphere(5, 16, seed=3).inputs
        loss, targets = make_loss("squared"), np.ones((5, 3))
        seen = net.forward(inputs)
        each = np.square(seen.outputs - targets).sum(axis=1)
        found = gradient_bounds(seen, targets, loss, 0.3)
        assert found.upper == pytest.approx(24 * 5 * each.sum() / 3, rel=REL)  # m_L, the last layer's
        assert found.lower == pytest.approx(0.3 * 24 * each.max() / (3 * 5), rel=REL)

    def test_theorem_4(self) -> None:
        net, now = self.nets()
        inputs, loss, targets = sphere(5, 16, seed=3).inputs, make_loss("squared"), np.ones((5, 3))
        moves = [0.5 * w for w in net.weights()]
        found = semi_smoothness(net, now, moves, inputs, targets, loss)
        assert [part.size / found[-1].size for part in found] == pytest.approx([0.25, 0.5, 1.0], rel=REL)
        assert found[-1].size == pytest.approx(max(np.linalg.norm(move, 2) for move in moves), rel=REL)
        value, (part, *_), depth = loss.value(now.predict(inputs), targets), found, 2
        omega = part.size  # larger than how far now is from the start
        first = sqrt(5 * value) * omega ** (1 / 3) * depth**2 * sqrt(30 * log(30) / 3) * part.size
        assert part.first_order == pytest.approx(first, rel=REL)
        assert part.second_order == pytest.approx(5 * depth**2 * 30 / 3 * part.size**2, rel=REL)

    def test_theorem_5(self) -> None:
        net, now = self.nets()
        found = linearisation(net, now, sphere(5, 16, seed=3).inputs)
        pairs = zip(net.weights(), now.weights(), strict=True)
        omega, depth = max(np.linalg.norm(b - a, 2) for a, b in pairs), 2
        assert found.omega == pytest.approx(omega, rel=REL)
        assert found.gradient_bound == pytest.approx(sqrt(log(30)) * omega ** (1 / 3) * depth**3, rel=REL)
        assert found.kernel_bound == found.gradient_bound
        assert found.output_bound == pytest.approx(depth**3 * omega ** (4 / 3) * sqrt(30 * log(30) / 3), rel=REL)
