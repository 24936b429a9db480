"""Projected gradient ascent inside the ball."""

from __future__ import annotations

import math
from typing import final

import numpy as np

from hybrid_train.adversaries.asked import asked_rows
from hybrid_train.adversaries.ball import Ball
from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.rng import Role, generator
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss

_STEP = 2.5
"""The default step is so many radii over the number of steps: enough to cross the ball and come back."""


@final
class PGD(Adversary):
    """Climbs the loss by steps of fixed length, each projected onto the ball (Madry et al. 2018).

    Every example ends at the worst place it was seen at, the clean one included, over all steps and restarts: the
    activation may jump, so that a loss need not rise along its gradient.

    Args:
        ball: where examples may go.
        steps: gradient steps of each start, at least 1.
        step_size: length of a step in the ball's norm; 2.5 rho / steps by default.
        random_start: start at a point drawn from the ball instead of the clean example.
        restarts: independent starts, at least 1.
        seed: the run's seed, for the random starts.

    Raises:
        ConfigError: an option out of range, or several starts that would all be the same.
    """

    def __init__(
        self,
        ball: Ball,
        *,
        steps: int = 10,
        step_size: float | None = None,
        random_start: bool = False,
        restarts: int = 1,
        seed: int = 0,
    ) -> None:
        if steps < 1:
            raise ConfigError(f"adversary.steps={steps}: expected at least 1")
        if restarts < 1:
            raise ConfigError(f"adversary.restarts={restarts}: expected at least 1")
        if restarts > 1 and not random_start:
            raise ConfigError(f"adversary.restarts={restarts}: they would all be the same; set random_start=true")
        if step_size is not None and not (math.isfinite(step_size) and step_size > 0):
            raise ConfigError(f"adversary.step_size={step_size}: expected a positive number")
        self.ball = ball
        self.steps = steps
        self.step_size = _STEP * ball.rho / steps if step_size is None else float(step_size)
        self.random_start = random_start
        self.restarts = restarts
        self._seed = seed

    @property
    def looks(self) -> int:
        return self.restarts * (self.steps + self.random_start) + 1

    def attack(
        self, dynamics: Dynamics, rows: IntArray, clean: FloatArray, targets: FloatArray, loss: Loss, step: int
    ) -> None:
        random = generator(self._seed, Role.ADVERSARY, step)
        asked = asked_rows(dynamics, rows)
        place: FloatArray = np.array(clean, dtype=np.float64)
        outputs = dynamics.evaluate(asked).outputs
        worst, most = place.copy(), loss.values(outputs, targets)
        for _ in range(self.restarts):
            if self.random_start:
                place = self.ball.draw(clean, random)
                outputs = self._look(dynamics, rows, asked, place)
                _keep_worse(worst, most, place, loss.values(outputs, targets))
            for _ in range(self.steps):
                gradient = dynamics.input_gradient(loss.derivative(outputs, targets))
                ahead = place + self.step_size * self.ball.direction(gradient, place)
                place = self.ball.project(ahead, clean)
                outputs = self._look(dynamics, rows, asked, place)
                _keep_worse(worst, most, place, loss.values(outputs, targets))
        if not np.array_equal(worst, place):
            dynamics.move_examples(rows, worst)

    @staticmethod
    def _look(dynamics: Dynamics, rows: IntArray, asked: IntArray | None, place: FloatArray) -> FloatArray:
        dynamics.move_examples(rows, place)
        return dynamics.evaluate(asked).outputs


def _keep_worse(worst: FloatArray, most: FloatArray, place: FloatArray, values: FloatArray) -> None:
    """Put the places with a larger loss than any before into ``worst`` and their losses into ``most``."""
    worse = values > most
    worst[worse], most[worse] = place[worse], values[worse]
