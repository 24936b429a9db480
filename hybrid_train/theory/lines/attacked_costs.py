"""The counted cost of a step of adversarial training against the width (ADV Lemma 6.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from classical.training.loop import Training, two_layer_dynamics
from hybrid_train.adversaries import PGD, Ball
from hybrid_train.network.adversarial import adversarial_network, pre_activation_spread
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.costs import STEPS, Searcher, Trained, first_rate, searching
from hybrid_train.training.batches import FullBatch
from hybrid_train.training.losses import Loss

SEARCHERS = (
    Searcher("scan", "neurons", {}, ""),
    Searcher("skin", "neurons", {}, ""),
    Searcher("hsr", "neurons", {}, "ADV Lemma 6.3"),
)

_LOOKS = 2
"""Steps of the adversary."""


@final
@dataclass(frozen=True, eq=False)
class GrowingAttacked(Trained):
    """Networks that jump under an adversary of two gradient steps.

    tau is such that the share Q(sqrt(0.4 ln m)) fires, as of ReLUs with the threshold of PRE Remark 3.9: then Q_0 of
    Lemma 5.15 is 2 m^{4/5}, the O(m^c) with c < 1 that it speaks of.

    Attributes:
        inputs: (n, d + 1) queries (x, 1).
        targets: (n, K) as the loss reads them.
        loss: of one example.
        ball: where examples may go.
        seed: of weights and finders.
    """

    inputs: FloatArray
    targets: FloatArray
    loss: Loss
    ball: Ball
    seed: int

    threshold = "tau of the share Q(sqrt(0.4 ln m))"

    @property
    def dimension(self) -> int:
        return int(self.inputs.shape[1])

    def training(self, searcher: Searcher, width: int, n: int, rate: float | None) -> Training:
        inputs, targets = np.array(self.inputs[:n]), self.targets[:n]
        tau = auto_threshold(width) * pre_activation_spread(width)
        outputs = targets.shape[1]
        network = adversarial_network(width, self.dimension - 1, tau=tau, outputs=outputs, seed=self.seed)
        reach = self.ball.reach(self.dimension)
        finder = searching(searcher, width, n, self.seed)
        return Training(
            two_layer_dynamics(network, inputs, finder, searcher.index, reach=reach),
            FullBatch(targets),
            self.loss,
            steps=STEPS,
            learning_rate=first_rate(self.loss) if rate is None else rate,
            adversary=PGD(self.ball, steps=_LOOKS, seed=self.seed) if math.isfinite(reach) and reach > 0 else None,
        )
