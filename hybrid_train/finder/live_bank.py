"""Points that are active for some query, made again from their draws whenever they are read."""

from __future__ import annotations

from typing import Any, Self, final

import numpy as np
from scipy import sparse

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import Motion
from hybrid_train.finder.live import Draws, Sieve
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.finder.scan_kernels import ones
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel

_WORDS = 8
"""Words of a mask between two counts of the bits before."""


@final
class Marks:
    """Which of many things are marked: a bit each, and the r-th marked one is found at once.

    Args:
        size: how many things there are.
    """

    def __init__(self, size: int) -> None:
        self.words = np.zeros(-(-size // (64 * _WORDS)) * _WORDS, np.uint64)
        self._before = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return int(self._before[-1])

    @property
    def nbytes(self) -> int:
        """Bytes taken."""
        return self.words.nbytes + self._before.nbytes

    def mark(self, numbers: IntArray) -> None:
        """Mark some things, each of them once; :meth:`count` must follow."""
        _mark(self.words, numbers)

    def count(self) -> Self:
        """Take note of what was marked."""
        self._before = _count(self.words)
        return self

    def find(self, ranks: IntArray) -> IntArray:
        """Return the marked things of these ranks, counted from 0; all ranks are below the number of marks."""
        out = np.empty(len(ranks), np.int64)
        _find(self.words, self._before, ranks, out)
        return out


@final
class LiveBank(RecreatedBank):
    """The draws that stay, made again whenever they are read: a bit a draw is all that is kept.

    Args:
        draws: all of them.
        queries: (n, d) float64, those that ``draws`` were made for.
        threshold: b.
        copies: 2 for twins: the second half of the rows is the first one again.

    Attributes:
        draws: likewise.
        marks: the draws that stay.
    """

    def __init__(self, draws: Draws, queries: FloatArray, threshold: float, copies: int = 1) -> None:
        self.draws, self.marks = draws, Marks(len(draws))
        for numbers, _ in Sieve(draws, queries, threshold).kept():
            self.marks.mark(numbers)
        kept = len(self.marks.count())
        super().__init__(copies * kept, queries.shape[1], draws.dtype, kept)

    def drawn(self, rows: IntArray) -> FloatArray:
        return self.draws.points(self.marks.find(rows))

    def assign(self, rows: IntArray, vectors: FloatArray) -> None:
        raise ConfigError(_UNMOVABLE)

    def move_along(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> Motion:
        raise ConfigError(_UNMOVABLE)


_UNMOVABLE = (
    "network.storage='live': so many neurons are made again whenever they are read, so they can only be trained where "
    "the finder keeps their motion; take finder.kind='skin' on fixed examples, a higher network.threshold or a smaller "
    "network.width"
)


@kernel
def _mark(words: Any, numbers: Any) -> None:
    for number in numbers:
        words[number >> 6] |= np.uint64(1) << np.uint64(number & 63)


@kernel
def _count(words: Any) -> Any:
    """Return (G + 1,) the bits that are set before each group of words, and in all."""
    before = np.zeros(words.size // _WORDS + 1, np.int64)
    for group in range(before.size - 1):
        before[group + 1] = before[group]
        for word in range(group * _WORDS, (group + 1) * _WORDS):
            before[group + 1] += ones(words[word])
    return before


@kernel
def _find(words: Any, before: Any, ranks: Any, out: Any) -> None:
    """Go on from the count that the last rank came to: ranks that ascend are found one after the other."""
    group = 0
    for k in range(ranks.size):
        rank = ranks[k]
        if not before[group] <= rank < before[group + 1]:
            group += 1
            if not (group + 1 < before.size and before[group] <= rank < before[group + 1]):
                group = np.searchsorted(before, rank, "right") - 1
        left = rank - before[group]
        word = group * _WORDS
        bits = words[word]
        count = ones(bits)
        while count <= left:
            left -= count
            word += 1
            bits = words[word]
            count = ones(bits)
        for _ in range(left):
            bits &= bits - np.uint64(1)
        out[k] = 64 * word + ones((bits & (~bits + np.uint64(1))) - np.uint64(1))
