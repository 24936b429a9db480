"""Which neurons changed sides: flip sets and never-flipped sets (PRE Definitions C.8, C.9)."""

from __future__ import annotations

from typing import final

import numpy as np

from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.support.arrays import IntArray


def flipped_pairs(before: ActiveSets, after: ActiveSets) -> IntArray:
    """Return the flip sets of all data: (k, 2) pairs (datum, neuron) active in exactly one of two answers.

    S_{i,flip}(t) of PRE Definition C.8, as its formula says and not its words (which describe Definition C.9): the
    side of the threshold at step t differs from that at step t - 1. Fired means strictly above.

    Args:
        before: active pairs, the data being the queries.
        after: likewise, of banks of the same sizes.

    Raises:
        InvariantError: the banks have other sizes.
    """
    if before.shape != after.shape:
        raise InvariantError(f"flips between banks of sizes {before.shape} and {after.shape}")
    return _pairs(np.setxor1d(_codes(before), _codes(after), assume_unique=True), before.shape[1])


@final
class FlipLog:
    """Follows active sets through training.

    Args:
        start: active pairs at W(0), the data being the queries.

    Attributes:
        last: pairs that changed sides between the last two answers.
    """

    def __init__(self, start: ActiveSets) -> None:
        self._shape = start.shape
        self._now = _codes(start)
        self._ever: IntArray = np.empty(0, np.int64)
        self.last = 0

    def add(self, sets: ActiveSets) -> int:
        """Take the next answer and return how many pairs flipped."""
        if sets.shape != self._shape:
            raise InvariantError(f"flips between banks of sizes {self._shape} and {sets.shape}")
        codes = _codes(sets)
        flipped = np.setxor1d(self._now, codes, assume_unique=True)
        self._ever = np.union1d(self._ever, flipped)
        self._now, self.last = codes, len(flipped)
        return self.last

    @property
    def ever(self) -> IntArray:
        """(k, 2) the pairs (datum, neuron) that flipped at any step: the complements of the S_i of Definition C.9."""
        return _pairs(self._ever, self._shape[1])

    @property
    def ever_per_datum(self) -> IntArray:
        """(n,) for each datum, how many neurons are not in its never-flipped set S_i."""
        return np.bincount(self.ever[:, 0], minlength=self._shape[0])


def _codes(sets: ActiveSets) -> IntArray:
    """Return one ascending number for each pair."""
    return np.sort(sets.query_ids * sets.shape[1] + sets.point_ids)


def _pairs(codes: IntArray, width: int) -> IntArray:
    return np.stack(np.divmod(codes, width), axis=1)
