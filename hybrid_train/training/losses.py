"""Losses: value, derivative in the outputs, and what labels each of them takes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from scipy.special import expit, log_softmax, softmax

from hybrid_train.data.dataset import Dataset
from hybrid_train.data.distribution import Distribution
from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.registry import load


class Loss(ABC):
    """A loss summed over the data: L = sum_i l(f(x_i), y_i), as in PRE, where l = 1/2 (f - y)^2.

    Targets are encoded once, by ``encode``, into an array of the shape of the outputs. Outputs that overflowed give
    an infinite or NaN value, without a warning: a run that diverges is the trainer's to report.
    """

    curvature: float | None
    """The largest second derivative of l in f (largest eigenvalue for several outputs); None if it has none."""

    convex: ClassVar[bool] = True

    @property
    def lipschitz(self) -> float | None:
        """The largest |dl/df_k|, the L of SGD Definition 3.5: |l(f) - l(g)| <= L ||f - g||_1. None if unbounded."""
        return None

    def value(self, outputs: FloatArray, targets: FloatArray) -> float:
        """Return L.

        Args:
            outputs: (n, K) f(x_i).
            targets: (n, K) as ``encode`` returned them (or some of their rows).

        Raises:
            InvariantError: the shapes differ.
        """
        self._check(outputs, targets)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(self._terms(outputs, targets).sum())

    def values(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Return (n,) the loss of each example; ``value`` is their sum."""
        self._check(outputs, targets)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self._terms(outputs, targets).sum(axis=1))

    def derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Return (n, K) dL/df; where l has a corner, the middle of its subgradients."""
        self._check(outputs, targets)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self._derivative(outputs, targets))

    def probabilities(self, outputs: FloatArray) -> FloatArray | None:
        """Return (n, C) what outputs (n, K) say of the probabilities of C classes, C = K but 2 for K = 1.

        Each row adds up to 1. None where this loss is not least at outputs that tell them.
        """
        return None

    def default_outputs(self, dataset: Dataset) -> int:
        """Return how many outputs K a network needs for these data.

        Raises:
            DataError: the labels do not fit this loss.
        """
        if dataset.classes is not None:
            return dataset.classes
        return 1 if dataset.targets.ndim == 1 else int(dataset.targets.shape[1])

    def encode(self, dataset: Dataset, outputs: int) -> FloatArray:
        """Return the targets as an (n, outputs) array for ``value`` and ``derivative``.

        Class labels become unit vectors; real targets keep their numbers.

        Raises:
            DataError: the labels do not fit this loss or this number of outputs; the message says what to change.
        """
        needed = self.default_outputs(dataset)
        if outputs != needed:
            has = f"{dataset.classes} classes" if dataset.classes is not None else f"targets {dataset.targets.shape}"
            raise DataError(f"outputs={outputs}: {dataset.name} has {has}; set outputs = {needed} for this loss")
        if dataset.classes is not None:
            return _unit_vectors(dataset.targets, outputs)
        return np.asarray(dataset.targets, dtype=np.float64).reshape(len(dataset), outputs)

    @abstractmethod
    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Return (n, K) numbers that add up to the loss, example by example."""

    @abstractmethod
    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray: ...

    def _check(self, outputs: FloatArray, targets: FloatArray) -> None:
        if outputs.ndim != 2 or outputs.shape != targets.shape:
            raise InvariantError(f"loss: outputs {outputs.shape} and encoded targets {targets.shape} must be (n, K)")


@final
@dataclass(frozen=True)
class SquaredLoss(Loss):
    """l = 1/2 (f - y)^2, the loss of PRE Definition 3.1. Class labels become 0/1 vectors."""

    curvature = 1.0

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(0.5 * np.square(outputs - targets))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return outputs - targets

    def probabilities(self, outputs: FloatArray) -> FloatArray:
        """Return them out of the mean of the targets, which is where this loss is least, moved into [0, 1]."""
        if outputs.shape[1] == 1:
            return _of_two(np.clip(0.5 + 0.5 * outputs[:, 0], 0.0, 1.0))
        shares = np.clip(outputs, 0.0, 1.0)
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1.0), 1.0 / outputs.shape[1])


@final
@dataclass(frozen=True)
class HuberLoss(Loss):
    """Quadratic within ``delta`` of the target, linear beyond: l' = clip(f - y, -delta, delta).

    Args:
        delta: where the loss turns linear, positive, in units of the output.

    Raises:
        ConfigError: delta is not a positive finite number.
    """

    delta: float = 1.0
    curvature = 1.0

    def __post_init__(self) -> None:
        number = isinstance(self.delta, int | float) and not isinstance(self.delta, bool)
        if not (number and math.isfinite(self.delta) and self.delta > 0):
            raise ConfigError(f"delta={self.delta!r}: the Huber loss needs a positive finite number")

    @property
    def lipschitz(self) -> float:
        return self.delta

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        residual = outputs - targets
        clipped = np.clip(residual, -self.delta, self.delta)
        return np.asarray(clipped * (residual - 0.5 * clipped))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.clip(outputs - targets, -self.delta, self.delta)


@final
@dataclass(frozen=True)
class AbsoluteLoss(Loss):
    """l = |f - y|. It has no second derivative, so no learning rate follows from its curvature."""

    curvature = None

    @property
    def lipschitz(self) -> float:
        return 1.0

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(np.abs(outputs - targets))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.sign(outputs - targets)


