"""Whether the targets of a file are numbers or names of classes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError

Labels = Literal["auto", "real", "classes"]

_MOST_CLASSES = 20


def read_labels(values: npt.NDArray[Any], labels: Labels, name: str) -> tuple[npt.NDArray[Any], int | None]:
    """Return (targets, number of classes or None) as a :class:`~hybrid_train.data.Dataset` takes them.

    * ``"real"``: the numbers as they are.
    * ``"classes"``: every distinct value is a class, in ascending order. Two classes become -1 and +1, more become
      labels 0..K-1.
    * ``"auto"``: two distinct values are two classes; 3 to 20 distinct integers, at most half as many as there are
      rows, are classes; anything else, and any (n, K) targets, are real.

    Args:
        values: (n,) or (n, K), numbers or (``"classes"`` only) words.
        labels: one of the above.
        name: of the file, for messages.

    Raises:
        DataError: classes in several columns, or one class only.
    """
    if values.ndim != 1 and labels == "classes":
        raise DataError(f"{name}: labels='classes' needs targets of shape (n,), got {values.shape}")
    if labels == "real" or values.ndim != 1:
        return values, None
    distinct, label_of = np.unique(values, return_inverse=True)
    if len(distinct) == 1:
        advice = "" if values.dtype.kind == "U" else "; labels='real' takes it as a number"
        raise DataError(f"{name}: one class only: every target is {distinct[0]}{advice}")
    if len(distinct) == 2:
        return 2.0 * label_of - 1.0, None
    if labels == "classes" or _look_like_classes(values, distinct):
        return label_of, len(distinct)
    return values, None


def _look_like_classes(values: npt.NDArray[Any], distinct: npt.NDArray[Any]) -> bool:
    integral = bool((distinct == np.round(distinct)).all())
    return integral and len(distinct) <= min(_MOST_CLASSES, len(values) // 2)
