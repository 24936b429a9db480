"""The tangent kernels and their smallest eigenvalues (PRE section 5, appendices C.1, C.2, F)."""

from __future__ import annotations

import math

import numpy as np

from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.line import CONFIDENCE, Line, at_most, in_doubt, unlikely
from hybrid_train.theory.lines.sparsity import covering_radius, still
from hybrid_train.theory.predictions.convergence import theorem_radius
from hybrid_train.theory.predictions.spectrum import (
    hidden_below,
    kernel_drift_bound,
    kernel_drift_failure,
    smallest_of,
    spectral_bounds,
)

SECTION = "kernel"


def above_separation(case: Case) -> Line:
    """The smallest eigenvalue against exp(-b^2/2) delta / (100 n^2)."""
    seen, delta = case.observed, case.separation.delta
    lower, _ = spectral_bounds(case.n, max(seen.threshold, 0.0), delta)
    missing = case.outside
    if case.n == 1:
        missing += ("one datum has no separation",)
    elif delta == 0:
        missing += ("data that are not separated: " + case.separation.text,)
    satisfied, lost = at_most(lower, case.smallest), hidden_below(case.spectrum)
    if not satisfied and lower <= lost:
        missing += (f"eigenvalues below {lost:.2g} are lost in rounding, and so is the bound",)
    return Line(
        SECTION,
        "lambda = lambda_min(H^cts)",
        "exp(-b^2/2) delta / (100 n^2)",
        "PRE Theorem F.1",
        ">=",
        lower,
        case.smallest,
        satisfied,
        missing + in_doubt(case.separation, satisfied),
        case.separation.delta_text,
    )


def below_tail(case: Case) -> Line:
    """The smallest eigenvalue against exp(-b^2/2)."""
    _, upper = spectral_bounds(case.n, max(case.observed.threshold, 0.0), case.separation.delta)
    measured = case.smallest
    tail = float(case.joint.diagonal().min())
    return Line(
        SECTION,
        "lambda",
        "exp(-b^2/2)",
        "PRE Theorem F.1",
        "<=",
        upper,
        measured,
        at_most(measured, upper),
        case.outside,
        f"its proof gives more: Q(b) = {tail:.3g}",
        empty="true of every data of unit norm: no least eigenvalue is above the diagonal",
    )


def discrete_above(case: Case) -> Line:
    """The smallest eigenvalue of H^dis at the start against 3/4 lambda."""
    smallest, measured = case.smallest, smallest_of(case.observed.spectra[0])
    missing = case.outside + case.singular + case.too_narrow
    return Line(
        SECTION,
        "lambda_min(H^dis) at W(0)",
        "3/4 lambda",
        "PRE Lemma C.1",
        ">=",
        0.75 * smallest,
        measured,
        at_most(0.75 * smallest, measured),
        missing,
        failure=case.narrow_failure,
    )


def discrete_near(case: Case) -> Line:
    """||H^dis - H^cts||_F^2 has the mean sum_ij <x_i, x_j>^2 P_ij (1 - P_ij) / m: the closed form, checked."""
    seen = case.observed
    gram = seen.inputs @ seen.inputs.T
    distance = float(np.linalg.norm(seen.initial_kernel - gram * case.joint))
    expected = math.sqrt(float((np.square(gram) * case.joint * (1.0 - case.joint)).sum()) / case.independent)
    farthest = float(np.linalg.norm(gram * np.maximum(case.joint, 1.0 - case.joint)))
    rounding = hidden_below(gram)
    return Line(
        SECTION,
        "||H^dis - H^cts||_F at W(0)",
        "its root mean square over starts",
        "PRE Lemma C.1",
        "~",
        expected,
        distance,
        distance <= 10.0 * expected + rounding,
        failure=CONFIDENCE,
        empty="no start is further away" if 10.0 * expected + rounding >= farthest else "",
        note='"yes" up to 10 times that, exceeded with probability 1 % at most (Markov)',
    )


