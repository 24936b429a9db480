"""The batches of an estimator: epochs of rows that count by their weights."""

from __future__ import annotations

from typing import final

import numpy as np

from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.batches import Batch, Batches, Shuffled


@final
class WeightedEpochs(Batches):
    """Mini-batches without replacement, epoch by epoch; the loss of a batch estimates the weighted mean over all rows.

    Where one batch holds all rows, a row of weight 2 counts as two rows, exactly.

    Args:
        targets: (n, K) as the loss reads them.
        weights: (n,) positive.
        size: rows of a batch, at most.
        seed: of the order.
        epoch: the first one's number.
    """

    def __init__(self, targets: FloatArray, weights: FloatArray, size: int, *, seed: int, epoch: int = 0) -> None:
        self._all, self._size, self._first = targets, min(size, len(targets)), epoch
        self._factors = weights / weights.sum()
        self._shuffled = Shuffled(len(targets), self._size, seed)
        self.per_epoch = self._shuffled.per_epoch

    def at(self, step: int) -> Batch:
        epoch, place = divmod(step, self.per_epoch)
        if self.per_epoch == 1:
            return Batch(None, self._all, self._factors)
        rows = np.sort(self._shuffled.at(self._first + epoch, place))
        return Batch(rows, self._all[rows], self._factors[rows] * (len(self._all) / len(rows)))

    @property
    def targets(self) -> None:
        return None

    @property
    def size(self) -> int:
        return self._size

    @property
    def largest_factor(self) -> float:
        return 1.0
