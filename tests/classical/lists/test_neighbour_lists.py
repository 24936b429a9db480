"""Where columns are, and how far they have gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classical.lists.neighbour_lists import Frame, NeighbourLists
from hybrid_train.finder.bank import DenseBank, Watched


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 9))
def test_sway_bounds_how_far_columns_are_from_where_they_were(seed: int, count: int, dimension: int) -> None:
    rng = np.random.default_rng(seed)
    bank = DenseBank(rng.standard_normal((count, dimension)) * 10.0 ** rng.integers(-9, 9, (count, 1)))
    frame = Frame(Watched(bank, "queries"))
    was = bank[:].copy()
    rows = rng.permutation(count)[: rng.integers(1, count + 1)]
    frame.move(rows, was[rows] + rng.standard_normal((len(rows), dimension)) * 10.0 ** rng.integers(-12, 9))
    ratio = np.linalg.norm(frame.now - was, axis=1) / frame.scale
    assert frame.sway >= ratio.max()
    assert frame.moved.sum() == len(rows)
    assert np.allclose(frame.gram(), frame.now @ frame.now.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaps_are_bounds_from_below_whatever_they_were_measured_in(dtype: Any) -> None:
    """Distances to the last bit decide whether a list holds; half of those measured in float32 are too large."""
    rng = np.random.default_rng(5)
    rows, columns = (rng.standard_normal((size, 64)).astype(dtype) for size in (400, 30))
    threshold = 6.0
    lists = NeighbourLists(Watched(rows, "points"), Watched(columns, "queries"), threshold, 0.01, 0.0, 0.0)
    starts, listed, gaps = lists.candidates_of(np.arange(len(rows)))
    exact_rows, exact_columns = rows.astype(np.float64), columns.astype(np.float64)
    distances = (threshold - exact_rows @ exact_columns.T) / np.linalg.norm(exact_columns, axis=1)
    for row in range(len(rows)):
        distances[row, listed[starts[row] : starts[row + 1]]] = np.inf
    nearest = distances.min(axis=1)
    spacing = float(np.finfo(dtype).eps)
    assert (gaps <= nearest).all()
    assert (gaps >= nearest - 1e4 * spacing).all()