def kernel_drift(case: Case) -> Line:
    """||H(t) - H(0)||_F <= n min(2 e exp(-b^2/2), 3 R)."""
    seen, radius = case.observed, covering_radius(case)
    b = max(seen.threshold, 0.0)
    bound, measured = kernel_drift_bound(case.n, b, radius), float(seen.drift.max())
    gram = seen.inputs @ seen.inputs.T
    missing = case.outside
    if b > 0 and radius > 1.0 / b:
        missing += (f"neurons may move by 1/b = {1.0 / b:.3g}, here by up to {seen.movement.max():.3g}",)
    failure = kernel_drift_failure(case.n, case.independent, b, radius)
    return Line(
        SECTION,
        "||H(t) - H(0)||_F, largest",
        "n min(2 e exp(-b^2/2), 3 R)",
        "PRE Lemma C.2",
        "<=",
        bound,
        measured,
        at_most(measured, bound),
        missing + unlikely(failure),
        failure=failure,
        note=f"R = {radius:.3g}, the power of 2 above the largest movement; {_looked(case)}",
        empty=still(radius) or ("no kernels are further apart" if bound >= float(np.linalg.norm(gram)) else ""),
    )


def kernel_stays(case: Case) -> Line:
    """The smallest eigenvalue of H(t) against lambda / 2, which holds while no neuron moves further than R.

    Its proof starts from that of H(0), for which Lemma C.1 wants a width, and goes on by Lemma C.2, which may fail.
    """
    seen, smallest = case.observed, case.smallest
    measured = min(smallest_of(spectrum) for spectrum in seen.spectra)
    radius, largest = theorem_radius(case.n, smallest), float(seen.movement.max())
    missing = case.outside + case.singular + case.too_narrow
    if smallest > 0:
        if largest > radius:
            missing += (f"neurons may move by R = lambda / (24 n) = {radius:.3g}, here by up to {largest:.3g}",)
        missing += unlikely(kernel_drift_failure(case.n, case.independent, max(seen.threshold, 0.0), radius))
    return Line(
        SECTION,
        "lambda_min(H(t)), smallest",
        "lambda / 2",
        "PRE Lemma C.5",
        ">=",
        0.5 * smallest,
        measured,
        at_most(0.5 * smallest, measured),
        missing,
        failure=case.narrow_failure + kernel_drift_failure(case.n, case.independent, max(seen.threshold, 0.0), radius),
        note=_looked(case),
    )


def kernel_near(case: Case) -> Line:
    """The smallest eigenvalue of H(t) against 3/4 lambda less what movement may take (Lemma C.2, Part 2)."""
    seen, radius = case.observed, covering_radius(case)
    b = max(seen.threshold, 0.0)
    bound = 0.75 * case.smallest - kernel_drift_bound(case.n, b, radius)
    measured = min(smallest_of(spectrum) for spectrum in seen.spectra)
    missing = case.outside + case.singular + case.too_narrow
    if b > 0 and radius > 1.0 / b:
        missing += (f"neurons may move by 1/b = {1.0 / b:.3g}, here by up to {seen.movement.max():.3g}",)
    return Line(
        SECTION,
        "lambda_min(H(t)), smallest, for this movement",
        "3/4 lambda - n min(2 e exp(-b^2/2), 3 R)",
        "PRE Lemma C.2",
        ">=",
        bound,
        measured,
        at_most(bound, measured),
        missing + unlikely(kernel_drift_failure(case.n, case.independent, b, radius)),
        failure=case.narrow_failure + kernel_drift_failure(case.n, case.independent, b, radius),
        note=f"R = {radius:.3g}, the power of 2 above the largest movement; {_looked(case)}",
        empty="no kernel has a negative eigenvalue" if bound <= 0 else "",
    )


def _looked(case: Case) -> str:
    """Return at how many of the steps the kernel was looked at."""
    steps = case.observed.spectrum_steps
    return f"of {len(steps)} steps from 0 to {steps[-1]}"


LINES = (above_separation, below_tail, discrete_near, discrete_above, kernel_drift, kernel_near, kernel_stays)
