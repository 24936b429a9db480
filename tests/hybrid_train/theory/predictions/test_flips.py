"""Flips of activation: those of the definitions, step by step and ever."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.theory.predictions.flips import FlipLog, flipped_pairs


def sets_of(mask: np.ndarray[Any, Any]) -> ActiveSets:
    """Active sets of an (n, m) mask."""
    indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    return ActiveSets(indptr, np.nonzero(mask)[1], np.ones(mask.sum()), mask.shape)


class TestFlips:
    @given(st.integers(1, 5), st.integers(1, 8), st.integers(1, 6), st.integers(0, 10**6))
    def test_equal_the_definitions(self, n: int, width: int, steps: int, seed: int) -> None:
        masks = np.random.default_rng(seed).random((steps + 1, n, width)) < 0.4
        log = FlipLog(sets_of(masks[0]))
        for before, after in pairwise(masks):
            flipped = np.argwhere(before != after)
            assert np.array_equal(flipped_pairs(sets_of(before), sets_of(after)), flipped)
            assert log.add(sets_of(after).by_point()) == len(flipped)
        ever = (masks != masks[0]).any(axis=0)
        assert np.array_equal(log.ever, np.argwhere(ever))
        assert np.array_equal(log.ever_per_datum, ever.sum(axis=1))

    def test_other_banks_are_refused(self) -> None:
        one, other = sets_of(np.ones((2, 3), bool)), sets_of(np.ones((2, 4), bool))
        with pytest.raises(InvariantError, match="sizes"):
            flipped_pairs(one, other)
        with pytest.raises(InvariantError, match="sizes"):
            FlipLog(one).add(other)
