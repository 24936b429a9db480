"""What a run under an adversary adds to the check of any network of two layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from classical.training.loop import StepRecord
from hybrid_train.config import Config
from hybrid_train.experiments.setting import Setting
from hybrid_train.theory.checked import Checked
from hybrid_train.theory.lines.robust import LINES, RobustCase
from hybrid_train.theory.predictions.robustness import RobustLoss


def robust_part(config: Config, setting: Setting, losses: Sequence[RobustLoss]) -> Checked:
    """Return the lines, series and picture of a run under an adversary; nothing at all of a run without losses.

    Args:
        config: valid.
        setting: of it.
        losses: at W(0) .. W(T); empty without an adversary.
    """
    if not losses:
        return Checked([], {}, ())
    case = RobustCase.of(config, setting, losses)
    return Checked([line(case) for line in LINES], {"robustness": case.series}, (_draw,))


def with_losses(records: Iterable[StepRecord], losses: list[RobustLoss], n: int) -> Iterator[StepRecord]:
    """Pass records on, and put the mean losses of those under an adversary into a list.

    Args:
        records: of a run on a data set.
        losses: is added to.
        n: examples of the data set.
    """
    for record in records:
        if record.clean_loss is not None:
            losses.append(RobustLoss(record.clean_loss / n, record.loss / n))
        yield record


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.adversarial import write_robustness_figure

    return write_robustness_figure(directory, document["series"]["robustness"])
