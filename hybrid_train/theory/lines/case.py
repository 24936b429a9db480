"""A run and its data with everything the lines share computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from hybrid_train.data.separability import Separation
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import CONFIDENCE, trained_exactly, unit_data
from hybrid_train.theory.lines.observation import Observation
from hybrid_train.theory.predictions.kernel import joint_firing
from hybrid_train.theory.predictions.spectrum import (
    discrete_kernel_failure,
    discrete_kernel_width,
    eigenvalues,
    smallest_of,
)

_DOUBLE = 1e-12
"""Between the roundoffs of double and of single precision."""


@final
@dataclass(frozen=True, eq=False)
class Case:
    """One observed two-layer run.

    Attributes:
        observed: the measurements.
        separation: of its data.
        loss: name of the loss.
        start: "gaussian" or "paired".
        algorithm: "gd" or another.
        output_weight: B, where the output weights are -B or +B.
        promise: of the finder that was trained with.
        plain: whether a step moves along the gradient at a constant rate.
    """

    observed: Observation
    separation: Separation
    loss: str
    start: str
    algorithm: str
    output_weight: float = 1.0
    promise: Promise = EXACT
    plain: bool = True

    @property
    def n(self) -> int:
        """Data."""
        return len(self.observed.inputs)

    @property
    def outputs(self) -> int:
        """K."""
        return int(self.observed.targets.shape[1])

    @property
    def copies(self) -> int:
        """Neurons that share one draw: 2 for a paired start."""
        return 2 if self.start == "paired" else 1

    @property
    def independent(self) -> int:
        """Neurons drawn independently."""
        return self.observed.width // self.copies

    @cached_property
    def joint(self) -> FloatArray:
        """(n, n) probabilities that one neuron fires for both data."""
        return joint_firing(self.observed.inputs, self.observed.threshold)

    @cached_property
    def spectrum(self) -> FloatArray:
        """(n,) eigenvalues of H^cts, ascending."""
        gram = self.observed.inputs @ self.observed.inputs.T
        return eigenvalues(0.5 * (gram + gram.T) * self.joint)

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue lambda of H^cts; 0 where it cannot be told from 0."""
        return smallest_of(self.spectrum)

    @property
    def outside(self) -> tuple[str, ...]:
        """What every theorem wants of data and threshold and this run lacks."""
        b = self.observed.threshold
        return ((f"b >= 0 is wanted, here b = {b:.3g}",) if b < 0 else ()) + self.unit

    @property
    def unit(self) -> tuple[str, ...]:
        """What is missing if the data are not of norm 1."""
        return unit_data(self.observed.inputs)

    @property
    def singular(self) -> tuple[str, ...]:
        """What is missing if lambda is 0."""
        if self.smallest > 0:
            return ()
        why = self.separation.text if self.separation.degenerate else "the data are close to dependent"
        if self.spectrum[-1] <= 0:
            why = "no neuron fires"
        return (f"lambda is 0 up to rounding ({why})",)

    @property
    def too_narrow(self) -> tuple[str, ...]:
        """What is missing if Lemma C.1 wants more neurons for the kernel at the start to be near its mean."""
        if discrete_kernel_failure(self.n, self.independent, self.smallest) <= CONFIDENCE or self.smallest <= 0:
            return ()
        needed = discrete_kernel_width(self.n, self.smallest, CONFIDENCE)
        return (f"Lemma C.1 wants {needed:.3g} neurons, here {self.independent}",)

    @property
    def narrow_failure(self) -> float:
        """With which probability the kernel at the start is further from its mean than Lemma C.1 lets it."""
        return discrete_kernel_failure(self.n, self.independent, self.smallest) if self.smallest > 0 else 1.0

    @property
    def not_as_trained(self) -> tuple[str, ...]:
        """What the convergence theorems want of the training and this one lacks."""
        found = []
        if self.algorithm != "gd":
            found.append(f"full-batch gradient descent is wanted, here algorithm = {self.algorithm}")
        if self.loss != "squared":
            found.append(f"the squared loss is wanted, here loss = {self.loss}")
        if self.output_weight != 1.0:
            found.append(f"output weights of -1 and +1 are wanted, here {self.output_weight:g}")
        if self.outputs != 1:
            found.append(f"one output is wanted, here K = {self.outputs}")
        return (*found, *trained_exactly(self.plain, self.promise))

    def lost_in_rounding(self, satisfied: bool | None) -> tuple[str, ...]:
        """Return what is missing for a "no" of a run whose steps may be smaller than its numbers can tell."""
        if satisfied is not False or self.observed.precision <= _DOUBLE:
            return ()
        return ("double precision is wanted: a step that is lost in rounding is none of descent",)

    @property
    def all_steps(self) -> bool:
        """Whether every step was looked at."""
        return bool(np.all(np.diff(self.observed.steps) == 1))
