"""ActiveSets: conversions, replacement of rows, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets


def from_mask(mask: np.ndarray, rows: np.ndarray | None = None) -> ActiveSets:
    """Sets of the True entries of a (queries, points) mask; the value of pair (i, r) is 10 i + r, maybe zero."""
    rows = np.arange(len(mask)) if rows is None else rows
    part = mask[rows]
    which, indices = np.nonzero(part)
    indptr = np.concatenate([[0], np.cumsum(part.sum(1))])
    return ActiveSets(indptr, indices, 10.0 * rows[which] + indices, mask.shape, rows)


masks = st.integers(1, 7).flatmap(
    lambda q: st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=q, max_size=q).map(np.array)
)


@given(masks, st.randoms())
def test_both_storages_hold_the_same_pairs(mask: np.ndarray, random: Any) -> None:
    order = list(range(len(mask)))
    random.shuffle(order)
    sets = from_mask(mask, np.array(order))
    by_point = sets.by_point()
    assert by_point.major == "point"
    assert (np.diff(by_point.rows) > 0).all()
    assert all((np.diff(indices) > 0).all() for _, indices, _ in by_point)
    back = by_point.by_query()
    for other in (by_point, back, sets.occupied()):
        assert other.same_sets(sets)
        assert np.array_equal(other.to_scipy().toarray(), sets.to_scipy().toarray())
        assert np.array_equal(other.inner_products, 10.0 * other.query_ids + other.point_ids)
    assert np.array_equal(sets.to_scipy().toarray(), np.where(mask, from_mask(mask).to_scipy().toarray(), 0.0))


@given(masks, st.data())
def test_replaced_rows_take_the_place_of_the_old_ones(mask: np.ndarray, data: Any) -> None:
    other = data.draw(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=len(mask), max_size=len(mask)))
    rows = np.array(data.draw(st.permutations(range(len(mask)))))[: data.draw(st.integers(0, len(mask)))]
    expected = mask.copy()
    expected[rows] = np.array(other)[rows]
    updated = from_mask(mask).replaced(from_mask(np.array(other), rows.astype(int)))
    assert updated.same_sets(from_mask(expected))
    assert (updated.counts > 0).all()
    assert (np.diff(updated.rows) > 0).all()


def test_different_sets_are_told_apart() -> None:
    mask = np.eye(4, dtype=bool)
    changed = mask.copy()
    changed[2, 3] = True
    assert not from_mask(mask).same_sets(from_mask(changed))
    assert not from_mask(mask).same_sets(from_mask(np.eye(4, 5, dtype=bool)))


@pytest.mark.parametrize(
    ("indptr", "indices", "values"),
    [([0, 1], [0], [1.0]), ([0, 2, 1], [0], [1.0]), ([0, 1, 3], [0, 1], [1.0, 1.0]), ([1, 1, 1], [0], [0.5])],
)
def test_arrays_that_do_not_fit_are_a_bug(indptr: Any, indices: Any, values: Any) -> None:
    with pytest.raises(InvariantError):
        ActiveSets(np.array(indptr), np.array(indices), np.array(values), (2, 3))


def test_iterating_gives_row_indices_and_values() -> None:
    sets = from_mask(np.array([[True, False, True], [False, True, False]]))
    assert [(row, i.tolist(), v.tolist()) for row, i, v in sets] == [(0, [0, 2], [0.0, 2.0]), (1, [1], [11.0])]
    assert sets.nnz == 3
    assert sets.counts.tolist() == [2, 1]
