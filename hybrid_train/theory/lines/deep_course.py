"""The course of a deep run beside DEEP Theorems 1, 2, 6, 7 and 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.deep_case import CONSTANT, SECTION, DeepCase, hidden
from hybrid_train.theory.lines.line import Line, at_most, trained_exactly
from hybrid_train.theory.predictions.deep import movement
from hybrid_train.theory.predictions.deep_course import Sizes
from hybrid_train.training.losses import CrossEntropyLoss, SquaredLoss

_ACCURACY = 0.01
_ORDER = "the theory gives its order only"


@final
@dataclass(frozen=True, eq=False)
class DeepCourse:
    """What a deep run did.

    Attributes:
        case: where it started and ended.
        losses: (T + 1,) F(W(t)); of SGD each step's estimate, but for the last.
        batch: b of SGD; None for gradient descent.
        promise: of the finders.
        plain: whether a step moves along the gradient at a constant rate.
        subsets: whether each step of SGD draws a fresh subset of fixed size.
    """

    case: DeepCase
    losses: FloatArray
    batch: int | None = None
    promise: Promise = EXACT
    plain: bool = True
    subsets: bool = True

    @property
    def sizes(self) -> Sizes:
        """What the theorems are stated in."""
        case = self.case
        width = max(2, case.width)
        return Sizes(case.n, case.depth, width, case.start.outputs, min(case.delta, 1.0), self.batch)

    @property
    def source(self) -> str:
        """The theorem about such a run."""
        if self.case.start.kind == "residual":
            return "DEEP Theorem 8"
        if self.case.start.kind == "convolutional":
            return "DEEP Theorem 7"
        return "DEEP Theorem 1" if self.batch is None else "DEEP Theorem 2"

    @property
    def large(self) -> tuple[str, ...]:
        """What is missing of targets that are O(1), which is 1 here as all constants are."""
        longest = float(np.linalg.norm(self.case.targets, axis=1).max())
        return () if at_most(longest, 1.0) else (f"targets of norm 1 at most are wanted, here up to {longest:.3g}",)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the theorem wants and this run lacks."""
        case, sizes = self.case, self.sizes
        found = list(case.outside + case.unconvolved + case.unseparated + self.large)
        if not isinstance(case.loss, SquaredLoss):
            found.append("the squared loss is wanted")
        if self.batch is not None and not self.subsets:
            found.append("a fresh subset in every step is wanted (training.replacement='subset')")
        found += trained_exactly(self.plain, self.promise, "finders'")
        if case.width < sizes.needed_width:
            found.append(f"m >= n^24 L^12 d ln^5 m / delta^8 = {sizes.needed_width:.3g} is wanted, here {case.width}")
        if case.rate > sizes.rate:
            found.append(f"eta of the order {sizes.rate:.3g} is wanted, here {case.rate:.3g}")
        return tuple(found)


def course_lines(course: DeepCourse) -> Sequence[Line]:
    """Return every line about the course of a run."""
    found = [initial_value(course), contraction(course), distance(course), steps_needed(course)]
    return [*found, *([perfect_accuracy(course)] if isinstance(course.case.loss, CrossEntropyLoss) else [])]


def initial_value(course: DeepCourse) -> Line:
    """F(W(0)) against n ln^2 m."""
    case = course.case
    value = case.loss.value(case.before.outputs, case.targets)
    missing = case.outside + course.large
    missing += () if isinstance(case.loss, SquaredLoss) else ("the squared loss is wanted",)
    bound = course.sizes.initial
    return _line(course, "F(W(0))", "n ln^2 m", bound, value, at_most(value, bound), missing)


def contraction(course: DeepCourse) -> Line:
    """What a step multiplies F by, at most, against 1 - eta delta m / (d n^2)."""
    losses = course.losses
    known = losses[:-1] > 0
    ratios = losses[1:][known] / losses[:-1][known]
    measured = float(ratios.max()) if len(ratios) else None
    bound = course.sizes.contraction(course.case.rate)
    missing = course.missing
    if course.batch is not None:
        missing += ("the mean over batches is bounded, and a step's F is an estimate",)
    empty = "no step was taken" if measured is None else ""
    if 1.0 - bound < 1e-12:
        empty = "the bound is 1 up to rounding: F does not grow"
    line = _line(
        course,
        "max F(W(t+1)) / F(W(t))",
        "1 - eta delta m / (d n^2)",
        bound,
        measured,
        _below(measured, bound),
        missing,
    )
    return replace(line, empty=empty)


def _below(measured: float | None, bound: float) -> bool | None:
    return None if measured is None else at_most(measured, bound)


def distance(course: DeepCourse) -> Line:
    """||W(T) - W(0)||_F against n^3 d^{1/2} ln m / (delta m^{1/2})."""
    moved = movement(course.case.start, course.case.now).frobenius
    formula = "n^3 d^{1/2} ln m / (delta m^{1/2})" + ("" if course.batch is None else " (n / b)^{1/2}")
    bound = course.sizes.movement
    line = _line(course, "||W(T) - W(0)||_F", formula, bound, moved, at_most(moved, bound), course.missing)
    return replace(line, empty="nothing moved" if moved == 0.0 else "")


def steps_needed(course: DeepCourse) -> Line:
    """The steps to a hundredth of F(W(0)) beside T of the theorem."""
    losses, sizes = course.losses, course.sizes
    reached = np.flatnonzero(losses <= _ACCURACY * losses[0])
    measured = float(reached[0]) if len(reached) else None
    if isinstance(course.case.loss, SquaredLoss):
        formula = "n^6 L^2 / delta^2 ln(n ln m / epsilon)"
        formula = formula if course.batch is None else "n^7 L^2 ln^2 m / (b delta^2) ln(n ln m / epsilon)"
        predicted, source = sizes.steps(max(_ACCURACY * float(losses[0]), 1e-300)), course.source
    else:
        reach = float(np.ptp(course.case.after.outputs)) + 1.0
        formula, source = "n^7 L^2 D^2 / (delta^2 epsilon)", "DEEP Theorem 6"
        predicted = sizes.convex_steps(max(_ACCURACY * float(losses[0]), 1e-300), reach)
    note = "" if measured is not None else f"not reached in {len(losses) - 1} steps"
    quantity = f"steps to {_ACCURACY:g} of F(W(0))"
    return Line(SECTION, quantity, formula, source, "", predicted, measured, None, (_ORDER,), note)


def perfect_accuracy(course: DeepCourse) -> Line:
    """Steps to 100 % training accuracy with cross-entropy, of which the theorem gives the order; the share by then."""
    case = course.case
    share = float((case.after.outputs.argmax(axis=1) == case.targets.argmax(axis=1)).mean())
    note = f"training accuracy after {len(course.losses) - 1} steps"
    quantity, formula = "steps to perfect training accuracy", "n^6 L^2 / delta^2"
    sizes = course.sizes
    return Line(
        SECTION,
        quantity,
        formula,
        "DEEP Theorem 6",
        "",
        sizes.accuracy_steps,
        None,
        None,
        (_ORDER,),
        f"{note}: {share:.3g}",
    )


def _line(
    course: DeepCourse,
    quantity: str,
    formula: str,
    predicted: float,
    measured: float | None,
    satisfied: bool | None,
    missing: tuple[str, ...],
) -> Line:
    missing += hidden(satisfied, "<=", predicted, measured)
    return Line(SECTION, quantity, formula, course.source, "<=", predicted, measured, satisfied, missing, CONSTANT)
