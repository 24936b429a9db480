"""The one predicate: symmetric, the same everywhere, and within its margin."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.support.kernels import dot


@given(hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats(-1e6, 1e6)), st.randoms())
def test_dot_is_symmetric_and_within_the_margin(p: Any, random: Any) -> None:
    q = np.array([random.uniform(-1e3, 1e3) for _ in p])
    assert dot(p, q) == dot(q, p)
    exact = sum((Fraction(a) * Fraction(b) for a, b in zip(p.tolist(), q.tolist(), strict=True)), Fraction(0))
    norms = norm_bounds(np.array([p, q]))
    assert abs(Fraction(float(dot(p, q))) - exact) <= Fraction(float(rounding_margin(len(p), *norms)))


@given(hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e100, 1e100)))
def test_norm_bounds_bound_the_norm(p: Any) -> None:
    bound = Fraction(float(norm_bounds(p[None])[0]))
    exact = sum(Fraction(x) ** 2 for x in p.tolist())
    assert exact <= bound**2
    assert bound**2 <= exact * (1 + Fraction(1, 10**12)) + Fraction(1, 10**150)


def test_margin_is_infinite_where_the_product_may_overflow() -> None:
    assert rounding_margin(3, 1e200, 1e200) == np.inf
    assert rounding_margin(3, 1e20, 1e20, np.float32) == np.inf
    assert 0 < rounding_margin(3, 1.0, 1.0) < 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimension", [1, 9, 1000, 100_000])
def test_the_margin_covers_sums_of_so_many_terms_in_any_order(dimension: int, dtype: Any) -> None:
    """The bound of Higham, section 3.1: gamma_d = d u / (1 - d u), which sums of numbers alike come near to."""
    terms = np.full(dimension, 0.1, dtype)
    one_after_the_other = np.cumsum(terms * terms, dtype=dtype)[-1]
    exact = float(terms[0]) ** 2 * dimension
    norm = float(np.linalg.norm(terms.astype(np.float64)))
    margin = float(rounding_margin(dimension, norm, norm, dtype))
    unit = float(np.finfo(dtype).eps) / 2
    assert abs(float(one_after_the_other) - exact) <= margin
    assert margin >= dimension * unit / (1 - dimension * unit) * exact
    assert margin <= 8 * (dimension + 8) * unit * exact + 1e-30
