from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_train.data import Dataset, separation
from hybrid_train.data import separability as module
from hybrid_train.data.separation_bound import separation_bound


def rows(n: int, dimension: int, seed: int = 0) -> NDArray[np.float64]:
    drawn = np.random.default_rng(seed).standard_normal((n, dimension))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_is_one_and_is_attained(seed: int) -> None:
    points = rows(300, 6, seed)
    bound = separation_bound(points)
    assert not bound.exact
    assert bound.delta >= separation(points).delta
    assert bound.closest is not None
    i, j = bound.closest
    apart = min(np.linalg.norm(points[i] - points[j]), np.linalg.norm(points[i] + points[j]))
    assert bound.delta == pytest.approx(apart, rel=1e-12)
    assert "delta<=" in bound.text


@pytest.mark.parametrize(
    ("sign", "moved", "kind"), [(1, 0.0, "duplicates"), (-1, 0.0, "antipodes"), (1, 3e-7, "near_parallel")]
)
def test_rows_that_are_close_are_all_found(sign: int, moved: float, kind: str) -> None:
    points = rows(400, 5)
    for number in range(20):
        points[200 + number] = sign * points[number]
        points[200 + number, 0] += moved
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    bound, exact = separation_bound(points), separation(points)
    assert bound.exact
    assert bound.delta == exact.delta
    assert np.array_equal(getattr(bound, kind), getattr(exact, kind))
    assert len(getattr(bound, kind)) == 20
    assert bound.text == exact.text


def test_many_equal_rows_are_one_sweep() -> None:
    points = np.tile(rows(1, 40), (20_000, 1))
    assert len(separation_bound(points).duplicates) == 19_999


def test_a_data_set_asks_for_the_bound_where_all_pairs_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset(rows(50, 3), np.ones(50), "mine")
    assert data.separation_text == separation(data.inputs).text
    monkeypatch.setattr(module, "_QUICK", 100)
    assert "of the pairs measured" in data.separation_text
    assert data.separation.exact
