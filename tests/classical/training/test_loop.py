"""The training loop against plain dense gradient descent, for every finder and both indexes."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from classical.training import StepRecord, Training, gradient_descent, two_layer_dynamics
from classical.training.breaks import Progress
from classical.training.loop import _Ledger
from hybrid_train.data import Dataset, sphere
from hybrid_train.errors import ConfigError, DivergenceError
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.training.batches import FullBatch
from hybrid_train.training.dynamics import Evaluation
from hybrid_train.training.losses import Loss, make_loss
from tests.support import textbook

INDEXES = ("neurons", "data")


def problem(outputs: int = 1, start: Any = "gaussian", width: int = 96) -> tuple[Dataset, TwoLayerNetwork]:
    data = sphere(12, 5, seed=3)
    return data, TwoLayerNetwork.initialize(width, 5, outputs=outputs, threshold=0.9, start=start, seed=4)


def train(kind: str, index: Any, *, steps: int = 8, loss: Loss | None = None, outputs: int = 1, **options: Any) -> Any:
    data, network = problem(outputs)
    loss = loss or make_loss("squared")
    targets = loss.encode(data, outputs)
    finder = make_finder(kind, seed=1, **options)
    training = gradient_descent(network, data.inputs, targets, loss, finder, index=index, steps=steps, audit_every=1)
    return list(training), training


def dense_descent(
    data: Dataset, network: TwoLayerNetwork, targets: np.ndarray, loss: str, rate: float, steps: int
) -> tuple[list[float], np.ndarray]:
    """Gradient descent as a textbook writes it, with the whole n x m matrix and derivatives of its own."""
    x, w, a, b = data.inputs, network.weights[:].copy(), network.output_weights, network.threshold
    losses = []
    for step in range(steps + 1):
        z = x @ w.T
        f = np.maximum(z - b, 0.0) @ a / np.sqrt(len(w))
        losses.append(textbook.value(loss, f, targets))
        if step < steps:
            slope = textbook.slope(loss, f, targets)
            w -= rate / np.sqrt(len(w)) * ((z > b).T * (a @ slope.T)) @ x
    return losses, w


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("loss", ["squared", "logistic", "cross_entropy"])
def test_follows_dense_gradient_descent(index: Any, loss: str) -> None:
    outputs = 2 if loss == "cross_entropy" else 1
    records, training = train("scan", index, loss=make_loss(loss), outputs=outputs)
    data, network = problem(outputs)
    rate = float(training.learning_rate)
    losses, weights = dense_descent(data, network, training.batches.targets, loss, rate, 8)
    assert [record.step for record in records] == list(range(9))
    assert np.allclose([record.loss for record in records], losses, rtol=1e-11)
    assert np.allclose(training.dynamics.network.weights[:], weights, rtol=0, atol=1e-11)
    assert losses[-1] < 0.9 * losses[0]


def same_run(ours: list[StepRecord], theirs: list[StepRecord]) -> bool:
    return [r.loss for r in ours] == [r.loss for r in theirs] and all(
        np.array_equal(a.fired_per_datum, b.fired_per_datum) for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "options"), [("hsr", {"leaf_size": 4}), ("grover", {"engine": "closed_form"}), ("scan", {})]
)
@pytest.mark.parametrize("index", INDEXES)
def test_every_exact_finder_gives_the_same_run_to_the_last_bit(kind: str, options: dict[str, Any], index: Any) -> None:
    reference, by_scan = train("scan", "neurons")
    records, training = train(kind, index, **options)
    assert same_run(records, reference)
    assert np.array_equal(training.dynamics.network.weights[:], by_scan.dynamics.network.weights[:])
    assert all(record.audit.recall == 1 and record.audit.spurious == 0 for record in records)


def test_a_finder_that_finds_nothing_leaves_the_network_where_it_is() -> None:
    records, training = train("empty", "neurons")
    _, untouched = problem()
    assert np.array_equal(training.dynamics.network.weights[:], untouched.weights[:])
    assert {record.active_pairs for record in records} == {0}
    assert records[0].audit.recall == 0


def test_only_neurons_that_moved_are_asked_again() -> None:
    data, network = problem()
    loss = make_loss("squared")
    finder = make_finder("scan")
    asked = []
    find = finder.find
    finder.find = lambda rows=None: asked.append(rows) or find(rows)  # type: ignore[func-returns-value, method-assign]
    training = gradient_descent(network, data.inputs, loss.encode(data, 1), loss, finder, index="data", steps=3)
    before, moved = network.weights[:].copy(), []
    for record in training:
        moved.append(np.flatnonzero((network.weights[:] != before).any(axis=1)).tolist())
        assert record.moved_neurons == len(moved[-1])
        before = network.weights[:].copy()
    assert asked[0] is None
    assert [rows.tolist() for rows in asked[1:]] == moved[1:]
    assert all(0 < len(rows) < network.width for rows in moved[1:])


def test_a_datum_that_is_fitted_moves_no_neuron() -> None:
    data, network = problem()
    loss = make_loss("squared")
    sets = active_pairs(network.weights, data.inputs, network.threshold)
    fitted = network.outputs_from(sets, len(data.inputs), "neurons")
    fitted[0] += 1.0
    finder = make_finder("scan")
    records = list(gradient_descent(network, data.inputs, fitted, loss, finder, index="data", steps=1))
    assert records[1].moved_neurons == records[0].fired_per_datum[0] > 0
    assert records[1].loss < records[0].loss


def test_auto_learning_rate_is_the_inverse_of_the_top_eigenvalue() -> None:
    data, network = problem()
    fires = (data.inputs @ network.weights[:].T > network.threshold).astype(float)
    kernel = (data.inputs @ data.inputs.T) * (fires @ fires.T) / network.width

    def chosen(loss: str, network: TwoLayerNetwork = network) -> float:
        targets = np.ones((len(data.inputs), 1))
        training = gradient_descent(network, data.inputs, targets, make_loss(loss), make_finder("scan"), steps=0)
        list(training)
        return float(training.learning_rate)

    assert chosen("squared") == pytest.approx(1 / np.linalg.eigvalsh(kernel)[-1], rel=1e-10)
    assert chosen("logistic") == pytest.approx(4 * chosen("squared"))
    silent = TwoLayerNetwork(network.weights, network.output_weights, threshold=1e3)
    assert chosen("squared", silent) == 1.0
    with pytest.raises(ConfigError, match="bounded curvature"):
        chosen("absolute")


def test_a_rate_beyond_stability_is_reported_as_divergence() -> None:
    data, network = problem()
    loss = make_loss("squared")
    finder = make_finder("scan")
    training = gradient_descent(
        network, data.inputs, loss.encode(data, 1), loss, finder, steps=4000, learning_rate=1e4, index="neurons"
    )
    with pytest.raises(DivergenceError, match=r"at step \d+ with learning_rate=10000"):
        list(training)


@pytest.mark.parametrize(("value", "ends"), [(np.nan, False), (0.0, True)])
def test_weights_that_are_no_numbers_are_divergence_though_they_fire_for_nothing(value: float, ends: bool) -> None:
    data, network = problem()
    loss, finder = make_loss("squared"), make_finder("scan")
    training = gradient_descent(network, data.inputs, loss.encode(data, 1), loss, finder, steps=2, index="neurons")
    records = iter(training)
    losses = [next(records).loss for _ in range(2)]
    training.dynamics.finish()
    network.weights.assign(np.array([0]), np.full((1, data.inputs.shape[1]), value))
    training.dynamics.start()
    if ends:
        losses += [record.loss for record in records]
    else:
        with pytest.raises(DivergenceError, match="weights left the finite numbers"):
            losses += [record.loss for record in records]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("rate", ["auto", 0.1])
def test_a_loss_that_is_infinite_before_any_update_is_not_blamed_on_the_rate(rate: float | Literal["auto"]) -> None:
    data, _ = problem()
    network = TwoLayerNetwork.initialize(64, data.inputs.shape[1], threshold=0.0, output_weight=1e200)
    loss, finder = make_loss("squared"), make_finder("scan")
    training = gradient_descent(network, data.inputs, loss.encode(data, 1), loss, finder, steps=3, learning_rate=rate)
    with pytest.raises(DivergenceError) as told:
        list(training)
    assert "inf at step 0, before any update" in str(told.value)
    assert "learning_rate" not in str(told.value)


def test_cost_of_a_scan_is_known_in_advance() -> None:
    records, training = train("scan", "neurons")
    assert [record.cost.inner_products for record in records] == [12 * 96] * 9
    records, training = train("scan", "data")
    assert [record.cost.inner_products for record in records] == [
        12 * 96 if record.step == 0 else 12 * record.moved_neurons for record in records
    ]
    assert training.dynamics.cost.inner_products == sum(record.cost.inner_products for record in records)


def test_audits_happen_when_asked_for_and_at_the_end() -> None:
    data, network = problem()
    loss = make_loss("squared")
    targets = loss.encode(data, 1)
    for every, expected in ((0, []), (3, [0, 3, 6, 7]), (100, [0, 7])):
        training = gradient_descent(
            network, data.inputs, targets, loss, make_finder("scan"), steps=7, audit_every=every
        )
        assert [record.step for record in training if record.audit is not None] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "both"}, "training.index='both'"),
        ({"steps": -1}, "steps=-1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"audit_every": -1}, "audit_every=-1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    data, network = problem()
    loss = make_loss("squared")
    arguments = {"steps": 1} | options
    with pytest.raises(ConfigError, match=message):
        gradient_descent(network, data.inputs, loss.encode(data, 1), loss, make_finder("scan"), **arguments)


@pytest.mark.parametrize("index", INDEXES)
def test_memory_stays_far_below_neurons_times_data(index: Any) -> None:
    data = sphere(64, 3, seed=0)
    network = TwoLayerNetwork.initialize(2**17, 3, seed=0)
    loss = make_loss("squared")
    training = gradient_descent(
        network, data.inputs, loss.encode(data, 1), loss, make_finder("scan"), index=index, steps=1
    )
    tracemalloc.start()
    records = list(training)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert records[1].loss < records[0].loss
    assert peak < 0.5 * 8 * 64 * 2**17


def test_the_rate_falls_as_the_steps_that_are_behind_say() -> None:
    data, network = problem()
    loss = make_loss("squared")
    dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
    rates: list[float] = []
    descend = dynamics.descend

    def told(slope: np.ndarray, rate: float) -> int:
        rates.append(rate)
        return descend(slope, rate)

    dynamics.descend = told  # type: ignore[method-assign]
    batches = FullBatch(loss.encode(data, 1))
    for _ in Training(dynamics, batches, loss, steps=4, learning_rate=0.5, schedule="linear"):
        pass
    assert rates == [0.5, 0.375, 0.25, 0.125]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_no_finite_number_is_no_result(wrong: float) -> None:
    data, network = problem()
    loss = make_loss("squared")
    dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
    evaluate = dynamics.evaluate

    def spoilt(rows: Any = None) -> Evaluation:
        seen = evaluate(rows)
        return Evaluation(np.full_like(seen.outputs, wrong), seen.fired)

    dynamics.evaluate = spoilt  # type: ignore[method-assign]
    with pytest.raises(DivergenceError, match="at step 0"):
        list(Training(dynamics, FullBatch(loss.encode(data, 1)), loss, steps=2, learning_rate=0.1))


def test_what_was_owed_when_a_run_was_written_down_is_charged_once() -> None:
    """Dynamics made anew count from 0: their first record takes in what the former ones had charged and not told."""
    owed = Progress(3, 0.1, 7, Cost(inner_products=5), SimulationCost(circuits=2), 1.5, {}, {})
    anew = SimpleNamespace(cost=Cost(inner_products=2), simulation=SimulationCost(circuits=1), finder_seconds=0.25)
    ledger = _Ledger(owed)
    assert ledger.moved == 7
    assert ledger.since(anew) == (Cost(inner_products=7), SimulationCost(circuits=3), 1.75)
    ledger.settle(anew)
    assert ledger.since(anew) == (Cost(), SimulationCost(), 0.0)
