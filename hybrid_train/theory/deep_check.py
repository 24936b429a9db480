"""A deep run beside what DEEP predicts of it, and the landscape it went through."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hybrid_train.config import Config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.support.memory import check_memory
from hybrid_train.support.progress import announced, with_progress
from hybrid_train.theory.landscapes import landscape
from hybrid_train.theory.lines.deep import DeepCase, deep_lines
from hybrid_train.theory.lines.line import Line
from hybrid_train.theory.watched import watched_training

_POINTS = 11
_KRYLOV = 16
_COPIES = 6
"""Of all weights: at the points that are drawn, at the start, and in passes between."""


def check_deep(
    config: Config, network: DeepSection, setting: Setting, *, pictured: bool, progress: bool
) -> tuple[list[Line], dict[str, Any]]:
    """Train a deep network as a config says; return the lines about it and what the picture shows.

    Args:
        config: valid.
        network: its ``[network]`` table.
        setting: of it.
        pictured: whether the landscape is computed: around W(0), W(T / 4) and W(T), as far as W(T) is from W(0).
        progress: show a bar, if standard error is a terminal.

    Returns:
        The lines, and ``{"landscape": points}``, empty if it was not asked for.

    Raises:
        ResourceError: copies of the weights do not fit.
        DivergenceError: the loss left the finite numbers.
    """
    numbers = sum(shape.banks * shape.neurons * shape.reads for shape in network.shapes(setting.dataset.dimension))
    check_memory(
        8.0 * numbers * (_COPIES + (2 * _KRYLOV if pictured else 0)),
        f"network.kind={network.kind!r}: copies of {numbers:,} weights",
        "take narrower layers",
    )
    copies, rate = _trained(config, setting, progress)
    start, now = copies[min(copies)], copies[max(copies)]
    inputs, targets, loss = setting.inputs, setting.targets, setting.loss
    lines = deep_lines(DeepCase(start, now, inputs, targets, loss, setting.dataset.separation, rate))
    if not pictured:
        return lines, {}
    gaps = zip(now.weights(), start.weights(), strict=True)
    reach = math.sqrt(sum(float(np.square(one - other).sum()) for one, other in gaps)) or 1.0
    with announced("computing the landscape", shown=progress):
        points = [
            {
                "step": step,
                **landscape(copy, inputs, targets, loss, reach=reach, points=_POINTS, krylov=_KRYLOV).as_dict(),
            }
            for step, copy in copies.items()
        ]
    return lines, {"landscape": points}


def _trained(config: Config, setting: Setting, progress: bool) -> tuple[dict[int, DeepNetwork], float]:
    """Return the network at the steps that are drawn, and the learning rate."""
    steps, network = config.training.steps, setting.start_deep(config)
    loop = watched_training(config, setting, network)
    copies = {}
    for record in with_progress(loop, steps + 1, "theory", shown=progress):
        if record.step in {0, steps // 4, steps}:
            copies[record.step] = network.at(network.weights())
    return copies, float(loop.learning_rate)
