"""The vector code of row dynamics: right for every size, and never beside an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.rows.layout import aligned
from classical.dynamics.rows.vectors import AT_ONCE, LANES, add_columns, padded, products_into
from hybrid_train.support.kernels import kernel
from tests.support.guard import guarded


@kernel
def products(row: Any, columns: Any, places: Any, out: Any) -> None:
    for at in range(0, places.size, 8):
        products_into(row, columns, places, at, out)


@kernel
def add(row: Any, columns: Any, places: Any, factors: Any) -> None:
    for at in range(0, places.size, 8):
        add_columns(row, columns, places, at, factors)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimension", [*range(1, 40), 64, 100, 199, 200, 784])
def test_sums_at_the_end_of_a_page(dimension: int, dtype: type) -> None:
    rng = np.random.default_rng(dimension)
    n, count = int(rng.integers(1, 200)), AT_ONCE * int(rng.integers(1, 4))
    size = padded(dimension)
    columns: Any = np.zeros((n, size), dtype)
    row: Any = np.zeros(size, dtype)
    columns[:, :dimension], row[:dimension] = rng.standard_normal((n, dimension)), rng.standard_normal(dimension)
    places = rng.integers(0, n, count).astype(np.int32)
    places[0] = n - 1
    factors: Any = rng.standard_normal(count).astype(dtype)
    exact = columns[places].astype(float) @ row
    tolerance = 8 * float(np.finfo(dtype).eps) * (np.abs(columns[places]).astype(float) @ np.abs(row) + 1)
    for before in (False, True):
        row_, columns_, places_, factors_, out = (
            guarded(array, before=before) for array in (row, columns, places, factors, np.zeros(count, dtype))
        )
        products(row_, columns_, places_, out)
        assert (np.abs(out - exact) <= tolerance).all()
        add(row_, columns_, places_, factors_)
        moved = row + factors.astype(float) @ columns[places]
        size_of_terms = np.abs(row) + np.abs(factors) @ np.abs(columns[places])
        assert (np.abs(row_ - moved) <= 32 * float(np.finfo(dtype).eps) * size_of_terms).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_padded_and_begin_with_a_cache_line(dtype: type) -> None:
    vectors = np.random.default_rng(0).standard_normal((7, 21))
    rows = aligned(vectors, np.dtype(dtype))
    assert rows.shape == (7, 32)
    assert rows.shape[1] % LANES == 0
    assert rows.ctypes.data % 64 == 0
    assert np.array_equal(rows[:, :21], vectors.astype(dtype))
    assert not rows[:, 21:].any()
