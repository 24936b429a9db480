"""A formula in conjunctive normal form, and which assignments satisfy it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError, ResourceError
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.declared import checked, datum, sequence, whole
from hybrid_train.support.memory import available_bytes

MOST_VARIABLES = 62
"""An assignment is an index, which is a 64-bit integer."""

_BYTES_PER_ITEM = 12
"""Taken by the mask and what it is computed from, at most."""


@checked(
    n_variables=datum(whole(1, MOST_VARIABLES)),
    clauses=datum(sequence(sequence(whole(-MOST_VARIABLES, MOST_VARIABLES), 0), 0)),
)
@final
@dataclass(frozen=True)
class Formula:
    """Clauses, all of which an assignment has to satisfy; bit v - 1 of an assignment is variable v.

    Attributes:
        n_variables: v.
        clauses: each a tuple of literals, +v or -v; one without literals can never be satisfied.

    Raises:
        DataError: no variables, more than 62, or a literal that is no variable.
    """

    n_variables: int
    clauses: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not 1 <= self.n_variables <= MOST_VARIABLES:
            raise DataError(
                f"n_variables={self.n_variables}: a search over assignments needs 1 to {MOST_VARIABLES} variables"
            )
        for number, clause in enumerate(self.clauses):
            wrong = [literal for literal in clause if not 1 <= abs(literal) <= self.n_variables]
            if wrong:
                raise DataError(f"clause {number + 1}: literal {wrong[0]} is none of {self.n_variables} variables")

    def violations(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return what violates each clause: (bits that must be 0, bits that must be 1); tautologies are left out."""
        found = []
        for clause in self.clauses:
            zeros = tuple(sorted({literal - 1 for literal in clause if literal > 0}))
            ones = tuple(sorted({-literal - 1 for literal in clause if literal < 0}))
            if not set(zeros) & set(ones):
                found.append((zeros, ones))
        return found

    def satisfied_by(self, assignments: IntArray) -> npt.NDArray[np.bool_]:
        """Return which of these assignments satisfy every clause: one look at each clause."""
        satisfied = np.ones(len(assignments), np.bool_)
        for zeros, ones in self.violations():
            bits = _word(zeros) | _word(ones)
            satisfied &= assignments & bits != _word(ones)
        return satisfied

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return (2^v,) which assignments satisfy the formula: what a simulator has to know.

        Raises:
            ResourceError: so many assignments do not fit this machine.
        """
        size = 1 << self.n_variables
        if _BYTES_PER_ITEM * size > available_bytes():
            raise ResourceError(
                f"n_variables={self.n_variables}: a table of 2^{self.n_variables} assignments needs "
                f"{_BYTES_PER_ITEM * size} bytes of memory but {available_bytes()} are available; take a formula of "
                "fewer variables"
            )
        satisfied = np.ones((2,) * self.n_variables, np.bool_)
        for zeros, ones in self.violations():  # axis 0 is the highest bit
            where: list[int | slice] = [slice(None)] * self.n_variables
            for bits, value in ((zeros, 0), (ones, 1)):
                for bit in bits:
                    where[self.n_variables - 1 - bit] = value
            satisfied[tuple(where)] = False
        return satisfied.reshape(-1)


def _word(bits: Iterable[int]) -> int:
    return sum(1 << bit for bit in bits)
