"""Correlation trees: exact to the last bit whatever moves, and charged for what they compute and compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.correlation_tree import CorrelationTreeFinder
from classical.correlation_tree import finder as correlation_tree
from classical.correlation_tree import kernels as compiled
from classical.scan import ScanFinder
from classical.training import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder import EXACT
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.testing import check_finder
from hybrid_train.training.losses import make_loss
from tests.support.banks import KINDS, a_tie, drawn_banks, moved_along, vectors
from tests.support.sets import assert_like_scan

MOVES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["vectors", "along"]), st.booleans()), max_size=6)


@settings(max_examples=200)
@given(
    st.integers(0, 2**32),
    st.sampled_from(KINDS),
    st.tuples(st.integers(1, 150), st.integers(1, 30), st.integers(1, 26)),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([2, 3, 16]),
    st.sampled_from([0.0, 0.5, -1.0, -1e308, "tie"]),
    MOVES,
)
def test_sets_and_values_are_the_predicates_to_the_last_bit(
    seed: int, kind: Any, shape: Any, dtype: Any, fanout: int, threshold: Any, moves: Any
) -> None:
    rng = np.random.default_rng(seed)
    banks = drawn_banks(rng, kind, shape[:2], shape[2], dtype)
    threshold = a_tie(rng, banks) if threshold == "tie" else threshold
    live = bool(seed % 2)
    finder = CorrelationTreeFinder(fanout=fanout)
    finder.build(*(banks if live else [bank[:].copy() for bank in banks]), threshold)
    assert_like_scan(finder, *banks, threshold)
    for side, how, ask in moves:
        bank = banks[side]
        rows = rng.permutation(len(bank))[: rng.integers(0, len(bank) + 1)]
        if how == "along" and kind != "overflowing":
            if not moved_along(rng, finder, banks, side, rows):
                return
        else:
            bank.assign(rows, vectors(rng, kind, (len(rows), shape[2]), dtype))
            (finder.move_points, finder.move_queries)[side](rows, bank[rows])
        if ask:
            assert_like_scan(finder, *banks, threshold, rng.permutation(shape[1])[: rng.integers(0, shape[1] + 1)])
    assert_like_scan(finder, *banks, threshold)


@pytest.mark.parametrize("d", [1, 7, 8, 15, 16, 17, 40, 64, 67])
def test_every_leaf_is_the_deciding_inner_product(d: int) -> None:
    rng = np.random.default_rng(d)
    points, queries = rng.standard_normal((130, d)) * 10.0 ** rng.integers(-9, 9, (130, 1)), rng.standard_normal((9, d))
    finder = CorrelationTreeFinder()
    finder.build(points, queries, -1e308)
    truth = active_pairs(points, queries, -1e308).inner_products
    assert np.array_equal(finder.find().inner_products.view(np.int64), truth.view(np.int64))


def test_a_product_that_is_no_number_is_not_active_and_hides_no_other() -> None:
    points = np.array([[1e200, 1e200], [1.0, 1.0], [1e200, 0.0]])
    queries = np.array([[1e200, -1e200], [1.0, 2.0]])
    finder = CorrelationTreeFinder(fanout=2)
    finder.build(points, queries, 0.5)
    assert finder.find([0]).indices.tolist() == [2]
    assert finder.find([0]).inner_products.tolist() == [np.inf]
    assert finder.find([1]).indices.tolist() == [0, 1, 2]


def sizes(leaves: int, fanout: int) -> list[int]:
    return [leaves] if leaves == 1 else [leaves, *sizes((leaves + fanout - 1) // fanout, fanout)]


def compared(products: np.ndarray, threshold: float, fanout: int) -> int:
    """Count the nodes a descent through one tree compares, without a tree: 1 and the children of opened nodes."""
    span, total = 1, 1
    for size in sizes(len(products), fanout)[:-1]:
        parent = span * fanout
        opened = {start // parent for start in range(0, len(products), span) if products[start:][:span].size}
        tops = {node: products[node * parent :][:parent].max() for node in opened}
        total += sum(tops[child * span // parent] > threshold for child in range(size))
        span = parent
    return total


@pytest.mark.parametrize("fanout", [2, 5, 16])
@pytest.mark.parametrize("n_points", [1, 16, 77, 300])
def test_cost_is_what_an_independent_count_says(fanout: int, n_points: int) -> None:
    rng = np.random.default_rng(n_points)
    points, queries = rng.standard_normal((n_points, 4)), rng.standard_normal((6, 4))
    levels = sizes(n_points, fanout)
    finder = CorrelationTreeFinder(fanout=fanout)
    finder.build(points, queries, 2.5)
    expected = Cost(inner_products=6 * n_points, nodes_visited=6 * sum(levels[1:]))
    assert finder.cost == expected
    finder.find([4, 1])
    expected.nodes_visited += sum(compared(points @ queries[k], 2.5, fanout) for k in (4, 1))
    assert finder.cost == expected
    moved = rng.permutation(n_points)[: max(1, n_points // 9)]
    finder.move_points(moved, rng.standard_normal((len(moved), 4)))
    paths = {(level, row // fanout**level) for row in moved.tolist() for level in range(1, len(levels))}
    expected += Cost(inner_products=6 * len(moved), nodes_visited=6 * len(paths))
    assert finder.cost == expected
    finder.move_queries([2, 5], rng.standard_normal((2, 4)))
    expected += Cost(inner_products=2 * n_points, nodes_visited=2 * sum(levels[1:]))
    assert finder.cost == expected


def test_a_quiet_descent_costs_a_node_a_query_and_few_active_points_little() -> None:
    rng = np.random.default_rng(0)
    points, queries = rng.standard_normal((1 << 14, 8)), np.eye(8)[:5]
    finder = CorrelationTreeFinder(fanout=2)
    finder.build(points, queries, 50.0)
    before = finder.cost.copy()
    assert finder.find().nnz == 0
    assert finder.cost - before == Cost(nodes_visited=5)
    points[77] = 100.0
    finder.move_points([77], points[[77]])
    before = finder.cost.copy()
    assert finder.find().indices.tolist() == [77] * 5
    assert finder.cost - before == Cost(nodes_visited=5 * (1 + 2 * 14))


@pytest.mark.parametrize("broken", [False, True])
def test_a_repair_that_stops_below_the_root_is_noticed(broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    banks = [DenseBank(0.01 * rng.standard_normal((200, 5))), DenseBank(rng.standard_normal((4, 5)))]
    finder = CorrelationTreeFinder(fanout=3)
    finder.build(*banks, 3.0)
    assert_like_scan(finder, *banks, 3.0)
    repair = compiled.repair
    if broken:
        monkeypatch.setattr(
            compiled, "repair", lambda trees, *rest: repair(trees._replace(begin=trees.begin[:-1]), *rest)
        )
    rows = rng.permutation(200)[:20]
    banks[0].assign(rows, 3 * rng.standard_normal((20, 5)))
    finder.move_points(rows, banks[0][rows])
    if broken:
        with pytest.raises(AssertionError):
            assert_like_scan(finder, *banks, 3.0)
    else:
        assert_like_scan(finder, *banks, 3.0)


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> tuple[Any, ...]:
        rng = np.random.default_rng(2)
        points, queries = rng.standard_normal((500, 6)), rng.standard_normal((90, 6))
        finder = CorrelationTreeFinder()
        finder.build(points, queries, 1.0)
        finder.move_points(rng.permutation(500)[:333], rng.standard_normal((333, 6)))
        finder.move_queries(rng.permutation(90)[:70], rng.standard_normal((70, 6)))
        sets = finder.find()
        return sets.indptr.tolist(), sets.indices.tolist(), sets.inner_products.tolist(), finder.cost

    whole = run()
    monkeypatch.setattr(correlation_tree, "_THREAD_PAIRS", 10)
    monkeypatch.setattr(correlation_tree, "_BLOCK_NUMBERS", 6 * 65)
    assert run() == whole


def test_what_does_not_fit_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = CorrelationTreeFinder(fanout=2)
    needed = 8 * 3 * (1024 * 2 - 1)
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: needed)
    finder.check_resources(1024, 3, 5)
    finder.build(np.ones((1024, 5)), np.ones((3, 5)), 0.0)
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: needed - 1)
    with pytest.raises(ResourceError, match=rf"3 trees of 2047 nodes.*needed {needed} bytes, available {needed - 1} b"):
        finder.check_resources(1024, 3, 5)
    with pytest.raises(ResourceError, match=r"finder\.kind='skin'"):
        finder.build(np.ones((1024, 5)), np.ones((3, 5)), 0.0)


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_training_is_that_of_a_scan(index: Any) -> None:
    def train(finder: Any) -> tuple[list[Any], np.ndarray]:
        data = sphere(12, 5, seed=3)
        network = TwoLayerNetwork.initialize(200, 5, threshold=0.9, seed=4)
        loss = make_loss("squared")
        targets = loss.encode(data, 1)
        training = gradient_descent(network, data.inputs, targets, loss, finder, index=index, steps=15, audit_every=1)
        return list(training), network.weights[:]

    records, weights = train(make_finder("correlation_tree"))
    reference, expected = train(ScanFinder())
    assert all(record.audit.recall == 1 and record.audit.spurious == 0 for record in records)
    assert [r.loss for r in records] == [r.loss for r in reference]
    assert np.array_equal(weights, expected)


def test_conformance() -> None:
    assert len(check_finder(CorrelationTreeFinder)) > 20
    check_finder(lambda: CorrelationTreeFinder(fanout=2))


def test_says_what_it_is() -> None:
    assert CorrelationTreeFinder().promise == EXACT
    assert "Bypass exponential time preprocessing" in CorrelationTreeFinder.source
    assert isinstance(make_finder("correlation_tree", fanout=2), CorrelationTreeFinder)
    with pytest.raises(ConfigError, match="fanout"):
        make_finder("correlation_tree", fanout=1)
