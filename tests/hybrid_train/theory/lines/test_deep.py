"""The lines about deep runs: where each has to say yes, no, nothing, or that it does not apply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybrid_train.data import sphere
from hybrid_train.data.padding import DEEP_LAST, with_last_coordinate
from hybrid_train.data.separability import separation
from hybrid_train.network.deep import DeepNetwork, convolutional, fully_connected, residual
from hybrid_train.network.deep.convolutional_networks import grid_patches
from hybrid_train.theory.lines.deep import deep_lines
from hybrid_train.theory.lines.deep_case import DeepCase
from hybrid_train.theory.lines.line import Line
from hybrid_train.theory.predictions.deep_products import Chain, spectral_norm
from hybrid_train.training.losses import make_loss


def case(start: DeepNetwork, rate: float = 1e-4, steps: int = 3, n: int = 8) -> DeepCase:
    loss, inputs = make_loss("squared"), with_last_coordinate(sphere(n, start.dimension - 1, seed=1).inputs, DEEP_LAST)
    targets, now = np.where(np.arange(n) % 2, 1.0, -1.0)[:, None], start
    for _ in range(steps):
        seen = now.forward(inputs)
        moves = zip(now.weights(), seen.gradient(seen.outputs - targets), strict=True)
        now = now.at([w - rate * g for w, g in moves])
    return DeepCase(start, now, inputs, targets, loss, separation(inputs), rate)


def by_source(case: DeepCase) -> dict[str, Line]:
    return {f"{line.source} {line.quantity[:3]}": line for line in deep_lines(case)}


NORMS, ABOVE, BELOW = "DEEP Lemma 7.1 max", "DEEP Theorem 3 max", "DEEP Theorem 3 ||g"
STEP, GRADIENT, OUTPUT = "DEEP Theorem 4 F(W", "DEEP Theorem 5a rel", "DEEP Theorem 5b out"
KERNEL, FLIPS = "DEEP Theorem 5c rel", "DEEP Lemma 8.2b fli"
RESIDUAL_MOST, RESIDUAL_LEAST = "DEEP Appendix C max", "DEEP Appendix C min"


@pytest.mark.parametrize(
    "start", [fully_connected([256] * 3, 16, seed=1), residual(256, 3, 16, seed=1)], ids=lambda net: net.kind
)
def test_a_short_run_of_a_wide_network_keeps_every_bound(start: DeepNetwork) -> None:
    lines = deep_lines(case(start))
    assert len(lines) == (16 if start.kind == "residual" else 15)
    assert all(line.satisfied for line in lines if line.source != "DEEP Appendix C")
    for line in lines:
        assert line.predicted is not None
        assert line.measured is not None
        assert np.isfinite([line.predicted, line.measured]).all()
        wanted = line.measured <= line.predicted if line.relation == "<=" else line.measured >= line.predicted
        assert line.satisfied == wanted


class TestNorms:
    def test_the_constant_is_that_of_its_law(self) -> None:
        """At most one start in a hundred is outside; half the constant would fail most of the time."""
        outside = {1.0: 0, 0.5: 0}
        for seed in range(100):
            line = by_source(case(fully_connected([64, 96, 64], 16, seed=seed), steps=0))[NORMS]
            for part in outside:
                outside[part] += (line.measured or 0.0) > part * (line.predicted or 0.0)
        assert outside[1.0] <= 4
        assert outside[0.5] >= 10

    def test_it_says_yes_and_no(self) -> None:
        start = fully_connected([400] * 3, 16, seed=1)
        good = case(start)
        assert by_source(good)[NORMS].holds == "yes"
        stretched = replace(good, start=start.at([1.5 * w for w in start.weights()]))
        assert by_source(stretched)[NORMS].holds == "no"
        narrow = case(fully_connected([8] * 3, 16, seed=1))
        assert "epsilon <= 1 is wanted" in by_source(narrow)[NORMS].missing[0]

    def test_channels_count_in_convolutions(self) -> None:
        network = convolutional([24, 24], grid_patches(4, 4), seed=1)
        line, dense = (by_source(case(net))[NORMS] for net in (network, fully_connected([24] * 3, 16, seed=1)))
        channels = [len(layer.blocks[0].points) for layer in network.layers]
        expected = (2.5 * sum(1 / m for m in channels) * np.log(200 * 8 * 3)) ** 0.5
        assert line.predicted == pytest.approx(expected)
        assert dense.predicted == pytest.approx((2.5 * 3 * np.log(200 * 8 * 3) / 24) ** 0.5)

    def test_residual_norms_below_a_width_refute_nothing(self) -> None:
        start = residual(256, 3, 16, seed=1)
        lines = by_source(case(start))
        assert lines[RESIDUAL_MOST].holds == "not applicable"
        assert "a wider network is wanted" in lines[RESIDUAL_MOST].missing[0]
        assert lines[RESIDUAL_LEAST].holds == "yes"
        narrow = by_source(case(residual(11, 1, 16, seed=1)))[RESIDUAL_LEAST]
        assert "a wider network is wanted" in narrow.missing[0]
        shrunk = replace(case(start), inputs=case(start).inputs * 0.1)
        assert "unit data" in by_source(shrunk)[RESIDUAL_LEAST].missing[0]


class TestGradients:
    def test_the_last_width_and_the_ball_count(self) -> None:
        start = fully_connected([256, 128, 64], 16, seed=1)
        found = case(start, steps=0)
        lines = by_source(found)
        vectors = found.after.outputs - found.targets
        assert lines[ABOVE].predicted == pytest.approx(64 * 8 * np.square(vectors).sum())
        assert lines[BELOW].predicted == pytest.approx(found.delta * 64 * np.square(vectors).max() / 8)
        assert lines[ABOVE].holds == "yes"
        moved = by_source(case(start))
        assert any("delta^{3/2}" in reason for reason in moved[ABOVE].missing)

    def test_a_gradient_that_is_too_small_is_seen(self) -> None:
        found = case(fully_connected([256] * 3, 16, seed=1), steps=0)
        assert by_source(found)[BELOW].holds in {"yes", "says nothing"}
        dead = found.start.at([1e-3 * w for w in found.start.weights()])
        assert by_source(replace(found, start=dead, now=dead))[BELOW].holds == "no"
        wild = found.start.at([40.0 * w for w in found.start.weights()])
        assert by_source(replace(found, start=wild, now=wild))[ABOVE].holds == "no"

    def test_one_datum_and_other_data_have_no_lower_bound(self) -> None:
        start = fully_connected([64] * 3, 16, seed=1)
        assert "one datum has no separation" in by_source(case(start, n=1))[BELOW].missing
        found = case(start)
        free = replace(found, inputs=sphere(8, 16, seed=1).inputs)
        assert any("2^{-1/2}" in reason for reason in by_source(free)[BELOW].missing)
        twice = replace(found, inputs=np.repeat(found.inputs[:4], 2, axis=0))
        assert any("not separated" in reason for reason in by_source(twice)[BELOW].missing)

    def test_antipodes_are_far_apart_here(self) -> None:
        """Assumption 2.1 speaks of differences alone, PRE's delta of sums as well."""
        found = case(fully_connected([64] * 3, 16, seed=1))
        rows = np.concatenate([found.inputs[:1], -found.inputs[:1]])
        both = replace(found, inputs=rows, targets=found.targets[:2], separation=separation(rows))
        assert both.separation.delta == 0
        assert both.distance == pytest.approx(2.0)


