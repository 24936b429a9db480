"""Reading text tables, comma- or tab-separated, so strictly that no entry is guessed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, final

import numpy as np
import numpy.typing as npt

from hybrid_train.data.header import Header, has_header
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.messages import printable, quoted
from hybrid_train.support.names import nearest
from hybrid_train.support.untrusted import read_table

_SAMPLE = 1000
"""Rows below the first one that say whether that is a header."""

_INDEX_NAMES = {"", "Unnamed: 0"}


@final
@dataclass(frozen=True, eq=False)
class Table:
    """What a table file holds.

    Attributes:
        inputs: (n, d) float64.
        targets: (n,) float64, or (n,) strings where words are asked for and not every target is a number.
        notes: what was not taken as it stands, in sentences.
    """

    inputs: FloatArray
    targets: npt.NDArray[Any]
    notes: tuple[str, ...]


def read_text_table(path: Path, target: str | int, *, header: Header, words: bool, limit: int) -> Table:
    """Return what a comma- or (``.tsv``) tab-separated file holds; blank lines are skipped.

    Args:
        path: the file, UTF-8 or marked UTF-16; packed where the name ends in ``.gz``.
        target: which column holds the targets: "last", a name in the header, or an index from 0 (from the end if
            negative).
        header: whether the first line names the columns, see :func:`hybrid_train.data.header.has_header`.
        words: whether targets may be words.
        limit: bytes of text that are read at most.

    Raises:
        ConfigError: no such column.
        DataError: ragged, empty, or an entry that is not a finite number; the line is named.
        UnreadableError: not such a file.
    """
    name = printable(str(path))
    separator: Literal[",", "\t"] = "\t" if ".tsv" in path.name.lower()[-7:] else ","
    text = _Text(read_table(path, limit), separator, name)
    line, first = next(text.lines(), (0, None))
    if first is None:
        raise DataError(f"{name}: no rows")
    if len(first) < 2:
        raise DataError(
            f"{name}: line {line} has one column; separate inputs and target by {_advice(first, separator)}"
        )
    notes = []
    rows = [row for _, row in zip(range(_SAMPLE + 1), text.tolerant_rows(), strict=False)][1:]
    titled, why = has_header(first, rows, header)
    if why:
        notes.append(f"{name}: line {line}, {why}")
    column = _target_column(target, first if titled else None, len(first), name)
    body = text.after(line) if titled else text.whole()
    top = rows[0] if titled and rows else first
    # Where pandas is left to find out, a column of True and False becomes one of 1 and 0.
    numeric = all(_number(entry) is not None for at, entry in enumerate(top) if not (words and at == column))
    frame = _frame(body, separator, len(first), column if words else None) if numeric else None
    if frame is None:
        text.refuse(first, titled=titled, column=column if words else None, target=column)
    features = [at for at in range(len(first)) if at != column]
    if titled and features[0] == 0 and first[0] in _INDEX_NAMES and len(features) > 1 and numbers_rows(frame[0]):
        features = features[1:]
        notes.append(f"{name}: column 0, {quoted(first[0])}, numbers the rows and is left out")
    values = _words(frame[column]) if words else np.asarray(frame[column])
    if words and any(not word or not _is_finite_or_word(word) for word in set(values)):
        text.refuse(first, titled=titled, column=column, target=column)
    inputs = np.ascontiguousarray(np.stack([frame[at] for at in features], axis=1))
    return Table(inputs, _numbers_if_all(values) if words else values, tuple(notes))


def numbers_rows(column: npt.NDArray[Any]) -> bool:
    """Return whether a column is 0, 1, 2, .. or 1, 2, 3, .., as an index is."""
    return len(column) > 2 and column[0] in {0, 1} and bool((np.diff(column) == 1).all())


@final
class _Text:
    """The text of a table and its lines.

    Args:
        data: UTF-8.
        separator: of the entries.
        name: of the file.
    """

    def __init__(self, data: bytes, separator: str, name: str) -> None:
        self._data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
        self._separator = separator
        self._name = name

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, stripped entries) of the lines that are not blank.

        Raises:
            DataError: a quotation that does not end, or the like.
        """
        stream = io.TextIOWrapper(io.BytesIO(self._data), encoding="utf-8", newline="")
        reader = csv.reader(stream, delimiter=self._separator, strict=True)
        try:
            for row in reader:
                entries = [entry.strip() for entry in row]
                if entries not in ([], [""]):
                    yield reader.line_num, entries
        except csv.Error as error:
            problem = printable(str(error))
            raise DataError(f"{self._name}: line {reader.line_num}: not valid CSV: {problem}") from None

    def tolerant_rows(self) -> Iterator[list[str]]:
        """Yield the entries of lines as far as they can be told apart."""
        try:
            for _, entries in self.lines():
                yield entries
        except DataError:  # told where the whole is read
            return

    def whole(self) -> io.BytesIO:
        """Return the text to read from."""
        return io.BytesIO(self._data)

    def after(self, lines: int) -> io.BytesIO:
        """Return the text to read from, behind so many lines."""
        stream = io.BytesIO(self._data)
        for _ in range(lines):
            stream.readline()
        return stream

    def refuse(self, first: Sequence[str], *, titled: bool, column: int | None, target: int) -> NoReturn:
        """Raise DataError for the first entry that is wrong.

        Args:
            first: the first line.
            titled: whether it is a header.
            column: which may hold words.
            target: which holds the targets.
        """
        lines = self.lines()
        start, width = 0, len(first)
        count = 0
        for line, entries in lines:
            start = start or line
            if len(entries) != width:
                raise DataError(f"{self._name}: line {line} has {len(entries)} entries, but line {start} has {width}")
            if titled and line == start:
                continue
            count += 1
            for at, entry in enumerate(entries):
                problem = _word_problem(entry) if at == column else _number_problem(entry, is_target=at == target)
                if problem:
                    if line == start:
                        problem += "; if this line names the columns, header=true says so"
                    raise DataError(f"{self._name}: line {line}, column {at}: {quoted(entry)} {problem}")
        if not count:
            raise DataError(f"{self._name}: no rows below the header")
        raise DataError(f"{self._name}: not a table of numbers; write it with numpy.savetxt or pandas' to_csv")


