from __future__ import annotations

from hybrid_train.reproduce.deep import judged_courses, judged_depths


def test_a_stack_that_does_not_learn_is_named() -> None:
    good = judged_depths([2, 8], {"deep": [1.0, 0.97], "residual": [1.0, 1.0]})
    bad = judged_depths([2, 8], {"deep": [1.0, 0.39], "residual": [1.0, 1.0]})
    assert (good.holds, bad.holds) == ("yes", "no")
    assert "plain L = 8: 0.39" in bad.measured


def test_a_loss_that_stays_is_seen() -> None:
    assert judged_courses({2: [1.0, 0.5, 0.01]}, "here").holds == "yes"
    assert judged_courses({2: [1.0, 0.5, 0.01], 4: [1.0, 0.9, 0.8]}, "here").holds == "no"
