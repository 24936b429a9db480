"""Single steps of gradient descent, term by term (PRE Claim C.6, appendix D.2 to D.7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hybrid_train.network.sparsity import gaussian_decay
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.line import Line, at_most, unlikely
from hybrid_train.theory.lines.sparsity import covering_radius, still
from hybrid_train.theory.predictions.counts import flip_failure
from hybrid_train.theory.predictions.spectrum import kernel_drift_failure
from hybrid_train.theory.predictions.step_terms import StepTerms

SECTION = "single steps"
_ROUNDING = 1e4
"""Units of roundoff of a step's terms, between which the identity cannot tell."""

_FLOOR = 1e8
"""Squared units of roundoff below which an error is rounding."""


def identity(case: Case) -> Line:
    """The error after a step is the one before and four terms: exact for gradient descent, whatever the width.

    A gap of less than one roundoff is shown as one: what it is depends on the order in which outputs are summed.
    """
    seen, terms = case.observed, _terms(case)
    targets = float(np.linalg.norm(seen.targets))
    gaps = [abs(one.gap) / (one.size + math.sqrt(one.size) * targets) for one in terms]
    measured = max(*gaps, seen.precision) if gaps else None
    return Line(
        SECTION,
        "||err(k+1)||^2 - ||err(k)||^2 - B1 - B2 - B3 - B4, relative, largest",
        "0",
        "PRE Claim D.2",
        "~",
        0.0 if terms else None,
        measured,
        None if measured is None else measured <= _ROUNDING * seen.precision,
        _wanted(case, terms),
        _looked(case, terms) + f"; up to {_ROUNDING * seen.precision:.2g} is rounding",
        empty="" if any(one.first for one in terms) else "no step moved an output",
    )


def gradient(case: Case) -> Line:
    """||dL/dw_r|| <= sqrt(n / m) ||err||."""
    terms = _terms(case)
    bound = math.sqrt(case.n / case.observed.width)
    measured = max((one.gradient / math.sqrt(one.before) for one in terms), default=None)
    missing = _wanted(case, terms) + case.unit
    return _bounded(
        "||dL/dw_r|| / ||err(k)||, largest",
        "sqrt(n / m)",
        "PRE Claim C.6",
        bound,
        measured,
        missing,
        _looked(case, terms),
        "true of every run (Cauchy and Schwarz)",
    )


def improvement(case: Case) -> Line:
    """B1 <= -eta lambda ||err||^2, while no neuron is further than R = lambda / (12 n) from where it was."""
    seen, terms, smallest = case.observed, _terms(case), case.smallest
    missing = _wanted(case, terms) + case.outside + case.singular + case.too_narrow
    if smallest > 0:
        radius, largest = smallest / (12.0 * case.n), float(seen.movement.max())
        if largest > radius:
            missing += (f"neurons may move by R = lambda / (12 n) = {radius:.3g}, here by up to {largest:.3g}",)
        missing += unlikely(kernel_drift_failure(case.n, case.independent, max(seen.threshold, 0.0), radius))
    measured = _largest(terms, lambda one: one.first / (seen.learning_rate * one.before))
    return _bounded(
        "B1 / (eta ||err(k)||^2), largest",
        "-lambda",
        "PRE Claim D.5",
        -smallest,
        measured,
        missing,
        _looked(case, terms),
        failure=_drift_failure(case),
    )


def _drift_failure(case: Case) -> float:
    """Return with which probability H(k) is further from its mean than Claim D.5 lets it."""
    radius, b = case.smallest / (12.0 * case.n), max(case.observed.threshold, 0.0)
    return case.narrow_failure + kernel_drift_failure(case.n, case.independent, b, radius)


def _side_failure(case: Case) -> float:
    """Return with which probability more neurons flip than Claim C.11 lets."""
    b = max(case.observed.threshold, 0.0)
    return flip_failure(case.n, case.independent, b, covering_radius(case))


def dual_norm(case: Case) -> Line:
    """||H'||_F^2 <= (n / m^2) sum_i |flip set of i|^2, with the square of the norm, which is not printed."""
    terms = [one for one in _terms(case) if one.flipped]
    measured = _largest(terms, lambda one: one.dual**2 / one.flip_share)
    printed = sum(one.dual > one.flip_share for one in terms)
    missing = _wanted(case, _terms(case)) + case.unit + (() if terms else ("no neuron changed sides",))
    note = _looked(case, _terms(case))
    return _bounded(
        "||H'||_F^2 m^2 / (n sum_i |flip set of i|^2), largest",
        "1",
        "PRE Fact D.4",
        1.0,
        measured,
        missing,
        note + (f"; as printed, of ||H'||_F without the square, it is broken in {printed} of them" if printed else ""),
        "true of every run (each entry of H' counts neurons of a flip set)",
    )


def dual(case: Case) -> Line:
    """B2 <= 2 eta n |flip set| / m ||err||^2, with the flip sets of Claim C.11 and its constants."""
    terms, rate = _terms(case), case.observed.learning_rate
    measured = _largest(terms, lambda one: one.second / (rate * one.before))
    return _flipping(case, "B2 / (eta ||err(k)||^2), largest", "PRE Claim D.6", measured, terms)


def flips(case: Case) -> Line:
    """B3 <= 2 eta n |flip set| / m ||err||^2 likewise."""
    terms, rate = _terms(case), case.observed.learning_rate
    measured = _largest(terms, lambda one: one.third / (rate * one.before))
    return _flipping(case, "B3 / (eta ||err(k)||^2), largest", "PRE Claim D.7", measured, terms)


