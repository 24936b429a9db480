"""The pseudo-network against its definition, and the two networks close where the theory says so."""

from __future__ import annotations

import numpy as np
import pytest

from classical.training import Training, two_layer_dynamics
from hybrid_train.adversaries import PGD, L2Ball, NoAdversary
from hybrid_train.errors import DataError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.theory.predictions.pseudo_network import (
    gradient_coupling,
    pseudo_gap,
    pseudo_gaps,
    pseudo_outputs,
    random_inputs,
    starting_point,
)
from hybrid_train.theory.predictions.robustness import robust_loss, separability
from hybrid_train.training.batches import FullBatch
from hybrid_train.training.losses import make_loss


def moved_network(width: int = 300) -> tuple[TwoLayerNetwork, DenseBank]:
    network = adversarial_network(width, 5, fraction=0.2, outputs=2, seed=1)
    start = starting_point(network)
    rows = np.arange(0, width, 3)
    shift = np.random.default_rng(0).standard_normal((len(rows), 6)) * 0.3 / np.sqrt(width)
    shift[:, -1] = 0.0
    network.weights.assign(rows, network.weights[rows] + shift)
    return network, start


def test_the_pseudo_network_is_its_definition() -> None:
    network, start = moved_network()
    x = random_inputs(7, 5)
    w, w0, a = network.weights[:], start[:], network.output_weights
    expected = ((x @ (w - w0).T) * (x @ w0.T > network.threshold)) @ a
    assert np.allclose(pseudo_outputs(network, start, x), expected, atol=1e-12)
    assert pseudo_gap(network, start, x) == pytest.approx(np.abs(network.predict(x) - expected).max())


def test_gradients_part_only_where_signs_changed() -> None:
    network, start = moved_network()
    x = random_inputs(7, 5)
    slope = np.random.default_rng(1).standard_normal((7, 2)) / 7
    w, w0, a = network.weights[:], start[:], network.output_weights
    trained = x * (np.arange(6) < 5)
    gradients = [((x @ v.T > network.threshold).T * (a @ slope.T)) @ trained for v in (w, w0)]
    expected = np.linalg.norm(gradients[0] - gradients[1], axis=1).sum()
    assert gradient_coupling(network, start, x, slope) == pytest.approx(expected)
    assert gradient_coupling(network, starting_point(network), x, slope) == 0.0


def test_random_inputs_lie_in_the_papers_set() -> None:
    x = random_inputs(50, 6, seed=2)
    assert (x[:, -1] == 1.0).all()
    assert (x[:, -2] == 0.5).all()
    assert np.allclose(np.linalg.norm(x[:, :-1], axis=1), 1.0)


def test_network_and_pseudo_network_stay_close_along_a_run() -> None:
    ball, inputs = L2Ball(0.1, kept=2), random_inputs(6, 5)
    targets = np.array([[1.0], [-1.0]] * 3)
    gaps = []
    for width in (500, 50_000):
        network = adversarial_network(width, 5, fraction=0.1, seed=3)
        dynamics = two_layer_dynamics(network, inputs, make_finder("skin"), reach=ball.reach(6))
        rate = 0.05 * width**0.4 / (6 * 0.1 * width)
        training = Training(
            dynamics,
            FullBatch(targets),
            make_loss("absolute"),
            steps=4,
            learning_rate=rate,
            adversary=PGD(ball, steps=2),
        )
        records = list(pseudo_gaps(training, network, inputs, random_inputs(100, 5, seed=9), steps=range(0, 100, 2)))
        assert [record.step for record in records] == [0, 2, 4]
        assert records[0].distance == 0.0 < records[-1].distance
        gaps.append(max(record.on_inputs for record in records))
    assert gaps[1] < 100**-0.1 * gaps[0], "the exponent of Lemma 5.8"


def test_separability_is_that_of_the_nearest_pair() -> None:
    points = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 0.5]])
    found = separability(points, 0.1)
    assert (found.distance, found.holds) == (0.5, True)
    assert found.gamma == pytest.approx(0.5 * 0.3)
    assert not separability(points, 0.25).holds
    with pytest.raises(DataError, match="at least 2"):
        separability(points[:1], 0.1)


def test_the_robust_loss_leaves_the_examples_where_they_were() -> None:
    network = adversarial_network(400, 5, fraction=0.2, seed=3)
    inputs, targets, loss = random_inputs(6, 5), np.ones((6, 1)), make_loss("squared")
    dynamics = two_layer_dynamics(network, inputs, make_finder("scan"), reach=0.2)
    dynamics.start()
    found = robust_loss(dynamics, targets, loss, PGD(L2Ball(0.2, kept=2), steps=3))
    assert found.clean == pytest.approx(loss.value(network.predict(inputs), targets) / 6)
    assert found.robust > found.clean
    assert np.array_equal(dynamics.examples[:], inputs)
    none = robust_loss(dynamics, targets, loss, NoAdversary())
    assert none.robust == none.clean
