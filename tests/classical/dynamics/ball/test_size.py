"""Lists for whole balls: how much memory they take, and what happens where they do not fit."""

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

TABLES: dict[str, Any] = {
    "data": {"kind": "sphere", "n": 12, "dim": 4},
    "network": {"width": 6000},
    "training": {"algorithm": "adversarial", "steps": 2, "loss": "logistic"},
    "adversary": {"rho": 0.1, "steps": 2},
}


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
    assert "lists: needed" in finder._left_out["skin"]


def test_a_comparison_goes_on_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ball_size, "_PAIR_BYTES", 1 << 50)
    skin, scan = compare(TABLES, ["skin", "scan"]).rows
    assert "lists: needed" in skin["error"]
    assert len(scan["losses"]) == 3
    assert "error" not in scan


def test_the_estimate_covers_what_is_taken() -> None:
    """Lists, and what is taken for a moment while they are made and looked at."""
    network = TwoLayerNetwork.initialize(30_000, 8, threshold=1.0, seed=1, dtype="float32")
    inputs = sphere(600, 8, 2).inputs
    warm = BallDynamics(network, inputs[:2], 0.2)  # compiles
    warm.start()
    warm.evaluate()
    tracemalloc.start()
    dynamics = BallDynamics(network, inputs, 0.2)
    dynamics.start()
    dynamics.evaluate()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    row = ball_size._PAIR_BYTES * 640 + ball_size._ROW_BYTES + 4 * 8
    assert 0.4 < peak / (row * 30_000) < 1.2
