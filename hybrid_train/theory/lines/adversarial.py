"""What ADV predicts of a network that jumps, trained with an adversary or without, beside what was measured.

Lemma 5.8 and Lemma 5.14 hide constants; their lines claim nothing and show the numbers side by side with constant 1.
K is that of the movement, max_r ||w_r(t) - w_r(0)|| = K m^{-3/5}, as in Theorem 5.1. That theorem wants tau = O(1/m) as
well, while Lemma 5.15 has tau = K m^{-3/5}: where the second holds the first fails, and the lines say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, distinct
from hybrid_train.theory.lines.line import Line, at_most, unlikely
from hybrid_train.theory.predictions.adversarial import (
    activation_bound,
    activation_failure,
    expected_activated,
    flip_count_bound,
    flip_count_failure,
    movement_constant,
    threshold_constant,
)
from hybrid_train.theory.predictions.pseudo_network import gradient_coupling, pseudo_gap

SECTION = "network of adversarial training"

ASSUMED_EXPONENT = -15 / 24
"""The theory wants no neuron to move further than this power of m (ADV Claim 5.16)."""


@final
@dataclass(frozen=True, eq=False)
class AdversarialCase:
    """A run of a network that jumps: where it started, where it is, and on what.

    Attributes:
        start: W(0), see :func:`hybrid_train.theory.predictions.pseudo_network.starting_point`.
        network: at W(t).
        inputs: (n, d + 1) clean queries (x, 1), ||x|| = 1.
        elsewhere: (N, d + 1) other places of the inputs' set.
        slope: (n, K) derivative of the mean loss in the outputs at W(t).
    """

    start: DenseBank
    network: TwoLayerNetwork
    inputs: FloatArray
    elsewhere: FloatArray
    slope: FloatArray


def adversarial_lines(case: AdversarialCase) -> list[Line]:
    """Return every line."""
    return [*_counts(case), *_flips(case), *_pseudo(case)]


def _counts(case: AdversarialCase) -> Sequence[Line]:
    m, n, tau = case.network.width, len(case.inputs), case.network.threshold
    counts = active_pairs(case.start, case.inputs, tau).counts
    bound = activation_bound(m, tau)
    negative = (f"tau >= 0 is wanted, here {tau:.3g}",) if tau < 0 else ()
    return (
        Line(
            SECTION,
            "neurons activated for a datum at the start, mean",
            "m P(z > tau), z ~ N(0, 2/m)",
            "ADV Definition 3.1",
            "",
            expected_activated(m, tau),
            float(counts.mean()),
            None,
            ("the mean of what is drawn: for comparison",),
            f"tau is K m^(-3/5) with K = {threshold_constant(m, tau):.3g}",
        ),
        Line(
            SECTION,
            "neurons activated for a datum at the start, most",
            "2 m exp(-m tau^2 / 4)",
            "ADV Lemma 5.15",
            "<=",
            bound,
            float(counts.max()),
            at_most(float(counts.max()), bound),
            missing=negative + unlikely(activation_failure(n, m, tau)),
            failure=activation_failure(n, m, tau),
            empty=f"there are only m = {m}" if bound >= m else "",
        ),
    )


def _flips(case: AdversarialCase) -> Sequence[Line]:
    m, n, tau = case.network.width, len(case.inputs), case.network.threshold
    now, then = (active_pairs(bank, case.inputs, tau).to_scipy() for bank in (case.network.weights, case.start))
    changed = ((now != 0) != (then != 0)).tocoo()
    flipped = float(len(distinct(changed.col)))
    radius = _distance(case)
    bound = flip_count_bound(n, m, radius)
    return (
        Line(
            SECTION,
            "max_r ||w_r(t) - w_r(0)||",
            "m^(-15/24)",
            "ADV Claim 5.16, its assumption",
            "<=",
            m**ASSUMED_EXPONENT,
            radius,
            at_most(radius, m**ASSUMED_EXPONENT),
            () if at_most(radius, m**ASSUMED_EXPONENT) else ("an assumption of the theory, which fails here",),
            "an assumption of the theory, looked up; printed rate and steps allow K T^(1/2) m^(-2/5)",
            empty="nothing moved" if radius == 0 else "",
            course=True,
        ),
        Line(
            SECTION,
            "neurons that changed sides for some datum since the start",
            "2 n m R sqrt(m / pi), R as measured",
            "ADV Claim 5.16",
            "<=",
            bound,
            flipped,
            at_most(flipped, bound),
            missing=unlikely(flip_count_failure(n, m, radius)),
            failure=flip_count_failure(n, m, radius),
            empty="nothing moved" if radius == 0 else f"there are only m = {m}" if bound >= m else "",
        ),
    )


def _pseudo(case: AdversarialCase) -> Sequence[Line]:
    m, n, tau = case.network.width, len(case.inputs), case.network.threshold
    everywhere = np.concatenate([case.inputs, case.elsewhere])
    radius = _distance(case)
    k = max(1.0, movement_constant(m, radius))
    hidden = ("the theory hides its constant, which is 1 here",)
    steep = (f"tau = O(1/m) is wanted (Theorem 5.1, against Lemma 5.15), here {tau * m:.3g}/m",) if tau * m > 1 else ()
    return (
        Line(
            SECTION,
            f"largest |f - g| of {len(everywhere)} inputs",
            "K^2 m^(-1/10), K = max(1, movement m^(3/5))",
            "ADV Lemma 5.8",
            "",
            k * k * m**-0.1,
            pseudo_gap(case.network, case.start, everywhere),
            None,
            hidden + steep,
            f"sampled: the supremum over all inputs is no smaller; K = {k:.3g}; the proof as it stands gives "
            f"K^2 m^(1/10) = {k * k * m**0.1:.3g}",
        ),
        Line(
            SECTION,
            "distance of the gradients of f and g, norm (2, 1)",
            "n m^(27/40)",
            "ADV Lemma 5.14",
            "",
            n * m ** (27 / 40),
            gradient_coupling(case.network, case.start, case.inputs, case.slope),
            None,
            hidden + ((f"the movement is above m^(-15/24) = {m**ASSUMED_EXPONENT:.3g}",) if _far(case) else ()),
        ),
    )


def _far(case: AdversarialCase) -> bool:
    """Return whether some neuron is further from its start than the theory wants."""
    return not at_most(_distance(case), case.network.width**ASSUMED_EXPONENT)


def _distance(case: AdversarialCase) -> float:
    """Return max_r ||w_r(t) - w_r(0)||."""
    return float(np.linalg.norm(case.network.weights[:] - case.start[:], axis=1).max())
