"""ADV Theorem 5.12 and section 4: what adversarial training promises, beside what a run came to.

As printed the theorem hides its constants, which are 1 in its lines here: those claim nothing. The line that is judged
is its proof with every constant worked out, for a W* that was found (:mod:`.predictions.regret`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from hybrid_train.adversaries import Ball
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import Line, at_most, trained_exactly
from hybrid_train.theory.predictions.regret import Comparator, StepRegret, regret_bound
from hybrid_train.theory.predictions.robustness import Separability, separability
from hybrid_train.theory.predictions.step_polynomial import (
    StepPolynomial,
    complexity,
    complexity_at,
    degree_bound,
    step_polynomial,
)

SECTION = "convergence of adversarial training"

_CONSTANT = "the theory hides its constants, which are 1 here"
_BALLS = "the worst case at W* is searched for in balls of up to three dimensions, of few data and neurons"
_MOST_INPUTS = 256


@final
@dataclass(frozen=True, eq=False)
class RegretCase:
    """A run under an adversary, and the weights it is compared with.

    Attributes:
        inputs: (n, d + 1) clean queries (x, 1).
        targets: (n, 1).
        ball: where the adversary may go.
        rho: Euclidean radius of what it reaches.
        width: m.
        rate: eta of the mean loss.
        steps: T.
        regrets: of W(0) .. W(T - 1); none if they were not looked at.
        reference: W*; None if it was not looked for.
        best: the worst-case mean loss at W*, from above; None if it was not searched for.
        lipschitz: of the loss; None if it has none.
        convex: whether the loss is.
        zero_loss: mean loss of a network of zero output.
        full: whether a step sees all data.
        promise: of the finder.
        plain: whether a step moves along the gradient at a constant rate.
    """

    inputs: FloatArray
    targets: FloatArray
    ball: Ball
    rho: float
    width: int
    rate: float
    steps: int
    regrets: Sequence[StepRegret]
    reference: Comparator | None
    best: float | None
    lipschitz: float | None
    convex: bool
    zero_loss: float
    full: bool = True
    promise: Promise = EXACT
    plain: bool = True

    @property
    def n(self) -> int:
        """Data."""
        return len(self.inputs)

    @property
    def average(self) -> float | None:
        """Mean robust loss over W(0) .. W(T - 1)."""
        return float(np.mean([step.robust for step in self.regrets])) if self.regrets else None

    @property
    def constant(self) -> float | None:
        """K of ||W* - W(0)||_{2,inf} = K m^{-3/5}."""
        return None if self.reference is None else self.reference.farthest * self.width**0.6

    @property
    def accuracy(self) -> float | None:
        """The epsilon that the run came to: how far its mean robust loss is above the worst case at W*."""
        if self.average is None or self.best is None:
            return None
        return self.average - self.best if self.average > self.best else None

    @property
    def missing(self) -> tuple[str, ...]:
        """What the proof wants and this run lacks."""
        found = list(trained_exactly(self.plain, self.promise))
        if not self.convex or self.lipschitz is None:
            found.append("a convex Lipschitz loss is wanted")
        if not self.full:
            found.append("all data in every step are wanted")
        if not self.steps:
            found.append("a step is wanted")
        elif not self.regrets:
            found.append("every step is to be looked at, which takes long here, or several outputs")
        if self.reference is not None and self.best is None:
            found.append(_BALLS)
        return tuple(found)

    @cached_property
    def separation(self) -> Separability | None:
        """Of the data; None of one datum."""
        return separability(self.inputs, self.rho) if self.n > 1 else None

    @property
    def apart(self) -> tuple[str, ...]:
        """What is missing if the balls are not apart."""
        found = self.separation
        if found is None:
            return ("one datum has no separation",)
        if found.holds:
            return ()
        return (f"the nearest data are {found.distance:.3g} apart, 2 rho is {2 * self.rho:.3g}",)

    @cached_property
    def polynomial(self) -> StepPolynomial | None:
        """That of Claim 4.3 for the error of Lemma 4.2; None if the balls are not apart, or its degree exceeds 4096."""
        found = self.separation
        return step_polynomial(found.distance, self.rho, self.error / (3 * self.n)) if found and found.holds else None

    @cached_property
    def powers(self) -> tuple[float, float] | None:
        """log10 of C(q, epsilon_3) and of epsilon_3; None where q is not written out."""
        coefficients = None if self.polynomial is None else self.polynomial.coefficients()
        if coefficients is None:
            return None
        error = min(-complexity(coefficients), math.log10(self.error / (3 * self.n)))
        return complexity_at(coefficients, error), error

    @property
    def error(self) -> float:
        """The epsilon of section 4: the worst-case loss at W*, so that both W* come to the same; a tenth if unknown."""
        return 0.1 if self.best is None else min(0.99, max(1e-6, self.best))


def regret_lines(case: RegretCase) -> list[Line]:
    """Return every line."""
    return [
        worked_out(case),
        printed(case),
        rate(case),
        steps_needed(case),
        width_needed(case),
        degree(case),
        fitted(case),
        distance_of_reference(case),
        width_of_polynomials(case),
    ]


def worked_out(case: RegretCase) -> Line:
    """The mean robust loss along the run against the proof's bound, every term of it known."""
    predicted, note = None, ""
    if case.regrets and case.reference is not None and case.best is not None:
        predicted = regret_bound(case.regrets, case.rate, case.reference, case.best)
        note = (
            f"worst case at W* {case.best:.4g}; ||W* - W(0)||_F = {case.reference.length:.3g}; gradients, f and g as "
            "measured, which the theory bounds by powers of m: so it holds at any rate, and a run that diverges raises "
            "the bound"
        )
    return _on_average(
        case,
        "mean robust loss, average over steps 0 .. T - 1",
        "L*(W*) + ||W* - W(0)||_F^2 / (2 eta T) + eta mean ||grad||_F^2 / 2 + what parts f and g",
        "ADV Theorem 5.12, its proof",
        predicted,
        case.missing,
        note,
        "a network of zero output is below it" if predicted is not None and case.zero_loss <= predicted else "",
    )


