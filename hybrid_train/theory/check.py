"""``hybrid-train theory``: every prediction of the papers for a config's run beside what was measured."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from hybrid_train.config import Config, load_config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.load import ConfigSource
from hybrid_train.config.schema import NetworkConfig
from hybrid_train.config.sizes import check_memory
from hybrid_train.config.threads import in_its_threads
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.document import check_vacant, versions, write_document
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.sparsity import expected_active, sparsity_bound
from hybrid_train.support.progress import announced, with_progress
from hybrid_train.theory.deep_check import check_deep
from hybrid_train.theory.jumping_check import check_jumping, with_losses
from hybrid_train.theory.lines import convergence as convergence_lines
from hybrid_train.theory.lines import kernel as kernel_lines
from hybrid_train.theory.lines import robust as robust_lines
from hybrid_train.theory.lines import sgd as sgd_lines
from hybrid_train.theory.lines import sparsity as sparsity_lines
from hybrid_train.theory.lines.case import Case
from hybrid_train.theory.lines.costs import CostGrowth, cost_growths, cost_line
from hybrid_train.theory.lines.line import Line, finite
from hybrid_train.theory.lines.observation import Observation, Observer
from hybrid_train.theory.predictions.convergence import movement_bound
from hybrid_train.theory.predictions.robustness import RobustLoss
from hybrid_train.theory.predictions.spectrum import spectral_bounds
from hybrid_train.theory.watched import watched_training

PREPROCESSING: tuple[Callable[[Case], Line], ...] = (
    *sparsity_lines.LINES,
    *kernel_lines.LINES,
    *convergence_lines.LINES,
)
"""Every line about a run of two layers of ReLUs, in the order of the table."""


@final
@dataclass(frozen=True, eq=False)
class TheoryCheck:
    """The table and what the pictures show.

    Attributes:
        config: valid, with defaults filled in.
        lines: the table.
        growths: counted cost by finder; empty if it was not asked for, and for all but two layers of ReLUs.
        series: numbers for the pictures: along a two-layer run, or the landscape of a deep one.
        notes: what a reader should know about the data, in sentences.
        figures: the files drawn; none without a results directory.
    """

    config: Config
    lines: list[Line]
    growths: list[CostGrowth]
    series: dict[str, Any]
    notes: list[str]
    figures: tuple[Path, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        return {
            "rows": [line.as_dict() for line in self.lines],
            "costs": [growth.as_dict() for growth in self.growths],
            "series": self.series,
            "config": self.config.as_dict(),
            "versions": versions(),
            "notes": self.notes,
        }


@in_its_threads
def check_theory(
    config: ConfigSource,
    *,
    costs: bool = True,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> TheoryCheck:
    """Train as a config says and put each lemma's prediction beside the measured value.

    Args:
        config: a TOML file, its tables as a dict, or a Config.
        costs: also count the cost of a step at several widths with every finder, and fit exponents; of two layers of
            ReLUs alone.
        out: results directory to make, with pictures; nothing is written without one.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: the config is not valid or describes a run the theory here does not speak of, or ``out`` holds
            results; nothing has started then.
        DataError: the data are not usable.
        ResourceError: it would not fit this machine.
        DivergenceError: the loss left the finite numbers.
    """
    valid = load_config(config)
    _check_kind(valid)
    if out is not None:
        check_vacant(Path(out))
    setting = Setting.of(valid)
    network = valid.network
    if isinstance(network, DeepSection):
        lines, series = check_deep(valid, network, setting, pictured=out is not None, progress=progress)
        result = TheoryCheck(valid, lines, [], series, list(setting.notes))
    elif network.activation == "jump":
        lines, series = check_jumping(valid, setting, progress=progress)
        result = TheoryCheck(valid, lines, [], series, list(setting.notes))
    else:
        result = _check_two_layer(valid, network, setting, costs, progress)
    if out is None:
        return result
    return replace(result, figures=write_document(Path(out), result.document(), _figures))


def _check_two_layer(
    valid: Config, network: NetworkConfig, setting: Setting, costs: bool, progress: bool
) -> TheoryCheck:
    n, dimension = setting.dataset.inputs.shape
    check_memory(
        8.0 * network.width * dimension + 8.0 * 8 * n**2,
        f"data.n={n}, network.width={network.width}: kernels of {n} x {n} and a second copy of the start",
        "take a smaller data.n or network.width",
    )
    losses: list[RobustLoss] = []
    seen = observe(valid, setting, progress, losses)
    training = valid.training
    case = Case(
        seen,
        setting.dataset.separation,
        training.loss,
        network.start,
        training.algorithm,
        network.output_weight,
    )
    lines = [line(case) for line in PREPROCESSING]
    if training.algorithm == "sgd":
        stochastic = sgd_lines.SgdCase.of(valid, setting, seen.mean_loss)
        lines += [one(stochastic) for one in sgd_lines.LINES]
    series = series_of(case)
    if losses:
        robust = robust_lines.RobustCase.of(valid, setting, losses)
        lines += [one(robust) for one in robust_lines.LINES]
        series["robustness"] = robust.series
    growths = []
    if costs:
        with announced("counting the cost of a step at several widths", shown=progress):
            inputs, rate = setting.dataset.inputs, seen.learning_rate
            growths = list(cost_growths(inputs, setting.targets, setting.loss, valid.run.seed, rate))
        lines += [cost_line(growth) for growth in growths]
    return TheoryCheck(valid, lines, growths, series, list(setting.notes))


def observe(
    config: Config, setting: Setting, progress: bool = False, losses: list[RobustLoss] | None = None
) -> Observation:
    """Train as a config says and look at the weights on the way.

    Args:
        config: valid.
        setting: of it.
        progress: show a bar, if standard error is a terminal.
        losses: takes the mean losses of each step under an adversary.
    """
    network, training = setting.start_two_layer(config), config.training
    inputs = setting.dataset.inputs
    start = setting.start_two_layer(config).weights
    observer = Observer(network, start, inputs, setting.targets, setting.loss, training.steps)
    loop = watched_training(config, setting, network)
    wanted = set(observer.steps)
    records = with_progress(loop, training.steps + 1, "theory", shown=progress)
    for record in with_losses(records, [] if losses is None else losses, len(inputs)):
        if record.step in wanted:
            observer.see(record.step)
    return observer.observation(float(loop.learning_rate))


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


def _figures(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.adversarial import write_pseudo_figures, write_robustness_figure
    from hybrid_train.report.landscape import write_landscape_figure
    from hybrid_train.report.theory import write_theory_figures

    series = document["series"]
    if "landscape" in series:
        return write_landscape_figure(directory, series["landscape"])
    write = write_pseudo_figures if "gap_on_inputs" in series else write_theory_figures
    files = write(directory, document)
    return files + (write_robustness_figure(directory, series["robustness"]) if "robustness" in series else [])


def _check_kind(config: Config) -> None:
    """Raise ConfigError for runs that the lines do not speak of."""
    algorithm, deep = str(config.training.algorithm), isinstance(config.network, DeepSection)
    known = ("gd", "sgd") if deep else ("gd", "sgd", "adversarial")
    if algorithm not in known:
        raise ConfigError(
            f"training.algorithm={algorithm!r}: expected one of {', '.join(known)}; "
            f"no theory of others is checked for network.kind={config.network.kind!r}"
        )
