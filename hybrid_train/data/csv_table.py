"""Reading a CSV file so strictly that no entry is guessed."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.names import nearest


def read_csv(path: Path, target: str | int, *, words: bool) -> tuple[FloatArray, npt.NDArray[Any]]:
    """Return (inputs, targets) of a comma-separated file.

    The first line is a header when none of its entries is a number; blank lines are skipped.

    Args:
        path: the file, UTF-8.
        target: which column holds the targets: "last", a name in the header, or an index from 0 (from the end if
            negative).
        words: whether targets may be words.

    Returns:
        (n, d) float64 and (n,) float64, or (n,) strings when ``words`` and not every target is a number.

    Raises:
        ConfigError: no such column.
        DataError: not readable, ragged, empty, or an entry that is not a finite number; the line is named.
    """
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: no rows")
    header = None if any(_number(entry) is not None for entry in first[1]) else first[1]
    width = len(first[1])
    if width < 2:
        raise DataError(f"{path}: line {first[0]} has one column; separate inputs and target by commas")
    column = _target_column(target, header, width, path)
    inputs: list[FloatArray] = []
    words_read: list[str] = []
    numbers_read: list[float] = []
    for line, entries in lines if header is not None else chain([first], lines):
        if len(entries) != width:
            raise DataError(f"{path}: line {line} has {len(entries)} entries, but line {first[0]} has {width}")
        numbers = [
            0.0 if words and at == column else _finite(entry, path, line, at) for at, entry in enumerate(entries)
        ]
        inputs.append(np.array(numbers[:column] + numbers[column + 1 :]))
        if words:
            words_read.append(_word(entries[column], path, line, column))
        else:
            numbers_read.append(numbers[column])
    if not inputs:
        raise DataError(f"{path}: no rows below the header")
    return np.stack(inputs), _numbers_if_all(words_read) if words else np.array(numbers_read)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, stripped entries) of the lines that are not blank."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            for row in reader:
                entries = [entry.strip() for entry in row]
                if entries not in ([], [""]):
                    yield reader.line_num, entries
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a UTF-8 text file: {error}") from None
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: not valid CSV: {error}") from None


def _number(entry: str) -> float | None:
    try:
        return float(entry)
    except ValueError:
        return None


def _finite(entry: str, path: Path, line: int, column: int) -> float:
    number = _number(entry)
    if number is None:
        raise DataError(f"{path}: line {line}, column {column}: {entry!r} is not a number")
    if not math.isfinite(number):
        raise DataError(f"{path}: line {line}, column {column}: {entry!r} is not finite; remove or fill in the row")
    return number


def _word(entry: str, path: Path, line: int, column: int) -> str:
    number = _number(entry)
    if not entry or (number is not None and not math.isfinite(number)):
        raise DataError(f"{path}: line {line}, column {column}: {entry!r} is no class; remove or fill in the row")
    return entry


def _numbers_if_all(words: list[str]) -> npt.NDArray[Any]:
    """As numbers where every word is one, so that "10" comes after "9" and "1.0" is "1"."""
    try:
        return np.array(words, dtype=np.float64)
    except ValueError:
        return np.array(words)


def _target_column(target: str | int, header: list[str] | None, width: int, path: Path) -> int:
    if target == "last":
        return width - 1
    if isinstance(target, str):
        if header is None:
            raise ConfigError(f"target={target!r}: {path} has no header line; give 'last' or a column index")
        if header.count(target) != 1:
            what = "several columns" if target in header else f"no column{nearest(target, header)}"
            raise ConfigError(f"target={target!r}: {path} has {what} of that name; columns: {', '.join(header)}")
        return header.index(target)
    if isinstance(target, bool) or not -width <= target < width:
        raise ConfigError(f"target={target!r}: {path} has {width} columns; give an index from 0 to {width - 1}")
    return target % width
