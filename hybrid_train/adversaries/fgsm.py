"""The fast gradient method: one step, as far as the ball allows."""

from __future__ import annotations

from typing import final

from hybrid_train.adversaries.asked import asked_rows
from hybrid_train.adversaries.ball import Ball
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss


@final
class FGSM(Adversary):
    """Puts each example where the loss, linearised at the clean one, is largest in the ball.

    In the maximum norm without a sphere this is the fast gradient sign method (Goodfellow, Shlens, Szegedy 2015); on a
    sphere the place is found by branch and bound, see :class:`.LInfBall` for the one case where it is approximate.

    Args:
        ball: where examples may go.
    """

    def __init__(self, ball: Ball) -> None:
        self.ball = ball

    @property
    def looks(self) -> int:
        return 1

    def attack(
        self, dynamics: Dynamics, rows: IntArray, clean: FloatArray, targets: FloatArray, loss: Loss, step: int
    ) -> None:
        outputs = dynamics.evaluate(asked_rows(dynamics, rows)).outputs
        gradient = dynamics.input_gradient(loss.derivative(outputs, targets))
        dynamics.move_examples(rows, self.ball.worst(gradient, clean))
