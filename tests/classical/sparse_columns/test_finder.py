"""The finder for sparse queries answers like a scan and is charged for the coordinates it touches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.sparse_columns import SparseColumnsFinder
from classical.sparse_columns import finder as module
from hybrid_train.errors import ResourceError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.testing import check_finder


def test_it_keeps_the_rules_of_finders() -> None:
    check_finder(SparseColumnsFinder)


def banks(dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((7, 90)) * (rng.random((7, 90)) < 0.1)
    return rng.standard_normal((150, 90)).astype(dtype), queries.astype(dtype)


@pytest.mark.parametrize("dtypes", [(np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float32)])
def test_inner_products_are_those_of_a_scan_to_the_last_bit(dtypes: Any) -> None:
    points, queries = banks()[0].astype(dtypes[0]), banks()[1].astype(dtypes[1])
    finder = SparseColumnsFinder()
    finder.build(points, queries, 0.3)
    found, truth = finder.find(), active_pairs(points, queries, 0.3)
    assert found.same_sets(truth)
    assert np.array_equal(found.inner_products, truth.inner_products)


def test_coordinates_touched_are_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    points, queries = banks()
    finder = SparseColumnsFinder()
    finder.build(points, queries, 0.3)
    rows = np.array([5, 2])
    found = finder.find(rows)
    touched = sum(np.count_nonzero(queries[row]) * (150 + len(ids)) for row, ids, _ in found)
    assert finder.cost.inner_products == -(-touched // 90)
    monkeypatch.setattr(module, "_BLOCK_NUMBERS", 180)  # two queries at a time
    before = finder.cost.copy()
    everything = finder.find()
    assert np.array_equal(everything.indices, active_pairs(points, queries, 0.3).indices)
    touched = sum(np.count_nonzero(queries[row]) * (150 + len(ids)) for row, ids, _ in everything)
    assert (finder.cost - before).inner_products == -(-touched // 90)


def test_it_follows_a_live_bank() -> None:
    points, queries = banks(np.float32)
    live = DenseBank(points)
    finder = SparseColumnsFinder()
    finder.build(live, queries, 0.3)
    rows = np.array([149, 3, 70])
    live.assign(rows, -points[rows])
    finder.move_points(rows, -points[rows])
    points[rows] *= -1
    assert np.array_equal(finder.find().inner_products, active_pairs(points, queries, 0.3).inner_products)


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ResourceError, match="a copy of 1000000000000 points"):
        SparseColumnsFinder().check_resources(10**12, 1, 100)
