"""How many rows fire for each set of columns, without a word about any single row."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import IntArray

_WORD = 64

_PENDING, _MOST = 1 << 17, 1 << 21
"""Words of sets that are collected before they are counted, and that are kept in all."""


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
        self._sets, self._counts = np.empty((0, self.words), np.uint64), np.empty(0, np.int64)
        self._pending: list[tuple[npt.NDArray[np.uint64], IntArray]] = []
        self._waiting = 0
        self._full = False

    def add(self, sets: npt.NDArray[np.uint64], times: int | IntArray = 1) -> None:
        """Count some sets.

        Args:
            sets: (B, words) bit j mod 64 of word j div 64 for column j.
            times: how often each counts; -1 takes it away.
        """
        if self._full or not len(sets):
            return
        self._pending.append((sets, np.broadcast_to(np.asarray(times, np.int64), len(sets))))
        self._waiting += sets.size
        if self._waiting > _PENDING:
            self._compress()

    def join(self, other: FiringSets) -> None:
        """Count what another counts, too."""
        other._compress()
        self._full |= other._full
        self.add(other._sets, other._counts)

    def touching(self, columns: npt.NDArray[np.bool_]) -> int | None:
        """Return how many rows fire for some of the columns, of which (n,) tells; None if that was not counted."""
        self._compress()
        if self._full:
            return None
        padded = np.zeros(self.words * _WORD, bool)
        padded[: len(columns)] = columns
        bits = np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)
        return int(self._counts[(self._sets & bits).any(axis=1)].sum())

    def _compress(self) -> None:
        if not self._pending:
            return
        sets = np.concatenate([self._sets, *(sets for sets, _ in self._pending)])
        times = np.concatenate([self._counts, *(times for _, times in self._pending)])
        self._pending, self._waiting = [], 0
        order = np.lexsort(sets.T) if self.words > 1 else np.argsort(sets[:, 0])
        sets, times = sets[order], times[order]
        firsts = np.flatnonzero(np.concatenate([[True], (sets[1:] != sets[:-1]).any(axis=1)]))
        counts = np.add.reduceat(times, firsts)
        self._sets, self._counts = sets[firsts[counts != 0]], counts[counts != 0]
        if self._sets.size > _MOST:
            self._full = True
            self._sets, self._counts = self._sets[:0], self._counts[:0]
