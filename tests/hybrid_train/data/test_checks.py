"""Checks of rows: normalised if they can be, drawn so that fewer are the first of more."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_train.data.checks import draw_rows, unit_rows
from hybrid_train.errors import DataError


def test_a_smaller_draw_is_the_beginning_of_a_larger_one() -> None:
    labels = np.array([0] * 5 + [1] * 20)
    for kinds in (None, labels):
        whole = draw_rows(25, 25, 3, kinds)
        assert sorted(whole) == list(range(25))
        for n in range(1, 25):
            assert np.array_equal(draw_rows(25, n, 3, kinds), whole[:n])
    assert np.array_equal(draw_rows(25, None, 3, labels), np.arange(25))


def test_huge_and_tiny_rows_are_normalised() -> None:
    rows = unit_rows([[3e300, 4e300], [3e-300, -4e-300], [5e-324, 0.0]], "rows")
    assert np.allclose(rows, [[0.6, 0.8], [0.6, -0.8], [1.0, 0.0]])
    with pytest.raises(DataError, match=r"rows: row 1 is all zeros.*2 such rows"):
        unit_rows([[1.0, 0.0], [0.0, 0.0], [0.0, -0.0]], "rows")
