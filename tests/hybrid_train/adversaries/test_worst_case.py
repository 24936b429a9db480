"""The exhaustive search: equal to brute force, never below projected gradients, and honest about its bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.training import two_layer_dynamics
from hybrid_train.adversaries import PGD, Ball, WorstCase, make_ball, worst_case
from hybrid_train.data import sphere
from hybrid_train.data.padding import with_last_coordinate, with_one
from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.losses import make_loss

TARGETS = np.array([[1.0], [-1.0], [1.0]])
KINDS = ["relu", "jump", "paired"]


def attacked(kind: str, free: int) -> tuple[TwoLayerNetwork, FloatArray]:
    points = sphere(3, free, 3).inputs if free > 1 else np.array([[1.0], [-1.0], [1.0]])
    if kind == "jump":
        return adversarial_network(300, free + 1, fraction=0.1, seed=1), with_one(with_last_coordinate(points, 0.5))
    start: Any = "paired" if kind == "paired" else "gaussian"
    network = TwoLayerNetwork.initialize(300, free, threshold=0.5, start=start, seed=2)
    if kind == "paired":  # some twins still are
        moved = np.arange(100)
        network.weights.assign(moved, network.weights[moved] + 0.3)
    return network, points


def ball_of(kind: str, norm: str, rho: float, on_sphere: bool = True) -> Ball:
    return make_ball(norm, rho, kept=2 if kind == "jump" else 0, on_sphere=on_sphere)


def found_for(network: TwoLayerNetwork, ball: Ball, inputs: FloatArray, **options: Any) -> WorstCase:
    return worst_case(network, ball, inputs, TARGETS, make_loss("squared"), **options)


@pytest.mark.parametrize("kind", KINDS)
def test_an_arc_is_searched_as_a_grid_of_it_would(kind: str) -> None:
    """200 001 places of each arc: at most 2e-6 apart, which a network without jumps feels as 1e-5 at most."""
    network, inputs = attacked(kind, 2)
    found = found_for(network, ball_of(kind, "l2", 0.3), inputs, tolerance=1e-6)
    assert found.gap <= 1e-6
    for row, point in enumerate(inputs):
        radius, middle = np.hypot(*point[:2]), np.arctan2(point[1], point[0])
        angles = middle + 2 * np.arcsin(0.15 / radius) * np.linspace(-1, 1, 200_001)
        grid = np.repeat(point[None], len(angles), axis=0)
        grid[:, 0], grid[:, 1] = radius * np.cos(angles), radius * np.sin(angles)
        losses = 0.5 * np.square(network.predict(grid) - TARGETS[row])
        assert losses.max() <= found.bounds[row]
        assert losses.max() == pytest.approx(found.losses[row], abs=1e-5)


@pytest.mark.parametrize("on_sphere", [True, False])
@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("free", [1, 2, 3])
def test_no_place_of_a_ball_is_worse(free: int, kind: str, norm: str, on_sphere: bool) -> None:
    network, inputs = attacked(kind, free)
    ball, rng = ball_of(kind, norm, 0.3, on_sphere), np.random.default_rng(5)
    found = found_for(network, ball, inputs, tolerance=1e-2)
    assert found.gap <= 1e-2
    assert np.allclose(ball.project(found.places, inputs), found.places, atol=1e-12), "in the balls"
    for places in (ball.draw(inputs, rng) for _ in range(300)):
        losses = 0.5 * np.square(network.predict(places) - TARGETS)[:, 0]
        assert (losses <= found.bounds).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["logistic", "absolute", "geman_mcclure"])
def test_projected_gradients_find_no_more(kind: str, loss: str) -> None:
    network, inputs = attacked(kind, 3)
    ball, judged = ball_of(kind, "l2", 0.4), make_loss(loss)
    found = worst_case(network, ball, inputs, TARGETS, judged, tolerance=1e-3)
    dynamics = two_layer_dynamics(network, inputs, make_finder("scan"), reach=0.4)
    dynamics.start()
    dynamics.evaluate()
    PGD(ball, steps=20).attack(dynamics, np.arange(3), inputs, TARGETS, judged, 0)
    climbed = judged.values(network.predict(dynamics.examples[:]), TARGETS)
    assert (climbed <= found.bounds).all()
    assert (found.losses >= climbed - 1e-3).all()
    assert (found.losses >= judged.values(network.predict(inputs), TARGETS)).all()


def test_a_search_that_is_cut_short_says_how_far_it_came() -> None:
    network, inputs = attacked("jump", 3)
    ball = ball_of("jump", "l2", 0.4)
    short, long = found_for(network, ball, inputs, most_cells=5), found_for(network, ball, inputs)
    assert short.cells < long.cells
    assert short.gap > 0.1
    assert long.gap <= 1e-3
    assert (short.bounds >= long.losses).all()


def test_one_neuron_in_closed_form() -> None:
    """f = a max(<w, x> - b, 0) is largest where the cap comes nearest to w."""
    network = TwoLayerNetwork(DenseBank(np.array([[3.0, 0.0, 0.0]])), np.array([[1.0]]), 0.5)
    inputs = np.array([[np.cos(0.8), np.sin(0.8), 0.0]])
    ball = make_ball("l2", 2 * np.sin(0.15))
    found = worst_case(network, ball, inputs, np.zeros((1, 1)), make_loss("absolute"), tolerance=1e-6)
    most = 3 * np.cos(0.5) - 0.5
    assert found.losses[0] == pytest.approx(most, abs=1e-6)
    assert found.bounds[0] >= most
    still = worst_case(network, make_ball("l2", 0.0), inputs, np.zeros((1, 1)), make_loss("absolute"))
    assert still.losses[0] == still.bounds[0] == pytest.approx(3 * np.cos(0.8) - 0.5)


def test_what_it_does_not_take_is_refused() -> None:
    network, inputs = attacked("relu", 3)
    with pytest.raises(ConfigError, match="1 to 3 free coordinates, here 5"):
        found_for(TwoLayerNetwork.initialize(8, 5), make_ball("l2", 0.1), np.ones((3, 5)))
    with pytest.raises(ConfigError, match="with 1 output, here 2"):
        found_for(TwoLayerNetwork.initialize(8, 3, outputs=2), make_ball("l2", 0.1), inputs)
    with pytest.raises(ConfigError, match="tolerance"):
        found_for(network, make_ball("l2", 0.1), inputs, tolerance=0.0)
    live = TwoLayerNetwork.initialize(64, 3, storage="live", examples=inputs)
    with pytest.raises(ConfigError, match="all neurons"):
        found_for(live, make_ball("l2", 0.1), inputs)
