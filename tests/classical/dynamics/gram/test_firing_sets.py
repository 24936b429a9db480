"""Counts of firing sets against counting the rows."""

from __future__ import annotations

import numpy as np
import pytest

from classical.dynamics.gram import firing_sets
from classical.dynamics.gram.firing_sets import FiringSets, words_of


def packed(fires: np.ndarray) -> np.ndarray:
    padded = np.zeros((len(fires), 64 * words_of(fires.shape[1])), bool)
    padded[:, : fires.shape[1]] = fires
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


@pytest.mark.parametrize("n", [3, 64, 65, 150])
def test_rows_that_fire_for_some_of_the_columns_are_counted(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    monkeypatch.setattr(firing_sets, "_FIRST", 16)
    rng = np.random.default_rng(n)
    fires = rng.random((2000, n)) < 1.5 / n
    fires[np.arange(2000), rng.integers(0, n, 2000)] = True
    fires[:1000] = fires[rng.integers(0, 50, 1000)]
    here = rng.random(2000) < 0.7
    one, other = FiringSets(n), FiringSets(n)
    for part in np.array_split(fires[:1200], 5):
        one.add(packed(part))
    other.add(packed(fires[1200:]))
    one.join(other)
    one.add(packed(fires[~here]), -1)
    for share in (0.0, 0.1, 1.0):
        pulled = rng.random(n) < share
        assert one.touching(pulled) == np.count_nonzero(fires[here][:, pulled].any(axis=1))


def test_where_there_are_too_many_sets_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing_sets, "_FIRST", 4)
    monkeypatch.setattr(firing_sets, "_MOST", 20)
    rng = np.random.default_rng(0)
    counts, whole = FiringSets(30), FiringSets(30)
    counts.add(packed(rng.random((500, 30)) < 0.5))
    assert counts.touching(np.ones(30, bool)) is None
    whole.join(counts)
    whole.add(packed(np.ones((1, 30), bool)))
    assert whole.touching(np.ones(30, bool)) is None