def _frame(body: io.BytesIO, separator: str, width: int, words: int | None) -> dict[int, npt.NDArray[Any]] | None:
    """Return the columns, or None where they are not what is wanted."""
    import pandas as pd

    kinds = {at: str if at == words else np.float64 for at in range(width)}
    try:
        frame = pd.read_csv(body, sep=separator, header=None, dtype=kinds, na_filter=False)
    except (ValueError, OverflowError):  # also pandas' own ParserError, EmptyDataError
        return None
    if frame.shape[1] != width or not len(frame):
        return None
    columns = {at: frame[at].to_numpy(object if at == words else np.float64) for at in range(width)}
    if not all(np.isfinite(column).all() for at, column in columns.items() if at != words):
        return None
    return columns


def _words(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array([str(word).strip() for word in column])


def _numbers_if_all(words: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As numbers where every word is one, so that "10" comes after "9" and "1.0" is "1"."""
    for kind in (np.int64, np.float64):  # whole numbers first: large ones differ in digits that a float has not
        try:
            return words.astype(kind)
        except (ValueError, OverflowError):
            continue
    return words


def _number(entry: str) -> float | None:
    try:
        return float(entry) if entry.isascii() and "_" not in entry else None
    except ValueError:
        return None


def _is_finite_or_word(entry: str) -> bool:
    number = _number(entry)
    return number is None or math.isfinite(number)


def _number_problem(entry: str, *, is_target: bool) -> str:
    number = _number(entry)
    if number is not None:
        return "" if math.isfinite(number) else "is not finite; remove or fill in the row"
    if not entry:
        return "is not a number; remove or fill in the row"
    advice = "labels='classes' takes words as classes" if is_target else "inputs are numbers; leave the column out"
    return f"is not a number; {advice}"


def _word_problem(entry: str) -> str:
    return "" if entry and _is_finite_or_word(entry) else "is no class; remove or fill in the row"


def _advice(first: Sequence[str], separator: str) -> str:
    wanted = "commas" if separator == "," else "tabs"
    found = next(
        (name for mark, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")) if mark in first[0]), ""
    )
    if not found:
        return wanted
    other = {"tabs": "call the file .tsv", "commas": "call the file .csv"}.get(found, "write it with sep=','")
    return f"{wanted} (it seems to be separated by {found}: {other})"


def _target_column(target: str | int, header: Sequence[str] | None, width: int, name: str) -> int:
    if target == "last":
        if header is not None and "last" in header[:-1]:
            raise ConfigError(
                f"target='last': {name} has a column of that name which is not the last one; give "
                f"target={header.index('last')} for it or target=-1 for the last column"
            )
        return width - 1
    if isinstance(target, str):
        if header is None:
            raise ConfigError(f"target={quoted(target)}: {name} has no header line; give 'last' or a column index")
        if header.count(target) != 1:
            what = "several columns" if target in header else f"no column{nearest(target, header)}"
            columns = ", ".join(printable(title, 60) for title in header[:20]) + (", .." if width > 20 else "")
            raise ConfigError(f"target={quoted(target)}: {name} has {what} of that name; columns: {columns}")
        return header.index(target)
    if isinstance(target, bool) or not isinstance(target, int) or not -width <= target < width:
        raise ConfigError(f"target={quoted(target)}: {name} has {width} columns; give an index from 0 to {width - 1}")
    return target % width
