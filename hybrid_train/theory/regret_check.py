"""What adversarial training of a network that jumps adds to its check: ADV Theorem 5.12 and section 4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import final

import numpy as np

from classical.training.loop import StepRecord
from hybrid_train.config import Config
from hybrid_train.experiments.assembly import ball_of
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.adversarial import expected_fraction
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.theory.lines.line import Line
from hybrid_train.theory.lines.regret import RegretCase, regret_lines
from hybrid_train.theory.predictions.regret import DRAWS, Comparator, StepRegret, comparator, regrets
from hybrid_train.theory.robust_check import searched
from hybrid_train.training.dynamics import Dynamics

_RIDGES = (1e-1, 1e-2, 1e-3)
"""W* is the best of these."""

_MOST_PLACES, _MOST_PAIRS = 2048, 1 << 24
"""Places that W* is fitted at, and neurons that fire for them in all."""

_WORK = 5e10
"""Multiplications that all steps may take together."""


@final
class Regret:
    """A run under an adversary, followed beside a W* that is found before it begins.

    Args:
        config: valid.
        setting: of it.
        network: at W(0).
    """

    def __init__(self, config: Config, setting: Setting, network: TwoLayerNetwork) -> None:
        self._config, self._setting = config, setting
        self._width = network.nominal_width
        adversary = config.adversary
        self._asked = adversary is not None and adversary.kind != "none" and config.training.algorithm == "adversarial"
        self._steps: list[StepRegret] = []
        self._reference: Comparator | None = None
        self._best: float | None = None
        n, training = len(setting.inputs), config.training
        places = n * (DRAWS + 1)
        pairs = places * network.width * expected_fraction(network.width, network.threshold)
        small = places <= _MOST_PLACES and pairs <= _MOST_PAIRS and network.outputs == 1 and training.batch_size is None
        if self._asked and small and 12.0 * network.width * n * network.dimension * training.steps <= _WORK:
            self._compare(network)

    def _compare(self, network: TwoLayerNetwork) -> None:
        """Find W*: of several, the one whose worst case is least."""
        setting, ball = self._setting, ball_of(self._config, self._setting)
        for ridge in _RIDGES:
            found = comparator(network, setting.inputs, setting.targets, ball, ridge)
            worst = searched(self._config, setting, found.network)
            best = None if worst is None else float(worst.bounds.mean())
            if self._reference is None or (best is not None and self._best is not None and best < self._best):
                self._reference, self._best = found, best

    def watch(
        self, records: Iterable[StepRecord], dynamics: Dynamics, network: TwoLayerNetwork
    ) -> Iterator[StepRecord]:
        """Pass the records of the training on."""
        if self._reference is None:
            return iter(records)
        setting = self._setting
        return regrets(records, dynamics, network, setting.targets, setting.loss, self._reference, self._steps)

    def lines(self, rate: float) -> list[Line]:
        """Return the lines; none of a run that nobody attacks.

        Args:
            rate: eta that was trained with.
        """
        if not self._asked:
            return []
        config, setting = self._config, self._setting
        training, ball, n = config.training, ball_of(config, setting), len(setting.inputs)
        zero = setting.loss.value(np.zeros_like(setting.targets), setting.targets) / n
        case = RegretCase(
            setting.inputs,
            setting.targets,
            ball,
            ball.reach(setting.inputs.shape[1]),
            self._width,
            rate * n,
            training.steps,
            self._steps[: training.steps],
            self._reference,
            self._best,
            setting.loss.lipschitz,
            setting.loss.convex,
            zero,
            training.batch_size is None,
            make_finder(config.finder.kind, **config.finder.options).promise,
            training.plain and training.schedule == "constant",
        )
        return regret_lines(case)
