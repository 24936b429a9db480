"""One line of the table: what a theorem predicts, what was measured, whether it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, final

from hybrid_train.data.separability import Separation

Relation = Literal["<=", ">=", "~", ""]
Holds = Literal["yes", "no", "not applicable"]

CONFIDENCE = 0.01
"""A bound that may fail with a greater probability than this promises nothing about a single run."""


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

    @property
    def holds(self) -> Holds:
        """Whether it holds: "yes" or "no" where the theorem's assumptions hold, else "not applicable"."""
        if self.missing or self.satisfied is None:
            return "not applicable"
        return "yes" if self.satisfied else "no"

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
            "missing": list(self.missing),
            "note": self.note,
        }


def at_most(measured: float, bound: float) -> bool:
    """Return measured <= bound, rounding forgiven."""
    return measured <= bound + 1e-12 * abs(bound)


def unlikely(failure: float) -> tuple[str, ...]:
    """Return the missing assumption that a bound's failure probability is small, if it is not."""
    if failure <= CONFIDENCE:
        return ()
    chance = "1" if failure >= 1 else f"{failure:.2g}"
    return (f"at this size the bound may fail with probability {chance}",)


def in_doubt(separation: Separation, satisfied: bool) -> tuple[str, ...]:
    """Return the missing assumption that delta is the least of all pairs, where a smaller one could turn a "no"."""
    return () if separation.exact or satisfied else (f"delta of all pairs is wanted, here {separation.delta_text}",)


def finite(value: float | None) -> float | None:
    """Return the value, None for an infinity or NaN."""
    return value if value is not None and math.isfinite(value) else None
