"""How fast the loss falls and how far the weights go (PRE section 5, appendices C.3 to D)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.line import CONFIDENCE, FAR, Line, at_most, finite, unlikely
from hybrid_train.theory.lines.observation import Observation
from hybrid_train.theory.lines.sparsity import still
from hybrid_train.theory.predictions.convergence import (
    error_bound,
    initial_output_deviation,
    initial_output_variance,
    movement_bound,
    theorem_radius,
    theorem_rate,
    theorem_steps,
    theorem_width,
)
from hybrid_train.theory.predictions.spectrum import kernel_drift_failure

BoolArray = npt.NDArray[np.bool_]

SECTION = "convergence"
_ACCURACY = 0.01
_FLOWING = 0.01
"""Eta lambda_max(H) up to which gradient descent is Euler's method for the flow."""


def initial_error(case: Case) -> Line:
    """||u(0)||^2 against its mean n K E max(z - b, 0)^2, within ten standard deviations (Chebyshev)."""
    seen = case.observed
    scale = case.output_weight**2
    variance = scale * initial_output_variance(seen.threshold)
    mean = case.n * case.outputs * variance
    deviation = scale * initial_output_deviation(seen.inputs, seen.threshold, case.independent, case.outputs)
    measured = seen.initial_output
    missing = ("zero output at the start: nothing to predict",) if case.start == "paired" else ()
    margin = deviation / math.sqrt(CONFIDENCE)
    return Line(
        SECTION,
        "||u(0)||^2, u_i = f(x_i) at the start",
        "n K B^2 E max(z - b, 0)^2",
        "PRE Claim D.1",
        "~",
        mean,
        measured,
        abs(measured - mean) <= margin,
        missing + case.unit,
        '"no" would be a false alarm in one of 100 starts at most (Chebyshev); the claim has no constant',
        spread=deviation,
        failure=CONFIDENCE,
        empty="so few neurons fire that it may be 0 or a hundred times the mean" if margin > FAR * mean else "",
    )


def error_falls(case: Case) -> Line:
    """||err(t)||^2 <= (1 - eta lambda / 2)^t ||err(0)||^2 at all t."""
    seen, smallest, bound = case.observed, case.smallest, predicted_errors(case)
    above = np.flatnonzero(_above(seen, bound))
    missing = case.not_as_trained + case.outside + case.singular + case.too_narrow
    if smallest > 0:
        rate, width = theorem_rate(case.n, smallest), theorem_width(case.n, float(seen.errors[0]), smallest)
        if seen.learning_rate > rate:
            missing += (f"eta may be lambda / (4 n^2) = {rate:.3g}, here {seen.learning_rate:.3g}",)
        if seen.width < width:
            missing += (f"m is wanted from {width:.3g}, where D < R, here {seen.width}",)
        radius = theorem_radius(case.n, smallest)
        missing += unlikely(kernel_drift_failure(case.n, case.independent, max(seen.threshold, 0.0), radius))
    if bound is None:
        missing += (f"eta lambda is above 2: {seen.learning_rate * smallest:.3g}",)
    missing += case.lost_in_rounding(not len(above))
    when = f"first above the bound at step {seen.steps[above[0]]}" if len(above) else "at or below it at every step"
    return Line(
        SECTION,
        "||err(t)||^2 at the last step",
        "(1 - eta lambda/2)^t ||err(0)||^2",
        "PRE Lemma 5.2",
        "<=",
        None if bound is None else float(bound[-1]),
        float(seen.errors[-1]),
        None if bound is None else not len(above),
        missing,
        "" if bound is None else when + ("" if case.all_steps else f" of every {seen.every} looked at"),
        empty=_flat(bound),
        course=True,
        failure=_kernel_failure(case),
    )


def _kernel_failure(case: Case) -> float:
    """Return the probability that the kernel is not near its mean at the start, or leaves it within the theorem's R."""
    b, radius = max(case.observed.threshold, 0.0), theorem_radius(case.n, case.smallest)
    return case.narrow_failure + kernel_drift_failure(case.n, case.independent, b, radius)


def _flat(bound: FloatArray | None) -> str:
    """Return why a bound that hardly falls says nothing of how fast the error does."""
    if bound is None or bound[-1] < (1.0 - _ACCURACY) * bound[0]:
        return ""
    return f"in so few steps the bound falls by less than {100 * _ACCURACY:g} %"


