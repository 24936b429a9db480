"""Batches: how large they are, what their examples count, and that no step repeats another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from classical.dynamics.ball.dynamics import BallDynamics
from classical.dynamics.batch.dynamics import BatchDynamics
from classical.dynamics.deep.dynamics import DeepDynamics
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.linearised import LinearisedDynamics
from classical.dynamics.sets import SetDynamics
from classical.training import Training, two_layer_dynamics
from hybrid_train.data import EvenPolynomials, make_inputs, sphere
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.deep import fully_connected
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.training.batches import FreshBatches, MiniBatches
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import encoded_draw, make_loss


@pytest.mark.parametrize(("n", "size"), [(65, 64), (64, 64), (11, 4), (10, 5), (7, 6), (3, 2), (5, 1), (1797, 256)])
def test_batches_of_an_epoch_are_as_large_as_each_other_and_take_every_example_once(n: int, size: int) -> None:
    batches = MiniBatches(np.zeros((n, 1)), size, seed=3)
    steps = -(-n // size)
    for epoch in range(2):
        drawn = [batches.at(epoch * steps + place) for place in range(steps)]
        sizes = [len(batch.targets) for batch in drawn]
        assert max(sizes) <= size
        assert max(sizes) - min(sizes) <= 1
        assert sorted(np.concatenate([batch.rows for batch in drawn])) == list(range(n))
        assert all((batch.factors == n / len(batch.targets)).all() for batch in drawn)
        largest = max(batch.factors.max() for batch in drawn)
        assert batches.largest_factor * drawn[0].factors.max() == pytest.approx(largest, rel=1e-12)


def test_a_batch_size_that_does_not_divide_the_data_trains_as_one_that_does() -> None:
    """With a last batch of one example, whose gradient counted 65 times, the loss rose from 7.5 to 882."""
    data = sphere(65, 300, seed=0)
    network = TwoLayerNetwork.initialize(512, 300, seed=0)
    loss = make_loss("squared")
    targets = loss.encode(data, 1)
    batches = MiniBatches(targets, 64, seed=0)
    training = Training(two_layer_dynamics(network, data.inputs, make_finder("scan")), batches, loss, steps=12)
    whole = [loss.value(network.predict(data.inputs), targets) for _ in training]
    assert whole[-1] < 0.05 * whole[0]
    assert all(after < 1.05 * before for before, after in pairwise(whole))


def test_fresh_examples_never_come_again() -> None:
    source = EvenPolynomials(make_inputs("sphere", 4), degree=2, seed=1)
    batches = FreshBatches(encoded_draw(source, make_loss("squared"), 1), 3, seed=5)
    seen = np.concatenate([batches.at(step).inputs for step in range(200)])
    assert len(np.unique(seen, axis=0)) == 600


def test_fresh_subsets_are_of_one_size_and_independent() -> None:
    """DEEP Theorem 2: each step's subset is drawn from all, none twice in it; epochs are not gone through."""
    batches = MiniBatches(np.zeros((20, 1)), 6, seed=3, replacement="subset")
    seen = [batches.at(step) for step in range(2000)]
    assert all(len(set(batch.rows.tolist())) == 6 and (batch.factors == 20 / 6).all() for batch in seen)
    assert batches.largest_factor == 1.0
    counts = np.bincount(np.concatenate([batch.rows for batch in seen]), minlength=20)
    assert abs(counts - 600).max() < 7 * (2000 * 0.3 * 0.7) ** 0.5, "a false alarm in 1e10"
    overlaps = [len(set(a.rows) & set(b.rows)) for a, b in pairwise(seen)]
    assert np.mean(overlaps) == pytest.approx(1.8, abs=0.2)
    assert (batches.at(7).rows == seen[7].rows).all()


def kernel_by_hand(inputs: np.ndarray, network: TwoLayerNetwork) -> np.ndarray:
    fires = (inputs @ network.weights[:].T > network.threshold).astype(float)
    return (inputs @ inputs.T) * (fires @ fires.T) * network.scale**2


