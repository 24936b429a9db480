"""What ADV says of the data and the losses of a run under an adversary, for any network of two layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, final

from hybrid_train.adversaries import WorstCase
from hybrid_train.config import Config
from hybrid_train.errors import InvariantError
from hybrid_train.experiments.assembly import ball_of
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.registry import make_finder
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import Line, at_most, trained_exactly
from hybrid_train.theory.predictions.robustness import RobustLoss, separability

SECTION = "adversarial training"


@final
@dataclass(frozen=True, eq=False)
class RobustCase:
    """A run under an adversary.

    Attributes:
        inputs: (n, d) clean, as the network takes them.
        rho: radius of the Euclidean balls that hold whatever the adversary does; 0 if it does nothing.
        norm: of the adversary's own balls.
        losses: at W(0) .. W(T); of the examples of each step, at T of all.
        worst: at W(T), of an adversary that misses nothing; None if nobody searched for it.
        promise: of the finder, out of whose sets the losses are.
    """

    inputs: FloatArray
    rho: float
    norm: str
    losses: Sequence[RobustLoss]
    worst: WorstCase | None = None
    promise: Promise = EXACT

    @classmethod
    def of(cls, config: Config, setting: Setting, losses: Sequence[RobustLoss], worst: WorstCase | None = None) -> Self:
        """Return the case of a run with these losses."""
        adversary, inputs = config.adversary, setting.inputs
        if adversary is None:
            raise InvariantError("a run without an adversary has no robust loss")
        rho = 0.0 if adversary.kind == "none" else ball_of(config, setting).reach(inputs.shape[1])
        promise = make_finder(config.finder.kind, **config.finder.options).promise
        return cls(inputs, rho, adversary.norm, losses, worst, promise)

    @property
    def series(self) -> dict[str, Any]:
        """What the picture shows, as plain lists."""
        return {
            "steps": list(range(len(self.losses))),
            "clean": [loss.clean for loss in self.losses],
            "robust": [loss.robust for loss in self.losses],
            "rho": self.rho,
            "worst": None if self.worst is None else float(self.worst.losses.mean()),
            "worst_bound": None if self.worst is None else float(self.worst.bounds.mean()),
        }


def separable(case: RobustCase) -> Line:
    """The largest gamma for which the data are gamma-separable."""
    quantity, formula, source = "gamma-separability of the data", "epsilon (epsilon - 2 rho) > 0", "ADV Definition 3.7"
    if len(case.inputs) < 2:
        return Line(SECTION, quantity, formula, source, ">=", 0.0, None, None, ("one datum has no separation",))
    found = separability(case.inputs, case.rho)
    missing = () if found.holds else (f"the nearest data are {found.distance:.3g} apart, 2 rho is {2 * case.rho:.3g}",)
    note = "" if case.norm == "l2" else f"rho = {case.rho:.3g}, of the Euclidean ball around that of norm {case.norm}"
    return Line(SECTION, quantity, formula, source, ">=", 0.0, found.gamma, found.holds, missing, note)


def robust_above_clean(case: RobustCase) -> Line:
    """The robust loss at the end against the clean one, which the worst case is never below."""
    first, last = case.losses[0], case.losses[-1]
    above = last.robust >= last.clean - 1e-12 * abs(last.clean)
    missing = trained_exactly(True, case.promise)
    missing += () if above else ("a worst-case adversary is wanted; this one lowered the loss",)
    found = f"robust {first.robust:.4g} and clean {first.clean:.4g} at the start"
    return Line(
        SECTION,
        "mean robust loss at the last step",
        "mean clean loss at the last step",
        "ADV Definition 3.4",
        ">=",
        last.clean,
        last.robust,
        above,
        missing,
        found + ("; sampled: the worst may be worse" if case.worst is None else ""),
        empty="the worst case is never below, by definition",
    )


def found_of_worst(case: RobustCase) -> Line:
    """What the adversary of the run found at the end, against what there is to be found."""
    last, worst = case.losses[-1], case.worst
    bound = None if worst is None else float(worst.bounds.mean())
    within = None if bound is None else at_most(last.robust, bound + 1e-9 * abs(bound))
    missing = trained_exactly(True, case.promise)
    missing += () if worst is not None else ("the worst case is searched for in balls of up to three dimensions",)
    note = ""
    if worst is not None:
        note = (
            f"searched exhaustively in {worst.cells:,} cells: the worst mean loss is between "
            f"{worst.losses.mean():.6g} and {bound:.6g}"
        )
    return Line(
        SECTION,
        "mean robust loss at the last step, of the worst there is",
        "mean over the data of the largest loss in their balls",
        "ADV Definition 3.3",
        "<=" if worst is not None else "",
        bound,
        last.robust,
        within,
        missing,
        note,
        empty="no adversary finds more than there is, by definition",
    )


LINES = (separable, robust_above_clean, found_of_worst)
"""Every line about a run under an adversary."""
