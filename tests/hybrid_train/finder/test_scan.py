"""The dense scan: pair by pair what the predicate says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hybrid_train.errors import DataError
from hybrid_train.finder import scan
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs
from hybrid_train.support.kernels import dot

# few distinct values, so that ties and duplicates are common; magnitudes whose squares overflow or vanish
VALUES = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0, 1e-170, 1e170, -1e170, 1e-320])


@st.composite
def banks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    d = draw(st.integers(1, 19))
    points, queries = (
        draw(hnp.arrays(np.float64, (draw(st.integers(1, most)), d), elements=VALUES)) for most in (30, 6)
    )
    return points, queries, draw(st.sampled_from([0.0, 1.0, -1.0, 0.25, 2.0, 1e-300, -1e300]))


@settings(max_examples=150)
@given(banks())
def test_scan_equals_the_predicate_pair_by_pair(banks: tuple[np.ndarray, np.ndarray, float]) -> None:
    points, queries, threshold = banks
    sets = active_pairs(points, queries, threshold)
    expected = [(i, r, dot(p, q)) for i, q in enumerate(queries) for r, p in enumerate(points) if dot(p, q) > threshold]
    assert list(zip(sets.query_ids, sets.point_ids, sets.inner_products, strict=True)) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "n"), [(9000, 70), (40, 3000)])
def test_scan_over_many_blocks(dtype: Any, m: int, n: int) -> None:
    rng = np.random.default_rng(3)
    points, queries = rng.standard_normal((m, 7)).astype(dtype), rng.standard_normal((n, 7)).astype(dtype)
    sets = active_pairs(points, queries, 2.0)
    exact = queries.astype(float) @ points.T.astype(float)
    assert np.abs(exact - 2.0).min() > 1e-9  # no pair so close that this check would be unfair
    i, r = np.nonzero(exact > 2.0)
    assert np.array_equal(sets.query_ids, i)
    assert np.array_equal(sets.point_ids, r)
    assert np.allclose(sets.inner_products, exact[i, r], rtol=1e-12)


KINDS = {
    "normal": lambda rng, n, d: rng.standard_normal((n, d)),
    "ties": lambda rng, n, d: rng.integers(-2, 3, (n, d)).astype(float),
    "scales": lambda rng, n, d: rng.standard_normal((n, d)) * 10.0 ** rng.integers(-40, 38, (n, 1)),
    "tiny": lambda rng, n, d: rng.standard_normal((n, d)) * 1e-42,
    "far from 0": lambda rng, n, d: 1000 + 1e-4 * rng.standard_normal((n, d)),
    "not finite": lambda rng, n, d: rng.choice([0.0, 1.0, -2.0, np.nan, np.inf, -np.inf], (n, d)),
}


def _everything(points: np.ndarray, queries: np.ndarray, threshold: float) -> Any:
    """Return (query ids, point ids, inner products) of the active pairs, all pairs decided by the predicate."""
    i, r = (ids.reshape(-1) for ids in np.indices((len(queries), len(points))))
    values = inner_products(points, queries, r, i)
    return i[values > threshold], r[values > threshold], values[values > threshold]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtypes", [("f4", "f4"), ("f8", "f8"), ("f4", "f8"), ("f8", "f4")])
def test_scan_equals_the_predicate_in_any_precision_at_any_scale(kind: str, dtypes: Any) -> None:
    rng = np.random.default_rng(4)
    for m, n, d in ((300, 33, 2), (64, 40, 5), (65, 600, 9), (31, 3, 3)):
        points, queries = (KINDS[kind](rng, size, d).astype(t) for size, t in zip((m, n), dtypes, strict=True))
        median = float(inner_products(points, queries, np.array([m // 2]), np.array([n // 2]))[0])
        for threshold in (0.0, 1.0, median, np.nextafter(median, -np.inf)):
            sets = active_pairs(points, queries, threshold)
            expected = _everything(points, queries, threshold)
            for mine, theirs in zip((sets.query_ids, sets.point_ids, sets.inner_products), expected, strict=True):
                assert np.array_equal(mine, theirs)


def test_a_scan_that_leaves_no_room_for_rounding_misses_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    points = 1000 + 1e-2 * rng.standard_normal((300, 64))  # products spread over 100; those of float32 lie 4 apart
    threshold = float(np.median(points @ points[0]))
    right = active_pairs(points, points[:40], threshold)
    monkeypatch.setattr(scan, "rounding_margin", lambda dimension, point, query, dtype: np.zeros(len(query)))
    assert active_pairs(points, points[:40], threshold).nnz < right.nnz


def test_strict_at_the_threshold_and_at_the_next_float() -> None:
    rng = np.random.default_rng(0)
    points, queries = rng.standard_normal((50, 33)), rng.standard_normal((1, 33))
    for r, value in enumerate(inner_products(points, queries, np.arange(50), np.zeros(50, int))):
        assert r not in active_pairs(points, queries, value).indices
        assert r in active_pairs(points, queries, np.nextafter(value, -np.inf)).indices


def test_rows_are_answered_in_the_order_asked() -> None:
    rng = np.random.default_rng(2)
    points, queries = rng.standard_normal((30, 3)), rng.standard_normal((6, 3))
    everything = active_pairs(points, queries, 0.5)
    asked = active_pairs(points, queries, 0.5, [4, 1])
    assert asked.rows.tolist() == [4, 1]
    for row, indices, _ in asked:
        assert indices.tolist() == everything.indices[everything.query_ids == row].tolist()
    assert active_pairs(points, queries, 0.5, []).nnz == 0
    with pytest.raises(DataError, match="distinct"):
        active_pairs(points, queries, 0.5, [1, 1])


def test_infinite_thresholds_ask_for_everything_or_nothing() -> None:
    assert active_pairs(np.ones((3, 1)), np.ones((2, 1)), -np.inf).nnz == 6
    assert active_pairs(np.ones((3, 1)), np.ones((2, 1)), np.inf).nnz == 0
