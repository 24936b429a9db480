"""Adversaries: who moves the examples of a step before the network learns from them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss


class Adversary(ABC):
    """Moves examples to where the loss is larger, within bounds of its own (ADV Definition 3.3)."""

    @property
    @abstractmethod
    def looks(self) -> int:
        """How often the examples are evaluated after a move of this adversary in a step, at most."""

    @abstractmethod
    def attack(
        self, dynamics: Dynamics, rows: IntArray, clean: FloatArray, targets: FloatArray, loss: Loss, step: int
    ) -> None:
        """Leave the examples where the adversary wants them.

        Args:
            dynamics: the network; its examples ``rows`` are at ``clean`` and were evaluated last.
            rows: (B,) the examples under attack.
            clean: (B, d) where they belong.
            targets: (B, K) encoded.
            loss: what the adversary wants large, example by example.
            step: names the random choices.
        """
