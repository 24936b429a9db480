"""Reading formulas in the DIMACS format of the SAT competitions, from files that others wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from circuits.cnf.formula import MOST_VARIABLES, Formula
from hybrid_train.errors import DataError
from hybrid_train.support.declared import checked
from hybrid_train.support.declared import path as path_kind
from hybrid_train.support.messages import quoted
from hybrid_train.support.untrusted import MIB, UnreadableError, memory_limit, read_text, reading

_LARGEST = 64 * MIB
_GROWTH = 64
"""Bytes that a byte of the file may take once it is read."""
_DIGITS = 19
"""Of the longest number that is read."""


@checked(path=path_kind())
def read_dimacs(path: str | os.PathLike[str]) -> Formula:
    """Return the formula of a DIMACS CNF file: comments, ``p cnf VARIABLES CLAUSES``, clauses that end with 0.

    What follows a line with a percent sign is ignored, as the files of SATLIB have it.

    Args:
        path: of the file.

    Raises:
        DataError: it cannot be read, is too large, or is no such file; the message names the line.
    """
    name = os.fspath(path)
    with reading(str(name), DataError, "not a DIMACS CNF file"):
        text = read_text(Path(name), memory_limit(_LARGEST, _GROWTH))
        return _formula(_lines(text), len(text))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, words) of the lines that say something, up to one with a percent sign."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 1)
        if not words or words[0] == "c" or (words[0].startswith("c") and not words[0][1:].isdigit()):
            continue
        if words[0].startswith("%"):
            return
        yield number, line.split()


def _formula(lines: Iterator[tuple[int, list[str]]], size: int) -> Formula:
    number, header = next(lines, (1, []))
    n_variables, n_clauses = _header(number, header, size)
    clauses: list[tuple[int, ...]] = []
    clause: list[int] = []
    for number, words in lines:
        if words[0] == "p":
            raise UnreadableError(f"line {number}: a second line 'p'; one formula a file")
        for word in words:
            literal = _whole(number, word)
            if literal:
                if abs(literal) > n_variables:
                    raise UnreadableError(f"line {number}: literal {literal} is none of {n_variables} variables")
                clause.append(literal)
                continue
            clauses.append(tuple(dict.fromkeys(clause)))
            clause = []
            if len(clauses) > n_clauses:
                raise UnreadableError(f"line {number}: more clauses than the {n_clauses} that the line 'p' names")
    if clause:
        raise UnreadableError(f"line {number}: the last clause does not end with 0; is the file cut off?")
    if len(clauses) < n_clauses:
        raise UnreadableError(f"{len(clauses)} clauses, but the line 'p' names {n_clauses}; is the file cut off?")
    return Formula(n_variables, tuple(clauses))


def _header(number: int, words: list[str], size: int) -> tuple[int, int]:
    """Return (variables, clauses), checked before anything is kept."""
    if words[:2] != ["p", "cnf"] or len(words) != 4:
        raise UnreadableError(
            f"line {number}: expected 'p cnf VARIABLES CLAUSES' before the clauses, got {quoted(' '.join(words)[:60])}"
        )
    n_variables, n_clauses = _whole(number, words[2]), _whole(number, words[3])
    if not 1 <= n_variables <= MOST_VARIABLES:
        raise UnreadableError(
            f"line {number}: {n_variables} variables; a search over all assignments takes 1 to {MOST_VARIABLES}"
        )
    if not 0 <= n_clauses <= size:
        raise UnreadableError(f"line {number}: {n_clauses} clauses do not fit a file of {size} characters")
    return n_variables, n_clauses


def _whole(number: int, word: str) -> int:
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
        raise UnreadableError(f"line {number}: expected whole numbers, got {quoted(word[:40])}")
    return int(word)
