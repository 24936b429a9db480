from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.hsr import tree as half_space_tree
from classical.hsr.tree import HalfSpaceTree
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs

EXTREMES = {
    np.float64: [0.0, -0.0, 1.0, -1.0, 0.1, -0.3, 1 / 3, 1e300, -1e300, 1e-300, -1e-300],
    np.float32: [0.0, -0.0, 1.0, -1.0, 0.1, -0.3, 1 / 3, 1e38, -1e38, 1e-40, -1e-40],
}


def assert_same(answer: ActiveSets, points: np.ndarray, ids: np.ndarray, queries: np.ndarray, b: float) -> None:
    """The answer is that of the scan over the points that are in the set, to the bit."""
    if not len(ids):
        assert answer.nnz == 0
        assert len(answer.rows) == len(queries)
        return
    truth = active_pairs(points[ids], queries, b)
    np.testing.assert_array_equal(answer.rows, truth.rows)
    np.testing.assert_array_equal(answer.indptr, truth.indptr)
    np.testing.assert_array_equal(answer.indices, ids[truth.indices])
    np.testing.assert_array_equal(answer.inner_products, truth.inner_products)
    for _, row, _ in answer:
        assert (np.diff(row) > 0).all()


def assert_sound(tree: HalfSpaceTree, points: np.ndarray, ids: np.ndarray, leaf_size: int) -> None:
    """Every id has its place, every box holds its points, the depth is logarithmic."""
    t = tree._tree
    depth, seen = 0, []
    waiting = [(0, 0)]
    while waiting:
        index, level = waiting.pop()
        depth = max(depth, level)
        node, box = t.nodes[index], t.box[index]
        if node["below"] >= 0:
            first = node["below"]
            children = t.nodes[first : first + 2]
            assert (children["parent"] == index).all()
            assert children["count"].sum() == node["count"]
            np.testing.assert_array_equal(box[0], t.box[first : first + 2, 0].min(axis=0))
            np.testing.assert_array_equal(box[1], t.box[first : first + 2, 1].max(axis=0))
            waiting += [(first, level + 1), (first + 1, level + 1)]
            continue
        bucket = ~node["below"]
        mine = t.ids[bucket, : node["count"]]
        np.testing.assert_array_equal(t.vectors[bucket, :, : len(mine)].T, points[mine])
        np.testing.assert_array_equal(t.place[mine], bucket * t.ids.shape[1] + np.arange(len(mine)))
        assert (box[0] <= points[mine]).all()
        assert (points[mine] <= box[1]).all()
        seen.append(mine)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), ids)
    np.testing.assert_array_equal(np.flatnonzero(t.place >= 0), ids)
    assert depth <= np.log(max(1, 2 * len(ids) / leaf_size)) / np.log(4 / 3) + 3


@st.composite
def _histories(draw: st.DrawFn) -> tuple[type, int, int, int]:
    return (
        draw(st.sampled_from([np.float64, np.float32])),
        draw(st.sampled_from([1, 2, 3, 7, 8, 9, 17])),
        draw(st.sampled_from([1, 2, 5])),
        draw(st.integers(0, 2**32 - 1)),
    )


