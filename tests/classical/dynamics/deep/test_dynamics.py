"""Deep networks in training: dense formulas, PyTorch, differences, and every finder against the scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from classical.dynamics.deep.dynamics import DeepDynamics
from classical.scan import ScanFinder
from classical.training import Training
from hybrid_train.data import Dataset, digits, sphere
from hybrid_train.errors import DataError, DivergenceError, InvariantError
from hybrid_train.finder import ActiveSetFinder
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.deep import DeepNetwork, convolutional, fully_connected, grid_patches, residual
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.batches import FullBatch, MiniBatches
from hybrid_train.training.losses import make_loss

SIDE = 4
PATCHES = grid_patches(SIDE, SIDE)
DIMENSION = SIDE * SIDE


def network(kind: str, outputs: int = 1, sparse: bool = True) -> DeepNetwork:
    shift: dict[str, Any] = {"threshold": "auto", "share": 0.3} if sparse else {}
    options = {"outputs": outputs, "seed": 5} | shift
    match kind:
        case "fully_connected":
            return fully_connected([24, 20, 16, 18], DIMENSION, **options)
        case "residual":
            return residual(22, 4, DIMENSION, **options)
        case "convolutional":
            return convolutional([5, 6, 4], PATCHES, last=19, **options)
        case _:
            return convolutional([3, 4], PATCHES, last=15, shared=False, **options)


KINDS = ("fully_connected", "residual", "convolutional", "positions")
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(params=["pair by pair", "by matrix product"])
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one way of multiplying, whatever is faster at this size, in as many threads as there are."""
    monkeypatch.setattr("hybrid_train.network.deep.seen._DENSE", 2.0 if request.param == "pair by pair" else -1.0)
    monkeypatch.setattr("hybrid_train.network.deep.seen._THREAD_PAIRS", 1)


both_ways = pytest.mark.usefixtures("products")


def examples(n: int = 9, classes: int | None = None) -> Dataset:
    data = sphere(n, DIMENSION, seed=2)
    if classes is None:
        return data
    return Dataset(data.inputs, np.arange(n) % classes, "classes", classes)


def dynamics(net: DeepNetwork, inputs: np.ndarray, finder: str = "scan", **options: Any) -> DeepDynamics:
    return DeepDynamics(net, inputs, lambda layer: make_finder(finder, seed=layer, **options))


def started(net: DeepNetwork, inputs: np.ndarray, finder: str = "scan", **options: Any) -> DeepDynamics:
    ours = dynamics(net, inputs, finder, **options)
    ours.start()
    return ours


def dense_outputs(net: DeepNetwork, weights: list[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """The network as a textbook writes it."""
    left = list(weights)
    below = inputs
    for layer in net.layers:
        parts = []
        for block in layer.blocks:
            w = left.pop(0) if layer.trained else block.points[:]
            seen = below[:, block.patches]
            z = layer.factor * np.einsum("isd,md->ism", seen, w) + (seen if layer.skip else 0.0)
            parts.append(np.maximum(z - layer.threshold, 0.0).reshape(len(inputs), -1))
        below = np.concatenate(parts, axis=1)
    return below @ net.output_weights.T


def slopes(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape)


@every_kind
@pytest.mark.parametrize("sparse", [True, False])
def test_the_forward_pass_is_the_textbook_s(kind: str, sparse: bool) -> None:
    net, data = network(kind, 3, sparse), examples()
    ours = started(net, data.inputs).evaluate()
    assert np.allclose(ours.outputs, dense_outputs(net, net.weights(), data.inputs), rtol=0, atol=1e-13)
    assert np.allclose(net.predict(data.inputs), ours.outputs, rtol=0, atol=1e-13)
    fired = sum((h > 0).sum(axis=1) for h in net.forward(data.inputs).hidden)
    assert np.array_equal(ours.fired, fired)


@every_kind
@both_ways
def test_a_step_goes_down_the_gradient_of_central_differences(kind: str) -> None:
    net, data = network(kind, 2), examples()
    before = net.weights()
    ours = started(net, data.inputs)
    slope, rate, h = slopes(ours.evaluate().outputs.shape), 1e-3, 1e-6
    ours.descend(slope, rate)
    for number, (start, end) in enumerate(zip(before, net.weights(), strict=True)):
        move = (end - start) / -rate
        for seed in range(3):
            direction = np.random.default_rng(seed).standard_normal(start.shape)
            ends = []
            for sign in (h, -h):
                moved = [w + sign * direction if i == number else w for i, w in enumerate(before)]
                ends.append((slope * dense_outputs(net, moved, data.inputs)).sum())
            assert (move * direction).sum() == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-8)


@every_kind
@both_ways
def test_input_gradients_are_those_of_central_differences(kind: str) -> None:
    net, data = network(kind, 2), examples()
    ours = started(net, data.inputs)
    slope, h = slopes(ours.evaluate().outputs.shape), 1e-6
    gradient = ours.input_gradient(slope)
    for seed in range(3):
        direction = np.random.default_rng(seed).standard_normal(data.inputs.shape)
        ends = [(slope * net.predict(data.inputs + s * direction)).sum(axis=1) for s in (h, -h)]
        assert (gradient * direction).sum(axis=1) == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-8)


