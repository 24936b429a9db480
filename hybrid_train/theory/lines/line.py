"""One line of the table: what a theorem predicts, what was measured, whether it holds.

A verdict is one of four. "yes" and "no" are said only where the theorem's assumptions hold and the numbers could have
come out otherwise. "not applicable" names the assumptions that fail. "says nothing" is a line that no run near this one
could break: a bound beyond the most there can be, what is true of every run, a bound a hundred times away.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from hybrid_train.data.separability import Separation
from hybrid_train.finder.interface import Promise
from hybrid_train.support.arrays import FloatArray

Relation = Literal["<=", ">=", "~", ""]
Holds = Literal["yes", "no", "not applicable", "says nothing"]

CONFIDENCE = 0.01
"""A bound that may fail with a greater probability than this promises nothing about a single run."""

_UNIT_TOLERANCE = 1e-6

_MAY_FAIL = "at this size the bound may fail with probability"

FAR = 100.0
"""A bound so many times away from what it bounds says nothing about it."""


@final
@dataclass(frozen=True)
class Line:
    """One claim.

    Attributes:
        section: heading the line stands under.
        quantity: what is measured, in words.
        formula: what is predicted for it; empty where nothing is.
        source: paper short name and theorem.
        relation: of the measured value to the prediction: "<=", ">=", "~" (within the noise), or "" for none claimed.
        predicted: the theorem's number; None where it has none.
        measured: the run's number; None where there is none.
        satisfied: whether the relation is true of the numbers; None where nothing is claimed.
        missing: assumptions of the theorem that do not hold here, a sentence each.
        note: what else to know.
        spread: standard deviation or error of the measured value, where it is known.
        empty: why no run could break it; empty where one could.
        course: whether it is about a whole course, of which the numbers show the end alone: such a bound may be far
            away there and still say something.
        failure: with which probability it may fail though all assumptions hold; 0 where it may not.
    """

    section: str
    quantity: str
    formula: str
    source: str
    relation: Relation
    predicted: float | None
    measured: float | None
    satisfied: bool | None
    missing: tuple[str, ...] = ()
    note: str = ""
    spread: float | None = None
    empty: str = ""
    course: bool = False
    failure: float = 0.0

    @property
    def holds(self) -> Holds:
        """Whether it holds: "yes" or "no" where the theorem's assumptions hold and it could fail."""
        if self.missing or self.satisfied is None:
            return "not applicable"
        if not self.satisfied:
            return "no"
        return "says nothing" if self.nothing else "yes"

    @property
    def applies_often(self) -> bool:
        """Whether it can be judged over many starts: all assumptions hold, but for that it fails seldom."""
        return self.satisfied is not None and all(reason.startswith(_MAY_FAIL) for reason in self.missing)

    @property
    def nothing(self) -> str:
        """Why it says nothing; empty where it says something."""
        return self.empty or self._far

    @property
    def _far(self) -> str:
        """By how much the bound is away, where that is too much."""
        if self.course or self.predicted is None or self.measured is None or self.relation not in ("<=", ">="):
            return ""
        less, more = (self.measured, self.predicted) if self.relation == "<=" else (self.predicted, self.measured)
        less = abs(less)  # below zero, with a bound above it: how far below counts
        if not less * FAR <= more or more == 0 or self.predicted == 0:
            return ""
        times = f"{more / less:.3g} times" if less > more / sys.float_info.max else "infinitely many times"
        return f"the bound is {times} away"

    def as_dict(self) -> dict[str, Any]:
        """Return the line, ready for JSON: infinities are None."""
        return {
            "section": self.section,
            "quantity": self.quantity,
            "formula": self.formula,
            "source": self.source,
            "relation": self.relation,
            "predicted": finite(self.predicted),
            "measured": finite(self.measured),
            "spread": finite(self.spread),
            "holds": self.holds,
            "satisfied": self.satisfied,
            "failure": self.failure,
            "missing": list(self.missing),
            "note": "; ".join(part for part in (self.nothing and f"says nothing: {self.nothing}", self.note) if part),
        }


def at_most(measured: float, bound: float) -> bool:
    """Return measured <= bound, rounding forgiven."""
    return measured <= bound + 1e-12 * abs(bound)


def unlikely(failure: float) -> tuple[str, ...]:
    """Return the missing assumption that a bound's failure probability is small, if it is not."""
    if failure <= CONFIDENCE:
        return ()
    chance = "1" if failure >= 1 else f"{failure:.2g}"
    return (f"{_MAY_FAIL} {chance}",)


def in_doubt(separation: Separation, satisfied: bool) -> tuple[str, ...]:
    """Return the missing assumption that delta is the least of all pairs, where a smaller one could turn a "no"."""
    return () if separation.exact or satisfied else (f"delta of all pairs is wanted, here {separation.delta_text}",)


def unit_data(inputs: FloatArray) -> tuple[str, ...]:
    """Return the missing assumption that all data (n, d) are of norm 1, if they are not."""
    norms = np.linalg.norm(inputs, axis=1)
    if np.abs(norms - 1.0).max() <= _UNIT_TOLERANCE:
        return ()
    return (f"unit data are wanted, here ||x|| is from {norms.min():.3g} to {norms.max():.3g}",)


def trained_exactly(plain: bool, promise: Promise, whose: str = "finder's") -> tuple[str, ...]:
    """Return what is missing of plain descent by all active neurons.

    Args:
        plain: whether a step moves along the gradient at a constant rate.
        promise: of the finder.
        whose: the sets are.
    """
    found = []
    if not plain:
        found.append("plain descent at a constant rate is wanted")
    if not promise.exact or promise.delta > CONFIDENCE:
        found.append(f"all active neurons are wanted, here the {whose} sets are {promise}")
    return tuple(found)


def finite(value: float | None) -> float | None:
    """Return the value, None for an infinity or NaN."""
    return value if value is not None and math.isfinite(value) else None
