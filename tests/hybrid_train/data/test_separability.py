"""Data separation: exact against every pair, and the pairs that spoil it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hybrid_train.data import separation, sphere
from hybrid_train.data.separability import NEAR, _nearest
from hybrid_train.errors import DataError


def by_hand(rows: np.ndarray) -> float:
    pairs = [(x, y) for i, x in enumerate(rows) for y in rows[:i]]
    return min((float(min(np.linalg.norm(x - y), np.linalg.norm(x + y))) for x, y in pairs), default=math.inf)


@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 999), st.sampled_from([1, 3, 1024]))
def test_delta_is_the_minimum_over_all_pairs(n: int, dim: int, seed: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hybrid_train.data.separability._BLOCK", block)
        inputs = sphere(n, dim, seed=seed).inputs
        found = separation(inputs)
    assert found.delta == pytest.approx(by_hand(inputs), rel=1e-12, abs=1e-15)
    if n > 1:
        i, j = found.closest
        assert i < j
        assert by_hand(inputs[[i, j]]) == pytest.approx(found.delta, abs=1e-15)


@given(st.floats(1e-11, 1e-3), st.integers(0, 99), st.sampled_from([-1.0, 1.0]))
def test_a_tiny_distance_is_not_lost_to_cancellation(distance: float, seed: int, sign: float) -> None:
    inputs = sphere(40, 8, seed=seed).inputs
    tangent = inputs[5] - (inputs[5] @ inputs[31]) * inputs[31]
    tangent /= np.linalg.norm(tangent)
    inputs[5] = sign * (inputs[31] * math.sqrt(1 - distance**2) + distance * tangent)
    found = separation(inputs)
    assert found.delta == pytest.approx(distance, rel=1e-4)
    assert found.closest == (5, 31)
    near = found.delta < NEAR
    assert found.near_parallel.tolist() == ([[5, 31]] if near else [])
    assert found.degenerate == near
    assert ("near-parallel" in found.text) == near


def test_duplicates_and_antipodes_are_told_apart() -> None:
    inputs = sphere(20, 5).inputs
    inputs[17] = inputs[3]
    inputs[8] = -inputs[4]
    # the same direction, but for the rounding of its normalisation
    inputs[12] = (inputs[11] * 3.7) / np.linalg.norm(inputs[11] * 3.7)
    found = separation(inputs)
    assert found.delta == 0.0
    assert found.duplicates.tolist() == [[3, 17], [11, 12]]
    assert found.antipodes.tolist() == [[4, 8]]
    assert not len(found.near_parallel)
    assert found.text.startswith("rows 3 and 17 are duplicates (and 1 more such rows): lambda can be 0")
    assert "rows 4 and 8 are antipodes" in found.text
    assert "\n" not in found.text


def test_good_data_and_one_row_raise_no_warning() -> None:
    apart = separation(np.eye(3))
    assert not apart.degenerate
    assert apart.delta == pytest.approx(math.sqrt(2))
    assert "delta=1.41" in apart.text
    alone = separation(np.eye(3)[:1])
    assert (alone.delta, alone.closest, alone.degenerate) == (math.inf, None, False)
    assert "one row" in alone.text


def test_many_copies_are_listed_once_each() -> None:
    inputs = np.tile(sphere(7, 4).inputs, (300, 1))
    found = separation(inputs)
    assert len(found.duplicates) == 2100 - 7
    assert set(found.duplicates[:, 1]) <= set(range(2100))
    rows = inputs[found.duplicates]
    assert np.array_equal(rows[:, 0], rows[:, 1])


def test_few_of_all_blocks_are_looked_at_in_few_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = sphere(30_000, 3, seed=1).inputs
    looked_at = []

    def counting(*arguments: Any) -> None:
        looked_at.append(1)
        _nearest(*arguments)

    monkeypatch.setattr("hybrid_train.data.separability._nearest", counting)
    found = separation(inputs)
    assert len(looked_at) < 0.2 * 30 * 31 / 2
    tree = cKDTree(np.concatenate([inputs, -inputs]))
    nearest = tree.query(inputs, k=2)[0][:, 1]
    assert found.delta == pytest.approx(nearest.min(), rel=1e-9)


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="row 1"):
        separation([[1.0, 0.0], [np.nan, 1.0]])
