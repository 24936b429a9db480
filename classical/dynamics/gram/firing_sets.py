"""How many rows fire for each set of columns, without a word about any single row."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import IntArray
from hybrid_train.support.kernels import kernel

_WORD = 64

_FIRST, _MOST = 1 << 10, 1 << 21
"""Places of a table at first, and words of one that is large."""


def words_of(n: int) -> int:
    """Return how many words a set of n columns takes."""
    return -(-n // _WORD)


@final
class FiringSets:
    """Counts sets of columns.

    Where rows fire for so many sets that a table of them would be large, nothing is counted any more.

    Args:
        n: number of columns.
    """

    def __init__(self, n: int) -> None:
        self.words = words_of(n)
        self._full = False
        self._empty(_FIRST)

    def add(self, sets: npt.NDArray[np.uint64], times: int | IntArray = 1) -> None:
        """Count some sets.

        Args:
            sets: (B, words) bit j mod 64 of word j div 64 for column j; none is empty.
            times: how often each counts; -1 takes it away.
        """
        counts = np.broadcast_to(np.asarray(times, np.int64), len(sets))
        done = 0
        while not self._full:
            done = int(_count(self._sets, self._counts, sets, counts, done, self._room()))
            if done == len(sets):
                return
            self._grow()

    def join(self, other: FiringSets) -> None:
        """Count what another counts, too."""
        self._full |= other._full
        used = other._sets.any(axis=1)
        self.add(other._sets[used], other._counts[used])

    def touching(self, columns: npt.NDArray[np.bool_]) -> int | None:
        """Return how many rows fire for some of the columns, of which (n,) tells; None if that was not counted."""
        if self._full:
            return None
        padded = np.zeros(self.words * _WORD, bool)
        padded[: len(columns)] = columns
        bits = np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)
        return int(self._counts[(self._sets & bits).any(axis=1)].sum())

    def _empty(self, places: int) -> None:
        self._sets, self._counts = np.zeros((places, self.words), np.uint64), np.zeros(places, np.int64)

    def _room(self) -> int:
        """Return how many sets may yet come before the table is half full."""
        return len(self._sets) // 2 - int(np.count_nonzero(self._sets.any(axis=1)))

    def _grow(self) -> None:
        """Go on in a table of twice the places, without the sets that no row fires for any more."""
        sets, counts = self._sets[self._counts != 0], self._counts[self._counts != 0]
        self._empty(2 * len(self._sets))
        self._full = self._sets.size > _MOST
        if self._full:
            self._empty(1)
        else:
            _count(self._sets, self._counts, sets, counts, 0, len(self._sets))


@kernel
def _count(table: Any, counts: Any, sets: Any, times: Any, first: Any, room: Any) -> Any:
    """Count sets from the first on in a table with open addresses; return the first that found no room."""
    mask = np.uint64(table.shape[0] - 1)
    for k in range(first, sets.shape[0]):
        mixed = np.uint64(0)
        for word in range(sets.shape[1]):
            mixed = (mixed ^ sets[k, word]) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(32)
        place = np.int64(mixed & mask)
        while True:
            same, used = True, False
            for word in range(sets.shape[1]):
                same &= table[place, word] == sets[k, word]
                used |= table[place, word] != 0
            if same or not used:
                break
            place = np.int64(np.uint64(place + 1) & mask)
        if not same:
            if room == 0:
                return k
            room -= 1
            for word in range(sets.shape[1]):
                table[place, word] = sets[k, word]
        counts[place] += times[k]
    return sets.shape[0]
