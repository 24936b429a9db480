"""A data set ready for training: unit rows and targets that fit them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.data.separability import Separation, is_quick, separation
from hybrid_train.data.separation_bound import separation_bound
from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray

_UNIT_TOLERANCE = 1e-9


@final
@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs on the unit sphere and their targets, checked at birth.

    Attributes:
        inputs: (n, d) float64 with ||x_i|| = 1 within 1e-9.
        targets: (n,) float64, real or -1/+1; or (n,) int64 class labels 0..K-1; or (n, K) float64.
        name: for tables and messages.
        classes: K when the targets are class labels, None otherwise; two-class sources give -1/+1 and None.
        notes: what a reader should know about how the data were read, in sentences.

    Raises:
        DataError: wrong shapes, not finite, rows not normalised, or labels outside 0..K-1.
    """

    inputs: FloatArray
    targets: npt.NDArray[Any]
    name: str
    classes: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        inputs = checked_vectors(self.inputs, f"{self.name}: inputs").astype(np.float64)
        off = np.abs(np.linalg.norm(inputs, axis=1) - 1.0) > _UNIT_TOLERANCE
        if off.any():
            row = int(np.argmax(off))
            raise DataError(
                f"{self.name}: inputs: row {row} has norm {np.linalg.norm(inputs[row]):.12g}; "
                "scale every row to ||x|| = 1"
            )
        targets = self._real_targets() if self.classes is None else self._class_labels(self.classes)
        if len(targets) != len(inputs):
            raise DataError(f"{self.name}: {len(inputs)} inputs but {len(targets)} targets")
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "targets", targets)

    def _real_targets(self) -> FloatArray:
        try:
            given = np.asarray(self.targets)
            if given.dtype.kind not in "biufO":
                raise TypeError(f"got {given.dtype}")
            targets = np.array(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{self.name}: targets: expected numbers: {error}") from None
        if targets.ndim not in {1, 2} or 0 in targets.shape:
            raise DataError(f"{self.name}: targets: expected shape (n,) or (n, K), got {targets.shape}")
        finite = np.isfinite(targets.reshape(len(targets), -1)).all(axis=1)
        if not finite.all():
            raise DataError(f"{self.name}: targets: row {int(np.argmin(finite))} holds NaN or infinity")
        return targets

    def _class_labels(self, classes: int) -> npt.NDArray[np.int64]:
        labels = np.array(self.targets)
        if classes < 2:
            raise DataError(f"{self.name}: classes={classes}: there must be at least 2")
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(
                f"{self.name}: targets: class labels must be (n,) integers, got {labels.dtype} {labels.shape}"
            )
        outside = (labels < 0) | (labels >= classes)
        if outside.any():
            row = int(np.argmax(outside))
            raise DataError(f"{self.name}: targets: row {row} has label {labels[row]}, outside 0..{classes - 1}")
        return labels.astype(np.int64)

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def dimension(self) -> int:
        """d, the length of an input."""
        return int(self.inputs.shape[1])

    @property
    def binary(self) -> bool:
        """Whether the targets are one sign, -1 or +1, per row."""
        return self.classes is None and self.targets.ndim == 1 and bool((np.abs(self.targets) == 1).all())

    @cached_property
    def separation(self) -> Separation:
        """How far the rows lie apart (PRE Theorem F.1); computed when first asked for, O(n^2 d) at most."""
        return separation(self.inputs)

    @property
    def quick_separation(self) -> Separation:
        """The same in a fraction of a second: where all pairs would take longer, an upper bound out of some of them."""
        return self.separation if is_quick(*self.inputs.shape) else separation_bound(self.inputs)

    @property
    def separation_text(self) -> str:
        """What a reader should know of it, in one line."""
        return self.quick_separation.text
