from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.scan import ScanFinder
from hybrid_train.errors import DataError
from hybrid_train.finder import EXACT
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.support.kernels import dot


def by_definition(points: np.ndarray, queries: np.ndarray, threshold: float) -> Any:
    return [[(i, value) for i, p in enumerate(points) if (value := dot(p, q)) > threshold] for q in np.asarray(queries)]


def as_lists(sets: Any) -> Any:
    return [list(zip(indices, values, strict=True)) for _, indices, values in sets]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 11), st.sampled_from([np.float32, np.float64]))
def test_finds_what_the_definition_says(seed: int, d: int, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    pool = np.array([0.0, 1.0, -1.0, 0.1, -0.7, 1e30, 1e-30], dtype)
    pool = rng.choice(pool, size=rng.integers(1, 5))
    points, queries = rng.choice(pool, size=(rng.integers(1, 20), d)), rng.choice(pool, size=(6, d))
    finder = ScanFinder()
    for threshold in (0.0, -0.5, dot(points[0], queries[0])):
        finder.build(points, queries, threshold)
        assert as_lists(finder.find()) == by_definition(points, queries, threshold)


def test_a_tie_is_not_active() -> None:
    finder = ScanFinder()
    finder.build([[1.0], [1.0 + 2**-52], [1.0]], [[1.0]], 1.0)
    assert finder.find().indices.tolist() == [1]


def test_follows_moves_of_arrays_and_live_banks() -> None:
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(40, 3)), rng.normal(size=(8, 3))
    live = DenseBank(points)
    copied, watching = ScanFinder(), ScanFinder()
    copied.build(points, queries, 0.4)
    watching.build(live, queries, 0.4)
    rows, moved = np.array([5, 2]), rng.normal(size=(2, 3))
    live.assign(rows, moved)
    points[rows], queries[1] = moved, 3.0
    for finder in (copied, watching):
        finder.move_points(rows, moved)
        finder.move_queries([1], queries[[1]])
        assert as_lists(finder.find()) == by_definition(points, queries, 0.4)


def test_answers_the_asked_rows_in_order_and_is_charged_for_every_pair() -> None:
    rng = np.random.default_rng(1)
    points, queries = rng.normal(size=(40, 3)), rng.normal(size=(8, 3))
    finder = ScanFinder()
    finder.build(points, queries, 0.4)
    sets = finder.find([6, 0])
    assert sets.rows.tolist() == [6, 0]
    assert as_lists(sets) == by_definition(points, queries[[6, 0]], 0.4)
    assert finder.cost == Cost(inner_products=80)
    finder.find()
    assert finder.cost == Cost(inner_products=80 + 320)
    finder.build(points, queries, 0.4)
    assert finder.cost == Cost()


def test_promises_the_truth_and_refuses_bad_banks() -> None:
    assert ScanFinder().promise == EXACT
    with pytest.raises(DataError, match="dimension"):
        ScanFinder().build(np.ones((2, 3)), np.ones((2, 2)), 0.0)
    with pytest.raises(DataError, match="row 1"):
        ScanFinder().build([[1.0], [np.nan]], [[1.0]], 0.0)
