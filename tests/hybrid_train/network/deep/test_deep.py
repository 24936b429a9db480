"""Deep networks at the start: how they are drawn, what they keep, what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from hybrid_train.data import digits, sphere
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network import auto_threshold
from hybrid_train.network.deep import (
    Block,
    DeepNetwork,
    Layer,
    calibrated,
    convolutional,
    fully_connected,
    grid_patches,
    residual,
    residual_plan,
)
from hybrid_train.network.deep.scales import Spectrum, excess_moment, scale_for_score, scale_for_threshold
from hybrid_train.theory.predictions.deep import hidden_norms

PATCHES = grid_patches(4, 4)


def everything(**options: Any) -> list[DeepNetwork]:
    return [
        fully_connected([512, 400, 450], 16, **options),
        residual(400, 3, 16, **options),
        convolutional([40, 30], PATCHES, last=300, **options),
        convolutional([30], PATCHES, last=300, shared=False, **options),
    ]


@given(st.floats(-6, 6))
def test_the_moment_is_the_integral(score: float) -> None:
    integral, _ = quad(lambda z: (z - score) ** 2 * norm.pdf(z), max(score, -30), 40)
    assert excess_moment(score) == pytest.approx(integral, rel=1e-6, abs=1e-12)


@given(st.floats(-2, 6), st.integers(1, 10**7), st.floats(0.1, 10))
def test_a_scale_is_found_again_from_its_threshold(score: float, width: int, length: float) -> None:
    there = scale_for_score(width, score, length)
    back = scale_for_threshold(width, there.threshold, length)
    assert back.score == pytest.approx(score, abs=1e-6)
    assert back.spread == pytest.approx(there.spread, rel=1e-6)
    assert there.share == pytest.approx(norm.sf(score))


def test_no_shift_is_the_paper_s_initialisation() -> None:
    net = fully_connected([3000, 2000], 50, outputs=4, seed=3)
    assert [layer.threshold for layer in net.layers] == [0.0, 0.0]
    for layer in net.layers:
        points = layer.blocks[0].points[:]
        # the sample variance of N normals deviates by 6.2 sqrt(2/N) with probability 1e-9
        assert points.var() == pytest.approx(2 / len(points), rel=6.2 * math.sqrt(2 / points.size))
    assert net.output_weights.var() == pytest.approx(1 / 4, rel=6.2 * math.sqrt(2 / net.output_weights.size))
    conv = convolutional([400], grid_patches(6, 6), last=100, seed=3).layers[0].blocks[0].points[:]
    assert conv.var() == pytest.approx(2 / (9 * 400), rel=6.2 * math.sqrt(2 / conv.size))


@pytest.mark.parametrize("threshold", [0.0, "auto"])
def test_norms_stay_near_one_and_the_share_fires(threshold: Any) -> None:
    share = None if threshold == 0.0 else 0.2
    inputs = sphere(150, 16, seed=1).inputs
    wide = [
        fully_connected([2500, 2000], 16, threshold=threshold, share=share, seed=2),
        convolutional([600], np.zeros((1, 1), int), last=2000, input_channels=16, threshold=threshold, share=share),
    ]
    for net in wide:
        seen = net.forward(inputs)
        assert np.abs(hidden_norms(seen) - 1).max() < (0.3 if share is None else 0.6)
        assert np.abs(np.square(hidden_norms(seen)).mean(axis=1) - 1).max() < 0.1
        for hidden in seen.hidden:
            assert (hidden > 0).mean() == pytest.approx(share or 0.5, abs=0.02)


def test_a_shift_without_its_wider_weights_would_lose_the_norm() -> None:
    """The broken twin: the paper's 2/m with a shift."""
    net = fully_connected([2000, 1500], 16, threshold="auto", share=0.2, seed=2)
    layers = tuple(
        Layer((Block(DenseBank(np.asarray(block.points[:]) * math.sqrt(2 / width) / spread), block.patches),), b)
        for (block, width, spread, b) in (
            (layer.blocks[0], layer.width, scale_for_threshold(layer.width, layer.threshold).spread, layer.threshold)
            for layer in net.layers
        )
    )
    twin = DeepNetwork(layers, net.output_weights)
    assert hidden_norms(twin.forward(sphere(20, 16, seed=1).inputs)).max() < 0.7


