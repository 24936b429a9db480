"""Row dynamics: the sets of the predicate, the outputs and the motion of dense descent, at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.rows import dynamics as row_dynamics
from classical.dynamics.rows import scan
from classical.dynamics.rows.dynamics import RowDynamics, chunk_bounds
from classical.dynamics.rows.layout import make_world
from classical.dynamics.sets import SetDynamics
from classical.scan import ScanFinder
from hybrid_train.errors import InvariantError, ResourceError
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support import memory
from hybrid_train.support.parallel import threads
from tests.support.whole_network import KINDS, check, descend, drawn, examples, network_of


@given(
    seed=st.integers(0, 1 << 30),
    kind=st.sampled_from(KINDS),
    b=st.sampled_from([-0.5, 0.0, 0.3, 1.0, 2.0]),
    dtype=st.sampled_from(["float32", "float64"]),
    outputs=st.sampled_from([1, 3]),
    broad=st.sampled_from([0.0, 0.3, 1.0]),
    skin=st.sampled_from([None, 0.01, 3.0]),
)
@settings(max_examples=40, deadline=None)
def test_agrees_with_the_whole_at_every_step(
    seed: int, kind: str, b: float, dtype: str, outputs: int, broad: float, skin: float | None
) -> None:
    rng, x, network = drawn(seed, kind, b=b, dtype=dtype, outputs=outputs)
    n = len(x)
    dynamics = RowDynamics(network, x, skin=skin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_dynamics, "make_world", lambda *given: make_world(*given)._replace(broad=broad))
        dynamics.start()
    tolerance = 1e-4 if dtype == "float32" else 1e-11
    targets = rng.standard_normal((n, outputs))
    for step in range(12):
        rows = None if step % 3 else np.sort(rng.permutation(n)[: n // 2 + 1])
        seen = check(dynamics, x, rows, tolerance)
        slope = seen - targets[slice(None) if rows is None else rows]
        descend(dynamics, x, slope, rows, 0.05 if step % 4 else 0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_small_steps_rescan_seldom_and_never_miss(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x = examples(rng, "clusters", 120, 10)
    network = network_of(rng, 400, 10, b=1.5, dtype=dtype, outputs=1)
    dynamics = RowDynamics(network, x)
    dynamics.start()
    targets = rng.choice([-1.0, 1.0], (120, 1))
    for step in range(150):
        seen = dynamics.evaluate()
        if step % 10 == 0:
            audit = dynamics.audit()
            assert (audit.found, audit.spurious) == (audit.active, 0)
        dynamics.descend(seen.outputs - targets, 0.02)
    assert 0 < dynamics.rescans < 0.1 * 150 * dynamics.facts()["listed_neurons"]
    assert dynamics.facts()["broad_neurons"] > 0


def test_an_alarm_that_is_too_late_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    x = examples(rng, "sphere", 60, 6)
    network = network_of(rng, 200, 6, b=1.0, dtype="float64", outputs=1)
    dynamics = RowDynamics(network, x, skin=2.0)
    dynamics.start()
    for part in dynamics._chunks:
        part.lists.alarms[part.lists.alarms > 0] += 1.0
    missed = 0
    for _ in range(20):
        dynamics.descend(dynamics.evaluate().outputs - rng.standard_normal((60, 1)), 0.3)
        audit = dynamics.audit()
        missed += audit.active - audit.found
    assert missed > 0


def test_losses_are_those_of_sets() -> None:
    rng = np.random.default_rng(11)
    x = examples(rng, "clusters", 90, 20)
    targets = rng.choice([-1.0, 1.0], (90, 1))
    outputs = []
    for kind in (RowDynamics, lambda network, inputs: SetDynamics(network, inputs, ScanFinder())):
        network = TwoLayerNetwork.initialize(500, 20, seed=4)
        dynamics = kind(network, x)
        dynamics.start()
        for _ in range(30):
            seen = dynamics.evaluate()
            dynamics.descend(seen.outputs - targets, 0.05)
        outputs.append(seen.outputs)
    assert np.allclose(*outputs, rtol=0, atol=1e-11)


def test_twins_of_a_paired_start_cancel() -> None:
    x = examples(np.random.default_rng(1), "sphere", 30, 5)
    network = TwoLayerNetwork.initialize(2048, 5, start="paired", dtype="float32", seed=2)
    dynamics = RowDynamics(network, x)
    dynamics.start()
    assert not dynamics.evaluate().outputs.any()


def test_nothing_depends_on_threads() -> None:
    x = examples(np.random.default_rng(1), "clusters", 200, 16)
    results = []
    for count in (1, 2, 5):
        network = TwoLayerNetwork.initialize(3000, 16, dtype="float32", seed=2)
        dynamics = RowDynamics(network, x)
        with threads(count):
            dynamics.start()
            for _ in range(5):
                dynamics.descend(dynamics.evaluate().outputs - 1.0, 0.1)
        results.append(dynamics.evaluate().outputs)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize("broad", [0.1, 1.0])
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_kernel_has_the_eigenvalue_of_the_sets(outputs: int, broad: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    x = examples(rng, "clusters", 40, 7)
    network = network_of(rng, 300, 7, b=1.0, dtype="float64", outputs=outputs)
    monkeypatch.setattr(row_dynamics, "make_world", lambda *given: make_world(*given)._replace(broad=broad))
    dynamics = RowDynamics(network, x)
    dynamics.start()
    for rows in (None, np.arange(3, 20)):
        dynamics.evaluate(rows)
        factors = rng.uniform(0.5, 2.0, 40 if rows is None else len(rows))
        for given_factors in (None, factors):
            truth = super(RowDynamics, dynamics).top_eigenvalue(given_factors)
            assert dynamics.top_eigenvalue(given_factors) == pytest.approx(truth, rel=1e-5)


@given(width=st.integers(1, 10**6))
def test_chunks_make_up_the_bank_and_its_halves_alike(width: int) -> None:
    bounds = chunk_bounds(width)
    assert [first for first, _ in bounds] == [0, *[last for _, last in bounds[:-1]]]
    assert bounds[-1][1] == width
    assert bounds[len(bounds) // 2][0] == width // 2


def test_lists_that_cannot_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 20)
    x = examples(np.random.default_rng(1), "sphere", 200, 8)
    dynamics = RowDynamics(TwoLayerNetwork.initialize(1 << 14, 8, threshold=0.0, seed=1), x)
    with pytest.raises(ResourceError, match=r"16384 neurons, 200 examples, \d+ listed a neuron: lists: needed"):
        dynamics.start()


def test_weights_that_are_not_stored_are_refused() -> None:
    network = TwoLayerNetwork.initialize(64, 4, storage="seeded")
    with pytest.raises(InvariantError, match="stored as one array"):
        RowDynamics(network, np.ones((2, 4)))


def test_asks_to_be_started() -> None:
    dynamics = RowDynamics(TwoLayerNetwork.initialize(64, 4), np.ones((2, 4)))
    with pytest.raises(InvariantError, match="evaluate the examples first"):
        dynamics.evaluate()


@pytest.mark.parametrize("size", [1e-30, 1e18, 1e200])
def test_odd_sizes_fall_back_on_the_predicate(size: float) -> None:
    rng = np.random.default_rng(9)
    x = rng.standard_normal((20, 3)) * size
    network = network_of(rng, 50, 3, b=size, dtype="float32", outputs=1)
    dynamics = RowDynamics(network, x)
    dynamics.start()
    dynamics.evaluate()
    assert dynamics.sets.same_sets(active_pairs(x, network.weights, size))


def test_pools_are_packed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    packed, compiled = [], scan.repack

    def repack(*given: Any) -> None:
        packed.append(1)
        compiled(*given)

    monkeypatch.setattr(scan, "repack", repack)
    rng = np.random.default_rng(2)
    x = examples(rng, "sphere", 50, 4)
    network = network_of(rng, 60, 4, b=0.5, dtype="float64", outputs=1)
    dynamics = RowDynamics(network, x, skin=0.02)
    dynamics.start()
    for _ in range(30):
        seen = check(dynamics, x, None, 1e-10)
        dynamics.descend(seen - rng.standard_normal((50, 1)), 0.5)
    assert packed


def test_what_is_due_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the alarms as they were before a step and the paths after it, with room for every example."""
    rng = np.random.default_rng(6)
    x = examples(rng, "sphere", 50, 5)
    monkeypatch.setattr(row_dynamics, "make_world", lambda *given: make_world(*given)._replace(broad=2.0))
    dynamics = RowDynamics(network_of(rng, 120, 5, b=0.8, dtype="float64", outputs=1), x, skin=50.0)
    dynamics.start()
    assert dynamics.cost.inner_products == 50 * 120
    for _ in range(6):
        before = [(chunk.lists.alarms.copy(), chunk.lists.fired.copy()) for chunk in dynamics._chunks]
        charged = dynamics.cost.inner_products
        dynamics.descend(dynamics.evaluate().outputs - 1.0, 0.02)
        due = 0
        for chunk, (alarms, fired) in zip(dynamics._chunks, before, strict=True):
            lists = chunk.lists
            for r in np.flatnonzero(fired):
                own = alarms[lists.begin[r] : lists.begin[r] + lists.size[r]]
                due += int((own <= np.float32(lists.path[r] * (1 + 2.5e-7))).sum())
        assert dynamics.rescans == 0
        assert 0 < due < dynamics.candidates
        assert dynamics.cost.inner_products - charged == due
