"""What a run under an adversary adds to the check of any network of two layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, final

from classical.training.loop import StepRecord
from hybrid_train.adversaries import WorstCase, worst_case
from hybrid_train.adversaries.worst_case import MOST_FREE
from hybrid_train.config import Config
from hybrid_train.experiments.assembly import ball_of
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.theory.checked import Checked
from hybrid_train.theory.lines.robust import LINES, RobustCase
from hybrid_train.theory.predictions.robustness import RobustLoss

_MOST_DATA, _MOST_WIDTH = 256, 1 << 17
"""Whose worst case is searched for."""

_TOLERANCE, _CELLS = 3e-4, 4000
"""Of the mean loss, and cells of a ball at most: a minute in all."""


@final
class Attacked:
    """A run under an adversary, watched on its way.

    Attributes:
        losses: mean losses at W(0) .. W(T); none without an adversary.
        worst: what an adversary that misses nothing does at W(T); None where the balls have too many dimensions, or
            there are too many data or neurons, for a search.
    """

    def __init__(self, config: Config, setting: Setting) -> None:
        self.losses: list[RobustLoss] = []
        self.worst: WorstCase | None = None
        self._config, self._setting = config, setting

    def watch(self, records: Iterable[StepRecord], network: TwoLayerNetwork) -> Iterator[StepRecord]:
        """Pass the records of a training of the network on."""
        n, last = len(self._setting.inputs), self._config.training.steps
        for record in records:
            if record.clean_loss is not None:
                self.losses.append(RobustLoss(record.clean_loss / n, record.loss / n))
                if record.step == last:
                    self.worst = searched(self._config, self._setting, network)
            yield record


def searched(config: Config, setting: Setting, network: TwoLayerNetwork) -> WorstCase | None:
    """Return the worst case in a config's balls by exhaustive search; None where that would take long."""
    inputs = setting.inputs
    if config.adversary is None or config.adversary.kind == "none" or network.outputs != 1 or network.live is not None:
        return None
    small = len(inputs) <= _MOST_DATA and network.width <= _MOST_WIDTH
    if not small or inputs.shape[1] - setting.kind.kept > MOST_FREE:
        return None
    ball, targets, loss = ball_of(config, setting), setting.targets, setting.loss
    return worst_case(network, ball, inputs, targets, loss, tolerance=_TOLERANCE, most_cells=_CELLS)


def robust_part(config: Config, setting: Setting, attacked: Attacked) -> Checked:
    """Return the lines, series and picture of a run under an adversary; nothing at all of a run without one.

    Args:
        config: valid.
        setting: of it.
        attacked: the run, watched to its end.
    """
    if not attacked.losses:
        return Checked([], {}, ())
    case = RobustCase.of(config, setting, attacked.losses, attacked.worst)
    return Checked([line(case) for line in LINES], {"robustness": case.series}, (_draw,))


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.adversarial import write_robustness_figure

    return write_robustness_figure(directory, document["series"]["robustness"])
