"""Live points made again: the same ones, wherever and however often they are read."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError
from hybrid_train.finder.live import Draws, distinct, live_points
from hybrid_train.finder.live_bank import LiveBank, Marks

QUERIES = distinct(sphere(9, 5, seed=1).inputs, "queries")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_marks_are_found_by_their_rank_in_any_order(share: float) -> None:
    rng = np.random.default_rng(0)
    marked = np.flatnonzero(rng.random(20_000) < share)
    marks = Marks(20_000)
    for part in np.array_split(marked, 7):
        marks.mark(part)
    assert len(marks.count()) == len(marked)
    assert marks.nbytes < 20_000 / 4
    for ranks in (np.arange(len(marked)), rng.permutation(len(marked)), np.arange(len(marked))[::-3]):
        assert np.array_equal(marks.find(ranks), marked[ranks])


@pytest.mark.parametrize("threshold", [1.4, 0.2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", [1, 2])
def test_rows_are_those_that_a_stored_start_holds(threshold: float, dtype: type, copies: int) -> None:
    draws = Draws.of(20_000, QUERIES, threshold, seed=3, spread=1.0, dtype=dtype)
    held = np.concatenate([live_points(draws, QUERIES, threshold)] * copies)
    bank = LiveBank(draws, QUERIES, threshold, copies)
    assert bank.shape == held.shape
    assert bank.dtype == dtype
    assert np.array_equal(bank[:], held)
    rows = np.random.default_rng(1).integers(0, len(bank), 300)
    assert np.array_equal(bank[rows], held[rows])
    assert np.array_equal(bank[10:4000:7], held[10:4000:7])


def test_rows_cannot_be_moved_one_by_one() -> None:
    bank = LiveBank(Draws.of(500, QUERIES, 1.4, seed=3, spread=1.0, dtype=np.float64), QUERIES, 1.4)
    for move in (
        lambda: bank.assign(np.array([0]), np.zeros((1, 5))),
        lambda: bank.move_along(np.array([0]), sparse.csr_array((1, 9)), QUERIES),
    ):
        with pytest.raises(ConfigError, match=r"storage='live'.*finder\.kind='skin'"):
            move()
