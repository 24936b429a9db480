from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from classical.auto import AutoFinder
from classical.auto import finder as auto
from classical.auto.calibration import calibrate
from classical.auto.dynamics import RacedDynamics
from classical.auto.race import Pace, Race
from classical.dynamics.products.dynamics import ProductDynamics
from classical.dynamics.sets import SetDynamics
from classical.hsr import HSRFinder
from classical.scan import ScanFinder
from classical.skin import SkinFinder
from classical.training.loop import two_layer_dynamics
from hybrid_train.errors import DataError, ResourceError
from hybrid_train.finder import EXACT
from hybrid_train.finder.bank import DenseBank, watch_both
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.testing import check_finder
from hybrid_train.training.optimisers import make_optimiser
from tests.support.sets import assert_close_to_scan


@pytest.fixture
def paces(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let calibration find these paces, for any bank; the race goes by them alone, not by the clock."""

    def use(**seconds: Any) -> None:
        def found(points: Any, queries: Any, threshold: Any, kinds: Any) -> Any:
            known = {kind: Pace(pace, 0.0, measured=True, judged_at=10**9) for kind, pace in seconds.items()}
            return {kind: known[kind] for kind in known.keys() & kinds}, Cost(inner_products=1)

        monkeypatch.setattr(auto, "calibrate", found)
        monkeypatch.setattr(auto, "_WORTHWHILE", 0)
        monkeypatch.setattr(Race, "note", lambda race, seconds, queries: None)

    return use


def banks(n: Any = 400, q: Any = 12, d: Any = 3, seed: Any = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng, DenseBank(rng.normal(size=(n, d))), DenseBank(rng.normal(size=(q, d)))


@pytest.mark.parametrize("seconds", [{"scan": 2.0, "hsr": 1.0}, {"scan": 2.0, "hsr": 3.0, "skin": 1.0}])
def test_passes_the_conformance_suite_whatever_answers(paces: Any, seconds: Any) -> None:
    paces(**seconds)
    assert "cost is counted from build on" in check_finder(AutoFinder)


def test_a_short_run_is_scanned_by_the_count_alone() -> None:
    _, points, queries = banks()
    finder = AutoFinder()
    finder.plan(total_queries=24)
    finder.build(points, queries, 1.0)
    assert_close_to_scan(finder, points, queries, 1.0)
    assert finder.choice.kind == "scan"
    assert "too short" in str(finder.choice)
    assert finder.cost == Cost(inner_products=12 * 400)


def test_takes_the_fastest_of_the_sample_and_charges_for_it(paces: Any) -> None:
    paces(scan=2.0, hsr=1.0, skin=0.1)
    _, points, queries = banks()
    finder = AutoFinder()
    finder.build(points, queries, 1.0)
    assert finder.choice.kind == "hsr"
    assert finder.cost.structure_updates > 0
    assert replace(finder.cost, structure_updates=0) == Cost(inner_products=1)
    assert str(finder.choice).startswith("hsr, the fastest at work: skin 1e+05 us a query, hsr 1e+06 us")
    assert_close_to_scan(finder, points, queries, 1.0)
    assert finder.cost.nodes_visited > 0


def test_calibrates_later_if_only_then_the_run_proves_long(paces: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paces(scan=2.0, hsr=1.0)
    monkeypatch.setattr(auto, "_WORTHWHILE", 5 * 12 * 400)
    _, points, queries = banks()
    finder = AutoFinder()
    finder.build(points, queries, 1.0)
    kinds = []
    for _ in range(5):
        assert_close_to_scan(finder, points, queries, 1.0)
        kinds.append(finder.choice.kind)
    assert kinds == ["scan"] * 3 + ["hsr"] * 2


def test_lists_take_over_when_points_drift(paces: Any) -> None:
    paces(scan=2.0, hsr=3.0, skin=0.1)
    rng, points, queries = banks()
    finder = AutoFinder()
    finder.plan(total_queries=1000)
    finder.build(points, queries, 1.0)
    assert finder.choice.kind == "scan"
    for _ in range(4):
        rows = np.sort(rng.permutation(400)[:100])
        step = sparse.random_array((100, 12), density=0.2, rng=rng, format="csr")
        finder.move_points_along(points.move_along(rows, 0.01 * step, queries[:]))
        assert_close_to_scan(finder, points, queries, 1.0)
        assert finder.choice.kind == "skin"
    assert finder.choice.switches == 1


def test_lists_are_left_alone_when_every_query_is_new(paces: Any) -> None:
    paces(scan=2.0, hsr=3.0, skin=0.1)
    rng, points, queries = banks()
    finder = AutoFinder()
    finder.build(points, queries, 1.0)
    for _ in range(4):
        queries.assign(np.arange(12), rng.normal(size=(12, 3)))
        finder.move_queries(np.arange(12), queries[:])
        assert_close_to_scan(finder, points, queries, 1.0)
        assert finder.choice.kind == "scan"
    assert_close_to_scan(finder, points, queries, 1.0)
    assert finder.choice.kind == "skin"


def test_leaves_out_what_does_not_fit(paces: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paces(scan=2.0, hsr=1.0, skin=0.1)
    rng = np.random.default_rng(0)
    finder = AutoFinder()
    finder.build(rng.normal(size=(50, 17)), rng.normal(size=(5, 17)), 1.0)
    assert finder.choice.kind == "scan"
    assert "without hsr (no tree prunes in 17 dimensions)" in str(finder.choice)

    def too_large(self: Any, n_points: Any, n_queries: Any, dimension: Any) -> None:
        raise ResourceError("lists need 3 TB")

    monkeypatch.setattr(SkinFinder, "check_resources", too_large)
    finder = AutoFinder()
    finder.build(*banks()[1:], 1.0)
    finder.find()
    finder.find()
    assert finder.choice.kind == "hsr"
    assert "without skin (lists need 3 TB)" in str(finder.choice)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), live=st.booleans(), dtype=st.sampled_from([np.float32, np.float64]))
def test_sets_are_exact_however_often_the_finder_changes(seed: int, live: Any, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    points, queries = (DenseBank(rng.normal(size=(size, 3)).astype(dtype)) for size in (90, 7))
    finder = AutoFinder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "_WORTHWHILE", 0)
        patch.setattr(Race, "better", lambda race, left, able: str(rng.choice(["scan", "hsr", "skin"])))
        finder.build(points if live else points[:], queries if live else queries[:], 0.7)
        before = finder.cost.copy()
        for _ in range(12):
            action = rng.integers(5)
            bank, other = (points, queries) if rng.integers(2) else (queries, points)
            name = "points" if bank is points else "queries"
            rows = np.sort(rng.permutation(len(bank))[: rng.integers(1, len(bank))])
            if action < 2:
                moved = (0.1 * bank[rows] + rng.normal(size=(len(rows), 3))).astype(dtype)
                bank.assign(rows, moved)
                getattr(finder, f"move_{name}")(rows, moved)
            elif action < 4:
                step = sparse.random_array((len(rows), len(other)), density=0.3, rng=rng, format="csr", dtype=dtype)
                getattr(finder, f"move_{name}_along")(bank.move_along(rows, 0.1 * step, other[:]))
            asked = None if rng.integers(2) else rng.permutation(7)[: rng.integers(8)]
            found, truth = finder.find(asked), active_pairs(points, queries, 0.7, asked)
            assert found.same_sets(truth)
            assert min((finder.cost - before).as_dict().values()) >= 0
            before = finder.cost.copy()


def test_calibration_knows_a_tree_that_prunes_from_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is the work done, 1 us an inner product and 2 us a node, so that a busy machine changes nothing."""
    work = [0.0]

    def timed(find: Any, finder: Any) -> Any:
        before = finder.cost.copy()
        sets = find(finder)
        work[0] += (finder.cost - before).inner_products * 1e-6 + (finder.cost - before).nodes_visited * 2e-6
        return sets

    for kind in (ScanFinder, HSRFinder):
        monkeypatch.setattr(kind, "find", lambda self, find=kind.find: timed(find, self))
    monkeypatch.setattr(time, "perf_counter", lambda: work[0])
    rng = np.random.default_rng(5)
    unit = rng.normal(size=(64, 2))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    flat = watch_both(rng.normal(size=(1 << 16, 2)), unit)
    paces, charged = calibrate(*flat, 2.1, {"scan", "hsr", "skin"})
    assert paces["hsr"].per_query < paces["scan"].per_query
    assert paces["skin"].guess == paces["skin"].per_query < paces["scan"].per_query
    assert charged.inner_products > 3 * 64 * (1 << 14)
    unit = rng.normal(size=(64, 48))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    paces, _ = calibrate(*watch_both(rng.normal(size=(1 << 14, 48)), unit), 2.1, {"scan", "hsr"})
    assert paces["hsr"].per_query > paces["scan"].per_query
    assert paces.keys() == {"scan", "hsr"}


def test_training_is_raced_if_there_is_anything_to_gain() -> None:
    rng = np.random.default_rng(7)
    inputs = rng.normal(size=(16, 4))
    small, wide = (TwoLayerNetwork.initialize(m, 4, threshold=1.0) for m in (256, 4096))
    finder = AutoFinder()
    assert finder.dynamics(small, inputs) is None
    assert finder.choice.kind == "scan"
    dynamics = finder.dynamics(wide, inputs)
    assert isinstance(dynamics, RacedDynamics)
    assert dynamics.remarks == {"choice": str(finder.choice)}
    assert finder.choice.kind in {"gram", "rows"}
    assert "by what the examples have in common" in str(finder.choice)


def test_says_what_it_is() -> None:
    finder = make_finder("auto", seed=3)
    assert isinstance(finder, AutoFinder)
    assert finder.promise == EXACT
    assert str(finder.choice) == "scan, nothing was asked yet"
    finder.build(np.eye(3), np.eye(3), 0.0)
    with pytest.raises(DataError, match="points"):
        finder.move_points([3], np.zeros((1, 3)))


def test_an_optimiser_trains_by_products_where_no_search_is_faster() -> None:
    finder, rng = AutoFinder(), np.random.default_rng(6)
    for dimension, width, storage, expected in (
        (9, 4096, "stored", ProductDynamics),
        (3, 4096, "stored", SetDynamics),
        (9, 16, "stored", SetDynamics),
        (9, 4096, "seeded", SetDynamics),
    ):
        network = TwoLayerNetwork.initialize(width, dimension, threshold=1.0, storage=storage, seed=1)
        optimiser = make_optimiser("adam", (width, dimension))
        dynamics = two_layer_dynamics(
            network, rng.standard_normal((30, dimension)), finder, in_batches=True, optimiser=optimiser
        )
        assert type(dynamics) is expected
    assert two_layer_dynamics(network, rng.standard_normal((30, 9)), SkinFinder(), optimiser=optimiser) is not None
    assert finder.choice.kind == "products"


def test_lists_are_no_rival_where_either_bank_is_new_in_every_step(paces: Any) -> None:
    """Neurons drift, but examples are others in every step: what is near them has to be looked for again."""
    paces(scan=2.0, hsr=3.0, skin=0.1)
    rng, points, queries = banks()
    finder = AutoFinder()
    finder.plan(total_queries=1000)
    finder.build(points, queries, 1.0)
    for _ in range(8):
        for bank, rows, move in (
            (points, np.arange(20), finder.move_points),
            (queries, np.arange(12), finder.move_queries),
        ):
            vectors = rng.normal(size=(len(rows), 3))
            bank.assign(rows, vectors)
            move(rows, vectors)
        finder.find()
    assert finder.choice.kind == "scan"


@pytest.mark.parametrize("optimiser", [None, "adam"])
@pytest.mark.parametrize(
    ("dtype", "width", "kind"), [(np.float32, 4096, "skin"), (np.float64, 4096, "scan"), (np.float32, 64, "scan")]
)
def test_fresh_examples_are_multiplied_with_all_neurons(optimiser: Any, dtype: Any, width: int, kind: str) -> None:
    rng = np.random.default_rng(3)
    weights, signs = rng.normal(size=(width, 5)).astype(dtype), rng.choice([-1.0, 1.0], (width, 1))
    finder, inputs = AutoFinder(), rng.normal(size=(16, 5))
    moved = None if optimiser is None else make_optimiser(optimiser, weights.shape)
    network = TwoLayerNetwork(DenseBank(weights), signs, 1.5)
    dynamics = two_layer_dynamics(network, inputs, finder, fresh=True, optimiser=moved)
    assert finder.choice.kind == ("scan" if optimiser else kind)
    assert "others in every step" in str(dynamics.remarks["choice"])
    truth = two_layer_dynamics(TwoLayerNetwork(DenseBank(weights.copy()), signs, 1.5), inputs, ScanFinder(), fresh=True)
    for one in (dynamics, truth):
        one.start()
        one.move_examples(np.arange(16), 0.9 * inputs)
    np.testing.assert_allclose(dynamics.evaluate().outputs, truth.evaluate().outputs, rtol=1e-5, atol=1e-6)
    assert dynamics.audit() == truth.audit()
    assert dynamics.audit().recall == 1.0