@every_kind
@both_ways
def test_the_top_eigenvalue_is_that_of_the_jacobian(kind: str) -> None:
    for n in (3, 13):  # small kernels are dense, larger ones go through Lanczos
        net, data = network(kind, 2), examples(n)
        ours = started(net, data.inputs)
        seen = net.forward(data.inputs)
        units = np.eye(2 * n).reshape(2 * n, n, 2)
        jacobian = np.array([np.concatenate([g.ravel() for g in seen.gradient(unit)]) for unit in units])
        ours.evaluate()
        assert ours.top_eigenvalue() == pytest.approx(np.linalg.eigvalsh(jacobian @ jacobian.T)[-1], rel=1e-5)
        vector = slopes((n, 2))
        assert seen.kernel_product(vector).ravel() == pytest.approx(jacobian @ jacobian.T @ vector.ravel(), rel=1e-9)


@every_kind
def test_joint_training_moves_the_first_and_the_last_matrix_too(kind: str) -> None:
    data = examples(13)
    net = network(kind, 2).jointly()
    before, output = net.weights(), np.array(net.output_weights)
    ours = started(net, data.inputs)
    slope, rate, h = slopes(ours.evaluate().outputs.shape), 1e-3, 1e-6

    def value(weights: list[np.ndarray], last: np.ndarray) -> float:
        moved = replace(net.at(weights), output_weights=last)
        return float((slope * moved.predict(data.inputs)).sum())

    directions = [np.random.default_rng(0).standard_normal(w.shape) for w in [*before, output]]
    top = ours.top_eigenvalue()
    ours.descend(slope, rate)
    after = [*net.weights(), np.array(net.output_weights)]
    assert len(after) == sum(len(layer.blocks) for layer in net.layers) + 1
    for number, (start, end) in enumerate(zip([*before, output], after, strict=True)):
        shifts = [np.where(i == number, 1.0, 0.0) * d for i, d in enumerate(directions)]
        ends = [
            value([w + s * d for w, d in zip(before, shifts[:-1], strict=True)], output + s * shifts[-1])
            for s in (h, -h)
        ]
        found = ((end - start) / -rate * directions[number]).sum()
        assert found == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-8)
    fresh = network(kind, 2).jointly()
    seen = fresh.forward(data.inputs)
    jacobian = np.array(
        [
            np.concatenate([*(g.ravel() for g in seen.gradient(unit)), (unit.T @ seen.hidden[-1]).ravel()])
            for unit in np.eye(26).reshape(26, 13, 2)
        ]
    )
    assert top == pytest.approx(np.linalg.eigvalsh(jacobian @ jacobian.T)[-1], rel=1e-5)


def torch_loss(torch: Any, name: str, outputs: Any, targets: Any) -> Any:
    if name == "squared":
        return 0.5 * ((outputs - targets) ** 2).sum()
    if name == "logistic":
        return torch.nn.functional.softplus(-targets * outputs).sum()
    return torch.nn.functional.cross_entropy(outputs, targets.argmax(1), reduction="sum")