@settings(max_examples=60, deadline=None)
@given(_histories(), st.lists(st.sampled_from(["insert", "delete", "move", "nudge"]), max_size=8))
def test_equals_the_scan_to_the_bit_after_any_history(history: Any, operations: Any) -> None:
    dtype, d, leaf_size, seed = history
    rng = np.random.default_rng(seed)
    pool = np.array(EXTREMES[dtype], dtype)
    # Few distinct coordinates: duplicates, zero rows and ties are the rule.
    pool = rng.choice(pool, size=rng.integers(1, 5))
    points = rng.choice(pool, size=(rng.integers(1, 40), d))
    queries = rng.choice(pool, size=(5, d)).astype(rng.choice([dtype, np.float64]))
    present = np.ones(len(points), bool)
    tree = HalfSpaceTree(points, leaf_size=leaf_size)
    for operation in ["look", *operations]:
        ids = np.flatnonzero(present)
        some = rng.permutation(ids)[: rng.integers(0, len(ids) + 1)]
        if operation == "insert":
            fresh = rng.choice(pool, size=(rng.integers(1, 20), d))
            given_ids = tree.insert(fresh)
            grown = np.zeros((tree.n_ids, d), dtype)
            grown[: len(points)] = points
            points, present = grown, np.isin(np.arange(tree.n_ids), np.append(ids, given_ids))
            points[given_ids] = fresh
        elif operation == "delete":
            tree.delete(some)
            present[some] = False
        elif operation == "move":
            points[some] = rng.choice(pool, size=(len(some), d))
            tree.move(some, points[some])
        elif operation == "nudge":
            points[some] = np.nextafter(points[some], dtype(1))
            tree.move(some, points[some])
        ids = np.flatnonzero(present)
        assert len(tree) == len(ids)
        assert_sound(tree, points, ids, leaf_size)
        tied = inner_products(points, queries.astype(np.float64), ids[:1], np.zeros(len(ids[:1]), np.int64))
        for b in (0.0, -1.0, 0.3, 1e-300, -1e299, np.inf, -np.inf, *tied[~np.isnan(tied)]):
            assert_same(tree.query(queries, b), points, ids, queries, b)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d", [2, 8, 13])
def test_equals_the_scan_on_ordinary_data(dtype: Any, d: int) -> None:
    rng = np.random.default_rng(d)
    points = rng.normal(size=(5000, d)).astype(dtype)
    queries = rng.normal(size=(150, d)).astype(dtype)
    tree = HalfSpaceTree(points)
    assert_same(tree.query(queries, 1.5), points, np.arange(5000), queries, 1.5)
    assert_same(tree.query(queries, -2.0), points, np.arange(5000), queries, -2.0)