def printed(case: RegretCase) -> Line:
    """The same as the theorem has it, with the epsilon that its T allows."""
    predicted = None
    if case.best is not None and case.constant is not None and case.steps:
        predicted = case.best + case.constant / math.sqrt(case.steps)
    return _on_average(
        case,
        "the same as printed",
        "L*(W*) + epsilon, epsilon = K / T^(1/2)",
        "ADV Theorem 5.12",
        predicted,
        (_CONSTANT, *case.missing, *_widths_missing(case)),
        "" if case.constant is None else f"K = {case.constant:.3g} of ||W* - W(0)||_(2, inf) = K m^(-3/5)",
    )


def _on_average(
    case: RegretCase,
    quantity: str,
    formula: str,
    source: str,
    bound: float | None,
    missing: tuple[str, ...],
    note: str,
    empty: str = "",
) -> Line:
    """Return a line that bounds the mean robust loss over the steps."""
    average = case.average
    within = None if bound is None or average is None else at_most(average, bound)
    return Line(
        SECTION,
        quantity,
        formula,
        source,
        "" if bound is None else "<=",
        bound,
        average,
        within,
        missing,
        note,
        empty=empty,
    )


def _widths_missing(case: RegretCase) -> tuple[str, ...]:
    """What is missing of the width that the theorem asks for the epsilon its T allows."""
    if case.constant is None or not case.steps:
        return ()
    needed = asked_width(case.n, case.constant, case.constant / math.sqrt(case.steps))
    return (f"m >= {needed:.3g} is wanted, here {case.width}",) if case.width < needed else ()


def asked_width(n: int, constant: float, accuracy: float) -> float:
    """Return max(n^{300/31}, (K n / eps)^{24/15}, (K^2 / eps)^{300/29}), the width of ADV Theorem 5.12, constant 1."""
    if accuracy == 0:
        return math.inf
    powers = ((n, 300 / 31), (constant * n / accuracy, 24 / 15), (constant**2 / accuracy, 300 / 29))
    return max(_power(base, exponent) for base, exponent in powers)


def _power(base: float, exponent: float) -> float:
    logarithm = exponent * math.log(base) if base > 0 else -math.inf
    return math.exp(logarithm) if logarithm < 700 else math.inf


def rate(case: RegretCase) -> Line:
    """The rate of the theorem beside the run's."""
    predicted = None
    if case.constant is not None and case.steps:
        predicted = case.constant / (case.width**0.2 * math.sqrt(case.steps))
    return _shown(
        case,
        "learning rate, of the mean loss",
        "K / (m^(1/5) T^(1/2))",
        predicted,
        case.rate,
        "the gradient is of norm m^(3/10), not m^(1/10): with K m^(-4/5) for K m^(-3/5) it is K / (m^(3/5) T^(1/2))",
    )


def steps_needed(case: RegretCase) -> Line:
    """Steps for the loss the run came to."""
    predicted = None
    if case.accuracy is not None and case.constant is not None:
        predicted = _power(case.constant / case.accuracy, 2.0)
    return _shown(case, "steps for that loss", "K^2 / epsilon^2", predicted, float(case.steps), _epsilon(case))


def width_needed(case: RegretCase) -> Line:
    """Neurons for the loss the run came to."""
    predicted = None
    if case.accuracy is not None and case.constant is not None:
        predicted = asked_width(case.n, case.constant, case.accuracy)
    formula = "max(n^(300/31), (K n / epsilon)^(8/5), (K^2 / epsilon)^(300/29))"
    return _shown(case, "neurons for that loss", formula, predicted, float(case.width), _epsilon(case))