def weights_stay(case: Case) -> Line:
    """max_r ||w_r(t) - w_r(0)|| <= D. Its only premise is the error bound at every step, which is looked up."""
    seen, smallest = case.observed, case.smallest
    measured = float(seen.movement.max())
    bound = movement_bound(case.n, seen.width, float(seen.errors[0]), smallest) if smallest > 0 else math.inf
    missing = case.not_as_trained + case.singular
    if _above(seen, predicted_errors(case)).any():
        missing += ("its premise, the error bound of Lemma 5.2, is not met at every step",)
    if not case.all_steps:
        missing += (f"its premise was looked up at every {seen.every} steps only",)
    return Line(
        SECTION,
        "||w_r(t) - w_r(0)||, largest",
        "4 sqrt(n) ||err(0)|| / (lambda sqrt(m))",
        "PRE Claim C.7",
        "<=",
        finite(bound),
        measured,
        at_most(measured, bound),
        missing,
        empty=still(measured),
    )


def steps_needed(case: Case) -> Line:
    """T = lambda^-2 n^2 ln(n / epsilon) at the theorem's rate, beside the steps this run took to get there."""
    seen, smallest = case.observed, case.smallest
    target = _ACCURACY * float(seen.errors[0])
    reached = np.flatnonzero(seen.errors <= target)
    predicted = theorem_steps(case.n, smallest, _ACCURACY) if smallest > 0 else None
    measured = float(seen.steps[reached[0]]) if len(reached) else None
    note = "" if len(reached) else f"not reached in {int(seen.steps[-1])} steps"
    return Line(
        SECTION,
        f"steps to {_ACCURACY:g} of ||err(0)||^2",
        f"n^2 / lambda^2 ln(n / {_ACCURACY:g})",
        "PRE Lemma 5.2",
        "",
        predicted,
        measured,
        None,
        ("the theory gives its order only",),
        note,
    )


def predicted_errors(case: Case) -> FloatArray | None:
    """Return (R,) the bound of Lemma 5.2 at the steps looked at; None if eta lambda is 2 or more, where it has none."""
    seen = case.observed
    if seen.learning_rate * case.smallest >= 2.0:
        return None
    return error_bound(float(seen.errors[0]), seen.learning_rate, case.smallest, seen.steps)


def _above(seen: Observation, bound: FloatArray | None) -> BoolArray:
    """Return (R,) whether the error is above its bound and above what rounding leaves of it; all, without a bound."""
    if bound is None:
        return np.ones(len(seen.errors), bool)
    floor = (64.0 * seen.precision) ** 2 * (float(seen.errors[0]) + float(np.square(seen.targets).sum()))
    return np.asarray(seen.errors > bound * (1.0 + 1e-12) + floor)


def flow(case: Case) -> Line:
    """||err(s)||^2 <= exp(-lambda s) ||err(0)||^2 at s = eta t of the gradient flow, which small steps follow."""
    seen, smallest = case.observed, case.smallest
    missing = case.not_as_trained + case.outside + case.singular + case.too_narrow
    pace = seen.learning_rate * max(float(spectrum[-1]) for spectrum in seen.spectra)
    if pace > _FLOWING:
        missing += (f"steps that follow the flow are wanted, eta lambda_max(H) <= {_FLOWING:g}, here {pace:.3g}",)
    if smallest > 0:
        radius = theorem_radius(case.n, smallest)
        if float(seen.movement.max()) > radius:
            missing += (f"D_cts < R = {radius:.3g} is wanted, here neurons move by up to {seen.movement.max():.3g}",)
        missing += unlikely(kernel_drift_failure(case.n, case.independent, max(seen.threshold, 0.0), radius))
    bound = float(seen.errors[0]) * np.exp(-smallest * seen.learning_rate * seen.steps)
    above = np.flatnonzero(_above(seen, bound))
    missing += case.lost_in_rounding(not len(above))
    when = f"first above the bound at step {seen.steps[above[0]]}" if len(above) else "at or below it at every step"
    return Line(
        SECTION,
        "||err||^2 at the end of the gradient flow",
        "exp(-lambda eta T) ||err(0)||^2",
        "PRE Lemma C.5",
        "<=",
        float(bound[-1]),
        float(seen.errors[-1]),
        not len(above),
        missing,
        when,
        empty=_flat(bound),
        course=True,
        failure=_kernel_failure(case),
    )


LINES = (initial_error, error_falls, flow, weights_stay, steps_needed)
