from __future__ import annotations

import pytest

from hybrid_train.reproduce.deep import judged_balls, judged_courses, judged_depths


def test_a_stack_that_does_not_learn_is_named() -> None:
    good = judged_depths([2, 8], {"deep": [1.0, 0.97], "residual": [1.0, 1.0]})
    bad = judged_depths([2, 8], {"deep": [1.0, 0.39], "residual": [1.0, 1.0]})
    assert (good.holds, bad.holds) == ("yes", "no")
    assert "plain L = 8: 0.39" in bad.measured


def test_a_loss_that_stays_is_seen() -> None:
    assert judged_courses({2: [1.0, 0.5, 0.01]}, "here").holds == "yes"
    assert judged_courses({2: [1.0, 0.5, 0.01], 4: [1.0, 0.9, 0.8]}, "here").holds == "no"


def test_gaps_that_fall_too_slowly_in_a_ball_are_named() -> None:
    omega = [0.001, 0.01, 0.1]
    row = {"omega": omega, "gradient (5a)": omega, "kernel (5c)": omega, "output (5b)": [w * w for w in omega]}
    assert judged_balls({64: row, 256: row}).holds == "yes"
    slow = judged_balls({64: row, 256: row | {"output (5b)": omega}})
    assert slow.holds == "no"
    assert "output (5b) at m = 256: ω^1.00" in slow.measured
    assert slow.numbers["exponents"]["output (5b)"] == {"64": pytest.approx(2.0), "256": pytest.approx(1.0)}
