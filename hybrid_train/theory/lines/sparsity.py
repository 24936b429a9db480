"""How many neurons fire, at the start and along the run (PRE section 3.3, appendix C.6)."""

from __future__ import annotations

import math

import numpy as np

from hybrid_train.network.sparsity import expected_active, sparsity_bound
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.line import Line, at_most, unlikely
from hybrid_train.theory.predictions.counts import (
    bernstein_margin,
    fired_bound,
    flip_bound,
    flip_failure,
    mean_count_error,
    reach_probability,
    sparsity_failure,
)

SECTION = "fired neurons"
_FALSE_ALARM = 1e-9
_NO_NUMBER = "the theory gives no number"


def mean_count(case: Case) -> Line:
    """The mean of k_{i,0} over the data against m Q(b), within Bernstein's margin for these very data."""
    seen = case.observed
    norms = np.linalg.norm(seen.inputs, axis=1)
    expected = float(np.mean(expected_active(seen.width, seen.threshold, norms)))
    deviation = mean_count_error(case.joint, case.independent) * case.copies
    margin = bernstein_margin(deviation**2, case.copies, _FALSE_ALARM)
    measured = float(seen.counts[0].mean())
    return Line(
        SECTION,
        "fired at the start, mean over the data",
        "m Q(b)",
        "PRE Lemma 3.8",
        "~",
        expected,
        measured,
        abs(measured - expected) <= margin,
        failure=_FALSE_ALARM,
        empty="no count is outside its margin" if margin >= max(expected, seen.width - expected) else "",
        note=f'"no" would be a false alarm in one of {1 / _FALSE_ALARM:.0e} starts',
        spread=deviation,
    )


def most_at_start(case: Case) -> Line:
    """max_i k_{i,0} <= 2 m exp(-b^2/2)."""
    seen = case.observed
    failure = sparsity_failure(case.n, case.independent, seen.threshold)
    bound, measured = sparsity_bound(seen.width, seen.threshold), float(seen.counts[0].max())
    return Line(
        SECTION,
        "fired at the start, most for a datum",
        "2 m exp(-b^2/2)",
        "PRE Lemma 3.8",
        "<=",
        bound,
        measured,
        at_most(measured, bound),
        case.outside + unlikely(failure),
        "" if unlikely(failure) else f"fails with probability {max(failure, 1e-300):.2g} at most",
        failure=failure,
        empty=_trivial(bound, seen.width),
    )


def most_ever(case: Case) -> Line:
    """max_{i,t} k_{i,t} against the constants of the proof of Lemma C.10."""
    seen, radius = case.observed, covering_radius(case)
    b = max(seen.threshold, 0.0)
    bound, measured = fired_bound(seen.width, b, radius), float(seen.counts.max())
    failure = sparsity_failure(case.n, case.independent, b) + flip_failure(case.n, case.independent, b, radius)
    return Line(
        SECTION,
        "fired at any step, most for a datum",
        "2 m exp(-b^2/2) + 2 m min(R, e exp(-b^2/2))",
        "PRE Lemma C.10",
        "<=",
        bound,
        measured,
        at_most(measured, bound),
        _movable(case, radius) + unlikely(failure),
        f"R = {radius:.3g}, the power of 2 above the largest movement",
        failure=failure,
        empty=_trivial(bound, seen.width),
    )


def most_flips(case: Case) -> Line:
    """max_i of the neurons that ever flip against Claim C.11."""
    seen, radius = case.observed, covering_radius(case)
    b = max(seen.threshold, 0.0)
    bound, measured = flip_bound(seen.width, b, radius), float(seen.ever_flipped.max())
    return Line(
        SECTION,
        "ever flipped, most for a datum",
        "2 m min(R, e exp(-b^2/2))",
        "PRE Claim C.11",
        "<=",
        bound,
        measured,
        at_most(measured, bound),
        _movable(case, radius) + unlikely(flip_failure(case.n, case.independent, b, radius)),
        f"R = {radius:.3g}, the power of 2 above the largest movement",
        failure=flip_failure(case.n, case.independent, b, radius),
        empty=_trivial(bound, seen.width) or still(radius),
    )


def flips_within_reach(case: Case) -> Line:
    """Pairs that ever flip are among those within the largest movement of the threshold: no probability in it."""
    seen = case.observed
    bound, measured = float(seen.within_reach.sum()), float(seen.ever_flipped.sum())
    expected = case.n * seen.width * reach_probability(seen.threshold, float(seen.movement.max()))
    return Line(
        SECTION,
        "ever flipped, (datum, neuron) pairs",
        "pairs with |<w(0), x> - b| <= movement",
        "PRE Claim C.11",
        "<=",
        bound,
        measured,
        at_most(measured, bound),
        note=f"{expected:.3g} expected within reach",
        empty="true of every run (Cauchy and Schwarz)",
    )


def never_flipped(case: Case) -> Line:
    """The share of pairs that never flip, and flips a step; the theory has no number for them."""
    seen = case.observed
    share = 1.0 - float(seen.ever_flipped.sum()) / (case.n * seen.width)
    updates = max(1, len(seen.flips) - 1)
    apart = "a step" if seen.every == 1 else f"every {seen.every} steps"
    note = f"{seen.flips.sum() / updates:.3g} pairs flip {apart} on average, {int(seen.flips.max())} at most"
    return Line(
        SECTION, "share of pairs never flipped", "", "PRE Defs. C.8, C.9", "", None, share, None, (_NO_NUMBER,), note
    )


def covering_radius(case: Case) -> float:
    """Return the least power of 2 above the largest movement; 0 if nothing moved.

    The lemmas want an R that does not depend on the run; a union over the few powers of 2 pays for choosing one.
    """
    largest = float(case.observed.movement.max())
    if not 0 < largest < math.inf:
        return 0.0 if largest <= 0 else math.inf
    exponent = math.frexp(largest)[1]
    return math.ldexp(1.0, exponent) if exponent < 1024 else math.inf


def still(radius: float) -> str:
    """Return why a bound on what movement does says nothing, if nothing moved."""
    return "nothing moved" if radius == 0 else ""


def _movable(case: Case, radius: float) -> tuple[str, ...]:
    """What is missing for the claims about weights that moved by less than R."""
    b = case.observed.threshold
    if b > 0 and radius > 1.0 / b:
        return (f"neurons may move by 1/b = {1.0 / b:.3g}, here by up to {case.observed.movement.max():.3g}",)
    return case.outside


def _trivial(bound: float, width: int) -> str:
    return f"there are only m = {width}" if bound >= width else ""


LINES = (mean_count, most_at_start, most_ever, most_flips, flips_within_reach, never_flipped)