class TestMovement:
    def test_nothing_moved_says_nothing(self) -> None:
        lines = by_source(case(fully_connected([128] * 3, 16, seed=1), steps=0))
        for name in (GRADIENT, OUTPUT, KERNEL, FLIPS):
            assert lines[name].holds == "says nothing", name
            assert lines[name].measured == 0.0

    def test_a_tiny_movement_does_not_cancel(self) -> None:
        lines = by_source(case(fully_connected([128] * 3, 16, seed=1), rate=1e-16, steps=1))
        assert 0 < (lines[GRADIENT].measured or 0.0) < 1e-12
        assert lines[GRADIENT].satisfied

    @pytest.mark.parametrize("name", [STEP, GRADIENT, OUTPUT, KERNEL, FLIPS])
    def test_beyond_the_ball_nothing_is_claimed(self, name: str) -> None:
        far = by_source(case(fully_connected([64] * 3, 16, seed=1), rate=1e-3, steps=20))
        assert any("||W" in reason for reason in far[name].missing)


class TestProducts:
    def test_nothing_moved_says_nothing_of_movement(self) -> None:
        lines = by_source(case(fully_connected([128] * 3, 16, seed=1), steps=0))
        for name in ("DEEP Lemma 8.2a ||g", "DEEP Lemma 8.2c max", "DEEP Lemma 8.7 max"):
            assert lines[name].holds == "says nothing", name
        assert lines["DEEP Lemma 7.3a max"].holds == lines["DEEP Lemma 7.4b max"].holds == "yes"

    def test_products_that_blow_up_are_seen(self) -> None:
        found = case(fully_connected([128] * 3, 16, seed=1), steps=0)
        wild = found.start.at([40.0 * w for w in found.start.weights()])
        lines = by_source(replace(found, start=wild, now=wild))
        assert lines["DEEP Lemma 7.3a max"].holds == lines["DEEP Lemma 7.4b max"].holds == "no"

    def test_a_constant_that_is_hidden_refutes_nothing_below_a_hundred(self) -> None:
        """Of narrow random layers a third are above 2 (m_L / d)^{1/2}: the theorem has a constant, and names none."""
        found = case(fully_connected([128] * 3, 16, seed=1), steps=0)
        wild = found.start.at([3.0 * w for w in found.start.weights()])
        for name, line in by_source(replace(found, start=wild, now=wild)).items():
            if name.startswith(("DEEP Lemma 7.3a", "DEEP Lemma 7.4b")):
                assert (line.satisfied, line.holds) == (False, "not applicable")
                assert "its constant is hidden" in line.missing[-1]

    def test_products_beyond_the_finite_numbers_are_infinite(self) -> None:
        """A run that diverged: no overflow, no NaN."""
        chain = Chain((np.full((3, 3), 1e200), np.full((3, 3), 1e200)))
        assert spectral_norm(chain) == np.inf
        assert spectral_norm(Chain((np.full((3, 3), 1e200),))) == pytest.approx(3e200)
        assert spectral_norm(chain, chain) == np.inf

    def test_products_after_training_want_the_width_of_those_before(self) -> None:
        """Lemmas 8.2, 8.6 and 8.7 rest on 7.3 and 7.4."""
        narrow = by_source(case(fully_connected([8] * 3, 16, seed=1), rate=1e-9))
        for name in ("DEEP Lemma 7.3a max", "DEEP Lemma 8.6b max", "DEEP Lemma 8.7 max", "DEEP Lemma 8.2c max", FLIPS):
            assert any("m >= n L ln(n L) = 44.4 is wanted, here 8" in reason for reason in narrow[name].missing), name
        at_rest = by_source(case(fully_connected([128] * 3, 16, seed=1), steps=0))
        assert at_rest["DEEP Lemma 8.6b max"].holds == "says nothing"

    def test_separation_wants_a_width_of_its_own(self) -> None:
        line = by_source(case(fully_connected([128] * 3, 16, seed=1)))["DEEP Lemma 7.5 min"]
        assert (line.satisfied, line.holds) == (True, "not applicable")
        assert any("delta^6" in reason for reason in line.missing)


def test_shifts_and_convolutions_are_said() -> None:
    shifted = deep_lines(case(fully_connected([64] * 3, 16, threshold="auto", share=0.2, seed=1)))
    assert all(line.holds == "not applicable" and "no shift is wanted" in line.missing[0] for line in shifted)
    lines = by_source(case(convolutional([8, 8], grid_patches(4, 4), seed=1), steps=0))
    assert "for convolutions" in lines[FLIPS].missing[0]
