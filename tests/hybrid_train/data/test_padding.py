"""The papers' normal forms: unit norm, the right last coordinate, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.data import sphere
from hybrid_train.data.padding import (
    ADVERSARIAL_LAST,
    DEEP_LAST,
    padded_dataset,
    with_last_coordinate,
    with_one,
    without_last_coordinate,
)
from hybrid_train.errors import ConfigError, DataError


@given(st.integers(1, 9), st.integers(1, 6), st.floats(-0.999, 0.999), st.integers(0, 99))
def test_padding_keeps_the_norm_and_can_be_undone(n: int, d: int, last: float, seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    padded = with_last_coordinate(rows, last)
    assert np.allclose(np.linalg.norm(padded, axis=1), 1.0, rtol=0, atol=1e-14)
    assert (padded[:, -1] == last).all()
    assert np.allclose(without_last_coordinate(padded, last), rows, rtol=0, atol=1e-13)


def test_both_papers_forms() -> None:
    data = sphere(5, 3, seed=1)
    for last in (ADVERSARIAL_LAST, DEEP_LAST):
        padded = padded_dataset(data, last)
        assert padded.dimension == 4
        assert np.array_equal(padded.targets, data.targets)
        assert (padded.inputs[:, -1] == last).all()


def test_a_one_is_appended() -> None:
    rows = np.arange(4, dtype=np.float32).reshape(2, 2)
    assert with_one(rows).dtype == np.float32
    assert with_one(rows).tolist() == [[0, 1, 1], [2, 3, 1]]


def test_what_cannot_be_padded_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"last=1\.0"):
        with_last_coordinate([[1.0]], 1.0)
    with pytest.raises(DataError, match=r"row 1 ends in 0\.4"):
        without_last_coordinate([[0.1, 0.5], [0.1, 0.4]], 0.5)
    with pytest.raises(DataError, match="at least 2 columns"):
        without_last_coordinate([[0.5]], 0.5)
