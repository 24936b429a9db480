"""Examples of arrays that somebody has in Python: NumPy's, lists, or pandas' frames and series."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.data.examples import Examples
from hybrid_train.data.labels import Labels, class_names, known_labels, label_notes, read_labels
from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.messages import quoted


def examples_of(data: Any, *, labels: Labels = "auto", name: str = "data", like: Examples | None = None) -> Examples:
    """Return the examples of a pair (X, y) as they stand.

    Args:
        data: X (n, d) numbers, a frame's columns having names; y (n,) numbers or words, or (n, K) numbers.
        labels: what the targets are, see :func:`hybrid_train.data.labels.read_labels`.
        name: for messages.
        like: examples that these are to go with: the same columns and classes.

    Raises:
        DataError: no such pair, or its numbers do not make a data set; the column is named.
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise DataError(f"{name}={quoted(data)}: expected a pair of arrays, (X, y)")
    inputs, columns = rows_of(data[0], f"{name}: X")
    values, target = _values(data[1], f"{name}: y")
    if len(values) != len(inputs):
        raise DataError(f"{name}: {len(inputs)} rows of X, but {len(values)} of y")
    if like is None:
        targets, classes = read_labels(values, labels, name)
        names = class_names(values, labels, classes)
        notes = label_notes(values, labels, classes, name)
        return Examples(inputs, targets, name, classes, names, columns, target, tuple(notes))
    if inputs.shape[1] != like.inputs.shape[1] or (columns and like.columns and columns != like.columns):
        raise DataError(f"{name}: X has other columns than {like.name}; give the same ones in the same order")
    targets = values if like.labels is None else known_labels(values, like.labels, name)
    return Examples(inputs, targets, name, like.classes, like.labels, like.columns, like.target)


def rows_of(X: Any, name: str, wanted: tuple[str, ...] | None = None) -> tuple[FloatArray, tuple[str, ...] | None]:
    """Return (n, d) numbers and, of a frame, the names of its columns.

    Args:
        X: an array or a frame.
        name: for messages.
        wanted: columns to take of a frame; None for all.

    Raises:
        DataError: a column that holds something else, or lacks a cell; it is named.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(X, pandas.DataFrame):
        return checked_vectors(X, name).astype(np.float64), None
    if wanted is not None:
        X = _chosen(X, name, wanted)
    for column in X.columns:
        what = f"{name}: column {quoted(column)}"
        if not pandas.api.types.is_numeric_dtype(X[column]):
            raise DataError(f"{what} holds no numbers; leave it out, or make numbers of it (pandas.get_dummies)")
        if X[column].isna().any():
            row = int(np.argmax(X[column].isna()))
            raise DataError(f"{what} lacks a value in row {row}; drop the row (dropna) or fill it in (fillna)")
    return checked_vectors(X.to_numpy(np.float64), name), tuple(map(str, X.columns))


def _chosen(frame: Any, name: str, wanted: tuple[str, ...]) -> Any:
    place = {str(column): column for column in frame.columns}
    missing = [column for column in wanted if column not in place]
    if missing:
        raise DataError(f"{name}: no column {quoted(missing[0])}; the network was trained on {', '.join(wanted)}")
    return frame[[place[column] for column in wanted]]


def _values(y: Any, name: str) -> tuple[npt.NDArray[Any], str | None]:
    pandas = sys.modules.get("pandas")
    series = pandas is not None and isinstance(y, pandas.Series)
    title = str(y.name) if series and y.name is not None else None
    try:
        values = np.asarray(y)
        if values.dtype.kind == "O" and all(isinstance(value, str) for value in values.ravel()):
            values = values.astype(str)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind not in "biufU" or values.ndim not in {1, 2} or (values.dtype.kind == "U" and values.ndim != 1):
        raise DataError(f"{name}: expected (n,) numbers or words, or (n, K) numbers, got {values.dtype} {values.shape}")
    if values.dtype.kind == "b":
        values = values.astype(np.int64)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values.reshape(len(values), -1)).all(axis=1)))
        raise DataError(f"{name}: row {row} holds NaN or infinity; leave it out or fill it in")
    return values, title
