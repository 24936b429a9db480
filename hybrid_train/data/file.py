"""Data of one's own: a text table, or NumPy's arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from hybrid_train.data.columns import Column
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.examples import Examples, Wishes, prepared
from hybrid_train.data.header import Header
from hybrid_train.data.labels import Labels, class_names, known_labels, label_notes, read_labels
from hybrid_train.data.numpy_file import read_npy_table, read_npz
from hybrid_train.data.preparation import Preparation
from hybrid_train.data.table import Table, Words, numbers_rows, read_text_table
from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.support.messages import printable, quoted
from hybrid_train.support.names import nearest
from hybrid_train.support.untrusted import GIB, memory_limit, opened, reading

_KINDS = ("auto", "real", "classes")
_TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_WORDS: dict[str, Words] = {"auto": "auto", "real": False, "classes": True}

_LARGEST = 4 * GIB
"""Bytes of a file of data, or of what it unpacks to."""

_TEXT_GROWTH, _ARRAY_GROWTH = 16, 4
"""Memory that reading takes, in sizes of the file: of text, whose numbers may have two characters, and of arrays."""


def from_file(
    path: str | os.PathLike[str],
    n: int | None = None,
    target: Column = "last",
    labels: Labels = "auto",
    seed: int = 0,
    header: Header = "auto",
    columns: Sequence[Column] | None = None,
) -> Dataset:
    """Return the data of a file, its rows as they stand scaled to ||x|| = 1. Nothing is ever unpickled.

    What is not taken as it stands is told in the data set's ``notes``. Files of more than 4 GiB, or that would take
    more memory than there is, are refused.

    Args:
        path: the file, see :func:`read_examples`, as for the options that are not named here.
        n: rows drawn without replacement, balanced over the classes if there are any; None for every row.
        target: which column holds the targets.
        labels: what the targets are.
        seed: the run's seed, which settles the rows drawn.
        header: whether the first line names the columns.
        columns: those to learn from.

    Raises:
        ConfigError: n or another option is not valid, or the file is of another kind.
        DataError: the file is missing, too large or broken, or its numbers do not make a data set; line and column
            are named.
    """
    examples = read_examples(path, target=target, labels=labels, header=header, columns=columns)
    return prepared(examples, Wishes(n, seed)).dataset


def read_examples(
    path: str | os.PathLike[str],
    *,
    target: Column = "last",
    labels: Labels = "auto",
    header: Header = "auto",
    columns: Sequence[Column] | None = None,
    like: Examples | None = None,
) -> Examples:
    """Return the examples of a file as they stand. Nothing is ever unpickled.

    A ``.csv`` file holds one row a line, separated by commas, semicolons or tabs, with or without a header, a ``.tsv``
    file the same with tabs; either may be packed (``.csv.gz``). An ``.npz`` file holds the arrays ``x`` or ``inputs``
    (n, d) and ``y`` or ``targets`` (n,) or (n, K); an ``.npy`` file one table of numbers, as a CSV file without a
    header does.

    Args:
        path: the file.
        target: of a table: the column of the targets, "last", its name in the header, or its index.
        labels: what the targets are, see :func:`hybrid_train.data.labels.read_labels`: "real" numbers, "classes"
            (two become -1/+1, more 0..K-1; words will do), or "auto": classes if they are words, if there are two
            distinct values, or 3 to 20 distinct integers.
        header: CSV and TSV: whether the first line names the columns, see :func:`hybrid_train.data.header.has_header`.
        columns: of a table: those to learn from, by name or index; None for all but the targets.
        like: examples that these are to go with: columns are those of the same names, classes the same.

    Raises:
        ConfigError: an option is not valid, or the file is of another kind.
        DataError: the file is missing, too large or broken, or its numbers do not make a data set; line and column
            are named.
    """
    if labels not in _KINDS:
        raise ConfigError(
            f"labels={quoted(labels)}: no such kind{nearest(str(labels), _KINDS)}; known: {', '.join(_KINDS)}"
        )
    if not (isinstance(header, bool) or header == "auto"):
        raise ConfigError(f"header={quoted(header)}: expected True, False or 'auto'")
    name, title = printable(os.fsdecode(path)), printable(Path(path).name)
    words = _WORDS[labels]
    by_name = None
    if like is not None:
        by_name = like.columns if columns is None else None
        words = False if like.labels is None else (True if isinstance(like.labels[0], str) else words)
    table = _table(path, target, header, words=words, columns=columns, by_name=by_name)
    values = table.targets
    if values is None:
        raise InvariantError("read_examples: no targets were read")
    if like is not None:
        targets = values if like.labels is None else known_labels(values, like.labels, name)
        classes, names, notes = like.classes, like.labels, list(table.notes)
    else:
        targets, classes = read_labels(values, labels, name)
        names = class_names(values, labels, classes)
        notes = [*table.notes, *_index_notes(table.inputs, title), *label_notes(values, labels, classes, title)]
    return Examples(table.inputs, targets, title, classes, names, table.columns, table.target, tuple(notes))


def read_rows(path: str | os.PathLike[str], preparation: Preparation) -> Table:
    """Return rows to predict for out of a file of any kind that can be trained on, as they stand.

    Columns are found by their names, where both have names, and others are passed over; else all columns are taken.

    Args:
        path: the file.
        preparation: of the network.

    Raises:
        ConfigError: the file is of another kind, or lacks a column.
        DataError: it is missing, too large or broken.
    """
    table = _table(path, None, "auto", words=False, columns=None, by_name=preparation.columns)
    if table.inputs.shape[1] != preparation.dimension:
        raise DataError(
            f"{printable(os.fsdecode(path))}: {table.inputs.shape[1]} columns, but the network was trained on "
            f"{preparation.dimension}; give those alone, without the targets"
        )
    return table


def _table(
    path: str | os.PathLike[str],
    target: Column | None,
    header: Header,
    *,
    words: Words,
    columns: Sequence[Column] | None,
    by_name: Sequence[str] | None = None,
) -> Table:
    name = printable(os.fsdecode(path))
    with reading(name + _path_hint(os.fsdecode(path)), DataError, "not readable as what its name says"):
        return _read(Path(path), name, target, header, words=words, columns=columns, by_name=by_name)


def _read(
    path: Path,
    name: str,
    target: Column | None,
    header: Header,
    *,
    words: Words,
    columns: Sequence[Column] | None,
    by_name: Sequence[str] | None = None,
) -> Table:
    lower = path.name.lower()
    if lower.endswith(_TEXT):
        limit = memory_limit(_LARGEST, _TEXT_GROWTH)
        return read_text_table(path, target, header=header, words=words, limit=limit, columns=columns, by_name=by_name)
    if path.suffix.lower() not in {".npz", ".npy"}:
        with opened(path, _LARGEST):  # what is no file at all is told first
            pass
        raise ConfigError(f"path={name!r}: expected a .csv or .npz file, or .tsv, .csv.gz, .tsv.gz, .npy")
    if header != "auto":
        raise ConfigError(f"header={header!r}: {name} has none; leave it out")
    limit = memory_limit(_LARGEST, _ARRAY_GROWTH)
    if path.suffix.lower() == ".npy":
        return read_npy_table(path, target, limit=limit, columns=columns)
    if target not in {"last", None}:
        raise ConfigError(
            f"target={quoted(target)}: an .npz file names its targets itself, 'y' or 'targets'; leave it out"
        )
    if columns is not None:
        raise ConfigError(f"columns={quoted(list(columns))}: all of x in an .npz file is taken; leave it out")
    return read_npz(path, words=words, limit=limit, targets=target is not None)


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
