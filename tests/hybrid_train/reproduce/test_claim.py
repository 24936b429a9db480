from __future__ import annotations

import numpy as np

from hybrid_train.reproduce.claim import at_most, curve, falls, verdict
from hybrid_train.support.power_law import PowerLaw


def test_an_exponent_is_at_most_another_but_for_its_error() -> None:
    assert at_most(PowerLaw(1.0, 0.82, 0.02), 0.8)
    assert not at_most(PowerLaw(1.0, 0.85, 0.02), 0.8)


def test_what_is_not_finite_is_not_drawn() -> None:
    assert curve("x", [1, 2], [np.nan, 3.0]).y == [None, 3.0]


def test_verdicts_and_courses() -> None:
    assert (verdict(True), verdict(np.bool_(False))) == ("yes", "no")
    assert falls([2.0, 3.0, 1.0])
    assert not falls([1.0, 2.0])
    assert not falls([1.0, float("nan")])
