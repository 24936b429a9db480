"""Reading text tables, separated by commas, semicolons or tabs, so strictly that no entry is guessed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from hybrid_train.data.columns import Column, input_columns, target_column
from hybrid_train.data.header import Header, has_header
from hybrid_train.data.text_lines import Plan, TextLines, is_finite_or_word, number
from hybrid_train.errors import DataError
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.messages import printable, quoted
from hybrid_train.support.untrusted import read_table

Words = bool | Literal["auto"]

_SAMPLE = 1000
"""Rows below the first one that say whether that is a header."""

_INDEX_NAMES = {"", "Unnamed: 0"}
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_FEW_WORDS = 20

_MOST_COLUMNS = 100_000
"""Wider than measured data come as text; each column costs a fraction of a millisecond."""


@final
@dataclass(frozen=True, eq=False)
class Table:
    """What a table file holds.

    Attributes:
        inputs: (n, d) float64.
        targets: (n,) float64, or (n,) strings where words are asked for and not every target is a number; None where no
            targets are asked for.
        notes: what was not taken as it stands, in sentences.
        columns: names of the columns of ``inputs``; None without a header.
        target: name of the column of the targets; None likewise.
    """

    inputs: FloatArray
    targets: npt.NDArray[Any] | None
    notes: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    target: str | None = None


def read_text_table(
    path: Path,
    target: Column | None,
    *,
    header: Header,
    words: Words,
    limit: int,
    columns: Sequence[Column] | None = None,
    by_name: Sequence[str] | None = None,
) -> Table:
    """Return what a comma-, semicolon- or tab-separated file holds; blank lines are skipped.

    Args:
        path: the file, UTF-8 or marked UTF-16; packed where the name ends in ``.gz``.
        target: which column holds the targets: "last", a name in the header, or an index from 0 (from the end if
            negative); None for none.
        header: whether the first line names the columns, see :func:`hybrid_train.data.header.has_header`.
        words: whether targets may be words; "auto" where they are words for the most part, and few.
        limit: bytes of text that are read at most.
        columns: those to learn from, by name or index; None for all others, but for an index of the rows.
        by_name: likewise, where there is a header to find them in.

    Raises:
        ConfigError: no such column.
        DataError: ragged, empty, or an entry that is not a finite number; line and column are named.
        UnreadableError: not such a file.
    """
    name = printable(str(path))
    text = TextLines(read_table(path, limit), "\t" if ".tsv" in path.name.lower()[-7:] else None, name)
    line, first = next(text.lines(), (0, None))
    if first is None:
        raise DataError(f"{name}: no rows")
    if len(first) < 2 and target is not None:
        raise DataError(
            f"{name}: line {line} has one column; separate inputs and target by {_SEPARATORS[text.separator]}"
        )
    if len(first) > _MOST_COLUMNS:
        raise DataError(
            f"{name}: line {line} has {len(first)} columns; at most {_MOST_COLUMNS} are read of a text, so write the "
            "table with numpy.save"
        )
    text.check_quotations()
    notes, title = [], Path(name).name
    if text.separator == ";":
        notes.append(f"{title}: columns are separated by semicolons")
    rows = [row for _, row in zip(range(_SAMPLE + 1), text.tolerant_rows(), strict=False)][1:]
    titled, why = has_header(first, rows, header)
    if why:
        notes.append(f"{title}: line {line}, {why}")
    names = tuple(first) if titled else None
    at = None if target is None else target_column(target, names, len(first), name)
    others = tuple(other for other in range(len(first)) if other != at)
    columns = by_name if columns is None and titled else columns
    inputs = others if columns is None else input_columns(columns, names, len(first), name, at)
    body = text.after(line) if titled else text.whole()
    top = rows[0] if titled and rows else first
    plan = Plan(len(first), names, inputs, at, words is True)
    indexed = columns is None and titled and others[:1] == (0,) and first[0] in _INDEX_NAMES and len(others) > 1
    if indexed and _names_rows([row[0] for row in rows if row]):
        plan, indexed = replace(plan, inputs=others[1:]), False
        notes.append(f"{title}: column 0, {quoted(first[0])}, names the rows and is left out")
    plan, frame = _read(plan, body, text, top, words, rows if titled else [first, *rows])
    if indexed and numbers_rows(frame[0]):
        plan = replace(plan, inputs=others[1:])
        notes.append(f"{title}: column 0, {quoted(first[0])}, numbers the rows and is left out")
    return _table(plan, frame, tuple(notes))


def _table(plan: Plan, frame: Any, notes: tuple[str, ...]) -> Table:
    """Return the columns that a plan keeps of what was read."""
    names, values = plan.names, None if plan.target is None else frame[plan.target]
    return Table(
        np.ascontiguousarray(np.stack([frame[other] for other in plan.inputs], axis=1)),
        _numbers_if_all(values) if values is not None and plan.words else values,
        notes,
        None if names is None else tuple(names[other] for other in plan.inputs),
        None if names is None or plan.target is None else names[plan.target],
    )


def _read(
    plan: Plan, body: io.BytesIO, text: TextLines, top: Sequence[str], words: Words, sample: Sequence[Sequence[str]]
) -> tuple[Plan, dict[int, npt.NDArray[Any]]]:
    """Return the columns that are read, and how; raise DataError for the first entry that is wrong."""
    start = body.tell()
    plans = (plan, replace(plan, words=True)) if words == "auto" and plan.target is not None else (plan,)
    # Where pandas is left to find out, a column of True and False becomes one of 1 and 0.
    for tried in (one for one in plans if all(at < len(top) and number(top[at]) is not None for at in one.numeric())):
        body.seek(start)
        frame = _frame(body, text.separator, tried)
        if frame is None:
            continue
        if tried.target is None or not tried.words:
            return tried, frame
        frame[tried.target] = found = np.array([str(word).strip() for word in frame[tried.target]])
        if words == "auto" and not _are_classes(found):
            continue
        if all(word and is_finite_or_word(word) for word in set(found)):
            return tried, frame
        plan = tried
        break
    if words == "auto" and plan.target is not None and _are_classes(_column(sample, plan)):
        plan = replace(plan, words=True)  # what is wrong is not that they are words
    return text.refuse(plan)


def _column(sample: Sequence[Sequence[str]], plan: Plan) -> npt.NDArray[Any]:
    return np.array([row[plan.target or 0] for row in sample if len(row) == plan.width], dtype=str)


def _names_rows(column: Sequence[str]) -> bool:
    """Return whether a column holds words of which none comes twice, as an index of names does."""
    return len(set(column)) == len(column) and not any(number(entry) is not None for entry in column)


def numbers_rows(column: npt.NDArray[Any]) -> bool:
    """Return whether a column is 0, 1, 2, .. or 1, 2, 3, .., as an index is."""
    return len(column) > 2 and column[0] in {0, 1} and bool((np.diff(column) == 1).all())


def _frame(body: io.BytesIO, separator: str, plan: Plan) -> dict[int, npt.NDArray[Any]] | None:
    """Return the columns, or None where they are not what is wanted."""
    import pandas as pd

    numeric = plan.numeric()
    kinds = {at: np.float64 if at in numeric else str for at in range(plan.width)}
    try:
        frame = pd.read_csv(body, sep=separator, header=None, dtype=kinds, na_filter=False)
    except (ValueError, OverflowError):  # also pandas' own ParserError, EmptyDataError
        return None
    if frame.shape[1] != plan.width or not len(frame):
        return None
    wanted = [*plan.inputs, *(() if plan.target is None else (plan.target,))]
    columns = {at: frame[at].to_numpy(np.float64 if at in numeric else object) for at in wanted}
    return columns if all(np.isfinite(columns[at]).all() for at in numeric) else None


def _are_classes(words: npt.NDArray[Any]) -> bool:
    """Whether words, taken as they come, are names of classes and no numbers with a few slips."""
    distinct, counts = np.unique(words, return_counts=True)
    if any(mark in word for word in distinct for mark in (";", "\t")):  # of another separator
        return False
    numbers = sum(int(count) for word, count in zip(distinct, counts, strict=True) if number(word) is not None)
    return 2 * numbers < len(words) and len(distinct) <= max(_FEW_WORDS, len(words) // 2)


def _numbers_if_all(words: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As numbers where every word is one, so that "10" comes after "9" and "1.0" is "1"."""
    for kind in (np.int64, np.float64):  # whole numbers first: large ones differ in digits that a float has not
        try:
            return words.astype(kind)
        except (ValueError, OverflowError):
            continue
    return words
