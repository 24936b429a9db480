"""Gram dynamics: the sets of the predicate at every step, the weights of dense descent at the end, whatever sleeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.gram import chunks as _gram_lists
from classical.dynamics.gram import dynamics as gram_dynamics
from classical.dynamics.gram import size as gram_size
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.rows.dynamics import RowDynamics
from classical.dynamics.sets import SetDynamics
from classical.lists.following import MOST_COLUMNS
from classical.scan import ScanFinder
from classical.skin import SkinFinder
from classical.training import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.errors import InvariantError, ResourceError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.parallel import threads
from hybrid_train.training.losses import make_loss
from tests.support.whole_network import examples

KINDS = ("sphere", "gaussian", "grid", "duplicates", "zeros")


class Model:
    """Gram dynamics, and the same descent done densely beside it."""

    def __init__(self, seed: int, *, kind: str, b: float, outputs: int = 1, dtype: Any = float, **options: Any) -> None:
        self.rng = rng = np.random.default_rng(seed)
        n, d, m = (int(rng.integers(1, high)) for high in (24, 12, 120))
        self.x = examples(rng, kind, n, d)
        scale = 1 if kind != "grid" else 0
        w = rng.standard_normal((m, d)) if scale else rng.integers(-2, 3, (m, d)).astype(float)
        self.dense = w.astype(dtype).astype(float)
        signs = rng.choice([-1.0, 1.0], (m, outputs))
        if seed % 3 == 0:
            signs *= rng.uniform(0.5, 2.0, (m, outputs))
        self.network = TwoLayerNetwork(DenseBank(w.astype(dtype)), signs, b)
        self.targets = rng.standard_normal((n, outputs))
        self.dynamics = GramDynamics(self.network, self.x, **options)
        self.dynamics.start()
        self.size = 0.0

    def step(self, rate: float, batch: int) -> bool:
        """Check everything, then descend; False once the numbers have outgrown the comparison."""
        network, n, b = self.network, len(self.x), self.network.threshold
        rows = np.arange(n) if batch >= n else np.sort(self.rng.permutation(n)[: max(1, batch)])
        seen = self.dynamics.evaluate(None if batch >= n else rows)
        truth = active_pairs(network.weights, self.x, b, rows)
        assert self.dynamics.sets.same_sets(truth)
        assert np.array_equal(seen.fired, truth.counts)
        products = self.dense @ self.x.T
        outputs = network.scale * np.maximum(products - b, 0).T @ network.output_weights
        size = self.size = max(self.size, 1 + np.abs(outputs).max())  # what was rounded then is in the weights now
        if not size < 1e6:
            return False
        assert np.abs(seen.outputs - outputs[rows]).max() <= 1e-9 * size
        slope = np.zeros_like(outputs)
        slope[rows] = seen.outputs - self.targets[rows]
        tied = (np.abs(products - b) < 1e-9).any()  # then rounding decides, and ours is the one that is checked
        fires = truth_of(network, self.x) if tied else products > b
        self.dense -= rate * network.scale * (fires * (network.output_weights @ slope.T)) @ self.x
        moved = self.dynamics.descend(slope[rows], rate)
        assert moved == np.count_nonzero((fires & (slope != 0).any(axis=1)).any(axis=1))
        assert np.abs(network.weights[:] - self.dense).max() <= 1e-9 * (1 + np.abs(self.dense).max())
        return True


def truth_of(network: TwoLayerNetwork, x: np.ndarray) -> np.ndarray:
    fires = np.zeros((network.width, len(x)), bool)
    truth = active_pairs(network.weights, x, network.threshold)
    fires[truth.point_ids, truth.query_ids] = True
    return fires


RATES = st.sampled_from([1e-3, 0.1, 1.0, 10.0])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    b=st.sampled_from([-0.5, 0.0, 0.7, 1.0, 1.5]),
    outputs=st.integers(1, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
    skin=st.sampled_from([None, 1e-6, 0.3]),
    rate=RATES,
    batch=st.sampled_from([1, 3, 99]),
    shift=st.sampled_from(["as it comes", "asleep", "in turn", "direct"]),
    rest=st.booleans(),
)
def test_every_step_has_the_sets_and_outputs_of_a_scan(
    seed: int, kind: Any, b: Any, outputs: Any, dtype: Any, skin: Any, rate: Any, batch: Any, shift: Any, rest: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if shift == "direct":
            patch.setattr(gram_dynamics, "KERNEL_SIZE", 0)
        elif shift != "as it comes":
            patch.setattr(gram_dynamics, "_DROWSY", 0)
            patch.setattr(gram_dynamics, "_PATIENCE", 0)
            patch.setattr(gram_dynamics, "_ALERT", 0 if shift == "asleep" else 10**6)
        model = Model(seed, kind=kind, b=b, outputs=outputs, dtype=dtype, skin=skin, rest=rest)
        for _ in range(12):
            if not model.step(rate, batch):
                break
        audit = model.dynamics.audit()
        assert audit.recall == 1.0
        assert audit.spurious == 0
        model.dynamics.finish()
    assert model.network.weights.dtype == dtype


@pytest.mark.parametrize("size", [1e150, 1e-160])
@pytest.mark.parametrize("rest", [True, False])
def test_vectors_of_any_size_give_the_sets_of_a_scan(size: Any, rest: bool) -> None:
    rng = np.random.default_rng(5)
    x = examples(rng, "sphere", 6, 4) * np.array([[1.0, 1.0, size, size, 1e-3, 1e3]]).T
    weights = rng.standard_normal((40, 4)) * np.where(rng.random((40, 1)) < 0.3, size, 1.0)
    for b in (-1.0, 0.0, 0.5):
        network = TwoLayerNetwork(DenseBank(weights), rng.choice([-1.0, 1.0], (40, 1)), b)
        dynamics = GramDynamics(network, x, rest=rest)
        dynamics.start()
        for _ in range(4):
            with np.errstate(all="ignore"):
                dynamics.evaluate()
                assert dynamics.sets.same_sets(active_pairs(network.weights, x, b))
                dynamics.descend(np.full((6, 1), 1e-3), 1.0)


def run(m: int = 400, steps: int = 30, rate: float = 3.0, seed: int = 3, **options: Any) -> tuple[Any, np.ndarray]:
    data = sphere(12, 6, seed=seed)
    network = TwoLayerNetwork.initialize(m, 6, threshold=0.8, seed=seed, **options)
    dynamics = GramDynamics(network, data.inputs, skin=0.02)
    dynamics.start()
    history = []
    targets = np.random.default_rng(seed).standard_normal((12, network.outputs))
    for _ in range(steps):
        history.append(dynamics.evaluate().outputs)
        dynamics.descend(history[-1] - targets, rate)
    return dynamics, np.array(history)


def right(dynamics: GramDynamics) -> bool:
    found = dynamics.audit()
    return found.recall == 1.0 and found.spurious == 0


def test_a_certificate_without_drift_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamics, _ = run()
    assert dynamics.rescans > 0
    assert right(dynamics)
    original = _gram_lists.Chunk.__init__

    def blind(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        self.lists.rows["gap"] = np.inf

    monkeypatch.setattr(_gram_lists.Chunk, "__init__", blind)
    dynamics, _ = run()
    assert dynamics.rescans == 0
    assert not right(dynamics)


def test_rows_that_never_wake_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_dynamics, "_DROWSY", 0)
    monkeypatch.setattr(gram_dynamics, "_PATIENCE", 0)
    monkeypatch.setattr(gram_dynamics, "_ALERT", 0)
    assert right(run()[0])
    tick = GramDynamics._tick
    calls = []

    def stopped(self: GramDynamics) -> None:
        calls.append(1)
        if len(calls) < 3:
            tick(self)

    monkeypatch.setattr(GramDynamics, "_tick", stopped)
    with pytest.raises(InvariantError, match="in their sleep"):
        run()
    monkeypatch.setattr(GramDynamics, "_refresh", lambda self: None)
    calls.clear()
    assert not right(run()[0])


@pytest.mark.parametrize("late", [0.0, 1.0])
def test_alarms_that_come_too_late_are_caught(monkeypatch: pytest.MonkeyPatch, late: Any) -> None:
    monkeypatch.setattr(GramDynamics, "_change_shift", lambda self: None)
    start = GramDynamics.start

    def slow(self: GramDynamics) -> None:
        start(self)
        for chunk in self._chunks:
            chunk.lists.alarms[chunk.lists.alarms < np.inf] += late

    monkeypatch.setattr(GramDynamics, "start", slow)
    if late:
        with pytest.raises(InvariantError, match="in their sleep"):
            run()
        monkeypatch.setattr(GramDynamics, "_refresh", lambda self: None)
    assert right(run()[0]) == (late == 0.0)


def test_a_followed_product_that_is_wrong_is_seen_when_it_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_dynamics, "ROUNDS", 4)
    dynamics, _ = run(steps=5, rate=1e-3)
    for chunk in dynamics._chunks:
        fires = chunk.lists.entries["inner"] > 0.8
        chunk.lists.entries["inner"][fires] += 10.0
        chunk.lists.entries["inner"][~fires] = 0.9
    dynamics.evaluate()

    def descend() -> None:
        for _ in range(8):
            dynamics.descend(np.full((12, 1), 1e-9), 1.0)

    with pytest.raises(InvariantError, match="certified"):
        descend()


def test_long_runs_stay_exact_when_the_window_of_pulls_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_dynamics, "ROUNDS", 4)
    monkeypatch.setattr(gram_dynamics, "_DROWSY", 0)
    monkeypatch.setattr(gram_dynamics, "_PATIENCE", 0)
    monkeypatch.setattr(gram_dynamics, "_ALERT", 0)
    model = Model(11, kind="sphere", b=0.7)
    for _ in range(60):
        assert model.step(0.3, 2)
    assert model.dynamics.deviation < 1e-12


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gram_lists, "_CHUNK", 32)
    monkeypatch.setattr(gram_dynamics, "_BUSY", 1)
    found = []
    for count in (1, 3):
        with threads(count):
            dynamics, history = run(outputs=2)
            assert len(dynamics._chunks) == 14
            found.append((history, dynamics.network.weights[:]))
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("storage", ["stored", "seeded"])
def test_a_paired_start_gives_exactly_zero(monkeypatch: pytest.MonkeyPatch, storage: Any) -> None:
    monkeypatch.setattr(_gram_lists, "_CHUNK", 32)
    dynamics, history = run(start="paired", storage=storage)
    assert (history[0] == 0).all()
    assert (history[1] != 0).any()
    assert right(dynamics)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_seeded_bank_trains_like_the_stored_one_and_again(dtype: Any) -> None:
    network = TwoLayerNetwork.initialize(300, 5, threshold=0.9, storage="seeded", dtype=dtype, seed=2)
    stored = TwoLayerNetwork(DenseBank(network.weights[:]), network.output_weights, 0.9)
    inputs, targets = sphere(10, 5, seed=1).inputs, np.ones((10, 1))
    loss = make_loss("squared")
    for _ in range(2):
        ends = [
            [record.outputs for record in gradient_descent(net, inputs, targets, loss, SkinFinder(), steps=8)]
            for net in (network, stored)
        ]
        size = 1e-6 if dtype == "float32" else 1e-12
        assert np.allclose(ends[0], ends[1], atol=size)
        assert np.allclose(network.weights[:], stored.weights[:], atol=size)
        inputs = sphere(10, 5, seed=7).inputs
    assert network.weights.dtype == np.float64


@pytest.mark.parametrize("special", [{"activation": "jump"}, {"untrained": 2}, {"output_scale": 0.3}])
def test_other_networks_train_as_through_sets(special: Any) -> None:
    rng = np.random.default_rng(8)
    inputs, targets = rng.standard_normal((9, 5)), rng.standard_normal((9, 2))
    weights, signs = rng.standard_normal((80, 5)), rng.choice([-1.0, 1.0], (80, 2))
    ends = []
    for kind in (GramDynamics, lambda network, x: SetDynamics(network, x, ScanFinder())):
        network = TwoLayerNetwork(DenseBank(weights), signs, 0.5, **special)
        dynamics = kind(network, inputs)
        dynamics.start()
        outputs = [dynamics.evaluate().outputs]
        top = dynamics.top_eigenvalue()
        for _ in range(10):
            dynamics.descend(outputs[-1] - targets, 0.5 / top)
            outputs.append(dynamics.evaluate().outputs)
        dynamics.finish()
        ends.append((np.array(outputs), network.weights[:], top))
    for ours, theirs in zip(*ends, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_the_top_eigenvalue_is_that_of_the_examples_evaluated_last(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    network = TwoLayerNetwork.initialize(200, 6, outputs=2, threshold=0.5)
    inputs = rng.standard_normal((10, 6))
    rows = np.array([1, 4, 7])
    for limit in (2048, 0):
        monkeypatch.setattr(gram_dynamics, "KERNEL_SIZE", limit)
        dynamics = GramDynamics(network, inputs)
        dynamics.start()
        for asked in (None, rows):
            dynamics.evaluate(asked)
            part = inputs if asked is None else inputs[asked]
            expected = network.kernel_top_eigenvalue(active_pairs(network.weights, part, 0.5), part)
            assert dynamics.top_eigenvalue() == pytest.approx(expected, rel=1e-5)
        dynamics.finish()


def test_costs_are_those_of_the_scan_the_evaluations_and_the_entries() -> None:
    dynamics, _ = run(steps=0)
    candidates = dynamics.candidates
    assert dynamics.cost.inner_products >= 400 * 12 + candidates
    assert dynamics.cost.inner_products <= 400 * 12 * 2
    before = dynamics.cost.copy()
    dynamics.evaluate()
    dynamics.descend(np.full((12, 1), 1e-6), 1.0)
    spent = dynamics.cost - before
    kernel, alarms = 12 * 12, dynamics.facts()["listed_neurons"]
    assert kernel + alarms <= spent.nodes_visited <= kernel + alarms + 0.1 * candidates
    assert spent.inner_products < 12


def test_finish_carries_the_weights_out_and_frees_the_bank() -> None:
    dynamics, _ = run()
    bank = dynamics.network.weights
    now = bank[:].copy()
    with pytest.raises(InvariantError, match="ledger"):
        bank.assign(np.array([0]), np.zeros((1, 6)))
    dynamics.finish()
    assert np.array_equal(bank[:], now)
    bank.assign(np.array([0]), np.zeros((1, 6)))
    with pytest.raises(InvariantError, match="not attached"):
        dynamics.finish()


def test_the_skin_finder_offers_gram_dynamics_where_they_fit() -> None:
    network = TwoLayerNetwork.initialize(20, 3)
    inputs = np.ones((2, 3))
    assert isinstance(SkinFinder().dynamics(network, inputs), GramDynamics)
    assert SkinFinder(gram=False).dynamics(network, inputs) is None
    many = np.ones((MOST_COLUMNS + 1, 3))
    assert isinstance(SkinFinder().dynamics(network, many), RowDynamics)
    assert SkinFinder().dynamics(TwoLayerNetwork.initialize(20, 3, storage="seeded"), many) is None
    with pytest.raises(InvariantError, match="at most 4096"):
        GramDynamics(network, many)


def test_examples_stay_where_they_are() -> None:
    dynamics, _ = run(steps=1)
    with pytest.raises(InvariantError, match="fixed"):
        dynamics.input_gradient(np.ones((12, 1)))
    with pytest.raises(InvariantError, match="fixed"):
        dynamics.move_examples(np.array([0]), np.ones((1, 6)))


def test_lists_that_cannot_fit_are_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1 << 16)
    with pytest.raises(ResourceError, match=r"400 neurons, 12 examples, threshold=0\.8: .*, available 64 KiB; take"):
        run()


def test_the_expected_size_covers_what_is_taken() -> None:
    data = sphere(32, 16, seed=0)
    network = TwoLayerNetwork.initialize(1 << 14, 16, storage="seeded")
    dynamics = GramDynamics(network, data.inputs, rest=False)
    dynamics.start()
    taken = sum(part.nbytes for chunk in dynamics._chunks for part in (*chunk.lists, chunk.due))
    taken += sum(part.nbytes for part in dynamics._totals) + dynamics._world.pulls.nbytes
    expected = gram_size.expected_bytes(1 << 14, 32, 16, network.threshold, 1, "seeded")
    assert taken <= expected <= 3 * taken