def test_the_default_share_is_that_of_two_layers() -> None:
    net = fully_connected([4096, 1024], 8, threshold="auto", seed=1)
    fired = [(h > 0).mean() for h in net.forward(sphere(300, 8, seed=1).inputs).hidden]
    assert fired == pytest.approx([norm.sf(auto_threshold(m)) for m in (4096, 1024)], rel=0.25)


@pytest.mark.parametrize(("threshold", "share"), [(0.0, None), ("auto", 0.2), ([0.01, 0.002, 0.0, 0.02], None)])
def test_residual_norms_and_shares_are_as_planned(threshold: Any, share: float | None) -> None:
    width, depth = 1200, 3
    plan = residual_plan(width, depth, threshold, share)
    net = residual(width, depth, 32, threshold=threshold, share=share, seed=4)
    seen = net.forward(sphere(60, 32, seed=1).inputs)
    assert hidden_norms(seen).mean(axis=1) == pytest.approx(plan.norms, rel=0.05)
    assert [(h > 0).mean() for h in seen.hidden] == pytest.approx(plan.shares, abs=0.02)
    assert [layer.skip for layer in net.layers] == [False, True, True, False]
    assert net.layers[1].factor == pytest.approx(1 / (3 * math.log(1200)))


def test_a_spectrum_is_that_of_samples() -> None:
    rng = np.random.default_rng(0)
    spectrum = Spectrum.after(scale_for_score(100, 0.5), 100)
    samples = np.maximum(math.sqrt(100) * scale_for_score(100, 0.5).spread * (rng.standard_normal(400_000) - 0.5), 0)
    moved = np.maximum(samples + 0.3 * rng.standard_normal(len(samples)) - 0.2, 0.0)
    after = spectrum.residual(0.2, 0.3)
    assert after.norm == pytest.approx(math.sqrt(np.square(moved).mean()), rel=0.02)
    assert spectrum.fires(0.2, 0.3) == pytest.approx((moved > 0).mean(), abs=0.01)
    assert spectrum.fires(spectrum.threshold_for(0.1, 0.3), 0.3) == pytest.approx(0.1)


def test_calibration_reaches_the_share_on_data_with_much_in_common() -> None:
    inputs = digits(60, classes="all").inputs
    for net in (
        fully_connected([200] * 5, 64, seed=1),
        residual(200, 4, 64, seed=1),
        convolutional([8, 8], grid_patches(8, 8), last=200, seed=1),
    ):
        fitted = calibrated(net, inputs, 0.15)
        seen = fitted.forward(inputs)
        for number, (hidden, layer) in enumerate(zip(seen.hidden, fitted.layers, strict=True)):
            assert (hidden > 0).mean() == pytest.approx(0.15, abs=0.001)
            below = seen.hidden[number - 1] if number else inputs
            if not layer.skip:
                assert np.square(hidden).sum() == pytest.approx(np.square(below).sum())
        assert [layer.threshold for layer in net.layers] == [0.0] * len(net.layers)


def test_weights_are_what_at_puts_there() -> None:
    for net in everything(threshold="auto", share=0.3, seed=2):
        weights = [w + 1.0 for w in net.weights()]
        moved = net.at(weights)
        assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(moved.weights(), weights, strict=True))
        assert all(np.allclose(a + 1, b, atol=1e-12) for a, b in zip(net.weights(), weights, strict=True))
        assert moved.kind == net.kind


