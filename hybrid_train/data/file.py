"""Data of one's own: a text table, or NumPy's arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.data.checks import draw_rows, unit_rows
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.header import Header
from hybrid_train.data.labels import Labels, label_notes, read_labels
from hybrid_train.data.numpy_file import read_npy_table, read_npz
from hybrid_train.data.table import Table, numbers_rows, read_text_table
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.messages import printable, quoted
from hybrid_train.support.names import nearest
from hybrid_train.support.untrusted import GIB, memory_limit, opened, reading

_KINDS = ("auto", "real", "classes")
_TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")

_LARGEST = 4 * GIB
"""Bytes of a file of data, or of what it unpacks to."""

_TEXT_GROWTH, _ARRAY_GROWTH = 16, 4
"""Memory that reading takes, in sizes of the file: of text, whose numbers may have two characters, and of arrays."""


def from_file(
    path: str | os.PathLike[str],
    n: int | None = None,
    target: str | int = "last",
    labels: Labels = "auto",
    seed: int = 0,
    header: Header = "auto",
) -> Dataset:
    """Return the data of a file, rows scaled to ||x|| = 1. Nothing is ever unpickled.

    A ``.csv`` file holds one row a line, comma-separated, with or without a header, a ``.tsv`` file the same with
    tabs; either may be packed (``.csv.gz``). An ``.npz`` file holds the arrays ``x`` or ``inputs`` (n, d) and ``y`` or
    ``targets`` (n,) or (n, K); an ``.npy`` file one table of numbers, as a CSV file without a header does. What is
    not taken as it stands is told in the data set's ``notes``. Files of more than 4 GiB, or that would take more
    memory than there is, are refused.

    Args:
        path: the file.
        n: rows drawn without replacement, balanced over the classes if there are any; None for every row.
        target: of a table: the column of the targets, "last", its name in the header, or its index.
        labels: what the targets are, see :func:`hybrid_train.data.labels.read_labels`: "real" numbers, "classes"
            (two become -1/+1, more 0..K-1; words will do), or "auto": classes if there are two distinct values, or
            3 to 20 distinct integers.
        seed: the run's seed, which settles the rows drawn.
        header: CSV and TSV: whether the first line names the columns, see :func:`hybrid_train.data.header.has_header`.

    Raises:
        ConfigError: n, target, labels or header is not valid, or the file is of another kind.
        DataError: the file is missing, too large or broken, or its numbers do not make a data set; line and column
            are named.
    """
    if labels not in _KINDS:
        raise ConfigError(
            f"labels={quoted(labels)}: no such kind{nearest(str(labels), _KINDS)}; known: {', '.join(_KINDS)}"
        )
    if not (isinstance(header, bool) or header == "auto"):
        raise ConfigError(f"header={quoted(header)}: expected True, False or 'auto'")
    name = printable(os.fsdecode(path))
    with reading(name + _path_hint(os.fsdecode(path)), DataError, "not readable as what its name says"):
        table = _read(Path(path), name, target, header, words=labels == "classes")
    targets, classes = read_labels(table.targets, labels, name)
    grouped = targets if classes is not None or (labels != "real" and _two_signs(targets)) else None
    rows = draw_rows(len(table.inputs), n, seed, grouped)
    notes = [*table.notes, *_index_notes(table.inputs, name), *label_notes(table.targets, labels, classes, name)]
    # Every row is normalised before any is drawn: a bad file is refused whatever the seed, by its own row numbers.
    inputs = unit_rows(table.inputs, name)[rows]
    return Dataset(inputs, targets[rows], printable(Path(path).name), classes, tuple(notes))


def _read(path: Path, name: str, target: str | int, header: Header, *, words: bool) -> Table:
    lower = path.name.lower()
    if lower.endswith(_TEXT):
        limit = memory_limit(_LARGEST, _TEXT_GROWTH)
        return read_text_table(path, target, header=header, words=words, limit=limit)
    if path.suffix.lower() not in {".npz", ".npy"}:
        with opened(path, _LARGEST):  # what is no file at all is told first
            pass
        raise ConfigError(f"path={name!r}: expected a .csv or .npz file, or .tsv, .csv.gz, .tsv.gz, .npy")
    if header != "auto":
        raise ConfigError(f"header={header!r}: {name} has none; leave it out")
    limit = memory_limit(_LARGEST, _ARRAY_GROWTH)
    if path.suffix.lower() == ".npy":
        return read_npy_table(path, target, limit=limit)
    if target != "last":
        raise ConfigError(
            f"target={quoted(target)}: an .npz file names its targets itself, 'y' or 'targets'; leave it out"
        )
    return read_npz(path, words=words, limit=limit)


def _two_signs(targets: npt.NDArray[Any]) -> bool:
    return targets.ndim == 1 and bool((np.abs(targets) == 1).all())


def _path_hint(path: str) -> str:
    """Return what to say of a path that no longer is what was written in TOML."""
    if path.isprintable() or os.path.lexists(path.replace("\0", "")):
        return ""
    return " (with a control character: in TOML a path with backslashes goes in single quotes)"


def _index_notes(inputs: npt.NDArray[Any], name: str) -> list[str]:
    if inputs.shape[1] < 2 or not numbers_rows(inputs[:, 0]):
        return []
    what = "the first column of the inputs numbers the rows"
    return [f"{name}: {what} and is taken as an input; if it is an index, leave it out"]
