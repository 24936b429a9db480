"""The normal forms of the papers: unit rows whose last coordinate is a given constant, and back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hybrid_train.data.dataset import Dataset
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray

ADVERSARIAL_LAST = 0.5
"""The last coordinate of every input in ADV section 3.2."""

DEEP_LAST = 1.0 / math.sqrt(2.0)
"""The last coordinate of every input in DEEP section 2."""

_TOLERANCE = 1e-9


def with_last_coordinate(inputs: npt.ArrayLike, last: float) -> FloatArray:
    """Return (n, d + 1) rows (sqrt(1 - last^2) x, last), of unit norm where the x are.

    Distances between rows shrink by sqrt(1 - last^2); nothing is lost (see :func:`without_last_coordinate`).

    Args:
        inputs: (n, d) rows of unit norm.
        last: the coordinate to append, strictly between -1 and 1.

    Raises:
        ConfigError: last out of range.
        DataError: inputs not a finite (n, d) array.
    """
    rows = checked_vectors(inputs, "inputs").astype(np.float64)
    return np.column_stack([rows * _shrink(last), np.full(len(rows), last)])


def without_last_coordinate(padded: npt.ArrayLike, last: float) -> FloatArray:
    """Return (n, d) what :func:`with_last_coordinate` was given.

    Args:
        padded: (n, d + 1) rows that end in ``last``.
        last: that coordinate.

    Raises:
        ConfigError: last out of range.
        DataError: padded is not a finite array of at least two columns, or a row ends otherwise.
    """
    rows = checked_vectors(padded, "padded").astype(np.float64)
    if rows.shape[1] < 2:
        raise DataError(f"padded: expected at least 2 columns, got shape {rows.shape}")
    off = np.abs(rows[:, -1] - last) > _TOLERANCE
    if off.any():
        row = int(np.argmax(off))
        raise DataError(f"padded: row {row} ends in {rows[row, -1]:.12g}, not in {last:.12g}")
    return np.ascontiguousarray(rows[:, :-1]) / _shrink(last)


def padded_dataset(dataset: Dataset, last: float) -> Dataset:
    """Return the data set with its inputs in the normal form with this last coordinate.

    Raises:
        ConfigError: last out of range.
    """
    return replace(dataset, inputs=with_last_coordinate(dataset.inputs, last))


def with_one(inputs: npt.ArrayLike) -> FloatArray:
    """Return (n, d + 1) queries (x, 1), which meet a bias as one more weight.

    Raises:
        DataError: inputs not a finite (n, d) array.
    """
    rows = checked_vectors(inputs, "inputs")
    return np.column_stack([rows, np.ones(len(rows), rows.dtype)])


def adversarial_form(inputs: npt.ArrayLike) -> FloatArray:
    """Return (sqrt(3)/2 x, 1/2, 1) for each row x: the normal form of ADV section 3.2, with a one for the bias."""
    return with_one(with_last_coordinate(inputs, ADVERSARIAL_LAST))


def _shrink(last: float) -> float:
    if not -1.0 < last < 1.0:
        raise ConfigError(f"last={last}: expected a number strictly between -1 and 1")
    return math.sqrt((1.0 - last) * (1.0 + last))
