"""A claim of a paper, what was found of it, and the numbers its picture shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar, final

import numpy as np
import numpy.typing as npt

from hybrid_train.support.power_law import PowerLaw

T = TypeVar("T")

Verdict = Literal["yes", "no"]


@final
@dataclass(frozen=True)
class Curve:
    """One curve of a panel.

    Attributes:
        label: of the legend.
        x: of its points.
        y: likewise; None where there is nothing to draw.
        predicted: what a paper says, drawn as a dashed line; else measured, drawn with markers.
    """

    label: str
    x: list[float]
    y: list[float | None]
    predicted: bool = False


@final
@dataclass(frozen=True)
class Panel:
    """One panel of a picture.

    Attributes:
        title: above it.
        x, y: what its axes show.
        curves: drawn in this order.
        log: the axes that are logarithmic: "", "x", "y" or "xy".
    """

    title: str
    x: str
    y: str
    curves: list[Curve]
    log: str = "xy"


@final
@dataclass(frozen=True)
class Finding:
    """What was measured of a claim.

    Attributes:
        holds: whether the claim is seen at the sizes that were measured.
        measured: the number that decides, in words and figures.
        predicted: what the paper says of it.
        note: what else a reader should know: sizes, assumptions that fail, who fell short.
        panels: of the picture, from left to right.
        numbers: the figures behind, by name.
    """

    holds: Verdict
    measured: str
    predicted: str
    note: str
    panels: list[Panel]
    numbers: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it, ready for JSON."""
        return asdict(self)


@final
@dataclass(frozen=True)
class Effort:
    """How much work goes into a claim.

    Attributes:
        quick: a minute for all claims of a paper in the place of ten for each.
        seed: of everything drawn.
        piece: gives a part of a claim: what is known by the name, or what the work comes to.
    """

    quick: bool
    seed: int
    piece: Callable[[str, Callable[[], Any]], Any]

    def pick(self, quick: T, whole: T) -> T:
        """Return the one that this effort is for."""
        return quick if self.quick else whole


@final
@dataclass(frozen=True)
class Claim:
    """A claim and how it is measured.

    Attributes:
        name: of its picture.
        source: paper short name and theorem.
        says: the claim, in a sentence.
        work: measures it.
    """

    name: str
    source: str
    says: str
    work: Callable[[Effort], Finding]


def curve(label: str, x: npt.ArrayLike, y: npt.ArrayLike, *, predicted: bool = False) -> Curve:
    """Return a curve of plain numbers; what is not finite is left out."""
    values = [float(one) if np.isfinite(one) else None for one in np.asarray(y, np.float64)]
    return Curve(label, [float(one) for one in np.asarray(x, np.float64)], values, predicted)


def at_most(law: PowerLaw, exponent: float, chance: float = 0.0) -> bool:
    """Whether a fitted exponent is a predicted one at most, but for two standard errors and five of chance.

    Args:
        law: fitted.
        exponent: predicted.
        chance: standard deviation that drawing gives the exponent, where that is known; what is left over by a fit to
            few points may come out far smaller.
    """
    return law.exponent <= exponent + 2.0 * law.exponent_sem + 5.0 * chance + 1e-9


def chance_of(widths: npt.ArrayLike, counts: npt.ArrayLike) -> float:
    """Return the standard deviation of an exponent fitted to sums of rare, independent events, these many at each."""
    place = np.log(np.asarray(widths, np.float64))
    place -= place.mean()
    return float(np.sqrt(np.sum(np.square(place) / np.asarray(counts, np.float64))) / np.square(place).sum())


def exponent_text(law: PowerLaw) -> str:
    """Return a fitted exponent with its standard error."""
    return f"{law.exponent:.2f} ± {law.exponent_sem:.2f}"


def verdict(holds: bool | np.bool_) -> Verdict:
    """Return it in words."""
    return "yes" if holds else "no"


def falls(values: Sequence[float]) -> bool:
    """Whether a course ends below where it begins, and ends in finite numbers."""
    return bool(np.isfinite(values).all() and values[-1] < values[0])
