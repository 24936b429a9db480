"""Reading NPZ and NPY files as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.data.table import Table
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.archives import Archive, opened_archive, read_npy
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.messages import printable, quoted, shown
from hybrid_train.support.untrusted import reading

_INPUTS, _TARGETS = ("x", "inputs"), ("y", "targets")


def read_npz(path: Path, *, words: bool, limit: int) -> Table:
    """Return the arrays ``x`` or ``inputs`` and ``y`` or ``targets`` of an archive; capital letters will do.

    Args:
        path: the file.
        words: whether targets may be words.
        limit: bytes of the file, and of each of the arrays.

    Raises:
        DataError: not an archive, arrays of other names, or not numbers of fitting shapes.
    """
    name = printable(str(path))
    problem = "write it with numpy.savez"
    with reading(f"{name}: not a readable .npz archive", DataError, problem), opened_archive(path, limit) as archive:
        inputs, values = _array(archive, _INPUTS, name), _array(archive, _TARGETS, name)
    notes = []
    if values.ndim == 2 and values.shape[1] == 1:
        notes.append(f"{name}: targets of shape {values.shape} are taken as {values.shape[:1]}, one number a row")
        values = values[:, 0]
    if inputs.dtype == bool:
        notes.append(f"{name}: inputs are True and False, taken as 1 and 0")
    rows = _inputs(inputs, name)
    targets = _targets(values, name, words=words)
    if len(targets) != len(rows):
        raise DataError(f"{name}: {len(rows)} inputs but {len(targets)} targets")
    return Table(rows, targets, tuple(notes))


def read_npy_table(path: Path, target: str | int, *, limit: int) -> Table:
    """Return the table of an NPY file, one of whose columns holds the targets.

    Args:
        path: the file.
        target: that column: "last" or an index.
        limit: bytes of the file.

    Raises:
        ConfigError: no such column.
        DataError: not a table of finite numbers with at least two columns.
    """
    name = printable(str(path))
    with reading(name, DataError, "not a readable .npy file; write it with numpy.save"):
        array = read_npy(path, limit)
    table = _inputs(array, name)
    width = table.shape[1]
    if width < 2:
        raise DataError(f"{name}: one column; expected those of the inputs and one of targets")
    column = width - 1 if target == "last" else target
    if isinstance(column, bool) or not isinstance(column, int) or not -width <= column < width:
        raise ConfigError(f"target={quoted(target)}: {name} has {width} columns; give an index from 0 to {width - 1}")
    # As stored, where classes may be integers that no float tells apart.
    return Table(np.delete(table, column, axis=1), _targets(array[:, column], name, words=False), ())


def _inputs(array: npt.NDArray[Any], name: str) -> FloatArray:
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: inputs must be real numbers, got {shown(str(array.dtype))}; convert them yourself")
    if array.ndim > 2:
        raise DataError(f"{name}: inputs: expected shape (n, d), got {array.shape}; give x.reshape(len(x), -1)")
    return checked_vectors(array, f"{name}: inputs")


def _targets(values: npt.NDArray[Any], name: str, *, words: bool) -> npt.NDArray[Any]:
    """Return targets as float64, or as they are where they are words or whole numbers for classes."""
    if values.dtype.kind in "US" and values.ndim == 1:
        if not words:
            raise DataError(f"{name}: targets must be numbers; labels='classes' takes words as classes")
        if (values == values.dtype.type()).any():
            raise DataError(f"{name}: targets: row {int(np.argmax(values == values.dtype.type()))} is empty")
        return values.astype(str)
    if values.dtype.kind not in "biuf" or values.ndim not in {1, 2}:
        raise DataError(
            f"{name}: targets must be numbers of shape (n,) or (n, K), got {shown(str(values.dtype))} of shape "
            f"{values.shape}; convert them yourself"
        )
    if words and values.dtype.kind in "iu":
        return values
    targets = values.astype(np.float64)
    finite = np.isfinite(targets.reshape(len(targets), -1)).all(axis=1)
    if not finite.all():
        raise DataError(f"{name}: targets: row {int(np.argmin(finite))} holds NaN or infinity")
    return targets


def _array(archive: Archive, names: Sequence[str], name: str) -> npt.NDArray[Any]:
    present = [key for key in archive if key.lower() in names]
    if len(present) != 1:
        found = ", ".join(shown(key) for key in list(archive)[:20]) or "none"
        raise DataError(
            f"{name}: expected one array named {names[0]!r} or {names[1]!r}; arrays there: {found}; "
            "numpy.savez(path, x=inputs, y=targets) names them"
        )
    return archive[present[0]]
