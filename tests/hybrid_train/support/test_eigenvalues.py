"""The largest eigenvalue: whole or by Lanczos, of a matrix or of its products, zero and rounding included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.support import eigenvalues
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.eigenvalues import eigenvalue_bound, top_eigenvalue, top_of_operator


def gram(n: int, rank: int, seed: int = 0) -> FloatArray:
    x = np.random.default_rng(seed).standard_normal((n, rank))
    return np.asarray(x @ x.T)


@pytest.mark.parametrize("whole", [0, 512])
@pytest.mark.parametrize("n", [3, 24, 25, 80])
def test_it_is_the_largest_of_all_either_way(monkeypatch: pytest.MonkeyPatch, whole: int, n: int) -> None:
    monkeypatch.setattr(eigenvalues, "_WHOLE", whole)
    matrix = gram(n, 7)
    expected = float(np.linalg.eigvalsh(matrix)[-1])
    assert top_eigenvalue(matrix) == pytest.approx(expected, rel=1e-6)
    assert top_of_operator(lambda vector: matrix @ vector, n) == pytest.approx(expected, rel=1e-6)
    assert top_of_operator(lambda vector: matrix @ vector, n, krylov=min(n, 8)) == pytest.approx(expected, rel=1e-6)


def test_a_matrix_that_is_cheap_to_make_is_made_and_one_that_is_not_is_multiplied() -> None:
    matrix, calls = gram(80, 7), []

    def product(vector: FloatArray) -> FloatArray:
        calls.append(1)
        return np.asarray(matrix @ vector)

    top_of_operator(product, 80, matrix=lambda: matrix)
    assert not calls
    top_of_operator(product, 80)
    assert 0 < len(calls) < 80


@pytest.mark.parametrize("n", [1, 30, 600])
def test_zero_has_none_above_zero(n: int) -> None:
    assert top_eigenvalue(np.zeros((n, n))) == 0.0
    assert top_of_operator(np.zeros_like, n) == 0.0
    assert top_eigenvalue(np.full((1, 1), -1e-18)) == 0.0


def test_lanczos_starts_where_it_always_does() -> None:
    matrix = gram(600, 40)
    np.random.seed(1)  # noqa: NPY002 (ARPACK draws from the global state)
    first = top_eigenvalue(matrix)
    np.random.seed(2)  # noqa: NPY002
    assert top_eigenvalue(matrix) == first


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 9))
def test_the_bound_is_above_and_close(seed: int, n: int, rank: int) -> None:
    matrix = gram(n, rank, seed)
    top = float(np.linalg.norm(matrix, 2))
    assert top <= eigenvalue_bound(matrix) <= (1 + 1e-7) * max(top, 1e-300) * n


def test_the_bound_of_a_large_or_overflown_matrix() -> None:
    matrix = gram(520, 5)
    assert float(np.linalg.eigvalsh(matrix)[-1]) <= eigenvalue_bound(matrix) == float(np.abs(matrix).sum(axis=1).max())
    for odd in (np.inf, np.nan, 1e308):
        assert eigenvalue_bound(np.full((3, 3), odd)) == np.inf
