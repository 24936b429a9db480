"""The lines of a text table, and what is wrong with an entry."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, NoReturn, final

from hybrid_train.errors import DataError
from hybrid_train.support.messages import printable, quoted

_MISSING = "remove or fill in the row (pandas: dropna, fillna), or leave the column out by data.columns"


@final
@dataclass(frozen=True)
class Plan:
    """How the columns of a text table are read; others are passed over.

    Attributes:
        width: columns there are.
        names: of all columns; None without a header.
        inputs: those that hold numbers to learn from.
        target: that of the targets; None for none.
        words: whether targets may be words.
    """

    width: int
    names: tuple[str, ...] | None
    inputs: tuple[int, ...]
    target: int | None
    words: bool

    def numeric(self) -> set[int]:
        """Return the columns whose every entry has to be a number."""
        return {*self.inputs} | (set() if self.target is None or self.words else {self.target})


@final
class TextLines:
    """The text of a table and its lines.

    Args:
        data: UTF-8.
        separator: of the entries; None for the one that the first line shows, of ``, ; TAB``.
        name: of the file.

    Attributes:
        separator: of the entries.
    """

    def __init__(self, data: bytes, separator: str | None, name: str) -> None:
        self._data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
        self._name = name
        self.separator = self._shown() if separator is None else separator

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, stripped entries) of the lines that are not blank.

        Raises:
            DataError: a quotation that does not end, or the like.
        """
        reader = self._reader()
        try:
            for row in reader:
                entries = [entry.strip() for entry in row]
                if entries not in ([], [""]):
                    yield reader.line_num, entries
        except csv.Error as error:
            raise self._invalid(reader.line_num, error) from None

    def check_quotations(self) -> None:
        """Raise DataError for a quotation that is none, such as ``"1"2``, which pandas takes for 12."""
        if b'"' not in self._data:
            return
        reader = self._reader()
        try:
            for _ in reader:
                pass
        except csv.Error as error:
            raise self._invalid(reader.line_num, error) from None

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

    def refuse(self, plan: Plan) -> NoReturn:
        """Raise DataError for the first entry that is wrong."""
        start = count = 0
        numeric = plan.numeric()
        for line, entries in self.lines():
            start = start or line
            if len(entries) != plan.width:
                raise DataError(
                    f"{self._name}: line {line} has {len(entries)} entries, but line {start} has {plan.width}"
                )
            if plan.names is not None and line == start:
                continue
            count += 1
            for at, entry in enumerate(entries):
                problem = _problem(entry, at, plan, numeric)
                if problem:
                    if line == start:
                        problem += "; if this line names the columns, header=true says so"
                    where = f"{self._name}: line {line}, column {at}{_called(plan.names, at)}"
                    raise DataError(f"{where}: {quoted(entry)} {problem}")
        if not count:
            raise DataError(f"{self._name}: no rows below the header")
        raise DataError(f"{self._name}: not a table of numbers; write it with numpy.savetxt or pandas' to_csv")

    def _reader(self) -> Any:
        stream = io.TextIOWrapper(io.BytesIO(self._data), encoding="utf-8", newline="")
        return csv.reader(stream, delimiter=self.separator, strict=True)

    def _invalid(self, line: int, error: csv.Error) -> DataError:
        return DataError(f"{self._name}: line {line}: not valid CSV: {printable(str(error))}")

    def _shown(self) -> str:
        head = next((line for line in self._data.split(b"\n", 50)[:50] if line.strip()), b"").decode("utf-8", "replace")
        bare = "".join(part for part in head.split('"')[::2])  # outside quotation marks
        return next((mark for mark in (",", ";", "\t") if mark in bare), ",")


def number(entry: str) -> float | None:
    """Return the number an entry is, as it is written in every country and no programming language alone."""
    try:
        return float(entry) if entry.isascii() and "_" not in entry else None
    except ValueError:
        return None


def is_finite_or_word(entry: str) -> bool:
    """Whether an entry is not NaN or infinity."""
    found = number(entry)
    return found is None or math.isfinite(found)


def _problem(entry: str, at: int, plan: Plan, numeric: Set[int]) -> str:
    if at == plan.target and plan.words:
        return "" if entry and is_finite_or_word(entry) else "is no class; remove or fill in the row"
    return _number_problem(entry, is_target=at == plan.target) if at in numeric else ""


def _number_problem(entry: str, *, is_target: bool) -> str:
    remedy = "remove or fill in the row" if is_target else _MISSING
    found = number(entry)
    if found is not None:
        return "" if math.isfinite(found) else f"is not finite; {remedy}"
    if not entry:
        return f"is not a number, a cell is missing; {remedy}"
    if number(entry.replace(",", ".", 1)) is not None:
        return "is not a number; write decimals with a point (pandas: decimal='.')"
    if is_target:
        return "is not a number; labels='classes' takes words as classes"
    if entry in {"True", "False"}:
        return "is not a number; write 1 and 0 (pandas: astype(float)), or leave the column out by data.columns"
    return (
        "is not a number; inputs are numbers: leave the column out by data.columns, or make numbers of it (pandas: "
        "get_dummies)"
    )


def _called(names: Sequence[str] | None, at: int) -> str:
    return "" if names is None else f" ({quoted(names[at])})"
