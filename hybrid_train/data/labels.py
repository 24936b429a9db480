"""Whether the targets of a file are numbers or names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hybrid_train.data.preparation import plain_labels
from hybrid_train.errors import DataError
from hybrid_train.support.messages import printable

Labels = Literal["auto", "real", "classes"]

_MOST_CLASSES = 20


def read_labels(values: npt.NDArray[Any], labels: Labels, name: str) -> tuple[npt.NDArray[Any], int | None]:
    """Return (targets, number of classes or None) as a :class:`~hybrid_train.data.Dataset` takes them.

    * ``"real"``: the numbers as they are.
    * ``"classes"``: every distinct value is a class, in ascending order. Two classes become -1 and +1, more become
      labels 0..K-1.
    * ``"auto"``: words are classes; two distinct values are two classes; 3 to 20 distinct integers, at most half as
      many as there are rows, are classes; anything else, and any (n, K) targets, are real.

    Args:
        values: (n,) or (n, K), numbers or words.
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
        raise DataError(f"{name}: one class only: every target is {printable(str(distinct[0]), 80)}{advice}")
    if len(distinct) == 2:
        return 2.0 * label_of - 1.0, None
    if labels == "classes" or _look_like_classes(values, distinct):
        return label_of, len(distinct)
    return values, None


def class_names(values: npt.NDArray[Any], labels: Labels, classes: int | None) -> tuple[Any, ...] | None:
    """Return what the classes are called, in their order, or None where :func:`read_labels` took numbers.

    Args:
        values: as they stand in the file.
        labels: what they were said to be.
        classes: as :func:`read_labels` returned it.
    """
    if labels == "real" or values.ndim != 1:
        return None
    distinct = np.unique(values)
    return plain_labels(list(distinct)) if classes is not None or len(distinct) == 2 else None


def known_labels(values: npt.NDArray[Any], names: Sequence[Any], name: str) -> npt.NDArray[Any]:
    """Return targets as :func:`read_labels` does, for classes that are known already.

    Args:
        values: (n,) as they stand in another file.
        names: of the classes, in their order.
        name: of the file, for messages.

    Raises:
        DataError: another class.
    """
    place = {label: at for at, label in enumerate(names)}
    found = plain_labels(list(values)) if values.ndim == 1 else ()
    if not found or isinstance(found[0], str) != isinstance(names[0], str):
        found = tuple(map(str, found))
        place = {str(label): at for label, at in place.items()}
    for row, label in enumerate(found):
        if label not in place:
            known = ", ".join(printable(str(known), 30) for known in names[:10])
            raise DataError(f"{name}: row {row} is of class {printable(str(label), 80)}; known: {known}")
    at = np.array([place[label] for label in found], dtype=np.int64)
    return 2.0 * at - 1.0 if len(names) == 2 else at


def label_notes(values: npt.NDArray[Any], labels: Labels, classes: int | None, name: str) -> list[str]:
    """Return what a reader should know about how :func:`read_labels` took the targets, in sentences.

    Args:
        values: as they stand in the file.
        labels: what they were said to be.
        classes: as :func:`read_labels` returned it.
        name: of the file.
    """
    if labels == "real":
        return []
    if values.ndim == 2:
        one_hot = bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())
        hot = f"{name}: every row of targets has a single 1: they are taken as numbers; for classes give their numbers"
        return [hot] if one_hot else []
    distinct, counts = np.unique(values, return_counts=True)
    if classes is None and len(distinct) > 2:
        return []
    notes = []
    shown = ", ".join(printable(str(value), 30) for value in distinct[:5]) + (", .." if len(distinct) > 5 else "")
    other = "; labels='real' takes them as numbers" if labels == "auto" and values.dtype.kind != "U" else ""
    if classes is not None:
        notes.append(f"{name}: targets {shown} are taken as classes 0..{classes - 1}{other}")
    elif distinct.tolist() != [-1, 1]:
        notes.append(f"{name}: targets {shown} are taken as the classes -1 and +1{other}")
    if (counts == 1).any() and len(values) > len(distinct):
        alone = printable(str(distinct[np.argmax(counts == 1)]), 30)
        notes.append(f"{name}: class {alone} has one row only; is it a class?")
    return notes


def _look_like_classes(values: npt.NDArray[Any], distinct: npt.NDArray[Any]) -> bool:
    if values.dtype.kind == "U":
        return True
    integral = bool((distinct == np.round(distinct)).all())
    return integral and len(distinct) <= min(_MOST_CLASSES, len(values) // 2)
