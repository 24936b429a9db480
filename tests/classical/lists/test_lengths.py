"""Bounds of how far rows go, from each kernel that makes them, against how far the stored rows went."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from classical.lists.neighbour_lists import NeighbourLists
from hybrid_train.finder.bank import DenseBank, watch_both
from hybrid_train.support.arrays import FloatArray


def followed(lists: NeighbourLists, motion: sparse.csr_array, columns: FloatArray) -> FloatArray:
    lists.follow(np.arange(motion.shape[0]), motion)
    return lists.pool.drift


def drifted(lists: NeighbourLists, motion: sparse.csr_array, columns: FloatArray) -> FloatArray:
    lists.drift(np.arange(motion.shape[0]), motion, columns)
    return lists.pool.drift


WAYS = {
    "followed": followed,
    "drifted": drifted,
}


@pytest.mark.parametrize("way", WAYS)
@given(
    seed=st.integers(0, 10**6),
    dtype=st.sampled_from([np.float32, np.float64]),
    size=st.sampled_from([1e-9, 1e-3, 1.0, 1e4]),
    cancels=st.booleans(),
)
@settings(max_examples=40)
def test_no_stored_row_goes_farther_than_its_bound(way: str, seed: int, dtype: Any, size: float, cancels: bool) -> None:
    """One row moved by up to 12 columns; those that nearly cancel leave a length that is all rounding."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 13)), int(rng.integers(1, 6))
    columns = rng.standard_normal((n, d))
    coefficients = size * rng.standard_normal(n)
    if cancels:
        columns[n // 2 :] = columns[: n - n // 2] * (1 + 2.0**-50)
        coefficients[n // 2 :] = -coefficients[: n - n // 2]
    bank = DenseBank(rng.standard_normal((1, d)).astype(dtype))
    before = bank[:].astype(np.longdouble)
    lists = NeighbourLists(*watch_both(bank, columns), 0.5, 1e9, 0.0, 1e-9)
    motion = sparse.csr_array(coefficients[None])
    bounds = WAYS[way](lists, motion, columns)
    bank.move_along(np.array([0]), motion, columns)
    went = np.sqrt(((bank[:].astype(np.longdouble) - before) ** 2).sum())
    spacing = float(np.finfo(dtype).eps)
    weight = np.abs(coefficients) @ np.linalg.norm(columns, axis=1)
    assert went <= bounds[0]
    assert bounds[0] <= went + 100 * spacing * (1 + 10 * weight) + 3e-7 * weight or "without" in way
