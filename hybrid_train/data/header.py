"""Whether the first line of a table names its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hybrid_train.support.messages import quoted

Header = bool | Literal["auto"]


def has_header(first: Sequence[str], below: Sequence[Sequence[str]], header: Header) -> tuple[bool, str]:
    """Return whether the first line is a header, and what to say where that is not plain.

    With "auto" it is one where

    * no entry is a number; or
    * all are numbers, 0, 1, 2, .. in this order, as pandas names the columns of an array; or
    * its numbers are 0, 1, 2, .. or 1, 2, 3, .., or the numbers of their columns, and the others do not
      occur again in their columns, as classes would.
      Of one number alone this is believed only where it is 0 and the others stand above numbers.

    Args:
        first: the entries of the first line.
        below: entries of lines below it, to compare with.
        header: True or False where the caller knows.
    """
    if isinstance(header, bool):
        return header, ""
    numbers = [entry for entry in first if _is_number(entry)]
    if not numbers:
        return True, ""
    placed = all(entry == str(at) for at, entry in enumerate(first) if _is_number(entry))
    if not (placed or _counts(numbers, 0) or (len(numbers) < len(first) and _counts(numbers, 1))):
        return False, ""
    words = [at for at, entry in enumerate(first) if not _is_number(entry)]
    below_words = [row[at] for row in below for at in words if at < len(row)]
    if any(row[at] == first[at] for row in below for at in words if at < len(row)):
        return False, ""
    plain = numbers[0] == "0" and below_words and all(_is_number(entry) for entry in below_words)
    if words and len(numbers) == 1 and not plain:
        return False, ""
    shown = ", ".join(quoted(entry) for entry in first[:3]) + (", .." if len(first) > 3 else "")
    return True, f"{shown}: taken as the names of the columns; header=false takes it as a row"


def _counts(numbers: Sequence[str], start: int) -> bool:
    return all(entry == str(start + at) for at, entry in enumerate(numbers))


def _is_number(entry: str) -> bool:
    try:
        float(entry)
    except ValueError:
        return False
    return True
