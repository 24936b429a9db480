from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from classical.onion import OnionFinder
from hybrid_train.config import load_config
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.experiments.runs import run
from hybrid_train.finder import EXACT
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from tests.support.sets import assert_like_scan


def unit(rng: np.random.Generator, count: int, d: int = 2) -> np.ndarray:
    directions: np.ndarray = rng.normal(size=(count, d))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def found(points: np.ndarray, queries: np.ndarray, threshold: float, **options: Any) -> OnionFinder:
    """Return a finder that has answered as a scan does."""
    finder = OnionFinder(**options)
    finder.build(points, queries, threshold)
    assert_like_scan(finder, points, queries, threshold)
    return finder


@pytest.mark.parametrize("threshold", [-np.inf, -1.0, 0.0, 1.5, 4.0, np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_answers_like_a_scan(threshold: float, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    b = float(np.clip(threshold, -1e3, 1e3))
    for d in (1, 2, 3):
        found(rng.normal(size=(300 * d, d)).astype(dtype), rng.normal(size=(70, d)).astype(dtype), b)


@pytest.mark.parametrize("size", [1e-308, 1e-300, 1e-160, 1.0, 1e150, 1e300])
def test_points_on_a_line_or_in_a_plane_or_twice_or_of_any_size(size: float) -> None:
    rng = np.random.default_rng(1)
    for d in (2, 3):
        grid = rng.integers(-2, 3, (200, d)).astype(float)
        axes = np.eye(d)[[0, d - 1]]
        flat = grid @ np.ones((d, d)) + grid * axes[0]
        for points in (
            grid,
            *(grid * axis for axis in axes),
            *(grid * (1.0 - axis) for axis in axes),
            grid[:, :1] * np.arange(1.0, d + 1),
            flat,
            0 * grid[:5],
        ):
            for b in (0.0, size, -size):
                queries = np.concatenate([grid[:20], *(factor * grid[:5] for factor in (1e-290, 1e290, 1e-310))])
                found(points * size, queries, b)
        found(np.concatenate([grid[:50], grid[:50] * size]), grid, 0.0)


def test_a_query_along_an_edge_meets_all_of_its_points() -> None:
    square = np.array([[-1.0, -1.0], [-1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [1.0, -1.0], [0.0, 0.0]])
    finder = found(square, np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), 0.5)
    assert finder.find([0]).indices.tolist() == [1, 2, 3]


def test_a_query_along_a_facet_meets_all_of_its_points() -> None:
    """Also those inside of it, which are no corners and lie on the layers within."""
    cube = np.stack(np.meshgrid(*[np.arange(-2.0, 3.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    finder = found(cube, np.concatenate([np.eye(3), np.ones((1, 3)), np.zeros((1, 3))]), 1.5)
    assert finder.find([0]).indices.tolist() == list(range(100, 125))


def test_looks_at_little_more_than_what_fires() -> None:
    """Corollary 3.6, Part 2: O(log m + k), whatever the threshold."""
    rng = np.random.default_rng(2)
    for m in (1 << 10, 1 << 14):
        points, queries = rng.normal(size=(m, 2)), unit(rng, 64)
        for b in (0.0, 1.5, 3.0):
            finder = OnionFinder()
            finder.build(points, queries, b)
            fired = finder.find().nnz
            assert fired <= finder.cost.inner_products <= fired + 64
            assert finder.cost.nodes_visited <= 64 * (np.log2(m) + 6) + 4 * fired


@pytest.mark.parametrize("on_sphere", [False, True])
def test_looks_at_few_times_what_fires_in_space(on_sphere: bool) -> None:
    """Every point that fires has about six neighbours to look at, and the rim and the way down are short."""
    rng = np.random.default_rng(7)
    for m in (1 << 10, 1 << 14):
        points, queries = unit(rng, m, 3) if on_sphere else rng.normal(size=(m, 3)), unit(rng, 64, 3)
        for b in (0.0, 1.0 - 16 / m if on_sphere else 3.0):
            finder = OnionFinder()
            finder.build(points, queries, b)
            fired = finder.find().nnz
            assert fired <= finder.cost.inner_products <= fired + 64
            assert finder.cost.nodes_visited <= 64 * 12 * np.log2(m) + 7 * fired


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("room", [0.0, 0.02, 1.0])
def test_follows_points_that_move(room: float, d: int) -> None:
    rng = np.random.default_rng(3)
    weights, data = DenseBank(rng.normal(size=(700, d))), DenseBank(unit(rng, 20, d))
    finder = OnionFinder(room=room)
    finder.build(weights, data, 1.0)
    for size in (1e-9, 1e-3, 0.1, 1.0) * 4:
        rows = rng.permutation(700)[: rng.integers(1, 700)]
        coefficients = sparse.random_array((len(rows), 20), density=0.2, rng=rng, format="csr")
        finder.move_points_along(weights.move_along(rows, size * coefficients, data[:]))
        assert_like_scan(finder, weights, data, 1.0)
    data.assign(np.arange(3), unit(rng, 3, d))
    finder.move_queries(np.arange(3), data[:3])
    assert_like_scan(finder, weights, data, 1.0, rng.permutation(20)[:7])


@pytest.mark.parametrize(("d", "threshold"), [(2, 1.8), (3, 1.8)])
def test_moving_costs_a_few_shares_of_building_and_the_dead_are_cleared_away(d: int, threshold: float) -> None:
    rng = np.random.default_rng(4)
    m, moves = 1 << 12, 64
    points, queries = rng.normal(size=(m, d)), unit(rng, 32, d)
    finder = OnionFinder(room=0.0)
    finder.build(points, queries, threshold)
    built = finder.cost.structure_updates
    looked = fired = 0
    for _ in range(moves):
        rows = rng.permutation(m)[:128]
        points[rows] = rng.normal(size=(128, d))
        finder.move_points(rows, points[rows])
        before = finder.cost.inner_products
        fired += finder.find().nnz
        looked += finder.cost.inner_products - before
    assert finder.cost.structure_updates - built < 3 * moves * 128 / m * built * np.log2(m)
    assert looked < 3 * fired
    assert_like_scan(finder, points, queries, threshold)


def test_building_charges_its_steps_and_starts_cost_afresh() -> None:
    points = np.random.default_rng(5).normal(size=(500, 2))
    finder = OnionFinder()
    finder.build(points, points[:4], 0.5)
    first = finder.cost.copy()
    assert first.structure_updates > 500
    assert first.nodes_visited == first.inner_products == 0
    finder.find()
    finder.build(points, points[:4], 0.5)
    assert finder.cost == first


def test_says_what_it_is_and_refuses_what_it_does_not_serve() -> None:
    assert OnionFinder().promise == EXACT
    assert "BIT 1985" in OnionFinder.source
    with pytest.raises(ConfigError, match="vectors of 4 dimensions: it serves at most 3; take scan or hsr"):
        OnionFinder().build(np.eye(4), np.eye(4), 0.5)
    with pytest.raises(ConfigError, match="room"):
        make_finder("onion", room=1.5)
    with pytest.raises(ResourceError, match="convex layers of 1000000000000000 points"):
        OnionFinder().check_resources(10**15, 1, 2)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("index", ["neurons", "data"])
def test_trains_like_the_scan_by_config(index: str, d: int) -> None:
    tables = {"data": {"kind": "sphere", "n": 12, "dim": d}, "network": {"width": 300}}
    settings = [f"training.index={index}", "training.steps=8"]
    ours = run(load_config(tables, [*settings, "finder.kind=onion"]))
    scan = run(load_config(tables, [*settings, "finder.kind=scan"]))
    assert ours.row["losses"] == scan.row["losses"]
    np.testing.assert_array_equal(ours.network.weights[:], scan.network.weights[:])


def test_a_run_in_more_dimensions_is_refused_before_it_starts() -> None:
    tables = {"data": {"kind": "sphere", "n": 12, "dim": 5}, "network": {"width": 30}, "finder": {"kind": "onion"}}
    with pytest.raises(ConfigError, match="at most 3"):
        run(load_config(tables))


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
def test_a_million_queries_like_a_scan(d: int) -> None:
    rng = np.random.default_rng(6)
    points = np.concatenate([rng.normal(size=(80, d)), rng.integers(-3, 4, (40, d)), np.zeros((4, d))])
    queries = np.concatenate([rng.normal(size=(500_000, d)), rng.integers(-3, 4, (500_000, d))])
    finder = OnionFinder()
    finder.build(points, queries, 2.0)
    for start in range(0, len(queries), 100_000):
        rows = np.arange(start, start + 100_000)
        assert finder.find(rows).same_sets(active_pairs(points, queries, 2.0, rows))