def torch_outputs(torch: Any, net: DeepNetwork, weights: list[Any], inputs: np.ndarray) -> Any:
    """The network by PyTorch's own layers; a convolution by conv2d with circular padding."""
    relu, n = torch.nn.functional.relu, len(inputs)
    left, h = list(weights), torch.tensor(inputs)
    for number, layer in enumerate(net.layers):
        shape = layer.blocks[0].points.shape
        banks = [left.pop(0) if layer.trained else torch.tensor(block.points[:]) for block in layer.blocks]
        if net.kind == "convolutional" and number < net.depth and len(banks) == 1:
            channels = shape[1] // 9
            image = h.reshape(n, SIDE, SIDE, channels).permute(0, 3, 1, 2)
            kernel = banks[0].reshape(shape[0], 3, 3, channels).permute(0, 3, 1, 2)
            z = torch.nn.functional.conv2d(torch.nn.functional.pad(image, (1, 1, 1, 1), mode="circular"), kernel)
            h = relu(z - layer.threshold).permute(0, 2, 3, 1).reshape(n, -1)
        elif len(banks) > 1:
            parts = [h[:, torch.tensor(b.patches[0])] @ w.T for b, w in zip(layer.blocks, banks, strict=True)]
            h = relu(torch.cat(parts, dim=1) - layer.threshold)
        elif layer.skip:
            h = relu(h + layer.factor * (h @ banks[0].T) - layer.threshold)
        else:
            h = relu(h @ banks[0].T - layer.threshold)
    return h @ torch.tensor(net.output_weights).T


@pytest.mark.peers
@every_kind
@both_ways
@pytest.mark.parametrize("name", ["squared", "logistic", "cross_entropy"])
def test_three_steps_are_those_of_pytorch_s_autograd(kind: str, name: str) -> None:
    torch = pytest.importorskip("torch")
    outputs = 3 if name == "cross_entropy" else 1
    data, loss, rate = examples(classes=3 if name == "cross_entropy" else None), make_loss(name), 0.01
    targets = loss.encode(data, outputs)
    net = network(kind, outputs)
    ours = started(net, data.inputs)
    theirs = [torch.tensor(w, requires_grad=True) for w in net.weights()]
    for _ in range(3):
        seen = ours.evaluate()
        value = torch_loss(torch, name, torch_outputs(torch, net, theirs, data.inputs), torch.tensor(targets))
        assert loss.value(seen.outputs, targets) == pytest.approx(value.item(), rel=1e-10)
        gradients = torch.autograd.grad(value, theirs)
        found = ours.last_pass.gradient(loss.derivative(seen.outputs, targets))
        for mine, other in zip(found, gradients, strict=True):
            assert np.abs(mine - other.numpy()).max() < 1e-10
            assert np.abs(mine).max() > 1e-4
        ours.descend(loss.derivative(seen.outputs, targets), rate)
        with torch.no_grad():
            for matrix, g in zip(theirs, gradients, strict=True):
                matrix.sub_(rate * g)
        for mine, other in zip(net.weights(), theirs, strict=True):
            assert np.abs(mine - other.detach().numpy()).max() < 1e-10


FINDERS: list[tuple[str, dict[str, Any]]] = [
    ("hsr", {"leaf_size": 4}),
    ("skin", {}),
    ("correlation_tree", {}),
    ("sparse_columns", {}),
    ("grover", {"engine": "closed_form"}),
]


@every_kind
@pytest.mark.parametrize(("finder", "options"), FINDERS, ids=[name for name, _ in FINDERS])
def test_exact_finders_train_the_same_network(kind: str, finder: str, options: dict[str, Any]) -> None:
    data, loss = examples(7), make_loss("squared")
    targets = loss.encode(data, 1)
    runs = []
    for name, chosen in (("scan", {}), (finder, options)):
        net = network(kind)
        training = Training(
            dynamics(net, data.inputs, name, **chosen), FullBatch(targets), loss, steps=6, audit_every=1
        )
        runs.append((list(training), net.weights()))
    (by_scan, there), (records, here) = runs
    assert [r.loss for r in records] == pytest.approx([r.loss for r in by_scan], rel=1e-7)
    assert all(np.array_equal(a.fired_per_datum, b.fired_per_datum) for a, b in zip(records, by_scan, strict=True))
    assert all(np.allclose(a, b, rtol=0, atol=1e-7) for a, b in zip(here, there, strict=True))
    assert all(r.audit is not None and r.audit.recall == 1 and r.audit.spurious == 0 for r in records)
    assert by_scan[-1].loss < 0.9 * by_scan[0].loss


def test_an_approximate_finder_trains_what_it_finds() -> None:
    net, data = network("fully_connected"), examples(8)
    ours = started(net, data.inputs, "lsh", bits=3, tables=4)
    before = net.weights()
    seen = ours.evaluate()
    audit = ours.audit()
    assert 0 < audit.recall < 1
    assert audit.spurious == 0
    slope, h = slopes(seen.outputs.shape), 1e-3
    found = ours.last_pass.gradient(slope)
    ours.descend(slope, h)
    for end, start, gradient in zip(net.weights(), before, found, strict=True):
        assert np.allclose(end, start - h * gradient, rtol=0, atol=1e-14)


