"""What is done to the rows of a table before a network sees them, and to its outputs before people do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, final

import numpy as np
import numpy.typing as npt

from hybrid_train.data.checks import unit_rows
from hybrid_train.data.padding import adversarial_form
from hybrid_train.errors import CheckpointError, DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray

Switch = bool | Literal["auto"]

_SAME_UNIT, _CENTRED = 10.0, 3.0
"""Spreads of columns that share a unit differ by no more from the usual one, or, about 0, from each other."""

_DONE = {
    True: "brought to mean 0 and spread 1",
    "centre": "brought to mean 0 and keep their spreads",
    False: "taken as they are",
}
_OTHERWISE = {
    True: "false takes them as they are",
    "centre": "true brings them to spread 1 too, false takes them as they are",
    False: "true brings them to mean 0 and spread 1",
}
"""What is done to columns under "auto", and how to have it otherwise."""

_MANY = 8
"""Columns that do not begin at the same number by chance."""

_MOST_OFF = 0.5
"""Spreads that the mean of a column about 0 is away from it."""

_VERSION, _PREFIX = 1, "preparation"


@final
@dataclass(frozen=True, eq=False)
class Preparation:
    """Rows x of a table become (x - centre) / spread, then (x, constant), then x / ||x||; targets (y - c) / s.

    Attributes:
        dimension: d, columns of a row as it is given.
        columns: their names; None where nobody named them.
        centre: (d,) taken from each row; None for nothing.
        spread: (d,) what it is then divided by; None likewise.
        constant: one more coordinate, so that the length of a row is not lost with ||x|| = 1; 0 for none.
        target: name of the column of the targets; None where it has none.
        target_centre: of real targets.
        target_spread: of real targets.
        labels: the classes as they were called, in the order of the outputs (-1 then +1 where there are two); None for
            real targets.
        lifted: whether rows end in the normal form of adversarial training, (sqrt(3)/2 x, 1/2, 1).
    """

    dimension: int
    columns: tuple[str, ...] | None = None
    centre: FloatArray | None = None
    spread: FloatArray | None = None
    constant: float = 0.0
    target: str | None = None
    target_centre: float = 0.0
    target_spread: float = 1.0
    labels: tuple[Any, ...] | None = None
    lifted: bool = False

    def apply(self, rows: npt.ArrayLike, name: str = "rows") -> FloatArray:
        """Return (n, d) rows as the network takes them.

        Raises:
            DataError: not finite numbers of this dimension, or a row of zeros after all.
        """
        vectors = checked_vectors(rows, name).astype(np.float64)
        if vectors.shape[1] != self.dimension:
            raise DataError(
                f"{name}: {vectors.shape[1]} columns, but the network was trained on {self.dimension}{self._named()}"
            )
        if self.centre is not None and self.spread is not None:
            with np.errstate(over="ignore"):
                vectors = (vectors - self.centre) / self.spread
        if self.constant:
            vectors = np.column_stack([vectors, np.full(len(vectors), self.constant)])
        units = unit_rows(vectors, name)
        return adversarial_form(units) if self.lifted else units

    def scaled_targets(self, targets: FloatArray) -> FloatArray:
        """Return real targets as the network learns them."""
        plain = self.target_centre == 0.0 and self.target_spread == 1.0
        return targets if plain else (targets - self.target_centre) / self.target_spread

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return what :meth:`scaled_targets` was given, out of outputs of a network."""
        plain = self.target_centre == 0.0 and self.target_spread == 1.0
        return outputs if plain else outputs * self.target_spread + self.target_centre

    def arrays(self) -> dict[str, Any]:
        """Return all there is to know as plain arrays, for an NPZ file."""
        words = {
            "version": _VERSION,
            "dimension": self.dimension,
            "columns": self.columns,
            "target": self.target,
            "labels": self.labels,
            "lifted": self.lifted,
        }
        found: dict[str, Any] = {
            _PREFIX: json.dumps(words),
            f"{_PREFIX}_constant": self.constant,
            f"{_PREFIX}_target": np.array([self.target_centre, self.target_spread]),
        }
        if self.centre is not None and self.spread is not None:
            found |= {f"{_PREFIX}_centre": self.centre, f"{_PREFIX}_spread": self.spread}
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any]) -> Self | None:
        """Return what :meth:`arrays` made these of; None where there is none among them.

        Raises:
            CheckpointError: they are of a later version, or do not fit each other.
        """
        if _PREFIX not in arrays:
            return None
        words = json.loads(str(arrays[_PREFIX]))
        if words.pop("version") != _VERSION:
            raise CheckpointError(
                "the preparation of the data is of a later version; read it with a later hybrid_train"
            )
        centre, spread = (arrays.get(f"{_PREFIX}_{part}") for part in ("centre", "spread"))
        lists = {part: None if words[part] is None else tuple(words[part]) for part in ("columns", "labels")}
        for part in (centre, spread, lists["columns"]):
            if part is not None and len(part) != words["dimension"]:
                raise CheckpointError(f"the preparation of the data says {words['dimension']} and {len(part)} columns")
        target_centre, target_spread = arrays[f"{_PREFIX}_target"].tolist()
        return cls(
            **words | lists,
            centre=centre,
            spread=spread,
            constant=float(arrays[f"{_PREFIX}_constant"]),
            target_centre=target_centre,
            target_spread=target_spread,
        )

    def _named(self) -> str:
        if self.columns is None:
            return ""
        return f" ({', '.join(self.columns[:6])}{', ..' if len(self.columns) > 6 else ''})"


