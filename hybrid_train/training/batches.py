"""Which examples a step of training sees: all of them, a random few, or fresh ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.declared import array, checked, either, flag, function, seed_number, size, whole, word
from hybrid_train.support.rng import Role, generator

Draw = Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]
"""Draws fresh examples: (generator, how many) -> inputs (size, d) and encoded targets (size, K)."""


@dataclass(frozen=True, eq=False)
class Batch:
    """The examples of one step.

    Attributes:
        rows: (B,) distinct rows of the examples; None for all of them.
        targets: (B, K) encoded.
        factors: (B,) what each example's loss is multiplied by in this step's gradient.
        inputs: (B, d) where these rows are to be put first; None to leave them.
    """

    rows: IntArray | None
    targets: FloatArray
    factors: FloatArray
    inputs: FloatArray | None = None


class Batches(ABC):
    """A source of batches; ``at(step)`` is always the same batch for the same step."""

    @abstractmethod
    def at(self, step: int) -> Batch:
        """Return the batch of a step."""

    @property
    @abstractmethod
    def targets(self) -> FloatArray | None:
        """(n, K) of the whole data set; None if there is no such thing."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Examples in a batch, at most."""

    @property
    def largest_factor(self) -> float:
        """The largest factor of any step over the largest of step 0, as far as it is known beforehand."""
        return 1.0


@final
class FullBatch(Batches):
    """Every example in every step: gradient descent.

    Args:
        targets: (n, K) encoded.
    """

    @checked(targets=array(2))
    def __init__(self, targets: FloatArray) -> None:
        self._batch = Batch(None, targets, np.ones(len(targets)))

    def at(self, step: int) -> Batch:
        return self._batch

    @property
    def targets(self) -> FloatArray:
        return self._batch.targets

    @property
    def size(self) -> int:
        return len(self._batch.targets)


@final
class Shuffled:
    """Examples without replacement: each epoch goes through all of them once, in an order of its own.

    Where B does not divide n, the ceil(n / B) batches of an epoch are as large as each other, to one example: a short
    last one would be scaled so much that a rate made for the others is too large for it.

    Args:
        n: examples.
        size: B, at most, in a batch.
        seed: of the order.

    Attributes:
        per_epoch: batches in an epoch.
    """

    def __init__(self, n: int, size: int, seed: int) -> None:
        self._n, self._seed = n, seed
        self.per_epoch = -(-n // size)
        self._last: tuple[int, IntArray] | None = None

    def at(self, epoch: int, place: int) -> IntArray:
        """Return (B,) the examples of a batch of an epoch; the first ones of an epoch have one more where they must."""
        if self._last is None or self._last[0] != epoch:
            self._last = epoch, generator(self._seed, Role.BATCH, epoch).permutation(self._n)
        size, longer = divmod(self._n, self.per_epoch)
        first = place * size + min(place, longer)
        return self._last[1][first : first + size + (place < longer)]

    @property
    def largest_factor(self) -> float:
        """By how much more an example of a shorter batch counts than one of a longer."""
        return -(-self._n // self.per_epoch) / (self._n // self.per_epoch)


@final
class MiniBatches(Batches):
    """Random examples of a data set: stochastic gradient descent.

    The gradient of a batch S is scaled by n / |S| (DEEP Theorem 2), so that its mean is the gradient of the whole loss.

    Args:
        targets: (n, K) encoded.
        size: B, examples drawn for a step, at most.
        seed: the run's seed.
        replacement: draw each example of a batch from all (an example drawn twice counts twice), or draw without
            replacement: within a batch, and through the data set before any example comes again, see
            :class:`Shuffled`; or "subset", a fresh subset of this size in every step (DEEP Theorem 2).

    Raises:
        ConfigError: size is not between 1 and n.
    """

    @checked(targets=array(2), size=whole(1), seed=seed_number(), replacement=either(flag(), word("subset")))
    def __init__(
        self, targets: FloatArray, size: int, *, seed: int, replacement: bool | Literal["subset"] = False
    ) -> None:
        if size > len(targets):
            raise ConfigError(f"training.batch_size={size}: expected 1 to {len(targets)}, the number of examples")
        self._targets, self._size, self._seed, self._replacement = targets, size, seed, replacement
        self._shuffled = Shuffled(len(targets), size, seed)

    def at(self, step: int) -> Batch:
        n = len(self._targets)
        if self._replacement == "subset":
            drawn: IntArray = generator(self._seed, Role.BATCH, step).choice(n, self._size, replace=False)
        elif self._replacement:
            drawn = generator(self._seed, Role.BATCH, step).integers(n, size=self._size)
        else:
            drawn = self._shuffled.at(*divmod(step, self._shuffled.per_epoch))
        rows, counts = np.unique(drawn, return_counts=True)
        return Batch(rows, self._targets[rows], counts * (n / len(drawn)))

    @property
    def targets(self) -> FloatArray:
        return self._targets

    @property
    def size(self) -> int:
        return self._size

    @property
    def largest_factor(self) -> float:
        return 1.0 if self._replacement else self._shuffled.largest_factor


@final
class FreshBatches(Batches):
    """New examples from a distribution in every step (SGD Algorithm 1). The loss is the mean over the batch.

    Args:
        draw: the distribution.
        size: B.
        seed: the run's seed.

    Raises:
        ConfigError: size below 1.
    """

    @checked(draw=function(), size=size(), seed=seed_number())
    def __init__(self, draw: Draw, size: int, *, seed: int) -> None:
        self._draw, self._size, self._seed = draw, size, seed

    def at(self, step: int) -> Batch:
        inputs, targets = self._draw(generator(self._seed, Role.BATCH, step), self._size)
        return Batch(None, targets, np.full(self._size, 1.0 / self._size), inputs)

    @property
    def targets(self) -> None:
        return None

    @property
    def size(self) -> int:
        return self._size
