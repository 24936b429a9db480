"""Deep networks trained on tiles: the same steps as through the sets of a scan, and no copy of the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from classical.dynamics.columns.dynamics import ColumnDynamics
from classical.dynamics.deep.dynamics import DeepDynamics
from classical.training import Training
from hybrid_train.data import sphere
from hybrid_train.errors import DataError, InvariantError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.deep import DeepNetwork, convolutional, fully_connected, grid_patches, residual
from hybrid_train.training.batches import MiniBatches
from hybrid_train.training.losses import make_loss

DIMENSION = 16
MAKERS: dict[str, Callable[..., DeepNetwork]] = {
    "fully_connected": lambda **o: fully_connected([140, 200, 90, 18], DIMENSION, **o),
    "one trained layer": lambda **o: fully_connected([70, 65], DIMENSION, **o),
    "residual": lambda **o: residual(130, 4, DIMENSION, **o),
}
every_kind = pytest.mark.parametrize("kind", MAKERS)


def network(kind: str, outputs: int = 1, **options: Any) -> DeepNetwork:
    return MAKERS[kind](outputs=outputs, threshold="auto", share=0.2, seed=5, **options)


def inputs(n: int = 9) -> np.ndarray:
    return sphere(n, DIMENSION, seed=2).inputs


def by_scan(net: DeepNetwork, data: np.ndarray) -> DeepDynamics:
    return DeepDynamics(net, data, lambda layer: make_finder("scan"))


@every_kind
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_step_is_that_of_a_scan(kind: str, outputs: int) -> None:
    data = inputs()
    truth, ours = by_scan(network(kind, outputs), data), ColumnDynamics(network(kind, outputs), data)
    truth.start()
    ours.start()
    for step in range(5):
        expected, found = truth.evaluate(), ours.evaluate()
        assert np.array_equal(found.fired, expected.fired)
        assert np.allclose(found.outputs, expected.outputs, rtol=0, atol=1e-12)
        assert ours.top_eigenvalue() == pytest.approx(truth.top_eigenvalue(), rel=1e-5)
        factors = np.linspace(1.0, 2.0, len(data))
        assert ours.top_eigenvalue(factors) == pytest.approx(truth.top_eigenvalue(factors), rel=1e-5)
        slope = np.random.default_rng(step).standard_normal(found.outputs.shape)
        assert np.allclose(ours.input_gradient(slope), truth.input_gradient(slope), rtol=0, atol=1e-12)
        audit = ours.audit()
        assert (audit.recall, audit.spurious) == (1.0, 0)
        assert ours.descend(slope, 0.01) == truth.descend(slope, 0.01) > 0
    ours.finish()
    for mine, theirs in zip(ours.network.weights(), truth.network.weights(), strict=True):
        assert np.allclose(mine, theirs, rtol=0, atol=1e-12)


@every_kind
def test_mini_batches_train_the_same_network(kind: str) -> None:
    data, loss = sphere(12, DIMENSION, seed=2), make_loss("squared")
    targets = loss.encode(data, 1)
    runs = []
    for make in (by_scan, ColumnDynamics):
        net = network(kind)
        batches = MiniBatches(targets, 4, seed=1)
        records = list(Training(make(net, data.inputs), batches, loss, steps=12, audit_every=4))
        runs.append((records, net.weights()))
    (truth, there), (ours, here) = runs
    assert [r.loss for r in ours] == pytest.approx([r.loss for r in truth], rel=1e-9)
    assert all(np.array_equal(a.fired_per_datum, b.fired_per_datum) for a, b in zip(ours, truth, strict=True))
    assert [r.moved_neurons for r in ours] == [r.moved_neurons for r in truth]
    assert all(np.allclose(a, b, rtol=0, atol=1e-11) for a, b in zip(here, there, strict=True))
    assert all(r.audit is None or (r.audit.recall, r.audit.spurious) == (1.0, 0) for r in ours)


@every_kind
def test_float32_keeps_float32_and_decides_as_a_scan_of_its_own_weights(kind: str) -> None:
    net, wide, data = network(kind, 2, dtype="float32"), network(kind, 2), inputs()
    ours, truth = ColumnDynamics(net, data), by_scan(wide, data)
    ours.start()
    truth.start()
    assert ours.top_eigenvalue() == pytest.approx(truth.top_eigenvalue(), rel=1e-4)
    for step in range(5):
        found, expected = ours.evaluate(), truth.evaluate()
        assert np.allclose(found.outputs, expected.outputs, rtol=0, atol=1e-5)
        audit = ours.audit()
        assert (audit.recall, audit.spurious) == (1.0, 0)
        slope = np.random.default_rng(step).standard_normal(found.outputs.shape)
        assert np.allclose(ours.input_gradient(slope), truth.input_gradient(slope), rtol=0, atol=1e-4)
        ours.descend(slope, 0.01)
        truth.descend(slope, 0.01)
    ours.finish()
    for mine, theirs in zip(net.weights(), wide.weights(), strict=True):
        assert mine.dtype == np.float32
        assert np.allclose(mine, theirs, rtol=0, atol=1e-5)


def test_weights_can_be_read_at_any_time_and_are_moved_in_place() -> None:
    net, data = network("fully_connected"), inputs()
    memory = [layer.blocks[0].points._array for layer in net.layers[1:]]  # type: ignore[attr-defined]
    before = net.weights()
    ours = ColumnDynamics(net, data)
    ours.start()
    assert all(np.array_equal(a, b) for a, b in zip(net.weights(), before, strict=True))
    seen = ours.evaluate()
    assert np.allclose(net.predict(data), seen.outputs, rtol=0, atol=1e-13)
    gradient = net.forward(data).gradient(np.ones_like(seen.outputs))
    ours.descend(np.ones_like(seen.outputs), 0.01)
    expected = [w - 0.01 * g for w, g in zip(before, gradient, strict=True)]
    assert all(np.allclose(a, b, rtol=0, atol=1e-13) for a, b in zip(net.weights(), expected, strict=True))
    ours.finish()
    assert all(np.allclose(a, b, rtol=0, atol=1e-13) for a, b in zip(memory, expected, strict=True))


def test_examples_that_move_are_looked_at_again_and_no_others() -> None:
    net, data = network("fully_connected"), inputs(6)
    ours = ColumnDynamics(net, data)
    ours.start()
    at_first = ours.cost.inner_products
    ours.evaluate()
    assert ours.cost.inner_products == at_first
    moved = np.roll(data[:2], 1, axis=1)
    ours.move_examples(np.array([4, 1]), moved)
    with pytest.raises(InvariantError, match="evaluate first"):
        ours.audit()
    data[[4, 1]] = moved
    rows = np.array([5, 1, 2])
    assert np.allclose(ours.evaluate(rows).outputs, net.predict(data[rows]), rtol=0, atol=1e-12)
    assert np.allclose(ours.evaluate().outputs, net.predict(data), rtol=0, atol=1e-12)
    audit = ours.audit()
    assert (audit.recall, audit.spurious) == (1.0, 0)
    ours.finish()


def test_convolutions_are_left_to_the_sets() -> None:
    net = convolutional([3, 4], grid_patches(4, 4), last=15)
    assert not ColumnDynamics.serves(net)
    with pytest.raises(InvariantError, match="read all of the layer below"):
        ColumnDynamics(net, inputs())
    finder: Any = make_finder("sparse_columns")
    assert finder.deep_dynamics(net, inputs()) is None
    assert isinstance(finder.deep_dynamics(network("residual"), inputs()), ColumnDynamics)


@every_kind
@pytest.mark.parametrize("rate", [1e30, 1e100])
def test_rates_that_are_far_too_large_end_as_they_do_by_scan(kind: str, rate: float) -> None:
    truth, ours = by_scan(network(kind), inputs()), ColumnDynamics(network(kind), inputs())
    truth.start()
    ours.start()
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(6):
            expected, found = truth.evaluate(), ours.evaluate()
            assert np.array_equal(np.isfinite(found.outputs), np.isfinite(expected.outputs))
            if not np.isfinite(found.outputs).all():
                return
            assert np.array_equal(found.fired, expected.fired)
            assert np.allclose(found.outputs, expected.outputs, rtol=1e-9, atol=1e-12)
            assert ours.descend(found.outputs, rate) == truth.descend(expected.outputs, rate)
    assert not found.outputs.any(), "dead or diverged"


def test_bad_inputs_and_calls_out_of_order_are_refused() -> None:
    net = network("fully_connected")
    with pytest.raises(DataError, match="dimension 3"):
        ColumnDynamics(net, np.ones((2, 3)))
    ours = ColumnDynamics(net, inputs(3))
    ours.start()
    seen = ours.evaluate()
    with pytest.raises(InvariantError, match="slope of shape"):
        ours.descend(np.ones((2, 1)), 0.1)
    ours.descend(np.zeros_like(seen.outputs), 0.1)
    with pytest.raises(InvariantError, match="evaluate first"):
        ours.top_eigenvalue()
    ours.finish()
    with pytest.raises(InvariantError, match="start first"):
        ours.evaluate()
