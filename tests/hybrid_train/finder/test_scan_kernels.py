"""The compiled parts of the scan, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train.finder import scan_kernels as compiled


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 130])
def test_pairs_not_below_the_cut_are_decided(dtype: Any, n: int) -> None:
    rng = np.random.default_rng(n)
    points, queries = rng.standard_normal((n, 3)).astype(dtype), rng.standard_normal((5, 3)).astype(dtype)
    products = np.full((5, -(-n // 64) * 64), np.nan, dtype)  # what stands behind the points must not count
    products[:, :n] = rng.choice(np.array([0.0, 1.0, 2.0, np.nan, np.inf, -np.inf], dtype), (5, n))
    cuts = np.array([1.0, 2.0, -np.inf, np.inf, np.nan], dtype)
    counts, ids, values, opened = compiled.decide(products, cuts, points, queries, 7, 0.0)
    is_open = ~(products[:, :n] < cuts[:, None])
    exact = queries.astype(float) @ points.T.astype(float)
    i, r = np.nonzero(is_open & (exact > 0.0))
    assert opened == is_open.sum()
    assert np.array_equal(np.repeat(np.arange(5), counts), i)
    assert np.array_equal(ids, r + 7)
    assert np.allclose(values, exact[i, r], rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_products_in_small_dimensions(d: int) -> None:
    rng = np.random.default_rng(d)
    points, queries = rng.standard_normal((70, d)), rng.standard_normal((4, d))
    out = np.empty((4, 128))
    compiled.multiply(queries, np.ascontiguousarray(points.T), out)
    assert np.allclose(out[:, :70], queries @ points.T, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, np.uint32), (np.float64, np.uint64)])
@pytest.mark.parametrize("last", [-5.0, 3.0, np.inf, -np.inf, np.nan])
def test_largest_magnitude(dtype: Any, bits: Any, last: float) -> None:
    numbers = np.append(np.linspace(-2, 2, 37), last).astype(dtype)
    found = np.array([compiled.largest(numbers.view(bits))], bits).view(dtype)[0]
    assert np.array_equal(found, np.abs(numbers).max(), equal_nan=True)


@pytest.mark.parametrize("width", [3, 64, 70])
def test_what_is_no_number_stays_open_in_whole_words_and_in_the_rest(width: int) -> None:
    points, queries = np.ones((width, 1)), np.ones((1, 1))
    products = np.full((1, width), np.nan)
    counts, ids, _, opened = compiled.decide(products, np.array([5.0]), points, queries, 0, 0.5)
    assert opened == width
    assert counts.tolist() == [width]
    assert ids.tolist() == list(range(width))
