"""Reading NPZ and NPY files as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.data.columns import Column, input_columns, target_column
from hybrid_train.data.table import Table, Words
from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.archives import Archive, opened_archive, read_npy
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.messages import printable, shown
from hybrid_train.support.untrusted import reading

_INPUTS, _TARGETS = ("x", "inputs"), ("y", "targets")


def read_npz(path: Path, *, words: Words, limit: int, targets: bool = True) -> Table:
    """Return the arrays ``x`` or ``inputs`` and ``y`` or ``targets`` of an archive; capital letters will do.

    Args:
        path: the file.
        words: whether targets may be words.
        limit: bytes of the file, and of each of the arrays.
        targets: whether they are wanted.

    Raises:
        DataError: not an archive, arrays of other names, or not numbers of fitting shapes.
    """
    name = printable(str(path))
    problem = "write it with numpy.savez"
    with reading(f"{name}: not a readable .npz archive", DataError, problem), opened_archive(path, limit) as archive:
        of_inputs = _named(archive, _INPUTS, name)
        of_targets = _named(archive, _TARGETS, name) if targets else None
        if of_targets is not None:
            _check_rows(archive.shape(of_inputs), archive.shape(of_targets), name)
        inputs = archive[of_inputs]
        values = None if of_targets is None else archive[of_targets]
    notes = []
    if values is not None and values.ndim == 2 and values.shape[1] == 1:
        notes.append(f"{name}: targets of shape {values.shape} are taken as {values.shape[:1]}, one number a row")
        values = values[:, 0]
    if inputs.dtype == bool:
        notes.append(f"{name}: inputs are True and False, taken as 1 and 0")
    rows = _inputs(inputs, name)
    if values is None:
        return Table(rows, None, tuple(notes))
    return Table(rows, _targets(values, name, words=words), tuple(notes))


def read_npy_table(path: Path, target: Column | None, *, limit: int, columns: Sequence[Column] | None = None) -> Table:
    """Return the table of an NPY file, one of whose columns holds the targets, if they are wanted.

    Args:
        path: the file.
        target: that column: "last" or an index; None for none.
        limit: bytes of the file.
        columns: those to learn from, by index; None for all others.

    Raises:
        ConfigError: no such column.
        DataError: not a table of finite numbers with at least two columns.
    """
    name = printable(str(path))
    with reading(name, DataError, "not a readable .npy file; write it with numpy.save"):
        array = read_npy(path, limit)
    table = _inputs(array, name)
    width = table.shape[1]
    if width < 2 and target is not None:
        raise DataError(f"{name}: one column; expected those of the inputs and one of targets")
    column = None if target is None else target_column(target, None, width, name)
    others = [at for at in range(width) if at != column]
    inputs = table[:, others if columns is None else list(input_columns(columns, None, width, name, column))]
    # As stored, where classes may be integers that no float tells apart.
    return Table(inputs, None if column is None else _targets(array[:, column], name, words=False), ())


def _check_rows(inputs: tuple[int, ...], targets: tuple[int, ...], name: str) -> None:
    """Refuse arrays that do not go together by their shapes, before memory is taken for them."""
    if inputs and targets and inputs[0] != targets[0]:
        raise DataError(f"{name}: {inputs[0]} inputs but {targets[0]} targets")


def _inputs(array: npt.NDArray[Any], name: str) -> FloatArray:
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: inputs must be real numbers, got {shown(str(array.dtype))}; convert them yourself")
    if array.ndim > 2:
        raise DataError(f"{name}: inputs: expected shape (n, d), got {array.shape}; give x.reshape(len(x), -1)")
    return checked_vectors(array, f"{name}: inputs")


def _targets(values: npt.NDArray[Any], name: str, *, words: Words) -> npt.NDArray[Any]:
    """Return targets as float64, or as they are where they are words or whole numbers for classes."""
    if values.dtype.kind in "US" and values.ndim == 1:
        if not words or (words == "auto" and _are_numbers(values)):
            raise DataError(f"{name}: targets must be numbers; labels='classes' takes words as classes")
        if (values == values.dtype.type()).any():
            raise DataError(f"{name}: targets: row {int(np.argmax(values == values.dtype.type()))} is empty")
        return values.astype(str)
    if values.dtype.kind not in "biuf" or values.ndim not in {1, 2}:
        raise DataError(
            f"{name}: targets must be numbers of shape (n,) or (n, K), got {shown(str(values.dtype))} of shape "
            f"{values.shape}; convert them yourself"
        )
    if words is True and values.dtype.kind in "iu":
        return values
    targets = values.astype(np.float64)
    finite = np.isfinite(targets.reshape(len(targets), -1)).all(axis=1)
    if not finite.all():
        raise DataError(f"{name}: targets: row {int(np.argmin(finite))} holds NaN or infinity")
    return targets


def _are_numbers(words: npt.NDArray[Any]) -> bool:
    try:
        words.astype(np.float64)
    except ValueError:
        return False
    return True


def _named(archive: Archive, names: Sequence[str], name: str) -> str:
    present = [key for key in archive if key.lower() in names]
    if len(present) != 1:
        found = ", ".join(shown(key) for key in list(archive)[:20]) or "none"
        raise DataError(
            f"{name}: expected one array named {names[0]!r} or {names[1]!r}; arrays there: {found}; "
            "numpy.savez(path, x=inputs, y=targets) names them"
        )
    return present[0]
