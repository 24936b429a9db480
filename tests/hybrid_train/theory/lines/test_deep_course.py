"""The course of deep runs beside DEEP Theorems 1, 2, 6 and 8."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybrid_train.finder.interface import APPROXIMATE
from hybrid_train.network.deep import DeepNetwork, fully_connected, residual
from hybrid_train.theory import check_theory
from hybrid_train.theory.lines.deep_course import DeepCourse, course_lines
from hybrid_train.theory.lines.line import Line
from hybrid_train.theory.predictions.deep_course import Sizes
from tests.hybrid_train.theory.lines.test_deep import case


def lines_of(course: DeepCourse) -> dict[str, Line]:
    return {line.quantity: line for line in course_lines(course)}


def course_of(start: DeepNetwork, losses: list[float], batch: int | None = None) -> DeepCourse:
    return DeepCourse(case(start), np.array(losses), batch)


RATIO = "max F(W(t+1)) / F(W(t))"


def test_the_sizes_are_those_of_the_proofs() -> None:
    sizes = Sizes(n=3, depth=2, width=100, outputs=5, delta=0.25)
    log = np.log(100)
    assert sizes.needed_width == pytest.approx(3.0**24 * 2**12 * 5 * log**5 / 0.25**8)
    assert sizes.rate == pytest.approx(5 * 0.25 / (81 * 4 * 100))
    assert sizes.contraction(0.01) == pytest.approx(1 - 0.01 * 0.25 * 100 / (5 * 9))
    assert sizes.steps(0.1) == pytest.approx(3**6 * 4 / 0.0625 * np.log(3 * log / 0.1))
    assert sizes.movement == pytest.approx(27 * (5 / 100) ** 0.5 * log / 0.25)
    assert sizes.convex_steps(0.1, 1e200) == np.inf
    some = replace(sizes, batch=2)
    assert some.needed_width == pytest.approx(sizes.needed_width / 2)
    assert some.rate == pytest.approx(sizes.rate * 2 / (3 * log**2))
    assert some.steps(0.1) == pytest.approx(sizes.steps(0.1) * 3 * log**2 / 2)
    assert some.movement == pytest.approx(sizes.movement * 1.5**0.5)


def test_what_the_theorem_wants_is_said_and_the_numbers_are_there() -> None:
    lines = lines_of(course_of(fully_connected([128] * 3, 16, seed=1), [4.0, 3.0, 2.4, 0.03]))
    ratio = lines[RATIO]
    assert (ratio.source, ratio.holds) == ("DEEP Theorem 1", "not applicable")
    assert ratio.measured == pytest.approx(0.8)
    assert any("n^24 L^12" in reason for reason in ratio.missing)
    assert lines["F(W(0))"].holds == "yes"
    assert lines["steps to 0.01 of F(W(0))"].measured == 3
    assert course_of(residual(64, 2, 16, seed=1), [1.0, 0.5]).source == "DEEP Theorem 8"
    assert course_of(fully_connected([64] * 3, 16, seed=1), [1.0], batch=2).source == "DEEP Theorem 2"


def test_a_rise_is_no_contraction_and_a_large_start_is_seen() -> None:
    course = course_of(fully_connected([128] * 3, 16, seed=1), [4.0, 5.0])
    assert lines_of(course)[RATIO].satisfied is False
    wild = course.case.start.at([40.0 * w for w in course.case.start.weights()])
    assert lines_of(replace(course, case=replace(course.case, start=wild)))["F(W(0))"].holds == "no"
    far = lines_of(replace(course, case=replace(course.case, targets=course.case.targets * 100.0)))["F(W(0))"]
    assert (far.satisfied, far.holds) == (False, "not applicable")
    assert "targets of norm 1 at most are wanted, here up to 100" in far.missing


def test_other_finders_and_no_steps() -> None:
    course = course_of(fully_connected([128] * 3, 16, seed=1), [4.0])
    assert lines_of(course)[RATIO].measured is None
    some = replace(course, batch=2, subsets=False)
    assert any("fresh subset" in reason for reason in some.missing)
    assert not any("fresh subset" in reason for reason in replace(some, subsets=True).missing)
    assert any("approximate" in reason for reason in replace(course, promise=APPROXIMATE).missing)


def test_the_command_has_them() -> None:
    tables = {
        "data": {"kind": "digits", "n": 6, "classes": "all"},
        "network": {"kind": "deep", "widths": [24, 24], "threshold": 0.0},
        "training": {"steps": 2, "loss": "cross_entropy"},
    }
    lines = {line.quantity: line for line in check_theory(tables, costs=False).lines}
    assert lines["steps to perfect training accuracy"].source == "DEEP Theorem 6"
    assert "the squared loss is wanted" in lines[RATIO].missing