def test_gradients_are_differences_of_outputs() -> None:
    """Along a random direction; in the residual network W is not what its layers hold."""
    rng, inputs, tiny = np.random.default_rng(0), sphere(5, 16, seed=1).inputs, 1e-6
    for net in everything(threshold="auto", share=0.3, seed=2, outputs=2):
        moves, slope = [rng.standard_normal(w.shape) / w.shape[1] for w in net.weights()], rng.standard_normal((5, 2))
        there, back = (net.at([w + s * tiny * d for w, d in zip(net.weights(), moves, strict=True)]) for s in (1, -1))
        change = (there.predict(inputs) - back.predict(inputs)) / (2 * tiny)
        seen = net.forward(inputs)
        assert np.allclose(seen.tangent(moves), change, rtol=1e-4, atol=1e-6)
        along = sum((g * d).sum() for g, d in zip(seen.gradient(slope), moves, strict=True))
        assert along == pytest.approx((slope * change).sum(), rel=1e-4)


def test_no_neuron_stands_on_the_shift_of_a_calibrated_layer() -> None:
    """Of 16 neurons that see one example, the quantile at 0.8 is the inner product of one."""
    for seed in range(5):
        net, inputs = residual(16, 2, 2, seed=seed), sphere(1, 2, seed=seed).inputs
        fitted, below = calibrated(net, inputs, 0.2), inputs
        for layer, hidden in zip(fitted.layers, fitted.forward(inputs).hidden, strict=True):
            (block,) = layer.blocks
            assert np.abs(below @ block.points[:].T - layer.threshold).min() > 1e-6
            below = hidden


def test_the_same_seed_gives_the_same_network_and_another_another() -> None:
    for one, same, other in zip(everything(seed=1), everything(seed=1), everything(seed=2), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.weights(), same.weights(), strict=True))
        assert np.array_equal(one.output_weights, same.output_weights)
        assert not np.array_equal(one.weights()[0], other.weights()[0])


def test_predictions_do_not_depend_on_the_blocks_they_are_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = sphere(20, 16, seed=1).inputs
    for net in everything(seed=1, outputs=2):
        whole = net.predict(inputs)
        with monkeypatch.context() as patch:
            patch.setattr("hybrid_train.network.deep.network._BLOCK_NUMBERS", 3 * sum(net.widths))
            assert np.allclose(net.predict(inputs), whole, rtol=0, atol=1e-13)


def test_grid_patches_wrap_around_and_are_regular() -> None:
    patches = grid_patches(3, 4)
    assert patches.shape == (12, 9)
    assert sorted(patches[0]) == sorted([11, 8, 9, 3, 0, 1, 7, 4, 5])
    assert patches[5].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert (np.bincount(patches.ravel()) == 9).all()


def test_a_layer_may_read_a_part_of_the_one_below() -> None:
    whole = fully_connected([12, 10, 8], 16, seed=1)
    part = DenseBank(np.array(whole.layers[1].blocks[0].points[:][:, :5]))
    layers = (whole.layers[0], Layer((Block(part, np.arange(5)[None]),), 0.0), whole.layers[2])
    net, inputs = DeepNetwork(layers, whole.output_weights), sphere(4, 16, seed=1).inputs
    padded = np.zeros((10, 12))
    padded[:, :5] = part[:]
    same = whole.at([padded, whole.weights()[1]])
    assert np.allclose(net.predict(inputs), same.predict(inputs), rtol=0, atol=1e-14)
    slope = np.ones((4, 1))
    assert np.allclose(net.forward(inputs).gradient(slope)[0], same.forward(inputs).gradient(slope)[0][:, :5])
    assert np.allclose(net.forward(inputs).input_gradient(slope), same.forward(inputs).input_gradient(slope))