@final
@dataclass(frozen=True)
class GemanMcClureLoss(Loss):
    """l = 1/2 r^2 / (1 + (r/c)^2), r = f - y: as squared near the target, never above c^2/2; smooth and not convex.

    A bounded non-convex loss as in DEEP Theorem 6. l'' = (1 - 3 (r/c)^2) / (1 + (r/c)^2)^3 lies between -1/4 and 1.

    Args:
        scale: c, the residual from which on the loss flattens, positive, in units of the output.

    Raises:
        ConfigError: scale is not a positive finite number.
    """

    scale: float = 1.0
    curvature = 1.0
    convex = False

    def __post_init__(self) -> None:
        number = isinstance(self.scale, int | float) and not isinstance(self.scale, bool)
        if not (number and math.isfinite(self.scale) and self.scale > 0):
            raise ConfigError(f"scale={self.scale!r}: the Geman-McClure loss needs a positive finite number")

    @property
    def lipschitz(self) -> float:
        return 9.0 * self.scale / (16.0 * math.sqrt(3.0))  # at r = c / sqrt 3

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        residual = outputs - targets
        return np.asarray(0.5 * np.square(residual / np.hypot(1.0, residual / self.scale)))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        residual = outputs - targets
        return np.asarray(residual / np.square(1.0 + np.square(residual / self.scale)))


class SignLoss(Loss):
    """A loss of the margin y f, for y = -1 or +1 and one output."""

    name: ClassVar[str]

    @property
    def lipschitz(self) -> float:
        return 1.0

    def default_outputs(self, dataset: Dataset) -> int:
        if dataset.classes is not None:
            raise DataError(
                f"loss={self.name}: {dataset.name} has {dataset.classes} classes; "
                "take the loss cross_entropy, or two classes"
            )
        if not dataset.binary:
            raise DataError(
                f"loss={self.name}: the targets of {dataset.name} are not all -1 or +1; take the loss squared"
            )
        return 1


@final
@dataclass(frozen=True)
class LogisticLoss(SignLoss):
    """l = ln(1 + exp(-y f)) for y = -1 or +1 and one output. l'' = s(f) s(-f) <= 1/4 with s the logistic function."""

    name = "logistic"
    curvature = 0.25

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(np.logaddexp(0.0, -targets * outputs))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(-targets * expit(-targets * outputs))

    def probabilities(self, outputs: FloatArray) -> FloatArray:
        return _of_two(expit(outputs[:, 0]))


@final
@dataclass(frozen=True)
class HingeLoss(SignLoss):
    """l = max(0, 1 - y f) for y = -1 or +1 and one output; a corner at y f = 1 and no bounded curvature."""

    name = "hinge"
    curvature = None

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(0.0, 1.0 - targets * outputs))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(-targets * np.heaviside(1.0 - targets * outputs, 0.5))


@final
@dataclass(frozen=True)
class CrossEntropyLoss(Loss):
    """l = -ln softmax(f)_y over K >= 2 outputs; targets -1/+1 count as the classes 0/1.

    The Hessian diag(p) - p p^T has v^T H v = Var_p(v) <= (max v - min v)^2 / 4 (Popoviciu), and
    (max v - min v)^2 <= 2 ||v||^2, so its largest eigenvalue is at most 1/2, attained at p = (1/2, 1/2).
    """

    curvature = 0.5

    def default_outputs(self, dataset: Dataset) -> int:
        if dataset.classes is None and not dataset.binary:
            raise DataError(
                f"loss=cross_entropy: the targets of {dataset.name} are not class labels; take the loss squared"
            )
        return 2 if dataset.classes is None else dataset.classes

    def encode(self, dataset: Dataset, outputs: int) -> FloatArray:
        if dataset.classes is None and self.default_outputs(dataset) == outputs:
            return _unit_vectors((dataset.targets > 0).astype(np.int64), outputs)
        return super().encode(dataset, outputs)

    @property
    def lipschitz(self) -> float:
        return 1.0

    def _terms(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(-(targets * log_softmax(outputs, axis=1)))

    def _derivative(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        return np.asarray(softmax(outputs, axis=1) - targets)

    def probabilities(self, outputs: FloatArray) -> FloatArray:
        return np.asarray(softmax(outputs, axis=1))


LOSSES = {
    "squared": f"{__name__}:SquaredLoss",
    "logistic": f"{__name__}:LogisticLoss",
    "hinge": f"{__name__}:HingeLoss",
    "cross_entropy": f"{__name__}:CrossEntropyLoss",
    "huber": f"{__name__}:HuberLoss",
    "absolute": f"{__name__}:AbsoluteLoss",
    "geman_mcclure": f"{__name__}:GemanMcClureLoss",
}
"""The losses: name -> "module:Class"."""


def make_loss(name: str, **options: Any) -> Loss:
    """Make a loss by name.

    Raises:
        ConfigError: no such loss (the nearest name is given) or option, or an option out of range.
    """
    loss: Loss = load(name, LOSSES, "loss", **options)
    return loss


def encoded_draw(
    source: Distribution, loss: Loss, outputs: int
) -> Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]:
    """Return what draws examples from a source with targets as a loss reads them, as fresh batches take it.

    Args:
        source: the distribution.
        loss: who encodes.
        outputs: K.
    """

    def draw(generator: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
        dataset = source.draw(generator, size)
        return dataset.inputs, loss.encode(dataset, outputs)

    return draw


def _of_two(second: FloatArray) -> FloatArray:
    return np.column_stack([1.0 - second, second])


def _unit_vectors(labels: Any, classes: int) -> FloatArray:
    encoded = np.zeros((len(labels), classes))
    encoded[np.arange(len(labels)), labels] = 1.0
    return encoded
