"""Mini-batches by lists of examples: the same sets, losses and weights as any search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.batch.dynamics import BatchDynamics
from classical.dynamics.crowding import examples_in_common, price_of_following
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.rows.dynamics import RowDynamics
from classical.dynamics.sets import SetDynamics
from classical.training import Training, two_layer_dynamics
from hybrid_train.errors import InvariantError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.batches import MiniBatches
from hybrid_train.training.losses import make_loss

LOSS = make_loss("squared")


def make(
    draw: np.random.Generator, m: int, n: int, d: int, outputs: int, dtype: Any, b: float
) -> tuple[Any, FloatArray]:
    start, signs = draw.standard_normal((m, d)).astype(dtype), draw.choice([-1.0, 1.0], (m, outputs))
    inputs = draw.standard_normal((n, d)) * draw.choice([0.5, 1.0, 2.0], (n, 1))
    inputs[n // 2] = inputs[0]
    inputs[-1] *= draw.choice([0.0, 1.0])
    return lambda: TwoLayerNetwork(DenseBank(start), signs, b), inputs


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 90),
    st.integers(2, 20),
    st.integers(1, 9),
    st.sampled_from([1, 3]),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([-0.5, 0.0, 1.0, 2.0]),
    st.sampled_from([None, 1e-3, 0.5]),
    st.sampled_from([1e-3, 0.3, 20.0, 1e4]),
)
def test_it_is_training_by_a_scan(
    seed: int, m: int, n: int, d: int, outputs: int, dtype: str, b: float, skin: float | None, rate: float
) -> None:
    draw = np.random.default_rng(seed)
    network, inputs = make(draw, m, n, d, outputs, dtype, b)
    targets = draw.standard_normal((n, outputs))
    batches = MiniBatches(targets, int(draw.integers(1, n + 1)), seed=seed, replacement=bool(draw.integers(2)))
    runs = []
    for dynamics in (BatchDynamics(network(), inputs, skin), SetDynamics(network(), inputs, make_finder("scan"))):
        training = Training(dynamics, batches, make_loss("huber"), steps=12, learning_rate=rate, audit_every=1)
        records = list(training)
        assert all(r.audit is not None and (r.audit.recall, r.audit.spurious) == (1.0, 0) for r in records)
        runs.append((records, dynamics.network.weights[:]))
    (ours, our_weights), (theirs, their_weights) = runs
    if dtype == "float32":  # to rounding, which steps that are too long make anything of
        if rate < 0.1:
            losses = [[record.loss for record in records] for records in (ours, theirs)]
            assert np.allclose(*losses, rtol=1e-3, atol=1e-4)
            assert np.allclose(our_weights, their_weights, rtol=1e-3, atol=1e-3 * np.abs(their_weights).max())
        return
    for mine, other in zip(ours, theirs, strict=True):
        assert np.array_equal(mine.fired_per_datum, other.fired_per_datum)
        assert mine.moved_neurons == other.moved_neurons
    if outputs == 1:
        assert [record.loss for record in ours] == [record.loss for record in theirs]
        assert np.array_equal(our_weights, their_weights)
    else:
        assert np.allclose(our_weights, their_weights, rtol=1e-4, atol=1e-4 * np.abs(their_weights).max())


@pytest.mark.parametrize("outputs", [1, 3])
def test_fresh_examples_are_trained_on_as_by_a_scan(outputs: int) -> None:
    draw = np.random.default_rng(4)
    network, inputs = make(draw, 900, 70, 9, outputs, "float32", 1.0)
    ours, theirs = network(), network()
    fresh = two_layer_dynamics(ours, inputs, make_finder("skin"), fresh=True)
    scan = SetDynamics(theirs, inputs, make_finder("scan"))
    assert isinstance(fresh, BatchDynamics)
    fresh.start()
    scan.start()
    for _ in range(12):
        inputs = draw.standard_normal((70, 9))
        for dynamics in (fresh, scan):
            dynamics.move_examples(np.arange(70), inputs)
        a, b = fresh.evaluate(), scan.evaluate()
        assert np.array_equal(a.fired, b.fired)
        near = {"rtol": 1e-4, "atol": 1e-4 * float(np.abs(b.outputs).max())}
        assert np.allclose(a.outputs, b.outputs, **near)
        slope = draw.standard_normal(a.outputs.shape)
        assert np.allclose(fresh.input_gradient(slope), scan.input_gradient(slope), **near)
        assert fresh.descend(slope, 0.1) == scan.descend(slope, 0.1)
        theirs.weights.assign(np.arange(900), ours.weights[:])
    assert fresh.cost.inner_products == 12 * 70 * 900
    assert isinstance(two_layer_dynamics(theirs, inputs, make_finder("scan"), fresh=True), SetDynamics)


def trained(skin: float, steps: int = 60, rate: float = 0.005) -> BatchDynamics:
    draw = np.random.default_rng(0)
    network, inputs = make(draw, 400, 30, 6, 1, "float64", 1.0)
    dynamics = BatchDynamics(network(), inputs, skin)
    batches = MiniBatches(draw.standard_normal((30, 1)), 5, seed=0)
    for record in Training(dynamics, batches, LOSS, steps=steps, learning_rate=rate, audit_every=1):
        assert record.audit is not None
        if record.audit.recall < 1:
            raise AssertionError(f"missed at step {record.step}")
    return dynamics


def test_neurons_are_scanned_again_only_when_their_skin_is_spent() -> None:
    narrow, wide = trained(0.01), trained(1.0)
    assert narrow.rescans > 3 * wide.rescans
    assert wide.rescans < 60 * 400 / 10


def test_lists_that_are_never_renewed_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classical.dynamics.batch.chunk.Chunk._scan_again", lambda *arguments: None)
    with pytest.raises(AssertionError, match="missed at step"):
        trained(0.01)


def test_cost_is_that_of_scans_and_listed_pairs() -> None:
    network, inputs = make(np.random.default_rng(0), 200, 9, 4, 1, "float64", 0.5)
    dynamics = BatchDynamics(network(), inputs, 0.25)
    dynamics.start()
    assert dynamics.cost.inner_products == 200 * 9
    dynamics.evaluate(np.array([7, 2]))
    distances = (0.5 - network().weights[:] @ inputs.T) / np.linalg.norm(inputs, axis=1)
    listed = (distances <= 0.25) & (distances < 0).any(axis=1)[:, None]  # who fires for nobody never moves
    assert dynamics.cost.inner_products == 200 * 9 + int(listed[:, [2, 7]].sum())
    assert dynamics.candidates == int(listed.sum())


def looked_at(dtype: str, replacement: bool, rate: float = 1e-3) -> tuple[BatchDynamics, list[int]]:
    """Train on 200 examples, ten in a step; return the dynamics and the pairs looked at in each step."""
    draw = np.random.default_rng(0)
    network, inputs = make(draw, 3000, 200, 6, 1, dtype, 2.0)
    dynamics = BatchDynamics(network(), inputs)
    batches = MiniBatches(draw.standard_normal((200, 1)), 10, seed=0, replacement=replacement)
    looked = []
    for record in Training(dynamics, batches, LOSS, steps=60, learning_rate=rate, audit_every=1):
        assert record.audit is not None
        assert (record.audit.recall, record.audit.spurious) == (1.0, 0)
        looked.append(record.cost.inner_products)
    return dynamics, looked[:-1]


def test_lists_are_made_by_a_pass_through_the_data() -> None:
    """What is looked at once is listed then: nothing is scanned for lists alone."""
    dynamics, looked = looked_at("float32", replacement=False, rate=1e-4)
    assert looked[:20] == [3000 * 10] * 20
    assert looked[20] < 3000 * 200 / 2  # neurons on the move are scanned again, all at once
    assert max(looked[21:]) < 3000 * 10 * 0.7
    assert dynamics.facts()["listed_neurons"] < 3000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lists_are_made_when_they_have_paid(dtype: str) -> None:
    """Where no pass ends, everything is looked at; lists come before that has cost much more than they do."""
    dynamics, looked = looked_at(dtype, replacement=True)
    assert looked[0] == 3000 * 10
    assert max(looked) >= 3000 * 200
    assert 10 < int(np.argmax(looked)) < 50
    assert looked[-1] < 3000 * 10 * 0.7
    assert dynamics.facts()["listed_neurons"] < 3000


def test_a_neuron_that_moves_far_in_the_first_pass_is_listed_again() -> None:
    """Steps so long that neurons go further than their lists allow before all examples were seen."""
    draw = np.random.default_rng(2)
    network, inputs = make(draw, 700, 130, 6, 1, "float32", 1.0)
    dynamics = BatchDynamics(network(), inputs)
    batches = MiniBatches(draw.standard_normal((130, 1)), 9, seed=0)
    scanned = []
    for record in Training(dynamics, batches, make_loss("huber"), steps=40, learning_rate=1.0, audit_every=1):
        assert record.audit is not None
        assert (record.audit.recall, record.audit.spurious) == (1.0, 0)
        scanned.append(dynamics.rescans)
    assert scanned[16] > 0


def test_without_memory_for_lists_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = make(np.random.default_rng(0), 200, 90, 4, 1, "float32", 0.5)
    dynamics = BatchDynamics(network(), inputs, 0.25)
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 4000)
    dynamics.start()
    monkeypatch.undo()
    assert dynamics.candidates == 200 * 90
    assert "lists" in dynamics.facts()["no_lists"]
    dynamics.evaluate(np.array([7, 2]))
    assert dynamics.audit().recall == 1.0


def test_outputs_come_in_the_order_asked_for() -> None:
    network, inputs = make(np.random.default_rng(0), 50, 9, 4, 1, "float64", 0.5)
    dynamics = BatchDynamics(network(), inputs)
    dynamics.start()
    rows = np.array([7, 2, 4])
    assert np.array_equal(dynamics.evaluate(rows).outputs, dynamics.evaluate().outputs[rows])


def test_examples_stay_and_sets_must_be_evaluated() -> None:
    network, inputs = make(np.random.default_rng(0), 5, 3, 2, 1, "float64", 0.5)
    dynamics = BatchDynamics(network(), inputs)
    for call in (
        lambda: dynamics.sets,
        lambda: dynamics.input_gradient(np.zeros((3, 1))),
        lambda: dynamics.move_examples(np.array([0]), inputs[:1]),
    ):
        with pytest.raises(InvariantError):
            call()


def test_skin_chooses_by_what_the_examples_have_in_common() -> None:
    draw = np.random.default_rng(0)
    apart = TwoLayerNetwork(DenseBank(draw.standard_normal((500, 40))), np.ones((500, 1)), 2.0)
    spread_out = np.linalg.qr(draw.standard_normal((40, 40)))[0]
    alike = np.repeat(spread_out[:1], 40, axis=0) + 1e-3 * spread_out
    assert examples_in_common(apart, spread_out) < 3
    assert examples_in_common(apart, alike) > 35
    for inputs, kind in ((spread_out, GramDynamics), (alike, BatchDynamics)):
        assert isinstance(two_layer_dynamics(apart, inputs, make_finder("skin"), in_batches=True), kind)
    assert price_of_following(apart, spread_out) < 1
    assert price_of_following(apart, alike) > 2
    assert isinstance(two_layer_dynamics(apart, spread_out, make_finder("skin")), GramDynamics)
    assert isinstance(two_layer_dynamics(apart, alike, make_finder("skin")), RowDynamics)
    plain = two_layer_dynamics(apart, alike, make_finder("skin", gram=False), in_batches=True)
    assert isinstance(plain, SetDynamics)