DYNAMICS: dict[str, Callable[[TwoLayerNetwork, np.ndarray], Dynamics]] = {
    "sets, neurons": lambda network, x: SetDynamics(network, x, make_finder("scan"), "neurons"),
    "sets, data": lambda network, x: SetDynamics(network, x, make_finder("scan"), "data"),
    "gram": GramDynamics,
    "batch": BatchDynamics,
    "ball": lambda network, x: BallDynamics(network, x, 0.1),
    "linearised": lambda network, x: LinearisedDynamics(LinearisedNetwork.at(network), x, make_finder("scan")),
}


@pytest.mark.parametrize("kind", DYNAMICS)
def test_the_rate_counts_each_example_of_a_batch_as_often_as_it_was_drawn(kind: str) -> None:
    data, loss = sphere(12, 5, seed=2), make_loss("squared")
    targets = loss.encode(data, 1)
    batches = MiniBatches(targets, 10, seed=1, replacement=True)
    batch = batches.at(0)
    assert len(set(batch.factors)) > 1
    network = TwoLayerNetwork.initialize(64, 5, threshold=0.3, seed=4)
    roots = np.sqrt(batch.factors)
    kernel = kernel_by_hand(data.inputs[batch.rows], network)
    training = Training(DYNAMICS[kind](network, data.inputs), batches, loss, steps=1)
    list(training)
    expected = 1.0 / np.linalg.eigvalsh(kernel * np.outer(roots, roots))[-1]
    assert training.learning_rate == pytest.approx(expected, rel=1e-9)
    largest = 1.0 / (np.linalg.eigvalsh(kernel)[-1] * batch.factors.max())
    assert expected > 1.02 * largest


@pytest.mark.parametrize("n", [6, 40])
def test_the_rate_of_a_deep_network_counts_examples_likewise(n: int) -> None:
    data = sphere(n, 5, seed=2)
    network = fully_connected((20, 20), 5, seed=1)
    dynamics = DeepDynamics(network, data.inputs, lambda _: make_finder("scan"))
    dynamics.start()
    rows, factors = np.arange(n - 1), np.linspace(0.2, 3.0, n - 1)
    dynamics.evaluate(rows)
    seen, roots = network.forward(data.inputs[rows]), np.sqrt(factors)
    kernel = np.concatenate([seen.kernel_product(unit[:, None]) for unit in np.eye(n - 1)], axis=1)
    expected = np.linalg.eigvalsh(kernel * np.outer(roots, roots))[-1]
    assert dynamics.top_eigenvalue(factors) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_a_fresh_batch_is_a_mean() -> None:
    source = EvenPolynomials(make_inputs("sphere", 4), degree=2, seed=1)
    batch = FreshBatches(encoded_draw(source, make_loss("squared"), 1), 8, seed=5).at(3)
    assert batch.rows is None
    assert batch.factors.tolist() == [1 / 8] * 8


@pytest.mark.parametrize("replacement", [False, True])
def test_a_loss_of_a_step_counts_each_example_by_its_factor(replacement: bool) -> None:
    data, loss = sphere(9, 4, seed=2), make_loss("squared")
    network, targets = TwoLayerNetwork.initialize(32, 4, seed=0), loss.encode(sphere(9, 4, seed=2), 1)
    batches = MiniBatches(targets, 4, seed=0, replacement=replacement)
    outputs = network.predict(data.inputs)
    training = Training(two_layer_dynamics(network, data.inputs, make_finder("scan")), batches, loss, steps=1)
    batch = batches.at(0)
    expected = sum(
        factor * 0.5 * float(((outputs[row] - targets[row]) ** 2).sum())
        for row, factor in zip(batch.rows, batch.factors, strict=True)
    )
    assert next(iter(training)).loss == pytest.approx(expected, rel=1e-12)


def test_an_automatic_rate_is_stable_for_the_shortest_batch_too() -> None:
    data, loss = sphere(65, 8, seed=0), make_loss("squared")
    network = TwoLayerNetwork.initialize(64, 8, seed=0)
    dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
    training = Training(dynamics, MiniBatches(loss.encode(data, 1), 64, seed=0), loss, steps=1)
    assert len(next(iter(training)).rows) == 33
    assert training.learning_rate == pytest.approx(32 / 65 / dynamics.top_eigenvalue(), rel=1e-6)
