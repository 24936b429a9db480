"""A run of two layers of ReLUs beside what PRE predicts of it, and SGD and ADV where they have something to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.config import Config
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.sparsity import expected_active, sparsity_bound
from hybrid_train.support.memory import check_memory
from hybrid_train.support.progress import announced, with_progress
from hybrid_train.theory.checked import Checked, Request, Subject
from hybrid_train.theory.lines import convergence as convergence_lines
from hybrid_train.theory.lines import kernel as kernel_lines
from hybrid_train.theory.lines import sgd as sgd_lines
from hybrid_train.theory.lines import sparsity as sparsity_lines
from hybrid_train.theory.lines import steps as step_lines
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.costs import WIDTHS, CostGrowth, Growing, cost_growths, cost_line
from hybrid_train.theory.lines.line import Line, finite
from hybrid_train.theory.lines.observation import Observation, Observer
from hybrid_train.theory.predictions.convergence import movement_bound
from hybrid_train.theory.predictions.spectrum import spectral_bounds
from hybrid_train.theory.robust_check import Attacked, robust_part
from hybrid_train.theory.watched import watched_training

_COPIES = 3
"""Of the weights beside those in training: the start, those of the last look, and those of now."""

PREPROCESSING: tuple[Callable[[Case], Line], ...] = (
    *sparsity_lines.LINES,
    *kernel_lines.LINES,
    *convergence_lines.LINES,
    *step_lines.LINES,
)
"""Every line about a run of two layers of ReLUs, in the order of the table."""


def check_two_layer(request: Request) -> Checked:
    """Train a network of two layers of ReLUs and look at every step that the lines speak of.

    Raises:
        ResourceError: the kernels and a second copy of the start do not fit.
        DivergenceError: the loss left the finite numbers.
    """
    valid, setting = request.config, request.setting
    network, training = valid.two_layer, valid.training
    n, dimension = setting.dataset.inputs.shape
    check_memory(
        8.0 * _COPIES * network.width * dimension + 8.0 * 8 * n**2,
        f"data.n={n}, network.width={network.width}: kernels of {n} x {n}, the start and copies of the weights",
        "take a smaller data.n or network.width",
    )
    attacked = Attacked(valid, setting)
    seen = observe(valid, setting, request.progress, attacked)
    separation = setting.dataset.quick_separation
    promise = make_finder(valid.finder.kind, **valid.finder.options).promise
    plain = training.plain and training.schedule == "constant"
    trained = (training.loss, network.start, training.algorithm, network.output_weight, promise, plain)
    case = Case(seen, separation, *trained)
    lines = request.noted(line(case) for line in PREPROCESSING)
    if training.algorithm == "sgd":
        stochastic = sgd_lines.SgdCase.of(valid, setting, seen.mean_loss)
        lines += request.noted(one(stochastic) for one in sgd_lines.LINES)
    robust = robust_part(valid, setting, attacked)
    growths = _growths(request) if request.costs else []
    return Checked(
        [*lines, *request.noted(robust.lines), *request.noted(cost_line(growth) for growth in growths)],
        series_of(case) | robust.series,
        (_draw, *robust.draws),
        growths,
    )


def observe(config: Config, setting: Setting, progress: bool = False, attacked: Attacked | None = None) -> Observation:
    """Train as a config says and look at the weights on the way.

    Args:
        config: valid.
        setting: of it.
        progress: show a bar, if standard error is a terminal.
        attacked: watches what an adversary does.
    """
    network, training = setting.start_two_layer(config), config.training
    inputs = setting.dataset.inputs
    start = setting.start_two_layer(config).weights
    observer = Observer(network, start, inputs, setting.targets, setting.loss, training.steps)
    loop = watched_training(config, setting, network)
    wanted = set(observer.steps)
    records = with_progress(loop, training.steps + 1, "theory", shown=progress)
    for record in records if attacked is None else attacked.watch(records, network):
        if record.step in wanted:
            observer.see(record.step)
    return observer.observation(float(loop.learning_rate))


def _growths(request: Request) -> list[CostGrowth]:
    setting, widths = request.setting, request.widths or WIDTHS
    growing = Growing(setting.dataset.inputs, setting.targets, setting.loss, request.config.run.seed)
    with announced("counting the cost of a step at several widths", shown=request.progress):
        return list(cost_growths(growing, widths, piece=request.kept.piece))


def series_of(case: Case) -> dict[str, Any]:
    """Return what the pictures show, as plain lists."""
    seen, smallest = case.observed, case.smallest
    lower, upper = spectral_bounds(case.n, max(seen.threshold, 0.0), case.separation.delta)
    errors, rate = float(seen.errors[0]), convergence_lines.predicted_errors(case)
    bound = movement_bound(case.n, seen.width, errors, smallest) if smallest > 0 else float("inf")
    norms = np.linalg.norm(seen.inputs, axis=1)
    return {
        "width": seen.width,
        "threshold": seen.threshold,
        "learning_rate": seen.learning_rate,
        "delta": finite(case.separation.delta),
        "steps": seen.steps.tolist(),
        "every": seen.every,
        "errors": seen.errors.tolist(),
        "error_bound": None if rate is None else rate.tolist(),
        "movement": seen.movement.tolist(),
        "movement_bound": finite(bound),
        "fired_mean": seen.counts.mean(axis=1).tolist(),
        "fired_min": seen.counts.min(axis=1).tolist(),
        "fired_max": seen.counts.max(axis=1).tolist(),
        "fired_expected": float(np.mean(expected_active(seen.width, seen.threshold, norms))),
        "fired_bound": sparsity_bound(seen.width, seen.threshold),
        "flips": seen.flips.tolist(),
        "spectrum_cts": case.spectrum.tolist(),
        "spectrum_steps": seen.spectrum_steps.tolist(),
        "spectra": seen.spectra.tolist(),
        "lambda": smallest,
        "lambda_lower": lower,
        "lambda_upper": upper,
    }


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.theory import write_theory_figures

    return write_theory_figures(directory, document)


SUBJECT = Subject(
    "two_layer",
    ("gd", "sgd", "adversarial"),
    check_two_layer,
    ("gd", "sgd", "adversarial"),
)
