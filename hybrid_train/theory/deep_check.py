"""A deep run beside what DEEP predicts of it, and the landscape it went through."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.config import Config
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.support.memory import check_memory
from hybrid_train.support.progress import announced, with_progress
from hybrid_train.theory.checked import Checked, Request, Subject
from hybrid_train.theory.landscapes import landscape
from hybrid_train.theory.layer_course import LayerCourse
from hybrid_train.theory.lines.deep import deep_lines
from hybrid_train.theory.lines.deep_case import DeepCase
from hybrid_train.theory.lines.deep_course import DeepCourse, course_lines
from hybrid_train.theory.watched import watched_training

_POINTS = 11
_KRYLOV = 16
_COPIES = 6
"""Of all weights: at the points that are drawn, at the start, and in passes between."""


def check_deep(request: Request) -> Checked:
    """Train a deep network; if it is pictured, compute the landscape around W(0), W(T / 4) and W(T).

    Each reaches as far as W(T) is from W(0). Of a pictured run every layer is followed as well.

    Raises:
        ResourceError: copies of the weights do not fit.
        DivergenceError: the loss left the finite numbers.
    """
    config, setting, progress = request.config, request.setting, request.progress
    _check_memory(config, setting, request.pictured)
    copies, losses, rate, course_of_layers = _trained(config, setting, progress, request.pictured)
    start, now = copies[min(copies)], copies[max(copies)]
    inputs, targets, loss = setting.inputs, setting.targets, setting.loss
    case = DeepCase(start, now, inputs, targets, loss, setting.dataset.quick_separation, rate)
    training = config.training
    course = DeepCourse(
        case,
        np.array(losses),
        training.batch_size,
        make_finder(config.finder.kind, **config.finder.options).promise,
        training.plain and training.schedule == "constant",
        training.replacement == "subset",
    )
    with np.errstate(over="ignore", invalid="ignore"):  # a run on its way out: such lines have no number
        lines = request.noted([*deep_lines(case), *course_lines(course)])
    if not request.pictured:
        return Checked(lines, {}, ())
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
    return Checked(lines, {"landscape": points, "layers": course_of_layers}, (_draw,))


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.landscape import write_landscape_figure
    from hybrid_train.report.layers import write_layers_figure

    series = document["series"]
    drawn = write_layers_figure(directory, series["layers"])
    return [*write_landscape_figure(directory, series["landscape"]), *drawn]


def _trained(
    config: Config, setting: Setting, progress: bool, pictured: bool
) -> tuple[dict[int, DeepNetwork], list[float], float, dict[str, Any]]:
    """Return the network at the steps that are drawn, the losses of all, the learning rate, and the layers' course."""
    steps, network = config.training.steps, setting.start_deep(config)
    loop = watched_training(config, setting, network)
    copies, losses = {}, []
    layers = LayerCourse(network, setting.inputs, setting.targets, setting.loss, steps)
    for record in with_progress(loop, steps + 1, "theory", shown=progress):
        losses.append(record.loss)
        if record.step in {0, steps // 4, steps}:
            copies[record.step] = network.at(network.weights())
        if pictured:
            layers.see(record.step)
    return copies, losses, float(loop.learning_rate), layers.as_dict()


def _check_memory(config: Config, setting: Setting, pictured: bool) -> None:
    numbers = sum(math.prod(bank.points.shape) for layer in setting.start_deep(config).layers for bank in layer.blocks)
    check_memory(
        8.0 * numbers * (_COPIES + (2 * _KRYLOV if pictured else 0)),
        f"network.kind={config.network.kind!r}: copies of {numbers:,} weights",
        "take narrower layers",
    )


SUBJECT = Subject("deep", ("gd", "sgd"), check_deep)