def test_circuits_find_the_neurons_of_a_tiny_network() -> None:
    net = fully_connected([8, 8], 4, threshold="auto", share=0.3, seed=1)
    data = sphere(3, 4, seed=1)
    ours = started(net, data.inputs, "grover", engine="aer")
    seen = ours.evaluate()
    assert np.array_equal(seen.outputs, net.predict(data.inputs))
    ours.descend(np.ones_like(seen.outputs), 0.01)
    assert np.array_equal(ours.evaluate().outputs, net.predict(data.inputs))
    assert ours.audit().recall == 1
    assert ours.cost.oracle_calls > 0
    assert ours.simulation.circuits > 0


@every_kind
def test_mini_batches_are_steps_on_their_examples_alone(kind: str) -> None:
    data = examples(10)
    net, other = network(kind), network(kind)
    ours = started(net, data.inputs, "skin")
    for rows in ([7, 2, 5], [2, 9], [0, 1, 2]):
        batch = np.array(rows)
        seen = ours.evaluate(batch)
        alone = other.forward(data.inputs[batch])
        assert np.allclose(seen.outputs, alone.outputs, rtol=0, atol=1e-9)
        slope = slopes(seen.outputs.shape)
        ours.descend(slope, 0.02)
        moves = zip(other.weights(), alone.gradient(slope), strict=True)
        other = other.at([w - 0.02 * g for w, g in moves])
        assert all(np.allclose(a, b, rtol=0, atol=1e-9) for a, b in zip(net.weights(), other.weights(), strict=True))
    ours.evaluate(np.array([3, 1]))
    audit = ours.audit()
    assert audit.recall == 1
    assert audit.spurious == 0


@every_kind
def test_examples_that_move_are_asked_again_and_no_others(kind: str) -> None:
    net, data = network(kind), examples(6)
    asked: list[int] = []

    class Counting(ScanFinderSpy):
        log = asked

    ours = DeepDynamics(net, data.inputs, lambda layer: Counting())
    ours.start()
    blocks = sum(len(layer.blocks) for layer in net.layers)
    assert len(asked) == blocks
    ours.evaluate()
    assert len(asked) == blocks  # nothing moved since the start
    moved = np.roll(data.inputs[:2], 1, axis=1)
    ours.move_examples(np.array([4, 1]), moved)
    with pytest.raises(InvariantError, match="evaluate first"):
        ours.audit()
    seen = ours.evaluate()
    everything = data.inputs.copy()
    everything[[4, 1]] = moved
    assert np.allclose(seen.outputs, net.predict(everything), rtol=0, atol=1e-12)
    positions = [block.positions for layer in net.layers for block in layer.blocks]
    assert all(0 < count <= 2 * here for count, here in zip(asked[blocks:], positions, strict=True))


class ScanFinderSpy(ActiveSetFinder):
    """A scan that notes how many queries each call asked."""

    log: list[int]

    def __init__(self) -> None:
        super().__init__()
        self._inner = ScanFinder()

    @property
    def promise(self) -> Any:
        return self._inner.promise

    def build(self, points: Any, queries: Any, threshold: float) -> None:
        self._inner.build(points, queries, threshold)

    def find(self, rows: Any = None) -> Any:
        found = self._inner.find(rows)
        self.log.append(len(found.rows))
        return found

    def move_points(self, rows: Any, points: Any) -> None:
        self._inner.move_points(rows, points)

    def move_queries(self, rows: Any, queries: Any) -> None:
        self._inner.move_queries(rows, queries)


def test_only_active_neurons_of_trained_layers_move() -> None:
    net, data = network("fully_connected"), examples(2)
    ours = started(net, data.inputs)
    before = [layer.blocks[0].points[:].copy() for layer in net.layers]
    seen = ours.evaluate()
    fired = [np.flatnonzero((h > 0).any(axis=0)) for h in ours.last_pass.hidden]
    moved = ours.descend(np.ones_like(seen.outputs), 0.1)
    changed = [
        np.flatnonzero((layer.blocks[0].points[:] != old).any(axis=1))
        for layer, old in zip(net.layers, before, strict=True)
    ]
    assert not len(changed[0])
    assert moved == sum(map(len, changed))
    assert all(set(now) <= set(active) for now, active in zip(changed[1:], fired[1:], strict=True))
    assert ours.evaluate(), "usable after a step"


