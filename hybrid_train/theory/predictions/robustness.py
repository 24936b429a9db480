"""Robust loss and separability of adversarial training (ADV Definitions 3.4 and 3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.spatial import cKDTree

from hybrid_train.errors import DataError
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss


@final
@dataclass(frozen=True)
class Separability:
    """How well data are separated for an adversary of radius rho.

    Attributes:
        distance: epsilon, the least distance of two examples.
        rho: the adversary's radius.
    """

    distance: float
    rho: float

    @property
    def gamma(self) -> float:
        """The largest gamma for which the data are gamma-separable: epsilon (epsilon - 2 rho)."""
        return self.distance * (self.distance - 2.0 * self.rho)

    @property
    def holds(self) -> bool:
        """Whether the balls of the examples are apart, so that the data are separable at all."""
        return self.gamma > 0


def separability(inputs: FloatArray, rho: float) -> Separability:
    """Return the separability of data (ADV Definition 3.7).

    Args:
        inputs: (n, d), n at least 2.
        rho: radius of the adversary's Euclidean balls.

    Raises:
        DataError: fewer than two rows.
    """
    if len(inputs) < 2:
        raise DataError(f"inputs: {len(inputs)} rows; separability needs at least 2")
    distances, _ = cKDTree(inputs).query(inputs, k=2)
    return Separability(float(distances[:, 1].min()), rho)


@final
@dataclass(frozen=True)
class RobustLoss:
    """Mean losses of a network (ADV Definition 3.4).

    Attributes:
        clean: on the examples.
        robust: where the adversary puts them: a lower bound of the worst case, and an upper bound of nothing.
    """

    clean: float
    robust: float


def robust_loss(dynamics: Dynamics, targets: FloatArray, loss: Loss, adversary: Adversary, step: int = 0) -> RobustLoss:
    """Return clean and robust training loss; the examples are back where they were afterwards.

    Args:
        dynamics: started, its examples clean.
        targets: (n, K) encoded.
        loss: of one example.
        adversary: attacks all examples.
        step: names the adversary's random choices.
    """
    clean, everything = np.array(dynamics.examples[:]), np.arange(len(targets))
    before = loss.values(dynamics.evaluate().outputs, targets)
    adversary.attack(dynamics, everything, clean, targets, loss, step)
    after = loss.values(dynamics.evaluate().outputs, targets)
    dynamics.move_examples(everything, clean)
    return RobustLoss(float(before.mean()), float(after.mean()))
