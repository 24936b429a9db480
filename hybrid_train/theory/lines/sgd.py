"""SGD: the data's bound, the excess loss, the width and steps the theory asks for it (SGD Theorems 1.5, 5.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from hybrid_train.config import Config
from hybrid_train.data import EvenPolynomials, input_bound
from hybrid_train.data.even_polynomial import EvenPolynomial
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.setting import Setting
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import CONFIDENCE, Line, at_most, unit_data
from hybrid_train.theory.predictions.sgd import excess_loss_bound, kernel_norm, sgd_steps, sgd_width

SECTION = "stochastic gradient descent"


@final
@dataclass(frozen=True, eq=False)
class SgdCase:
    """What the theorems on SGD speak of.

    Attributes:
        inputs: (n, d) the data, held-out ones where every step draws fresh ones.
        width: m, all neurons.
        steps: T.
        mean_loss: of the last weights on these data.
        lipschitz: L of the loss; None if it has none.
        norm: M, the kernel norm of the target polynomial, from above; None if the target is not the values of one.
        start: "gaussian" or "paired".
        convex: whether the loss is.
        zero_loss: the mean loss of a network of zero output.
        coefficients: the norm of the target's coefficients.
    """

    inputs: FloatArray
    width: int
    steps: int
    mean_loss: float
    lipschitz: float | None
    norm: float | None
    start: str
    zero_loss: float = math.inf
    coefficients: float = math.nan
    convex: bool = True

    @classmethod
    def of(cls, config: Config, setting: Setting, mean_loss: float) -> SgdCase:
        """Return the case of a run that ended with this loss."""
        polynomial, threshold, norm, coefficients = known_polynomial(config, setting), setting.threshold, None, math.nan
        if polynomial is not None and threshold is not None:
            norm = kernel_norm(polynomial, setting.dataset.inputs.shape[1], threshold)
            coefficients = polynomial.norm
        zero = setting.loss.value(np.zeros_like(setting.targets), setting.targets) / len(setting.targets)
        return cls(
            setting.dataset.inputs,
            config.two_layer.width,
            config.training.steps,
            mean_loss,
            setting.loss.lipschitz,
            norm,
            config.two_layer.start,
            zero,
            coefficients,
            setting.loss.convex,
        )

    @property
    def known(self) -> bool:
        """Whether the target has a finite kernel norm."""
        return self.norm is not None and math.isfinite(self.norm)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the theorems want and this run lacks."""
        found = ["the theorem takes B to infinity (SGD Lemma 5.3)"]
        found += outside_the_space(self.norm)
        if self.lipschitz is None or not self.convex:
            found.append("a convex Lipschitz loss is wanted")
        if self.start != "paired":
            found.append("a start of zero output is wanted (start = paired)")
        return tuple(found)


def known_polynomial(config: Config, setting: Setting) -> EvenPolynomial | None:
    """Return the even polynomial whose values the targets are; None if they are not known to be one's."""
    source = config.data.load(config.run.seed).source
    return source.polynomial if isinstance(source, EvenPolynomials) and not setting.dataset.binary else None


def outside_the_space(norm: float | None) -> tuple[str, ...]:
    """Return what is missing of a target of a known kernel norm: None if it is no known polynomial's values."""
    if norm is None:
        return ("the target is not the values of a known even polynomial",)
    return ("at this threshold the target is not in the kernel's space",) if math.isinf(norm) else ()


def radius_of(inputs: FloatArray, section: str, note: str = "") -> Line:
    """Return the line on R of data (n, d), which no unit data exceed sqrt(d) by."""
    bound, limit = input_bound(inputs), math.sqrt(inputs.shape[1])
    return Line(
        section,
        "R of the data",
        "sqrt(d)",
        "SGD Definition 1.1",
        "<=",
        limit,
        bound,
        at_most(bound, limit),
        unit_data(inputs),
        note,
        empty="true of all data of unit norm",
    )


def data_bound(case: SgdCase) -> Line:
    """R of the data, which no unit data exceed sqrt(d) by."""
    return radius_of(case.inputs, SECTION, "1 for data spread evenly over the sphere")


def excess_loss(case: SgdCase) -> Line:
    """The mean loss against that of the polynomial itself, which is 0.

    The theorem bounds the mean over starts and examples: one run that exceeds it refutes it only from a hundred times
    that on (Markov).
    """
    predicted = None
    if case.known and case.lipschitz is not None and case.steps:
        predicted = excess_loss_bound(
            max(1, case.width // 2),
            case.steps,
            case.inputs.shape[1],
            case.norm or 0.0,
            input_bound(case.inputs),
            lipschitz=case.lipschitz,
        )
    missing = case.missing
    if predicted is not None and predicted < case.mean_loss <= predicted / CONFIDENCE:
        chance = predicted / case.mean_loss
        missing += (f"the mean over starts is bounded; one run may be so far above with probability {chance:.2g}",)
    return Line(
        SECTION,
        "mean loss above the best polynomial's",
        "L R M / sqrt(m d) + L M / sqrt(T)",
        "SGD Theorem 5.6",
        "" if predicted is None else "<=",
        predicted,
        None if case.norm is None else case.mean_loss,
        None if predicted is None else at_most(case.mean_loss, predicted),
        missing,
        ""
        if case.norm is None
        else f"M = {case.norm:.3g}, from coefficients of norm {case.coefficients:.3g}; m = {case.width // 2} pairs; "
        "at the last weights",
        empty="a network of zero output is below it" if predicted is not None and case.zero_loss <= predicted else "",
    )


def pairs_needed(case: SgdCase) -> Line:
    """The pairs of neurons the theorem asks for the loss this run came to."""
    predicted = None
    if case.known and case.lipschitz is not None and case.mean_loss > 0:
        sizes = (case.mean_loss, case.inputs.shape[1], case.norm or 0.0, input_bound(case.inputs))
        predicted = _counted(partial(sgd_width, *sizes, lipschitz=case.lipschitz))
    return _needed("pairs of neurons for that loss", "4 L^2 R^2 M^2 / (d epsilon^2)", predicted, case.width // 2, case)


def steps_needed(case: SgdCase) -> Line:
    """The steps the theorem asks for the loss this run came to."""
    predicted = None
    if case.known and case.lipschitz is not None and case.mean_loss > 0:
        predicted = _counted(partial(sgd_steps, case.mean_loss, case.norm or 0.0, lipschitz=case.lipschitz))
    return _needed("steps for that loss", "4 L^2 M^2 / epsilon^2", predicted, case.steps, case)


def _counted(needed: Callable[[], int]) -> float:
    """Return the count, infinity where double precision does not reach it."""
    try:
        return float(needed())
    except ConfigError:
        return math.inf


def _needed(quantity: str, formula: str, predicted: float | None, measured: int, case: SgdCase) -> Line:
    note = "epsilon is the mean loss above; enough for it in theory"
    return Line(
        SECTION,
        quantity,
        formula,
        "SGD Theorem 1.5",
        "",
        predicted,
        float(measured),
        None,
        case.missing,
        note,
    )


LINES = (data_bound, excess_loss, pairs_needed, steps_needed)
