"""The start of ADV Definition 3.1, its thresholds, and gradients of the jumping activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.sets import SetDynamics
from hybrid_train.data.padding import with_one
from hybrid_train.errors import ConfigError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.adversarial import (
    adversarial_network,
    adversarial_threshold,
    expected_fraction,
    fraction_threshold,
    paper_threshold,
    pre_activation_spread,
)


def test_the_start_has_the_right_law() -> None:
    network = adversarial_network(40000, 4, fraction=0.05, outputs=2, seed=1)
    weights = network.weights[:]
    assert weights.shape == (40000, 5)
    # the mean square of N entries of N(0, 1) lies within 6.1 sqrt(2 / N) of 1 but for a probability of 1e-9
    assert abs((weights**2).mean() * 40000 - 1) < 6.1 * np.sqrt(2 / weights.size)
    assert np.allclose(np.abs(network.output_weights), 40000**-0.2)
    assert (network.activation, network.scale, network.untrained) == ("jump", 1.0, 1)


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_the_fraction_asked_for_fires(norm: float) -> None:
    network = adversarial_network(100_000, 6, tau=fraction_threshold(100_000, 0.03, norm), seed=2)
    x = np.zeros((1, 6))
    x[0, 2] = norm
    fired = (network.weights[:] @ with_one(x)[0] > network.threshold).mean()
    spread = np.sqrt(0.03 * 0.97 / 100_000)
    assert abs(fired - 0.03) < 6.2 * spread, "normal approximation, false alarm 1e-9"
    forgot_the_bias = fraction_threshold(100_000, 0.03, norm) * norm / np.sqrt(norm**2 + 1)
    assert abs((network.weights[:] @ with_one(x)[0] > forgot_the_bias).mean() - 0.03) > 6.2 * spread or norm > 2


def test_the_papers_constant_has_to_be_thirteen() -> None:
    assert expected_fraction(2**20, paper_threshold(2**20, 13.2)) == pytest.approx(0.01, rel=0.02)
    assert expected_fraction(2**20, paper_threshold(2**20, 1.0)) > 0.4
    assert adversarial_threshold(2**20, k=2.0) == 2.0 * (2**20) ** -0.6
    assert adversarial_threshold(100, tau=-0.5) == -0.5
    assert expected_fraction(500, adversarial_threshold(500)) == pytest.approx(0.01)
    assert pre_activation_spread(100) == pytest.approx(np.sqrt(2) / 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau": 0.1, "k": 1.0}, "tau and k"),
        ({"tau": float("nan")}, "tau=nan"),
        ({"fraction": 0.0}, "fraction=0.0"),
        ({"fraction": 1.0}, "fraction=1.0"),
        ({"width": 0}, "width=0"),
        ({"dtype": "int8"}, "dtype='int8'"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        adversarial_network(**{"width": 8, "dimension": 2} | options)


def test_single_precision_is_the_rounded_double_start() -> None:
    double, single = (adversarial_network(50, 3, seed=4, dtype=kind) for kind in ("float64", "float32"))
    assert single.weights.dtype == np.float32
    assert np.array_equal(single.weights[:], double.weights[:].astype(np.float32))


def slope_of(outputs: np.ndarray) -> np.ndarray:
    return np.arange(1.0, outputs.size + 1).reshape(outputs.shape) / outputs.size


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_input_gradients_are_finite_differences(index: Any) -> None:
    rng = np.random.default_rng(0)
    network = adversarial_network(300, 4, fraction=0.3, outputs=2, seed=5)
    inputs = with_one(rng.standard_normal((5, 4)))
    dynamics = SetDynamics(network, inputs, make_finder("scan"), index)
    dynamics.start()
    slope = slope_of(dynamics.evaluate().outputs)
    gradient = dynamics.input_gradient(slope)
    fires = inputs @ network.weights[:].T > network.threshold
    step = 1e-9
    for j in range(4):
        values = []
        for sign in (1, -1):
            moved = inputs.copy()
            moved[:, j] += sign * step
            z = moved @ network.weights[:].T
            assert np.array_equal(z > network.threshold, fires), "no neuron may jump between the two points"
            values.append(((np.where(fires, z, 0.0) @ network.output_weights) * slope).sum(axis=1))
        assert np.allclose((values[0] - values[1]) / (2 * step), gradient[:, j], atol=1e-6)
    assert not gradient[:, 4].any(), "the one at the end is no input"


@pytest.mark.peers
def test_gradients_agree_with_torch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    network = adversarial_network(300, 4, fraction=0.3, outputs=2, seed=5)
    inputs = with_one(rng.standard_normal((5, 4)))
    dynamics = SetDynamics(network, inputs, make_finder("scan"))
    dynamics.start()
    slope = slope_of(dynamics.evaluate().outputs)
    gradient = dynamics.input_gradient(slope)
    x = torch.tensor(inputs[:, :-1], requires_grad=True)
    w = torch.tensor(network.weights[:][:, :-1].copy())
    w.requires_grad_()
    z = x @ w.T + torch.tensor(network.weights[:][:, -1].copy())
    f = torch.where(z > network.threshold, z, 0.0) @ torch.tensor(network.output_weights)
    assert np.allclose(f.detach().numpy(), dynamics.evaluate().outputs, rtol=1e-12)
    (f * torch.tensor(slope)).sum().backward()
    assert np.allclose(x.grad.numpy(), gradient[:, :-1], rtol=0, atol=1e-12)
    before = network.weights[:].copy()
    dynamics.descend(slope, 0.5)
    moved = network.weights[:] - before
    assert np.allclose(moved[:, :-1], -0.5 * w.grad.numpy(), rtol=0, atol=1e-12)
    assert not moved[:, -1].any()