def fitted(
    rows: FloatArray,
    *,
    standardise: Switch,
    bias: Switch,
    name: str,
    weights: FloatArray | None = None,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return centre, spread and constant of a :class:`Preparation` that fits these rows, and notes on what was decided.

    Args:
        rows: (n, d) to be trained on, and no others.
        standardise: whether columns get mean 0 and spread 1; "auto" looks whether they share a unit, as
            pixels do: then they are brought to mean 0 alone.
        bias: whether rows get a constant coordinate, as long as the usual row; "auto" where columns are standardised.
        name: for the notes.
        weights: (n,) how often each row counts; once by default.

    Raises:
        DataError: an entry so large that spreads overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        centre = np.average(rows, axis=0, weights=weights) if weights is not None else rows.mean(axis=0)
        spread = rows.std(axis=0) if weights is None else np.sqrt(np.average((rows - centre) ** 2, 0, weights))
    if not (np.isfinite(centre).all() and np.isfinite(spread).all()):
        worst = int(np.argmin(np.isfinite(centre) & np.isfinite(spread)))
        if standardise is True:
            raise DataError(f"{name}: column {worst} holds numbers too large to standardise; scale it yourself")
        standardise = False
    steady = spread <= 10 * len(rows) * np.finfo(np.float64).eps * np.abs(centre)
    notes: list[str] = []
    wanted: Switch | Literal["centre"] = standardise
    if standardise == "auto":
        wanted, why = _decided(rows, centre, spread, steady)
        notes.append(f"{name}: columns are {_DONE[wanted]}, as {why}; standardise={_OTHERWISE[wanted]}")
    found: dict[str, Any] = {}
    if wanted:
        plain = steady if wanted is True else np.ones(len(spread), bool)
        found |= {"centre": centre, "spread": np.where(plain, 1.0, spread)}
        rows = (rows - centre) / found["spread"]
    if bias is True or (bias == "auto" and wanted):
        length = float(np.sqrt(np.average(np.square(rows).sum(axis=1), weights=weights)))
        found["constant"] = length if np.isfinite(length) and length > 0 else 1.0
    return found, tuple(notes)


def fitted_targets(
    targets: FloatArray, *, standardise: Switch, name: str, weights: FloatArray | None = None
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return target_centre and target_spread of a :class:`Preparation`, and notes on what was decided.

    Args:
        targets: (n,) or (n, K), real; several columns share one centre and spread.
        standardise: whether they get mean 0 and spread 1; "auto" where they are far from that.
        name: for the notes.
        weights: (n,) how often each row counts; once by default.
    """
    if standardise is False:
        return {}, ()
    table = targets.reshape(len(targets), -1)
    centre = float(np.average(table.mean(axis=1), weights=weights))
    spread = float(np.sqrt(np.average(np.square(table - centre).mean(axis=1), weights=weights)))
    if not (np.isfinite(centre) and np.isfinite(spread) and spread > 0):
        return {}, ()
    if standardise == "auto" and abs(centre) <= _MOST_OFF * spread and 1 / _CENTRED <= spread <= _CENTRED:
        return {}, ()
    note = (
        f"{name}: losses are in spreads: targets are learnt as (y - {centre:.4g}) / {spread:.4g} and predicted as they "
        "are"
    )
    return {"target_centre": centre, "target_spread": spread}, (note,)


def _decided(
    rows: FloatArray, centre: FloatArray, spread: FloatArray, steady: npt.NDArray[np.bool_]
) -> tuple[bool | Literal["centre"], str]:
    """Return whether columns are standardised, or centred alone, and why, as the middle of a sentence."""
    varying = ~steady & (spread > 0)
    if not varying.any():
        return False, "no column varies"
    spreads, means, least = spread[varying], centre[varying], rows.min(axis=0)[varying]
    widest, narrowest, usual = float(spreads.max()), float(spreads.min()), float(np.median(spreads))
    lowest = float(np.median(least))
    if len(spreads) >= _MANY and widest <= _SAME_UNIT * usual and (least == lowest).mean() >= 0.9:
        return "centre", f"they share a unit: they all begin at {lowest:.4g}"
    if widest <= _CENTRED * narrowest and (np.abs(means) <= _MOST_OFF * spreads).all():
        return False, "they are about 0 and spread alike"
    if widest > _CENTRED * narrowest:
        return True, f"their spreads differ, from {narrowest:.3g} to {widest:.3g}"
    return True, f"their means are away from 0, up to {float((np.abs(means) / spreads).max()):.3g} spreads"


def plain_labels(labels: Sequence[Any]) -> tuple[Any, ...]:
    """Return names of classes as JSON has them: words, whole numbers where they are whole, else numbers."""
    found: list[Any] = []
    for label in labels:
        plain = label.item() if isinstance(label, np.generic) else label
        whole = isinstance(plain, float) and plain.is_integer() and abs(plain) < 2**53
        found.append(int(plain) if whole else plain)
    return tuple(found)