def test_nothing_moves_along_a_slope_of_zero() -> None:
    net, data = network("residual"), examples(3)
    ours = started(net, data.inputs)
    before = net.weights()
    assert ours.descend(np.zeros_like(ours.evaluate().outputs), 1.0) == 0
    assert all(np.array_equal(a, b) for a, b in zip(net.weights(), before, strict=True))


def test_a_finder_that_finds_nothing_is_seen_by_the_audit() -> None:
    net, data = network("fully_connected"), examples(3)
    ours = DeepDynamics(net, data.inputs, lambda layer: make_finder("empty" if layer == 2 else "scan"))
    ours.start()
    assert not ours.evaluate().outputs.any()
    recalls = [audit.recall for audit in ours.layer_audits()]
    assert recalls[:3] == [1.0, 1.0, 0.0]
    assert ours.audit().recall < 1


@pytest.mark.parametrize("rate", [1e30, 1e200])
@pytest.mark.parametrize("finder", ["scan", "skin", "hsr"])
def test_a_rate_that_is_far_too_large_is_said_to_be_so(finder: str, rate: float) -> None:
    data, loss = examples(5), make_loss("squared")
    training = Training(
        dynamics(network("fully_connected"), data.inputs, finder),
        FullBatch(loss.encode(data, 1)),
        loss,
        steps=20,
        learning_rate=rate,
    )
    with pytest.raises(DivergenceError, match="take a smaller one"):
        list(training)


def test_bad_inputs_and_calls_out_of_order_are_refused() -> None:
    net = network("fully_connected")
    with pytest.raises(DataError, match="dimension 3"):
        dynamics(net, np.ones((2, 3)))
    ours = started(net, examples(3).inputs)
    seen = ours.evaluate()
    with pytest.raises(InvariantError, match="slope of shape"):
        ours.descend(np.ones((2, 1)), 0.1)
    ours.descend(np.ones_like(seen.outputs), 0.1)
    with pytest.raises(InvariantError, match="evaluate first"):
        ours.top_eigenvalue()


@every_kind
def test_stochastic_gradient_descent_fits(kind: str) -> None:
    """DEEP Theorem 2: batches of 4, scaled by n / 4."""
    data, loss = examples(12), make_loss("squared")
    targets = loss.encode(data, 1)
    for finder in ("scan", "skin"):
        net = network(kind)
        batches = MiniBatches(targets, 4, seed=1)
        records = list(Training(dynamics(net, data.inputs, finder), batches, loss, steps=60, audit_every=10))
        assert records[-1].loss < 0.5 * loss.value(network(kind).predict(data.inputs), targets)
        assert all(r.audit is None or r.audit.recall == 1 for r in records)


class SignAdversary(Adversary):
    """One step along the sign of the gradient, back on the sphere."""

    @property
    def looks(self) -> int:
        return 1

    def attack(self, dynamics: Any, rows: Any, clean: Any, targets: Any, loss: Any, step: int) -> None:
        slope = loss.derivative(dynamics.evaluate(rows).outputs, targets)
        moved = clean + 0.05 * np.sign(dynamics.input_gradient(slope))
        dynamics.move_examples(rows, moved / np.linalg.norm(moved, axis=1, keepdims=True))


@every_kind
def test_adversarial_training_attacks_deep_networks(kind: str) -> None:
    data, loss = examples(8), make_loss("logistic")
    training = Training(
        dynamics(network(kind), data.inputs, "skin"),
        FullBatch(loss.encode(data, 1)),
        loss,
        steps=5,
        adversary=SignAdversary(),
        audit_every=1,
    )
    records = list(training)
    assert all(r.clean_loss is not None and r.loss > r.clean_loss for r in records)
    assert all(r.audit is not None and r.audit.recall == 1 and r.audit.spurious == 0 for r in records)
    assert records[-1].loss < records[0].loss


def test_cross_entropy_fits_ten_digits_to_the_last_image() -> None:
    """DEEP Theorem 6, last case: 100 % training accuracy."""
    data, loss = digits(60, classes="all"), make_loss("cross_entropy")
    targets = loss.encode(data, 10)
    net = fully_connected([256, 256, 256], 64, outputs=10, threshold="auto", share=0.2)
    ours = started(net, data.inputs, "skin")
    ours.evaluate()
    rate = 2.0 / (ours.top_eigenvalue() * 0.5)
    accuracy = 0.0
    for _ in range(60):
        seen = ours.evaluate()
        accuracy = float((seen.outputs.argmax(axis=1) == data.targets).mean())
        if accuracy == 1.0:
            break
        ours.descend(loss.derivative(seen.outputs, targets), rate)
    assert accuracy == 1.0
