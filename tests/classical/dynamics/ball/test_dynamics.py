"""Ball dynamics against training through a scan: the same sets, outputs, gradients and weights, whatever happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.ball.dynamics import BallDynamics
from classical.dynamics.batch import chunk as batch_chunk
from classical.dynamics.sets import SetDynamics
from classical.training import Training, two_layer_dynamics
from hybrid_train.adversaries import PGD, make_ball
from hybrid_train.data.padding import with_one
from hybrid_train.errors import InvariantError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.support.parallel import threads
from hybrid_train.training.batches import FullBatch, MiniBatches
from hybrid_train.training.losses import make_loss


def network_of(rng: np.random.Generator, width: int, d: int, outputs: int, activation: Any, dtype: Any) -> Any:
    """Two copies of one network."""
    weights = rng.standard_normal((width, d)).astype(dtype)
    weights[: width // 8] = weights[width // 8 : 2 * (width // 8)]
    signs = rng.choice([-1.0, 1.0], (width, outputs))
    threshold = float(rng.choice([-0.5, 0.0, 1.0, 2.5]))
    untrained = int(rng.integers(0, d))
    return [TwoLayerNetwork(DenseBank(weights), signs, threshold, activation, None, untrained) for _ in range(2)]


def true_sets(network: TwoLayerNetwork, dynamics: Any) -> Any:
    return active_pairs(dynamics.examples, network.weights, network.threshold)


@given(
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.integers(1, 7),
    st.integers(1, 9),
    st.integers(1, 3),
    st.sampled_from(["relu", "jump"]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([1e-6, 1e-2, 0.5, 20.0]),
    st.sampled_from([0.0, 0.05, 0.4, 3.0]),
    st.sampled_from([0.5, 1.0, 1.6]),
)
@settings(max_examples=150)
def test_everything_is_as_with_a_scan(
    seed: int,
    width: int,
    n: int,
    d: int,
    outputs: int,
    activation: Any,
    dtype: Any,
    rate: float,
    reach: float,
    honesty: float,
) -> None:
    rng = np.random.default_rng(seed)
    ours, theirs = network_of(rng, width, d, outputs, activation, dtype)
    inputs = rng.standard_normal((n, d))
    inputs[0] = 0.0 if n > 3 else inputs[0]
    ball, scan = BallDynamics(ours, inputs, reach), SetDynamics(theirs, inputs, make_finder("scan"))
    ball.start()
    scan.start()
    for _ in range(6):
        rows = None if rng.random() < 0.5 else np.sort(rng.choice(n, rng.integers(1, n + 1), replace=False))
        where = np.arange(n) if rows is None else rows
        step = rng.standard_normal((len(where), d))
        # honesty above 1: the examples go further than was said
        step *= honesty * reach * rng.random((len(where), 1)) / np.linalg.norm(step, axis=1, keepdims=True)
        for dynamics in (ball, scan):
            dynamics.move_examples(where, inputs[where] + step)
        a, b = ball.evaluate(rows), scan.evaluate(rows)
        assert np.array_equal(a.fired, b.fired)
        near = 1e-9 if dtype == np.float64 else 1e-5
        size = float(np.abs(ours.weights[:]).max() * np.abs(ball.examples[:]).max()) * np.sqrt(width) + 1
        assert np.allclose(a.outputs, b.outputs, rtol=near, atol=near * size)
        kept = np.isin(np.arange(n), where)
        truth = true_sets(ours, ball).only(np.flatnonzero(kept))
        assert ball.sets.same_sets(truth)
        slope = rng.standard_normal(a.outputs.shape)
        gradients = ball.input_gradient(slope), scan.input_gradient(slope)
        assert np.allclose(*gradients, rtol=near, atol=near * (size + np.abs(gradients[1]).max()))
        if rng.random() < 0.6:
            assert ball.descend(slope, rate) == scan.descend(slope, rate)
            close = 1e-12 if dtype == np.float64 else 1e-5
            assert np.allclose(
                ours.weights[:], theirs.weights[:], rtol=close, atol=close * np.abs(ours.weights[:]).max()
            )
            theirs.weights.assign(np.arange(width), ours.weights[:])  # or roundings would part them


@pytest.mark.parametrize("outputs", [1, 3])
def test_many_correlated_examples_are_as_with_a_scan(outputs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of several words and several chunks, single precision; a few examples are asked for in between."""
    monkeypatch.setattr(batch_chunk, "_CHUNK", 256)
    rng = np.random.default_rng(5)
    ours, theirs = network_of(rng, 1500, 17, outputs, "jump", np.float32)
    inputs = rng.standard_normal(17) + 0.4 * rng.standard_normal((150, 17))
    ball, scan = BallDynamics(ours, inputs, 0.1), SetDynamics(theirs, inputs, make_finder("scan"))
    ball.start()
    scan.start()
    for rows in (None, None, np.array([3, 70, 71, 149]), None):
        where = np.arange(150) if rows is None else rows
        step = rng.standard_normal((len(where), 17))
        step *= 0.1 / np.linalg.norm(step, axis=1, keepdims=True)
        for dynamics in (ball, scan):
            dynamics.move_examples(where, inputs[where] + step)
        a, b = ball.evaluate(rows), scan.evaluate(rows)
        assert np.array_equal(a.fired, b.fired)
        assert ball.audit().recall == 1
        slope = rng.standard_normal(a.outputs.shape)
        near = {"rtol": 1e-4, "atol": 1e-4 * float(np.abs(b.outputs).max())}
        assert np.allclose(a.outputs, b.outputs, **near)
        assert np.allclose(ball.input_gradient(slope), scan.input_gradient(slope), **near)
        assert ball.descend(slope, 0.03) == scan.descend(slope, 0.03)
        theirs.weights.assign(np.arange(1500), ours.weights[:])
    assert ball.facts()["listed_neurons"] < 1500
    assert ball.rescans > 0


