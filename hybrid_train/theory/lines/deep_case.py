"""A deep run with everything its lines share computed once, and what DEEP wants of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from hybrid_train.data.padding import DEEP_LAST
from hybrid_train.data.separability import Separation, is_quick
from hybrid_train.network.deep import DeepNetwork, Pass
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import FAR, Relation, at_most, unit_data
from hybrid_train.theory.predictions.deep import (
    GradientBounds,
    Linearisation,
    gradient_bounds,
    gradient_radius,
    linearisation,
    movement,
    perturbation_radius,
    smallest_perturbation,
)
from hybrid_train.theory.predictions.robustness import separability
from hybrid_train.training.losses import Loss

SECTION = "deep network"

CONSTANT = "constant taken as 1"
"""What every line notes whose theorem hides its constant."""


def hidden(true: bool | None, relation: Relation, predicted: float, measured: float | None) -> tuple[str, ...]:
    """Return the missing assumption that the hidden constant is at most 100, where one up to that would turn a "no"."""
    if true is not False or measured is None:
        return ()
    wide = at_most(measured, FAR * predicted) if relation == "<=" else at_most(predicted / FAR, measured)
    return ("its constant is hidden: with a larger one than 1, not above 100, it would hold",) if wide else ()


_SAMPLE = 32
"""Examples for what takes a kernel of all positions of all examples."""

_LAST_TOLERANCE = 1e-6


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

    @property
    def covered(self) -> float:
        """The least omega that the theorems speak of and that is no less than the movement."""
        return max(self.omega, smallest_perturbation(self.width, self.depth, self.now.outputs))

    @cached_property
    def linearised(self) -> Linearisation:
        """The distance to the linearised network, on some of the examples."""
        return linearisation(self.start, self.now, self.inputs[:_SAMPLE])

    @property
    def sampled(self) -> str:
        """Which examples the linearisation was looked at on, if not all."""
        return f"of the first {_SAMPLE} examples" if len(self.inputs) > _SAMPLE else ""

    @cached_property
    def gradients(self) -> GradientBounds:
        """The gradient at W(t) beside its bounds."""
        return gradient_bounds(self.after, self.targets, self.loss, self.delta)

    @property
    def n(self) -> int:
        """Examples."""
        return len(self.inputs)

    @property
    def depth(self) -> int:
        """L."""
        return self.start.depth

    @property
    def width(self) -> int:
        """m: the most neurons of a layer."""
        return max(self.start.widths)

    @cached_property
    def distance(self) -> float:
        """The least distance of two examples (DEEP Assumption 2.1), from above where there are too many pairs."""
        return least_distance(self.inputs, self.separation)

    @property
    def delta(self) -> float:
        """A delta for which the data are separated, at most the 1 / L that DEEP wants."""
        return min(self.distance, 1.0 / self.depth)

    @property
    def shifted(self) -> tuple[str, ...]:
        """What is missing if there is a shift."""
        shifts = [layer.threshold for layer in self.start.layers]
        return (f"no shift is wanted, here b is up to {max(shifts):.3g}",) if any(shifts) else ()

    @property
    def outside(self) -> tuple[str, ...]:
        """What every theorem wants of network and data and this run lacks."""
        return self.shifted + unit_data(self.inputs)

    @property
    def unconvolved(self) -> tuple[str, ...]:
        """What is missing of a convolution, for which the theorems lose powers that they do not name."""
        if self.start.kind != "convolutional":
            return ()
        return ("for convolutions the bound has further powers of L and of the positions, which are not named",)

    @property
    def unseparated(self) -> tuple[str, ...]:
        """What is missing of the data where their separation counts."""
        if self.n == 1:
            return ("one datum has no separation",)
        found = []
        if self.distance == 0:
            found.append("data that are not separated: " + self.separation.text)
        if np.abs(self.inputs[:, -1] - DEEP_LAST).max() > _LAST_TOLERANCE:
            found.append("a last coordinate of 2^{-1/2} is wanted of the data")
        return tuple(found)

    @property
    def far(self) -> tuple[str, ...]:
        """What is missing if the weights left the ball around W(0) that Theorems 4 and 5 speak of."""
        if self.width == 1:
            return ("m >= 2 is wanted: ln m is 0",)
        return within(self.omega, perturbation_radius(self.width, self.depth), "1/(L^4.5 ln^3 m)")

    @property
    def narrow(self) -> tuple[str, ...]:
        """What is missing of the width that Lemmas 7.3 and 7.4 want, and 8.2, 8.6 and 8.7, which rest on them."""
        wanted = self.n * self.depth * math.log(max(2, self.n * self.depth))
        least = min(self.start.widths)
        return () if least >= wanted else (f"m >= n L ln(n L) = {wanted:.3g} is wanted, here {least}",)

    @property
    def far_for_gradients(self) -> tuple[str, ...]:
        """Likewise for Theorem 3, whose ball is smaller and depends on the data."""
        if self.width == 1:
            return self.far
        radius = gradient_radius(self.width, self.depth, self.n, self.delta)
        return within(self.omega, radius, "delta^{3/2}/(n^{9/2} L^6 ln^3 m)")


def least_distance(inputs: FloatArray, separation: Separation) -> float:
    """Return the least distance of two of the inputs (n, d), from above where there are too many pairs."""
    if len(inputs) < 2:
        return math.inf
    quick = is_quick(*inputs.shape)
    return separability(inputs, 0.0).distance if quick else separation.delta


def within(omega: float, radius: float, formula: str, what: str = "||W - W(0)||_2") -> tuple[str, ...]:
    """Return the missing assumption that ``what``, here omega, is at most the radius; none if it is."""
    return () if omega <= radius else (f"{what} <= {formula} = {radius:.2g} is wanted, here {omega:.2g}",)
