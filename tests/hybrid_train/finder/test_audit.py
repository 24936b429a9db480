"""The auditor: what was found of what is active, and what was reported and is not."""

from __future__ import annotations

import numpy as np

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs

POINTS, QUERIES = DenseBank([[1.0], [2.0], [3.0]]), DenseBank([[1.0], [-1.0]])


def test_active_found_and_spurious_pairs_are_counted_apart() -> None:
    reported = ActiveSets(np.array([0, 2, 3]), np.array([0, 2, 1]), np.array([1.0, 3.0, -2.0]), (2, 3))
    found = audit(reported, POINTS, QUERIES, 1.5)  # active are (0, 1) and (0, 2)
    assert found == Audit(active=2, found=1, spurious=2)
    assert found.recall == 0.5
    assert found + Audit(2, 2, 1) == Audit(4, 3, 3)


def test_only_the_points_and_queries_that_count_are_looked_at() -> None:
    nothing = ActiveSets(np.zeros(2, np.int64), np.empty(0, np.int64), np.empty(0), (2, 3), np.array([0]))
    assert audit(nothing, POINTS, QUERIES, 1.5, query_rows=np.array([0])) == Audit(2, 0, 0)
    one_point = audit(nothing, POINTS, QUERIES, 1.5, point_rows=np.array([2]), query_rows=np.array([0]))
    assert one_point == Audit(1, 0, 0)
    silent = ActiveSets(np.zeros(2, np.int64), np.empty(0, np.int64), np.empty(0), (2, 3), np.array([1]))
    assert audit(silent, POINTS, QUERIES, 1.5, query_rows=np.array([1])).recall == 1.0


def test_sets_in_another_layout_or_reported_twice_are_compared_as_sets() -> None:
    right = active_pairs(POINTS, QUERIES, 0.5)
    assert audit(right, POINTS, QUERIES, 0.5) == Audit(3, 3, 0)
    assert audit(right.by_point(), POINTS, QUERIES, 0.5) == Audit(3, 3, 0)
    backwards = ActiveSets(np.array([0, 0, 3]), right.indices, right.inner_products, (2, 3), np.array([1, 0]))
    assert audit(backwards, POINTS, QUERIES, 0.5) == Audit(3, 3, 0)
    twice = ActiveSets(np.array([0, 3]), np.array([0, 2, 2]), np.array([1.0, 3.0, 3.0]), (2, 3), np.array([0]))
    assert audit(twice, POINTS, QUERIES, 0.5) == Audit(active=3, found=2, spurious=1)
    shifted = ActiveSets(np.array([0, 3]), right.indices, right.inner_products, (2, 3), np.array([1]))
    assert audit(shifted, POINTS, QUERIES, 0.5) == Audit(active=3, found=0, spurious=3)
