"""How wide a skin is chosen: the root it is said to be, for any numbers."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classical.lists.thickness import FIRST_SKIN, balanced_skin, best_skin, first_skin, typical_coordinate
from hybrid_train.finder.bank import DenseBank


@given(
    st.floats(1e-9, 1e3),
    st.floats(1e-3, 1e3),
    st.integers(1, 10**5),
    st.integers(1, 10**4),
)
@example(2.0**-24, 1e-3, 1, 1)
def test_best_skin_grows_with_the_step_and_keeps_lists_short(
    step: float, density: float, columns: int, dimension: int
) -> None:
    skin = best_skin(step, density, columns, dimension)
    assert 0 < skin <= columns / (4 * density)
    assert best_skin(2 * step, density, columns, dimension) >= skin
    assert skin <= step * columns * (1 + dimension / 8) * (1 + 1e-9)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
@example(2.0**-24 * 9 / 8, 1e-3)
@example(1e-20, 1.0)
def test_the_balanced_skin_is_the_root_to_rounding(work: float, density: float) -> None:
    getcontext().prec = 700
    w, d = Decimal(work), Decimal(density)
    root = 2 * w / (1 + (1 + 4 * w * d).sqrt())
    assert balanced_skin(work, density) == pytest.approx(float(root), rel=1e-14)


def test_the_balanced_skin_at_the_ends() -> None:
    assert balanced_skin(math.inf, 1.0) == math.inf
    assert balanced_skin(3.0, 0.0) == 3.0


def test_the_first_skin_is_a_part_of_a_typical_coordinate() -> None:
    vectors = np.random.default_rng(0).standard_normal((500, 9)) * 7
    assert typical_coordinate(DenseBank(vectors)) == pytest.approx(7, rel=0.05)
    assert first_skin(DenseBank(vectors)) == FIRST_SKIN * typical_coordinate(DenseBank(vectors))
    assert 0 < typical_coordinate(DenseBank(np.zeros((3, 2)))) <= 1
    with np.errstate(over="ignore"):
        assert typical_coordinate(DenseBank(np.full((3, 2), 1e200))) == 1.0