def _epsilon(case: RegretCase) -> str:
    if case.accuracy is None:
        return ""
    return f"epsilon = {case.accuracy:.3g}, the mean robust loss above that of W*"


def _shown(
    case: RegretCase, quantity: str, formula: str, predicted: float | None, measured: float, note: str = ""
) -> Line:
    return Line(SECTION, quantity, formula, "ADV Theorem 5.12", "", predicted, measured, None, (_CONSTANT,), note)


def degree(case: RegretCase) -> Line:
    """The degree of a polynomial that tells the balls apart."""
    predicted, measured, missing = None, None, case.apart
    if case.separation is not None and not missing:
        error = case.error / (3 * case.n)
        predicted = degree_bound(case.separation.gamma, error)
        if case.polynomial is not None and case.polynomial.error <= error:
            measured = float(case.polynomial.degree)
        else:
            missing = ("a polynomial is looked for up to degree 4096",)
    satisfied = None if predicted is None or measured is None else at_most(measured, predicted)
    note = f"epsilon = {case.error:.3g}, gamma = {case.separation.gamma:.3g}" if case.separation else ""
    return Line(
        SECTION,
        "degree of q, 1 in a datum's ball and 0 in others",
        "24 ln(48 n / epsilon) / gamma",
        "ADV Claim 4.3",
        "<=" if satisfied is not None else "",
        predicted,
        measured,
        satisfied,
        missing,
        note,
    )


def fitted(case: RegretCase) -> Line:
    """How far f* is from the targets in the balls."""
    q, missing = case.polynomial, case.apart
    measured = None
    if q is None and not missing:
        missing = ("a polynomial is looked for up to degree 4096",)
    if np.abs(case.targets).max(initial=0.0) > 1.0:
        missing += (f"|y| <= 1 is wanted, here up to {np.abs(case.targets).max():.3g}",)
    if q is not None and case.n <= _MOST_INPUTS:
        random = np.random.default_rng(0)
        places = np.concatenate([case.inputs, *(case.ball.draw(case.inputs, random) for _ in range(20))])
        cosines = np.clip(places[:, :-1] @ case.inputs[:, :-1].T, -1.0, 1.0)
        values = q.series(cosines) @ case.targets
        measured = float(np.abs(values - np.tile(case.targets, (21, 1))).max())
    predicted = case.error / 3
    satisfied = None if measured is None else at_most(measured, predicted)
    return Line(
        SECTION,
        "|f* - y| in the balls, f*(x) = sum_i y_i q(<x_i, x>)",
        "epsilon / 3",
        "ADV Lemma 4.2",
        "<=" if measured is not None else "",
        predicted,
        measured,
        satisfied,
        missing,
        "sampled: 20 places drawn from each ball and its centre",
    )


def distance_of_reference(case: RegretCase) -> Line:
    """How far W* is from the start, beside what its construction by polynomials takes."""
    constant, powers = case.constant, case.powers
    predicted = None
    if powers is not None:
        predicted = powers[0] + math.log10(2.0 * case.n) - 0.2 * math.log10(case.width)
    measured = math.log10(constant) if constant is not None and constant > 0 else None
    satisfied = None if predicted is None or measured is None else at_most(measured, predicted)
    far = predicted is not None and measured is not None and predicted > measured + 2
    return Line(
        SECTION,
        "log10 of K, ||W* - W(0)||_(2, inf) = K m^(-3/5)",
        "log10 of 2 n C(q, epsilon_3) m^(-1/5)",
        "ADV Lemma 4.7",
        "<=" if satisfied is not None else "",
        predicted,
        measured,
        satisfied,
        case.apart if powers is not None else (*case.apart, *_expanded(case)),
        "of the q above, c = 1 of the large c in C; measured is a W* by ridge regression",
        empty="the bound is more than 100 times away" if far else "",
    )


def width_of_polynomials(case: RegretCase) -> Line:
    """The width that the construction of W* by polynomials takes."""
    powers, predicted = case.powers, None
    if powers is not None:
        dimension = case.inputs.shape[1] - 1
        predicted = 2.0 * (powers[0] - powers[1]) + math.log10(case.n * dimension)
    return Line(
        SECTION,
        "log10 of the neurons for W* by polynomials",
        "log10 of n d C(q, epsilon_3)^2 / epsilon_3^2",
        "ADV Lemma 4.7",
        "",
        predicted,
        math.log10(case.width),
        None,
        (_CONSTANT, *case.apart, *(() if powers else _expanded(case))),
    )


def _expanded(case: RegretCase) -> tuple[str, ...]:
    return () if case.apart else ("coefficients are written out up to degree 400",)