def test_mistakes_are_refused_with_what_to_do() -> None:
    refused: list[tuple[str, Any]] = [
        ("input layer", lambda: fully_connected([5], 3)),
        (r"widths\[1\]=0", lambda: fully_connected([5, 0], 3)),
        ("dimension=True", lambda: fully_connected([5, 5], True)),
        ("depth=0", lambda: residual(5, 0, 3)),
        ("give a number, one for each layer", lambda: fully_connected([5, 5], 3, threshold="atuo")),
        ("leave one of them out", lambda: fully_connected([5, 5], 3, threshold=0.1, share=0.1)),
        ("leave one of them out", lambda: residual(5, 2, 3, share=0.1)),
        ("expected 1 number or 2", lambda: fully_connected([5, 5], 3, threshold=[0.1])),
        ("must be a finite number", lambda: residual(5, 2, 3, threshold=math.nan)),
        ("take one between", lambda: fully_connected([5, 5], 3, threshold=-1.0)),
        ("share=1.0", lambda: fully_connected([5, 5], 3, threshold="auto", share=1.0)),
        ("share=0", lambda: calibrated(fully_connected([5, 5], 3), np.ones((2, 3)), 0)),
        ("kernel=4", lambda: grid_patches(3, 3, 4)),
        ("Assumption B.1", lambda: convolutional([3], [[0, 1], [0, 1], [2, 0]])),
        ("expected integers", lambda: convolutional([3], [[0.5]])),
        (r"channels=\[\]", lambda: convolutional([], PATCHES)),
        ("tau=0.0", lambda: Layer(fully_connected([2, 2], 2).layers[0].blocks, 0.0, factor=0.0)),
    ]
    for message, make in refused:
        with pytest.raises(ConfigError, match=message):
            make()
    net = fully_connected([5, 5], 3)
    with pytest.raises(DataError, match="dimension 2"):
        net.predict(np.ones((1, 2)))
    with pytest.raises(DataError, match="7 columns"):
        DeepNetwork(net.layers, np.ones((1, 7)))
    with pytest.raises(DataError, match="layer 1 reads 5"):
        DeepNetwork((fully_connected([4, 4], 3).layers[0], net.layers[1]), np.ones((1, 5)))
    with pytest.raises(DataError, match="patches"):
        Block(DenseBank(np.ones((2, 3))), np.zeros((1, 2), int))


@pytest.mark.parametrize("kind", ["fully_connected", "residual", "convolutional"])
def test_float32_weights_are_the_same_rounded_and_stay_float32(kind: str) -> None:
    def made(dtype: str) -> DeepNetwork:
        match kind:
            case "fully_connected":
                return fully_connected([30, 20], 9, threshold="auto", share=0.3, seed=1, dtype=dtype)
            case "residual":
                return residual(30, 3, 9, threshold="auto", share=0.3, seed=1, dtype=dtype)
            case _:
                return convolutional([4, 5], grid_patches(3, 3), last=12, seed=1, dtype=dtype)

    net, wide, inputs = made("float32"), made("float64"), sphere(12, 9, seed=1).inputs
    for mine, theirs in zip(net.weights(), wide.weights(), strict=True):
        assert mine.dtype == np.float32
        assert np.allclose(mine, theirs, rtol=0, atol=1e-6)
    seen = net.forward(inputs)
    assert all(hidden.dtype == np.float32 for hidden in seen.hidden)
    assert np.allclose(seen.outputs, wide.forward(inputs).outputs, rtol=0, atol=1e-5)
    copied = calibrated(net.at(net.weights()), inputs, 0.3)
    assert all(block.points.dtype == np.float32 for layer in copied.layers for block in layer.blocks)
    with pytest.raises(ConfigError, match="dtype='float16': expected 'float32' or 'float64'"):
        made("float16")


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_layers_that_are_not_trained_are_reached_only_where_they_are_asked_for(kind: int) -> None:
    seen = everything(threshold="auto", share=0.3)[kind].forward(sphere(5, 16, seed=1).inputs)
    slope = np.random.default_rng(0).standard_normal(seen.outputs.shape)
    whole, trained = seen.backward(slope), seen.backward(slope, everywhere=False)
    assert len(trained[0]) == 0 < len(whole[0])
    for row, other in zip(whole[1:], trained[1:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(row, other, strict=True))