def test_a_twin_that_ignores_where_the_examples_are_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BallDynamics, "_certify", lambda self: None)
    rng = np.random.default_rng(0)
    network, _ = network_of(rng, 200, 5, 1, "relu", np.float64)
    inputs = rng.standard_normal((6, 5))
    ball = BallDynamics(network, inputs, 0.0)
    ball.start()
    ball.move_examples(np.arange(6), inputs + rng.standard_normal(inputs.shape))
    ball.evaluate()
    assert not ball.sets.same_sets(true_sets(network, ball))


def test_a_twin_that_ignores_drift_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_chunk.Chunk, "_scan_again", lambda *_: None)
    rng = np.random.default_rng(0)
    network, _ = network_of(rng, 200, 5, 1, "relu", np.float64)
    ball = BallDynamics(network, rng.standard_normal((6, 5)), 0.0)
    ball.start()
    ball.evaluate()
    ball.descend(rng.standard_normal((6, 1)), 30.0)
    ball.evaluate()
    assert not ball.sets.same_sets(true_sets(network, ball))


def training(dynamics: Any, batches: Any, ball: Any, **options: Any) -> Training:
    adversary = PGD(ball, steps=3, random_start=True)
    return Training(dynamics, batches, make_loss("squared"), adversary=adversary, audit_every=1, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [None, 4])
def test_an_adversarial_run_is_that_of_a_scan(dtype: str, batch: int | None) -> None:
    rng = np.random.default_rng(1)
    free = rng.standard_normal((9, 6))
    inputs = with_one(free / np.linalg.norm(free, axis=1, keepdims=True))
    targets = rng.choice([-1.0, 1.0], (9, 1))
    batches = FullBatch(targets) if batch is None else MiniBatches(targets, batch, seed=0)
    ball = make_ball("l2", 0.15, kept=1)
    runs = []
    for kind in ("skin", "scan"):
        network = adversarial_network(3000, 6, fraction=0.05, seed=2, dtype=dtype)
        dynamics = two_layer_dynamics(network, inputs, make_finder(kind), reach=ball.reach(7))
        runs.append((list(training(dynamics, batches, ball, steps=6, learning_rate=0.02)), dynamics))
    (ours, fast), (theirs, slow) = runs
    assert isinstance(fast, BallDynamics)
    assert not isinstance(slow, BallDynamics)
    tolerance = 1e-9 if dtype == "float64" else 1e-6
    assert np.allclose([r.loss for r in ours], [r.loss for r in theirs], rtol=tolerance)
    assert np.allclose([r.clean_loss for r in ours], [r.clean_loss for r in theirs], rtol=tolerance)
    assert all(record.audit.recall == 1 and record.audit.spurious == 0 for record in ours)
    assert sum(r.cost.inner_products for r in ours) < 0.7 * sum(r.cost.inner_products for r in theirs)


def test_the_lists_are_made_once_for_the_whole_ball() -> None:
    rng = np.random.default_rng(1)
    free = rng.standard_normal((9, 6))
    inputs = with_one(free / np.linalg.norm(free, axis=1, keepdims=True))
    network = adversarial_network(3000, 6, fraction=0.02)
    dynamics = BallDynamics(network, inputs, 0.1)
    dynamics.start()
    assert dynamics.cost.inner_products == 3000 * 9
    ball = make_ball("l2", 0.1, kept=1)
    before = dynamics.cost.inner_products
    for _ in range(5):
        dynamics.move_examples(np.arange(9), ball.draw(inputs, rng))
        dynamics.evaluate()
    assert dynamics.rescans == 0
    assert dynamics.cost.inner_products - before == 5 * dynamics.candidates


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((4, 5))
    network = adversarial_network(500, 4, fraction=0.2)
    results = []
    monkeypatch.setattr(batch_chunk, "_CHUNK", 64)
    for count in (1, 4):
        with threads(count):
            dynamics = BallDynamics(network, inputs, 0.1)
            dynamics.start()
            results.append(dynamics.evaluate().outputs)
    assert np.array_equal(*results)


def test_a_paired_start_gives_zero_to_the_last_bit() -> None:
    network = TwoLayerNetwork.initialize(600, 4, threshold=0.5, start="paired", seed=1)
    dynamics = BallDynamics(network, np.random.default_rng(0).standard_normal((5, 4)), 0.2)
    dynamics.start()
    assert not dynamics.evaluate().outputs.any()
    assert dynamics.top_eigenvalue() > 0


def test_nothing_can_be_read_before_the_examples_are_evaluated() -> None:
    network = TwoLayerNetwork.initialize(60, 4, threshold=0.5)
    dynamics = BallDynamics(network, np.eye(4), 0.2)
    dynamics.start()
    for read in (lambda: dynamics.sets, lambda: dynamics.input_gradient(np.ones((4, 1)))):
        with pytest.raises(InvariantError, match="evaluate"):
            read()
