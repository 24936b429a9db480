"""Where columns are, and how far they have gone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classical.lists.neighbour_lists import Frame
from hybrid_train.finder.bank import DenseBank, Watched


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 9))
def test_sway_bounds_how_far_columns_are_from_where_they_were(seed: int, count: int, dimension: int) -> None:
    rng = np.random.default_rng(seed)
    bank = DenseBank(rng.standard_normal((count, dimension)) * 10.0 ** rng.integers(-9, 9, (count, 1)))
    frame = Frame(Watched(bank, "queries"))
    was = bank[:].copy()
    rows = rng.permutation(count)[: rng.integers(1, count + 1)]
    frame.move(rows, was[rows] + rng.standard_normal((len(rows), dimension)) * 10.0 ** rng.integers(-12, 9))
    ratio = np.linalg.norm(frame.now - was, axis=1) / frame.scale
    assert frame.sway >= ratio.max()
    assert frame.moved.sum() == len(rows)
    assert np.allclose(frame.gram(), frame.now @ frame.now.T)