def outputs_move(case: Case) -> Line:
    """B4 <= eta^2 n^2 ||err||^2."""
    terms, rate, bound = _terms(case), case.observed.learning_rate, float(case.n**2)
    measured = _largest(terms, lambda one: one.fourth / one.before / rate / rate)
    beyond = any(math.sqrt(one.fourth) > rate * case.n * math.sqrt(one.before) + _lost(case, one) for one in terms)
    return _bounded(
        "B4 / (eta^2 ||err(k)||^2), largest",
        "n^2",
        "PRE Claim D.8",
        bound,
        measured,
        _wanted(case, terms) + case.unit + (() if beyond else _rounded(measured, bound)),
        _looked(case, terms),
        "true of every run (Cauchy and Schwarz)",
    )


def one_step(case: Case) -> Line:
    """What one step leaves of the error, against the sum of the four bounds."""
    seen, terms, rate = case.observed, _terms(case), case.observed.learning_rate
    missing = improvement(case).missing
    bound = 1.0 - rate * case.smallest + rate * 2.0 * _flip_share(case) + (rate * case.n) * (rate * case.n)
    measured = _largest(terms, lambda one: one.after / one.before)
    kept = [math.sqrt(max(bound, 0.0) * one.before) + _lost(case, one) for one in terms]
    if all(math.sqrt(one.after) <= most for one, most in zip(terms, kept, strict=True)):
        missing += _rounded(measured, bound)
    missing += unlikely(flip_failure(case.n, case.independent, max(seen.threshold, 0.0), covering_radius(case)))
    return _bounded(
        "||err(k+1)||^2 / ||err(k)||^2, largest",
        "1 - eta lambda + 4 eta n min(2 R, 2e exp(-b^2/2)) + eta^2 n^2",
        "PRE Lemma D.3",
        bound,
        measured,
        missing,
        _looked(case, terms),
        "it lets the error grow" if bound >= 1.0 else "",
        _drift_failure(case) + _side_failure(case),
    )


def _lost(case: Case, one: StepTerms) -> float:
    """Return what rounding may do to ||u(k+1) - u(k)||: 64 roundoffs of all that makes outputs and errors up."""
    seen = case.observed
    sizes = math.sqrt(one.before) + math.sqrt(one.after) + float(np.linalg.norm(seen.targets)) + math.sqrt(case.n)
    return 64.0 * seen.precision * (1.0 + abs(seen.threshold)) * sizes


def _rounded(measured: float | None, bound: float) -> tuple[str, ...]:
    """Return what is missing if a value beyond its bound is so by no more than rounding."""
    if measured is None or at_most(measured, bound):
        return ()
    return ("what is beyond the bound is no more than rounding",)


def _flip_share(case: Case) -> float:
    """Return 2 n times the share of neurons that Claim C.11 lets flip for a datum."""
    b = max(case.observed.threshold, 0.0)
    return 2.0 * case.n * 2.0 * min(covering_radius(case), math.e * gaussian_decay(b))


def _flipping(case: Case, quantity: str, source: str, measured: float | None, terms: Sequence[StepTerms]) -> Line:
    radius, b = covering_radius(case), max(case.observed.threshold, 0.0)
    bound = _flip_share(case)
    missing = _wanted(case, terms) + case.outside
    if b > 0 and radius > 1.0 / b:
        missing += (f"neurons may move by 1/b = {1.0 / b:.3g}, here by up to {case.observed.movement.max():.3g}",)
    missing += unlikely(flip_failure(case.n, case.independent, b, radius))
    empty = still(radius) or ("no step has a larger one" if bound >= 2.0 * case.n else "")
    if not empty and terms and not any(one.flipped for one in terms):
        empty = "no neuron changed sides"
    note = f"{_looked(case, terms)}; R = {radius:.3g}, the power of 2 above the largest movement"
    return _bounded(
        quantity, "4 n min(R, e exp(-b^2/2))", source, bound, measured, missing, note, empty, _side_failure(case)
    )


def _bounded(
    quantity: str,
    formula: str,
    source: str,
    bound: float,
    measured: float | None,
    missing: tuple[str, ...],
    note: str,
    empty: str = "",
    failure: float = 0.0,
) -> Line:
    holds = None if measured is None else at_most(measured, bound)
    return Line(
        SECTION, quantity, formula, source, "<=", bound, measured, holds, missing, note, empty=empty, failure=failure
    )


def _terms(case: Case) -> list[StepTerms]:
    """Return the steps looked at whose error is more than rounding."""
    seen = case.observed
    floor = _FLOOR * seen.precision**2 * (float(seen.errors[0]) + float(np.square(seen.targets).sum()))
    return [one.scaled(seen.learning_rate) for one in seen.terms if one.before > floor]


def _largest(terms: Sequence[StepTerms], value: Callable[[StepTerms], float]) -> float | None:
    return max(map(value, terms), default=None)


def _wanted(case: Case, terms: Sequence[StepTerms]) -> tuple[str, ...]:
    """What is missing of a run whose steps are looked at one by one."""
    missing = case.not_as_trained
    if not terms:
        missing += ("no two steps that follow each other were looked at",)
    return missing


def _looked(case: Case, terms: Sequence[StepTerms]) -> str:
    return f"of {len(terms)} steps looked at"


LINES = (identity, gradient, improvement, dual_norm, dual, flips, outputs_move, one_step)
