"""No adversary: the examples stay clean, and the robust loss is the loss."""

from __future__ import annotations

from typing import final

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss


@final
class NoAdversary(Adversary):
    """Leaves every example where it is."""

    @property
    def looks(self) -> int:
        return 0

    def attack(
        self, dynamics: Dynamics, rows: IntArray, clean: FloatArray, targets: FloatArray, loss: Loss, step: int
    ) -> None:
        pass
