"""Helpers for arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.support.arrays import distinct


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_distinct_numbers_are_those_of_numpy(numbers: list[int]) -> None:
    given = np.array(numbers, np.int64)
    kept = given.copy()
    found = distinct(given)
    assert found.dtype == np.int64
    assert found.tolist() == sorted(set(numbers))
    np.testing.assert_array_equal(given, kept)
