"""What DEEP predicts of a deep run beside what was measured.

The theorems hide constants, which are 1 here: a line says whether the bound holds with that constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from hybrid_train.data.separability import Separation
from hybrid_train.network.deep import DeepNetwork, Pass
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import CONFIDENCE, Line, Relation, at_most, in_doubt
from hybrid_train.theory.predictions.deep import (
    Linearisation,
    flipped,
    gradient_bounds,
    hidden_norms,
    linearisation,
    movement,
    semi_smoothness,
)
from hybrid_train.training.losses import Loss

SECTION = "deep network"

_SAMPLE = 32
"""Examples for what takes a kernel of all positions of all examples."""


@final
@dataclass(frozen=True, eq=False)
class DeepCase:
    """A deep run: where it started, where it is, and on what.

    Attributes:
        start: the network at W(0).
        now: the network at W(t).
        inputs: (n, d).
        targets: as the loss reads them.
        loss: summed over the examples.
        separation: of the inputs.
        rate: of the step whose semi-smoothness is looked at.
    """

    start: DeepNetwork
    now: DeepNetwork
    inputs: FloatArray
    targets: FloatArray
    loss: Loss
    separation: Separation
    rate: float

    @cached_property
    def before(self) -> Pass:
        """The forward pass at W(0)."""
        return self.start.forward(self.inputs)

    @cached_property
    def after(self) -> Pass:
        """The forward pass at W(t)."""
        return self.now.forward(self.inputs)

    @cached_property
    def omega(self) -> float:
        """||W(t) - W(0)||_2."""
        return movement(self.start, self.now).spectral

    @cached_property
    def linearised(self) -> Linearisation:
        """The distance to the linearised network, on some of the examples."""
        return linearisation(self.start, self.now, self.inputs[:_SAMPLE])

    @property
    def shifted(self) -> tuple[str, ...]:
        """What is missing if there is a shift."""
        shifts = [layer.threshold for layer in self.start.layers]
        return (f"no shift is wanted, here b is up to {max(shifts):.3g}",) if any(shifts) else ()

    @property
    def far(self) -> tuple[str, ...]:
        """What is missing if the weights left the ball around W(0) that Theorems 4 and 5 speak of."""
        width = max(self.now.widths)
        if width == 1:
            return ("m >= 2 is wanted: ln m is 0",)
        radius = 1.0 / (self.now.depth**4.5 * math.log(width) ** 3)
        if self.omega <= radius:
            return ()
        return (f"||W - W(0)||_2 <= 1/(L^4.5 ln^3 m) = {radius:.2g} is wanted, here {self.omega:.2g}",)


def deep_lines(case: DeepCase) -> list[Line]:
    """Return every line about a deep run."""
    return [
        *norms_kept(case),
        gradient_above(case),
        gradient_below(case),
        semi_smooth(case),
        *near_linearisation(case),
        flips_few(case),
    ]


def norms_kept(case: DeepCase) -> Sequence[Line]:
    """||h_l|| at the start: near 1, and in residual networks between 1/sqrt(20) and 1.02."""
    norms = hidden_norms(case.before)
    if case.start.kind == "residual":
        source = "DEEP Appendix C"
        return (
            _line("max ||h_l|| at the start", "1.02", source, "<=", 1.02, float(norms.max()), case.shifted),
            _line("min ||h_l|| at the start", "20^{-1/2}", source, ">=", 20**-0.5, float(norms.min()), case.shifted),
        )
    chances = len(case.before) * case.start.depth / CONFIDENCE
    error = math.sqrt(case.start.depth * math.log(chances) / min(case.start.widths))
    worst = float(np.abs(norms - 1.0).max())
    formula = "(L ln(100 n L) / m)^{1/2}"
    return (_line("max | ||h_l|| - 1 | at the start", formula, "DEEP Lemma 7.1", "<=", error, worst, case.shifted),)


def gradient_above(case: DeepCase) -> Line:
    """The gradient of a layer against its upper bound."""
    found = gradient_bounds(case.after, case.targets, case.loss, case.separation.delta)
    formula = "m n ||loss||^2 / d"
    quantity = "max_l ||grad_l F||_F^2"
    return _line(quantity, formula, "DEEP Theorem 3", "<=", found.upper, found.largest, case.shifted)


def gradient_below(case: DeepCase) -> Line:
    """The gradient of the last layer against its lower bound: no critical point."""
    delta = case.separation.delta
    found = gradient_bounds(case.after, case.targets, case.loss, min(delta, 2.0))
    missing = case.shifted if delta > 0 else (*case.shifted, "data that are not separated: " + case.separation.text)
    formula = "delta m max_i ||loss_i||^2 / (d n)"
    missing += in_doubt(case.separation, at_most(found.lower, found.last))
    return _line("||grad_L F||_F^2", formula, "DEEP Theorem 3", ">=", found.lower, found.last, missing)


def semi_smooth(case: DeepCase) -> Line:
    """A step of gradient descent: what it loses against the first order."""
    gradient = case.after.gradient(case.loss.derivative(case.after.outputs, case.targets))
    moves = [-case.rate * part for part in gradient]
    found = semi_smoothness(case.start, case.now, moves, case.inputs, case.targets, case.loss, (1.0,))[0]
    formula = "(n F)^{1/2} omega^{1/3} L^2 (m ln m / d)^{1/2} ||W'||_2 + n L^2 m / d ||W'||_2^2"
    quantity = "F(W + W') - F(W) - <grad F, W'>"
    return _line(quantity, formula, "DEEP Theorem 4", "<=", found.right, found.left, case.shifted + case.far)


def near_linearisation(case: DeepCase) -> Sequence[Line]:
    """The distance to the linearised network: of gradients, outputs and kernels."""
    found, missing = case.linearised, case.shifted + case.far
    root = "(ln m)^{1/2} omega^{1/3} L^3"
    outputs = "L^3 omega^{4/3} (m ln m / d)^{1/2}"
    gap, kernel = found.gradient_bound, found.kernel_bound
    return (
        _line("relative change of a gradient", root, "DEEP Theorem 5a", "<=", gap, found.gradient, missing),
        _line("output - linearised", outputs, "DEEP Theorem 5b", "<=", found.output_bound, found.output, missing),
        _line("relative change of the kernel", root, "DEEP Theorem 5c", "<=", kernel, found.kernel, missing),
    )


def flips_few(case: DeepCase) -> Line:
    """Neurons of a layer that fire at one of W(0) and W(t) only."""
    worst = float(flipped(case.before, case.after).max())
    bound = max(case.now.widths) * case.omega ** (2 / 3) * case.now.depth
    missing = case.shifted + case.far
    return _line("flips of an example in a layer", "m omega^{2/3} L", "DEEP Lemma 8.2b", "<=", bound, worst, missing)


def _line(
    quantity: str,
    formula: str,
    source: str,
    relation: Relation,
    predicted: float,
    measured: float,
    missing: tuple[str, ...],
) -> Line:
    true = at_most(measured, predicted) if relation == "<=" else at_most(predicted, measured)
    return Line(SECTION, quantity, formula, source, relation, predicted, measured, true, missing, "constant taken as 1")