def _sets_at_ties(seed: int, dtype: Any, d: int) -> list[tuple[ActiveSets, ActiveSets]]:
    """(Found, true) with an inner product as the threshold, and one step beside it."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-12, 13)
    points = (scale * rng.normal(size=(300, d))).astype(dtype)
    queries = 10.0 ** rng.integers(-12, 13) * rng.normal(size=(6, d))
    tree = HalfSpaceTree(points, leaf_size=16)
    tied = active_pairs(points, queries, -np.inf).inner_products[rng.integers(1800)]
    return [
        (tree.query(queries, b), active_pairs(points, queries, b))
        for b in (tied, np.nextafter(tied, -np.inf), np.nextafter(tied, np.inf))
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]), st.integers(1, 20))
def test_a_tie_is_decided_as_the_scan_decides_it(seed: int, dtype: Any, d: int) -> None:
    for found, truth in _sets_at_ties(seed, dtype, d):
        assert found.same_sets(truth)


def test_a_twin_without_room_for_rounding_misses_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_space_tree, "rounding_margin", lambda *args: 0.0)
    answers = [pair for seed in range(40) for pair in _sets_at_ties(seed, np.float32, 12)]
    assert not all(found.same_sets(truth) for found, truth in answers)


def test_one_huge_point_does_not_stop_the_pruning() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4096, 2))
    plain = HalfSpaceTree(points, leaf_size=16)
    points[7] = 1e300
    queries = rng.normal(size=(20, 2))
    tree = HalfSpaceTree(points, leaf_size=16)
    assert_same(tree.query(queries, 2.0), points, np.arange(4096), queries, 2.0)
    plain.query(queries, 2.0)
    assert tree.cost.inner_products < 2 * plain.cost.inner_products


def test_answers_the_asked_rows_in_the_order_asked() -> None:
    rng = np.random.default_rng(1)
    points, queries = rng.normal(size=(300, 3)), rng.normal(size=(90, 3))
    tree = HalfSpaceTree(points, leaf_size=8)
    rows = rng.permutation(90)[:70]
    answer, truth = tree.query(queries, 0.7, rows), active_pairs(points, queries, 0.7, rows)
    np.testing.assert_array_equal(answer.rows, rows)
    np.testing.assert_array_equal(answer.indptr, truth.indptr)
    np.testing.assert_array_equal(answer.indices, truth.indices)
    nobody = tree.query(queries, 0.7, [])
    assert (nobody.nnz, len(nobody.rows), nobody.shape) == (0, 0, (90, 300))


def test_threads_change_neither_answer_nor_cost() -> None:
    rng = np.random.default_rng(2)
    points, queries = rng.normal(size=(3000, 3)), rng.normal(size=(500, 3))
    answers = []
    for threads in (1, 2, 7):
        tree = HalfSpaceTree(points)
        sets = tree.query(queries, 1.0, threads=threads)
        answers.append((sets.indptr, sets.indices, sets.inner_products, tree.cost))
    for other in answers[1:]:
        for one, two in zip(answers[0][:3], other[:3], strict=True):
            np.testing.assert_array_equal(one, two)
        assert other[3] == answers[0][3]


def test_queries_side_by_side_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(9)
    points, queries = rng.normal(size=(4000, 3)), rng.normal(size=(300, 3))
    tree = HalfSpaceTree(points)
    levels = [0.2 * level for level in range(12)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda b: tree.query(queries, b), levels))
    for b, answer in zip(levels, answers, strict=True):
        assert_same(answer, points, np.arange(4000), queries, b)


def _count_by_hand(tree: HalfSpaceTree, index: int, q: np.ndarray, b: float) -> np.ndarray:
    """(bounds evaluated, points tested or reported) below a node for one query."""
    node, (low, high) = tree._tree.nodes[index], tree._tree.box[index]
    if np.maximum(low * q, high * q).sum() <= b:
        return np.array([1, 0])
    if node["below"] < 0 or np.minimum(low * q, high * q).sum() > b:
        return np.array([1, node["count"]])
    children = (_count_by_hand(tree, node["below"] + side, q, b) for side in (0, 1))
    return sum(children, np.array([1, 0]))


def test_counters_equal_an_independent_count() -> None:
    rng = np.random.default_rng(3)
    points, queries = rng.normal(size=(2000, 3)), rng.normal(size=(40, 3))
    tree = HalfSpaceTree(points, leaf_size=10)
    for b in (-1.0, 0.5, 2.0):
        before = tree.cost.copy()
        tree.query(queries, b)
        spent = tree.cost - before
        by_hand = sum(_count_by_hand(tree, 0, q, b) for q in queries)
        assert (spent.nodes_visited, spent.inner_products) == tuple(by_hand)


@pytest.mark.parametrize(("b", "nodes", "points"), [(7.0, 1, 0), (4.5, 5, 4), (3.5, 3, 4), (-1.0, 1, 8)])
def test_counters_on_a_line(b: float, nodes: int, points: int) -> None:
    # Boxes [0, 7]; [0, 3], [4, 7]; [0, 1], [2, 3], [4, 5], [6, 7].
    tree = HalfSpaceTree(np.arange(8.0)[:, None], leaf_size=2)
    tree.query(np.ones((1, 1)), b)
    assert (tree.cost.nodes_visited, tree.cost.inner_products) == (nodes, points)


def test_small_moves_touch_little_more_than_their_leaf() -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(4096, 4))
    tree, replacing = HalfSpaceTree(points, leaf_size=16), HalfSpaceTree(points, leaf_size=16)
    for _ in range(100):
        rows = rng.choice(4096, 100, replace=False)
        points[rows] += 1e-3 * rng.normal(size=(100, 4))
        tree.move(rows, points[rows])
        replacing.delete(rows)
        replacing.insert(points[rows])
    assert tree.nodes_touched / 10_000 < 2.5
    assert tree.nodes_rebuilt == 0
    assert replacing.nodes_touched / 10_000 > 10


@pytest.mark.parametrize("law", ["anywhere", "one place", "outwards"])
def test_moves_that_change_leaves_touch_polylogarithmically_many_nodes(law: str) -> None:
    rng = np.random.default_rng(5)
    n, leaf_size = 4096, 16
    points = rng.normal(size=(n, 3))
    tree = HalfSpaceTree(points, leaf_size=leaf_size)
    for turn in range(100):
        rows = rng.choice(n, 100, replace=False)
        if law == "anywhere":
            points[rows] = rng.normal(size=(100, 3))
        elif law == "one place":
            points[rows] = 1.0
        else:
            points[rows, 0] = 10.0 + turn + rng.random(100)
        tree.move(rows, points[rows])
    assert tree.nodes_touched / 10_000 < np.log2(n / leaf_size) ** 2
    assert 0 < tree.nodes_rebuilt / 10_000 < np.log2(n / leaf_size)
    assert_sound(tree, points, np.arange(n), leaf_size)


def test_nodes_touched_per_move_grow_as_the_logarithm() -> None:
    per_move = {}
    for n in (1 << 10, 1 << 12, 1 << 14):
        rng = np.random.default_rng(n)
        points = rng.normal(size=(n, 3))
        tree = HalfSpaceTree(points, leaf_size=16)
        for _ in range(64):
            rows = rng.choice(n, n // 8, replace=False)
            points[rows] = rng.normal(size=(n // 8, 3))
            tree.move(rows, points[rows])
        per_move[n] = tree.nodes_touched / (64 * (n // 8))
    grows = np.diff(list(per_move.values()))
    # O(log n) levels down and up, and O(log n) for the rebuilding that a move pays into: each doubling adds a constant
    assert (grows < 10).all()
    assert grows[1] < 1.5 * grows[0]


@pytest.mark.parametrize("drift", [0.0, 0.01])
def test_a_long_drift_keeps_queries_within_a_quarter_of_a_fresh_tree(drift: float) -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(8192, 3))
    queries = rng.normal(size=(50, 3))
    queries /= np.linalg.norm(queries, axis=1)[:, None]
    tree = HalfSpaceTree(points, leaf_size=32)
    for _ in range(600):
        rows = rng.choice(8192, 400, replace=False)
        points[rows] += drift + 0.02 * rng.normal(size=(400, 3))
        tree.move(rows, points[rows])
    fresh = HalfSpaceTree(points, leaf_size=32)
    before = tree.cost.copy()
    assert_same(tree.query(queries, 1.9), points, np.arange(8192), queries, 1.9)
    fresh.query(queries, 1.9)
    spent = tree.cost - before
    assert spent.inner_products < 1.25 * fresh.cost.inner_products
    assert spent.nodes_visited < 1.25 * fresh.cost.nodes_visited


def test_empties_and_fills_again_with_the_same_ids() -> None:
    points = np.arange(12.0).reshape(6, 2)
    tree = HalfSpaceTree(points, leaf_size=2)
    tree.delete(np.arange(6))
    assert len(tree) == 0
    assert tree.query(np.ones((3, 2)), -np.inf).nnz == 0
    ids = tree.insert(points[::-1])
    assert sorted(ids) == list(range(6))
    assert tree.n_ids == 6
    assert len(tree.insert(np.tile(points, (500, 1)))) == 3000
    assert tree.n_ids == len(tree) == 3006


def test_refuses_what_does_not_fit() -> None:
    points = np.eye(3)
    tree = HalfSpaceTree(points)
    with pytest.raises(ConfigError, match="leaf_size=0"):
        HalfSpaceTree(points, leaf_size=0)
    with pytest.raises(DataError, match="dimension 3"):
        tree.query(np.ones((1, 2)), 0.0)
    with pytest.raises(DataError, match="dimension 3"):
        tree.insert(np.ones((1, 2)))
    with pytest.raises(DataError, match="NaN"):
        tree.insert(np.full((1, 3), np.nan))
    with pytest.raises(DataError, match="2 ids cannot move to 1"):
        tree.move([0, 1], np.ones((1, 3)))
    with pytest.raises(DataError, match="distinct"):
        tree.delete([1, 1])
    tree.delete([1])
    with pytest.raises(DataError, match="id=1 is not in the set"):
        tree.move([0, 1], np.ones((2, 3)))
    assert len(tree) == 2
