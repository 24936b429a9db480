"""The one inner product, and the same over the places where a vector is not zero."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.support.kernels import dot, sparse_dot


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _sparse(p: Any, stride: Any, columns: Any, factors: Any, size: Any) -> Any:
    return sparse_dot(p, 0, stride, columns, factors, 0, columns.size, size, np.empty(8))


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(1, 3))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_change_no_bit_of_an_inner_product(dtype: Any, seed: int, size: int, share: float, stride: int) -> None:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-8, 8, size)
    p = (scale * rng.standard_normal(size)).astype(dtype)
    q = np.where(rng.random(size) < share, rng.standard_normal(size), 0.0).astype(dtype)
    q *= rng.choice([1.0, -1.0], size).astype(dtype)  # zeros of both signs
    columns = np.flatnonzero(q).astype(np.int32)
    spread = np.zeros(size * stride, dtype)
    spread[::stride] = p
    assert _sparse(spread, stride, columns, q[columns], size) == dot(p, q)


def test_dot_does_not_depend_on_the_place_in_memory() -> None:
    rng = np.random.default_rng(1)
    for size in (5, 8, 31, 100):
        buffer, q = np.zeros(size + 9), rng.standard_normal(size)
        p = rng.standard_normal(size)
        values = set()
        for shift in range(9):
            buffer[shift : shift + size] = p
            values.add(dot(buffer[shift : shift + size], q))
        assert len(values) == 1
