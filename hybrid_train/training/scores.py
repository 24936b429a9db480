"""How well a network does on data: the mean loss, and the accuracy or R^2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from hybrid_train.data.dataset import Dataset
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.losses import Loss


@final
@dataclass(frozen=True)
class Score:
    """How well outputs fit targets.

    Attributes:
        loss: the mean over the rows.
        accuracy: share of the rows whose class is right; None where there are no classes.
        r2: 1 - (residual sum of squares) / (total sum of squares), the mean over several targets; None where there are
            classes, or the targets do not vary.
    """

    loss: float
    accuracy: float | None
    r2: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return the score as JSON has it, which has no infinities: a loss that overflowed is None."""
        found = {"loss": self.loss, "accuracy": self.accuracy, "r2": self.r2}
        return {name: value if value is not None and math.isfinite(value) else None for name, value in found.items()}

    @property
    def text(self) -> str:
        """The score in a few words."""
        if self.accuracy is not None:
            return f"loss {self.loss:.3g}, accuracy {self.accuracy:.3f}"
        return f"loss {self.loss:.3g}" + ("" if self.r2 is None else f", R^2 {self.r2:.3f}")


@final
class Scorer:
    """Scores outputs on a data set.

    Args:
        dataset: with the targets.
        loss: of the training.
        outputs: K.

    Raises:
        DataError: the loss cannot use these targets.
    """

    def __init__(self, dataset: Dataset, loss: Loss, outputs: int) -> None:
        self._loss, self._encoded = loss, loss.encode(dataset, outputs)
        self._labels, self._targets = class_labels(dataset), dataset.targets

    def __call__(self, outputs: FloatArray) -> Score:
        """Return the score of (n, K) outputs."""
        loss = self._loss.value(outputs, self._encoded) / len(outputs)
        if self._labels is not None:
            return Score(loss, accuracy(outputs, self._labels), None)
        return Score(loss, None, r_squared(outputs, self._targets))


def class_labels(dataset: Dataset) -> IntArray | None:
    """Return (n,) labels 0 .. K-1 (0 and 1 for targets -1 and +1); None where the targets are no classes."""
    if dataset.classes is not None:
        return np.asarray(dataset.targets, dtype=np.int64)
    if dataset.binary:
        return (dataset.targets > 0).astype(np.int64)
    return None


def predicted_labels(outputs: FloatArray) -> IntArray:
    """Return (n,) labels 0 .. K-1 that (n, K) outputs say: the largest one, or by its sign a single one."""
    return np.asarray(outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(axis=1), dtype=np.int64)


def accuracy(outputs: FloatArray, labels: IntArray) -> float:
    """Return the share of (n, K) outputs that say their label."""
    return float((predicted_labels(outputs) == labels).mean())


def r_squared(outputs: FloatArray, targets: FloatArray) -> float | None:
    """Return R^2 of (n, K) outputs, the mean over K; None where a target does not vary."""
    given = targets.reshape(len(targets), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.square(given - given.mean(axis=0)).sum(axis=0)
        if not (total > 0).all():
            return None
        return float((1.0 - np.square(outputs - given).sum(axis=0) / total).mean())
