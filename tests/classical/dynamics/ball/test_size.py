"""Lists for whole balls: how many pairs they will hold, and what happens where they do not fit."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from classical.auto import AutoFinder
from classical.dynamics.ball import size as ball_size
from classical.dynamics.ball.dynamics import BallDynamics
from classical.dynamics.sets import SetDynamics
from classical.training import two_layer_dynamics
from hybrid_train import compare
from hybrid_train.data import sphere
from hybrid_train.errors import ResourceError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.theory.predictions.pseudo_network import random_inputs

TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 12, "dim": 4},
    "network": {"width": 6000},
    "training": {"algorithm": "adversarial", "steps": 2, "loss": "logistic"},
    "adversary": {"rho": 0.1, "steps": 2},
}


@pytest.mark.parametrize("reach", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("activation", ["relu", "jump"])
def test_pairs_are_estimated_from_a_sample(reach: float, activation: str) -> None:
    """20000 neurons, a sample of 2048: within 20 %, more than six standard deviations of a count above 2500."""
    if activation == "relu":
        network, inputs = TwoLayerNetwork.initialize(20_000, 6, threshold=1.5, seed=1), sphere(30, 6, 2).inputs
    else:
        network, inputs = adversarial_network(20_000, 6, fraction=0.07, seed=1), random_inputs(30, 6, seed=2)
    dynamics = BallDynamics(network, inputs, reach)
    expected = ball_size.expected_pairs(
        dynamics._banks[0], inputs, network.threshold, dynamics._first_skin, dynamics._certified
    )
    dynamics.start()
    assert expected == pytest.approx(dynamics.candidates, rel=0.2)
    assert dynamics.candidates > 0.05 * network.width * len(inputs)


def test_every_neuron_counts_where_there_are_few() -> None:
    network, inputs = TwoLayerNetwork.initialize(300, 5, seed=1), sphere(20, 5, 2).inputs
    dynamics = BallDynamics(network, inputs, 0.2)
    about = network.threshold, dynamics._first_skin, dynamics._certified
    expected = ball_size.expected_pairs(dynamics._banks[0], inputs, *about)
    dynamics.start()
    assert expected == pytest.approx(dynamics.candidates, rel=0.01)


def test_lists_that_do_not_fit_are_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1 << 20)
    network, inputs = TwoLayerNetwork.initialize(40_000, 5, threshold=0.5, seed=1), sphere(20, 5, 2).inputs
    with pytest.raises(
        ResourceError, match=r"40000 neurons, 20 examples within 0.2 .* needed .*, available 1 MiB; take"
    ):
        two_layer_dynamics(network, inputs, make_finder("skin"), reach=0.2)
    assert isinstance(two_layer_dynamics(network, inputs, make_finder("scan"), reach=0.2), SetDynamics)


def test_auto_does_without_them_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1)
    network, inputs = TwoLayerNetwork.initialize(500, 5, seed=1), sphere(20, 5, 2).inputs
    finder = AutoFinder()
    dynamics = two_layer_dynamics(network, inputs, finder, reach=0.2)
    assert isinstance(dynamics, SetDynamics)
    dynamics.start()
    assert "lists of about" in finder._left_out["skin"]


def test_a_comparison_goes_on_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ball_size, "_PAIR_BYTES", 1 << 50)
    skin, scan = compare(TABLES, ["skin", "scan"]).rows
    assert "lists of about" in skin["error"]
    assert len(scan["losses"]) == 3
    assert "error" not in scan


def test_the_estimate_covers_what_is_taken() -> None:
    network, inputs = TwoLayerNetwork.initialize(30_000, 8, threshold=1.0, seed=1), sphere(60, 8, 2).inputs
    BallDynamics(network, inputs[:2], 0.2).start()
    dynamics = BallDynamics(network, inputs, 0.2)
    tracemalloc.start()
    dynamics.start()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 < peak / (ball_size._PAIR_BYTES * dynamics.candidates + ball_size._ROW_BYTES * 30_000) < 1.0
