"""A run of a network that jumps beside what ADV predicts of it, with an adversary or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.experiments.assembly import ball_of
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.adversarial import expected_fraction
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.memory import check_memory
from hybrid_train.support.progress import announced, with_progress
from hybrid_train.theory.checked import Checked, Request, Subject
from hybrid_train.theory.lines.adversarial import ASSUMED_EXPONENT, AdversarialCase, adversarial_lines
from hybrid_train.theory.lines.attacked_costs import SEARCHERS, GrowingAttacked
from hybrid_train.theory.lines.costs import WIDTHS, CostGrowth, cost_growths, cost_line
from hybrid_train.theory.predictions.adversarial import activation_bound
from hybrid_train.theory.predictions.pseudo_network import pseudo_gaps, random_inputs, starting_point
from hybrid_train.theory.regret_check import Regret
from hybrid_train.theory.robust_check import Attacked, robust_part
from hybrid_train.theory.watched import watched_training

_ELSEWHERE = 100
"""Inputs at which network and pseudo-network are compared, beside the data."""

_COUNTED = 16
"""Data on which the cost of a step is counted, at most."""

_MOST_LOOKS, _WORK = 100, 5e10
"""Steps that are looked at: so many at most, and multiplications that all looks may take together."""


def check_jumping(request: Request) -> Checked:
    """Train a network that jumps, and compare it with its pseudo-network on the way.

    Raises:
        ResourceError: a copy of the weights and the active pairs do not fit.
        DivergenceError: the loss left the finite numbers.
    """
    config, setting = request.config, request.setting
    network, inputs = setting.start_two_layer(config), setting.inputs
    _check_memory(network, len(inputs))
    start = starting_point(network)
    elsewhere = random_inputs(_ELSEWHERE, inputs.shape[1] - 1, seed=config.run.seed + 1)
    steps = config.training.steps
    loop = watched_training(config, setting, network)
    attacked, regret = Attacked(config, setting), Regret(config, setting, network)
    told = regret.watch(with_progress(loop, steps + 1, "theory", shown=request.progress), loop.dynamics, network)
    records = attacked.watch(told, network)
    gaps, counts = [], []
    for gap in pseudo_gaps(records, network, inputs, elsewhere, steps=_looks(network, len(inputs), steps)):
        gaps.append(gap)
        counts.append(active_pairs(network.weights, inputs, network.threshold).counts)
    slope = setting.loss.derivative(network.predict(inputs), setting.targets) / len(inputs)
    lines = request.noted(adversarial_lines(AdversarialCase(start, network, inputs, elsewhere, slope)))
    series = _counts_along(network, np.array(counts)) | {
        "learning_rate": float(loop.learning_rate),
        "steps": [gap.step for gap in gaps],
        "gap_on_examples": [gap.on_examples for gap in gaps],
        "gap_on_inputs": [gap.on_inputs for gap in gaps],
        "inputs": len(elsewhere),
        "movement": [gap.distance for gap in gaps],
        "movement_assumed": network.width**ASSUMED_EXPONENT,
    }
    robust = robust_part(config, setting, attacked)
    lines += request.noted([*robust.lines, *regret.lines(float(loop.learning_rate))])
    growths = _growths(request) if request.costs and config.adversary is not None else []
    lines += request.noted(cost_line(growth) for growth in growths)
    return Checked(lines, series | robust.series, (_draw, *robust.draws), growths)


def _growths(request: Request) -> list[CostGrowth]:
    config, setting, widths = request.config, request.setting, request.widths or WIDTHS
    n, seed = min(_COUNTED, len(setting.inputs)), config.run.seed
    growing = GrowingAttacked(setting.inputs[:n], setting.targets[:n], setting.loss, ball_of(config, setting), seed)
    with announced("counting the cost of a step at several widths", shown=request.progress):
        return list(cost_growths(growing, widths, (), searchers=SEARCHERS, n=n, piece=request.kept.piece))


def _counts_along(network: TwoLayerNetwork, counts: FloatArray) -> dict[str, Any]:
    """Return the activated neurons of the data along the run, and what is known of them at the start."""
    width, threshold = network.width, network.threshold
    return {
        "width": width,
        "threshold": threshold,
        "fired_mean": counts.mean(axis=1).tolist(),
        "fired_min": counts.min(axis=1).tolist(),
        "fired_max": counts.max(axis=1).tolist(),
        "fired_expected": width * expected_fraction(width, threshold),
        "fired_bound": activation_bound(width, threshold),
    }


def _looks(network: TwoLayerNetwork, n: int, steps: int) -> set[int]:
    """Return the steps to look at, evenly many: the first, the last, and as many between as is no long wait."""
    work = 4.0 * network.width * (n + _ELSEWHERE) * network.dimension
    count = min(_MOST_LOOKS, max(2, int(_WORK / work)), steps + 1)
    return {round(place) for place in np.linspace(0, steps, count)}


def _check_memory(network: TwoLayerNetwork, n: int) -> None:
    pairs = network.width * (n + _ELSEWHERE) * expected_fraction(network.width, network.threshold)
    check_memory(
        8.0 * network.width * network.dimension + 80.0 * 2 * pairs,
        f"data.n={n}, network.width={network.width}: a copy of the start and the active pairs of {n} data and "
        f"{_ELSEWHERE} other inputs",
        "take a smaller network.width or fewer neurons that fire (network.tau, k or fraction)",
    )


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.adversarial import write_pseudo_figures

    return write_pseudo_figures(directory, document)


SUBJECT = Subject(
    "lifted",
    ("gd", "sgd", "adversarial"),
    check_jumping,
    ("adversarial",),
)
