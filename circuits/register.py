"""The index register of a search: where its items lie on the qubits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import final

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_whole

MOST_ITEMS = 1 << 62
"""Beyond, an index is no 64-bit integer."""


def index_qubits(n_items: int) -> int:
    """Return how many qubits hold an index below m: ceil(log2 m), at least one."""
    return max(1, (n_items - 1).bit_length())


@final
@dataclass(frozen=True)
class Register:
    """Items that one number names, or several: (datum, neuron) for a search over all pairs.

    Items are numbered like the entries of an array of this shape, row by row; every factor lies on qubits of its own,
    the last one on the lowest. So what is loaded by one number is addressed by its qubits alone.

    Attributes:
        shape: how many values each number takes.

    Raises:
        ConfigError: there is no number, one that takes no value, or there are more than 2^62 items.
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.shape:
            raise ConfigError("Register: at least one number must name an item")
        for count in self.shape:
            checked_whole(count, "n_items", 1, MOST_ITEMS)
        checked_whole(self.n_items, "n_items", 1, MOST_ITEMS)

    @classmethod
    def of(cls, items: int | Register) -> Register:
        """Return a register of this many items that one number names, or the register that it is.

        Raises:
            ConfigError: not a whole number from 1 to 2^62.
        """
        return items if isinstance(items, Register) else cls((checked_whole(items, "n_items", 1, MOST_ITEMS),))

    @cached_property
    def n_items(self) -> int:
        """How many items there are: the product of the counts."""
        return prod(self.shape)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Qubits of each number: ceil(log2) of its count, none where there is no choice but at least one in all."""
        widths = [(count - 1).bit_length() for count in self.shape]
        widths[-1] += not any(widths)
        return tuple(widths)

    @cached_property
    def n_qubits(self) -> int:
        """Qubits in all."""
        return sum(self.widths)

    @property
    def noun(self) -> str:
        """What the items are, for messages."""
        return "points" if len(self.shape) == 1 else "pairs"

    def places(self, items: IntArray) -> IntArray:
        """Return the basis state of each item, as an integer."""
        if self._is_dense:
            return items
        place = np.zeros(len(items), np.int64)
        numbers = np.unravel_index(items, self.shape)
        for number, width in zip(numbers, self.widths, strict=True):
            place = place << width | number
        return place

    def items(self, places: IntArray) -> IntArray:
        """Return the item at each basis state; ``n_items`` or more where there is none."""
        if self._is_dense:
            return places
        item, inside = np.zeros(len(places), np.int64), np.ones(len(places), np.bool_)
        shift = self.n_qubits
        for count, width in zip(self.shape, self.widths, strict=True):
            shift -= width
            number = places >> shift & (1 << width) - 1
            inside &= number < count
            item = item * count + number
        return np.where(inside, item, self.n_items)

    @cached_property
    def _is_dense(self) -> bool:
        """Whether an item is its own place: every number but the first fills its qubits."""
        return all(count == 1 << width for count, width in zip(self.shape[1:], self.widths[1:], strict=True))
