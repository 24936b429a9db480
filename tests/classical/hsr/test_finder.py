from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from classical.hsr import HSRFinder
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder import EXACT
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import make_finder
from tests.support.sets import assert_like_scan


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [2, 9])
def test_neurons_move_past_resting_data(dtype: Any, d: int) -> None:
    rng = np.random.default_rng(d)
    weights, data = (
        DenseBank(rng.normal(size=(700, d)).astype(dtype)),
        DenseBank(rng.normal(size=(20, d)).astype(dtype)),
    )
    finder = HSRFinder(leaf_size=16)
    finder.build(weights, data, 1.0)
    for _ in range(10):
        assert_like_scan(finder, weights, data, 1.0)
        rows = rng.permutation(700)[:60]
        coefficients = sparse.random_array((60, 20), density=0.2, rng=rng, format="csr", dtype=dtype)
        finder.move_points_along(weights.move_along(rows, coefficients, data[:]))
    assert_like_scan(finder, weights, data, 1.0, rng.permutation(20)[:7])


def test_data_rest_while_neurons_ask() -> None:
    rng = np.random.default_rng(0)
    weights, data = rng.normal(size=(2000, 3)), rng.normal(size=(100, 3))
    finder = HSRFinder(leaf_size=8)
    finder.build(data, weights, 0.8)
    for _ in range(3):
        assert_like_scan(finder, data, weights, 0.8)
        rows = rng.permutation(2000)[:300]
        weights[rows] += 0.3 * rng.normal(size=(300, 3))
        finder.move_queries(rows, weights[rows])
        assert_like_scan(finder, data, weights, 0.8, rows)


def test_arrays_are_copied_and_their_moves_rounded_to_their_precision() -> None:
    rng = np.random.default_rng(1)
    points, queries = rng.normal(size=(200, 4)).astype(np.float32), rng.normal(size=(9, 4))
    finder = HSRFinder(leaf_size=4)
    finder.build(points, queries, 0.5)
    target = rng.normal(size=(50, 4))
    finder.move_points(np.arange(50), target)
    moved = points.copy()
    moved[:50] = target
    points[:] = np.nan
    assert_like_scan(finder, moved, queries, 0.5)


def test_is_charged_for_tested_points_and_bounds_since_build() -> None:
    rng = np.random.default_rng(2)
    points, queries = rng.normal(size=(64, 2)), rng.normal(size=(5, 2))
    finder = HSRFinder(leaf_size=64)
    finder.build(points, queries, 0.0)
    assert finder.cost == Cost(structure_updates=1 + 64), "one leaf, and the points sorted into it"
    finder.find([3, 1])
    # One leaf: a bound and at most all its points for each query.
    assert finder.cost == Cost(inner_products=2 * 64, nodes_visited=2, structure_updates=65)
    finder.move_points([0], [[1.0, 1.0]])
    finder.find()
    moved = finder.cost.structure_updates
    assert 65 < moved < 65 + 2 * 66, "the leaf, and at most all its points again"
    assert finder.cost == Cost(inner_products=7 * 64, nodes_visited=7, structure_updates=moved)
    finder.build(points, queries, 0.0)
    assert finder.cost == Cost(structure_updates=1 + 64), "one leaf, and the points sorted into it"


def test_tests_a_small_share_of_low_dimensional_points() -> None:
    rng = np.random.default_rng(3)
    m = 1 << 14
    queries = rng.normal(size=(20, 2))
    queries /= np.linalg.norm(queries, axis=1)[:, None]
    finder = HSRFinder()
    finder.build(rng.normal(size=(m, 2)), queries, np.sqrt(0.4 * np.log(m)))
    active = finder.find().nnz
    tested = finder.cost.inner_products - active
    assert 0 < tested < 0.05 * m * len(queries)


def test_says_what_it_is() -> None:
    assert HSRFinder().promise == EXACT
    assert "Half-space" in HSRFinder.__doc__
    assert "FOCS 1992" in HSRFinder.source
    assert isinstance(make_finder("hsr", leaf_size=3), HSRFinder)
    with pytest.raises(ConfigError, match="leaf_size"):
        make_finder("hsr", leaf_size=0)


def test_refuses_moves_that_do_not_fit() -> None:
    finder = HSRFinder()
    finder.build(np.eye(3), np.eye(3), 0.0)
    with pytest.raises(DataError, match="points"):
        finder.move_points([3], np.zeros((1, 3)))
    with pytest.raises(DataError, match="points"):
        finder.move_points([0], np.full((1, 3), np.inf))
    with pytest.raises(DataError, match="queries"):
        finder.move_queries([0, 0], np.zeros((2, 3)))
    assert_like_scan(finder, np.eye(3), np.eye(3), 0.0)
