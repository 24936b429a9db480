"""What turns gradients into moves: momentum, Adam and weight decay, on the rows that are active alone.

A row of the weights that no example fires in a step has no gradient there, and nothing happens to it: it is neither
moved by what it gathered before nor decayed, so that a step stays work for the active neurons, and a finder is told of
every move there is. (Row-wise, "lazy" variants, as for sparse gradients in the deep-learning libraries.)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel
from hybrid_train.support.names import nearest

Name = Literal["momentum", "adam"]
Schedule = Literal["constant", "linear", "cosine"]

OPTIMISERS = ("descent", "momentum", "adam")
SCHEDULES = ("constant", "linear", "cosine")

_ADAM_RATE = 12.0
"""Where Adam learns well from unit rows: a step moves an output by about this times the share that fires."""


class Optimiser(ABC):
    """Turns the gradients of some rows of the weights (m, d) into moves; remembers what each row has gone through.

    Args:
        shape: (m, d).
        weight_decay: lambda: an active row also moves by -rate * lambda * w (decoupled, as in AdamW).
        dtype: of what is remembered of each row, and of the moves.

    Raises:
        ConfigError: an option out of range.
    """

    def __init__(self, shape: tuple[int, int], weight_decay: float = 0.0, *, dtype: npt.DTypeLike = np.float64) -> None:
        if not (math.isfinite(weight_decay) and weight_decay >= 0):
            raise ConfigError(f"weight_decay={weight_decay}: expected a number of at least 0")
        self.shape, self.weight_decay, self.dtype = shape, weight_decay, np.dtype(dtype)

    @property
    def auto_rate(self) -> float | None:
        """The rate for ``learning_rate="auto"``; None where that of plain descent goes."""
        return None

    def moves(self, rows: IntArray, gradient: FloatArray, weights: FloatArray, rate: float) -> FloatArray:
        """Return (R, d) how far the rows move.

        Args:
            rows: (R,) distinct, those that are active.
            gradient: (R, d) of the loss in them.
            weights: (R, d) where they are.
            rate: eta of this step.
        """
        moved = self._moves(rows, np.ascontiguousarray(gradient, self.dtype), rate)
        return moved - (rate * self.weight_decay) * weights if self.weight_decay else moved

    def apply(
        self,
        weights: FloatArray,
        rows: IntArray,
        gradient: FloatArray,
        places: IntArray | None,
        rate: float,
        trained: int,
    ) -> None:
        """Move rows of the weights, in place.

        Args:
            weights: (m, d) C-contiguous.
            rows: (R,) distinct, those that are active.
            gradient: (.., d) of the loss in them.
            places: (R,) their rows in ``gradient``; None if those are the same, one for one.
            rate: eta of this step.
            trained: coordinates that move, the first ones; the gradient is zero in the others.
        """
        moves = self.moves(rows, gradient if places is None else gradient[places], weights[rows], rate)
        weights[rows, :trained] += moves[:, :trained]

    @abstractmethod
    def _moves(self, rows: IntArray, gradient: FloatArray, rate: float) -> FloatArray: ...

    @property
    @abstractmethod
    def _memory(self) -> dict[str, Any]:
        """What it remembers of each row, by name."""

    def memory(self) -> dict[str, Any]:
        """Return copies of what it remembers of each row, as named arrays."""
        return {name: array.copy() for name, array in self._memory.items()}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Remember what another of the same kind did.

        Raises:
            KeyError: a part is missing.
            ValueError: a part has another shape or type.
        """
        for name, array in self._memory.items():
            found = np.asarray(memory[name])
            if found.shape != array.shape or found.dtype != array.dtype:
                raise ValueError(f"{name} of the optimiser has another shape than the weights")
            array[...] = found


@final
class Momentum(Optimiser):
    """v <- mu v + g, w <- w - rate v (Polyak 1964); mu = 0 is plain descent.

    Args:
        shape: (m, d).
        weight_decay: lambda.
        momentum: mu, at least 0 and below 1.
        dtype: likewise.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        *,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(shape, weight_decay, dtype=dtype)
        if not 0.0 <= momentum < 1.0:
            raise ConfigError(f"momentum={momentum}: expected a number of at least 0 and below 1")
        self._momentum = momentum
        self._velocity = np.zeros(shape, dtype) if momentum else None

    @property
    def _memory(self) -> dict[str, Any]:
        return {} if self._velocity is None else {"velocity": self._velocity}

    def _moves(self, rows: IntArray, gradient: FloatArray, rate: float) -> FloatArray:
        if self._velocity is None:
            return -rate * gradient
        velocity = self._momentum * self._velocity[rows] + gradient
        self._velocity[rows] = velocity
        return np.asarray(-rate * velocity)


@final
class Adam(Optimiser):
    """Adam (Kingma and Ba 2015); each row counts its own steps.

    Args:
        shape: (m, d).
        weight_decay: lambda.
        beta1: of the mean of the gradients.
        beta2: of the mean of their squares.
        epsilon: added to the root of the latter.
        dtype: likewise.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(shape, weight_decay, dtype=dtype)
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon
        self._mean, self._square = np.zeros(shape, dtype), np.zeros(shape, dtype)
        self._steps = np.zeros(shape[0], np.int64)

    @property
    def auto_rate(self) -> float:
        """12 / sqrt(m d): on unit rows a step changes f = m^{-1/2} sum_r .. by about 12 times the share that fires."""
        return _ADAM_RATE / math.sqrt(self.shape[0] * self.shape[1])

    @property
    def _memory(self) -> dict[str, Any]:
        return {"mean": self._mean, "square": self._square, "steps": self._steps}

    def _moves(self, rows: IntArray, gradient: FloatArray, rate: float) -> FloatArray:
        moves, each = np.zeros_like(gradient), np.arange(len(rows))
        rates = self._rates(rate, 0.0)
        size = moves.shape[1]
        _adam(rows, gradient, each, self._mean, self._square, *self._short(rows), rates, moves, each, size)
        return moves

    def apply(
        self,
        weights: FloatArray,
        rows: IntArray,
        gradient: FloatArray,
        places: IntArray | None,
        rate: float,
        trained: int,
    ) -> None:
        found = np.ascontiguousarray(gradient, self.dtype)
        where = np.arange(len(rows)) if places is None else places
        rates = self._rates(rate, rate * self.weight_decay)
        _adam(rows, found, where, self._mean, self._square, *self._short(rows), rates, weights, rows, trained)

    def _short(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Count a step of the rows; return by what the means fall short of those of all steps."""
        self._steps[rows] += 1
        steps: Any = self._steps[rows]
        first, second = (np.asarray(1.0 - beta**steps, self.dtype) for beta in (self._beta1, self._beta2))
        return first, second

    def _rates(self, rate: float, decay: float) -> _Rates:
        number: Any = self.dtype.type
        return _Rates(*(number(each) for each in (rate, self._beta1, self._beta2, self._epsilon, decay)))


def make_optimiser(
    name: str,
    shape: tuple[int, int],
    *,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    dtype: npt.DTypeLike = np.float64,
) -> Optimiser | None:
    """Return an optimiser by name; None for plain descent without decay, which needs none.

    Args:
        name: "descent", "momentum" or "adam".
        shape: (m, d) of the weights.
        momentum: mu of "momentum".
        weight_decay: lambda.
        dtype: of what is remembered of each row.

    Raises:
        ConfigError: no such optimiser, or an option out of range.
    """
    match name:
        case "descent":
            return Momentum(shape, weight_decay, 0.0, dtype=dtype) if weight_decay else None
        case "momentum":
            return Momentum(shape, weight_decay, momentum, dtype=dtype)
        case "adam":
            return Adam(shape, weight_decay, dtype=dtype)
    raise ConfigError(
        f"optimiser={name!r}: no such optimiser{nearest(str(name), OPTIMISERS)}; known: {', '.join(OPTIMISERS)}"
    )


def scheduled(schedule: str, done: float) -> float:
    """Return what the learning rate is multiplied by when a share ``done`` of the steps is behind.

    Args:
        schedule: "constant" for 1; "linear" for 1 - done; "cosine" for (1 + cos(pi done)) / 2.
        done: from 0 to 1.

    Raises:
        ConfigError: no such schedule.
    """
    match schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1.0 - done
        case "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * done))
    raise ConfigError(
        f"schedule={schedule!r}: no such schedule{nearest(str(schedule), SCHEDULES)}; known: {', '.join(SCHEDULES)}"
    )


class _Rates(NamedTuple):
    """The numbers of Adam, all of the type that it calculates in.

    Attributes:
        rate: eta.
        beta1: of the mean.
        beta2: of the mean of the squares.
        epsilon: added to the root of the latter.
        decay: share of a number that it loses.
    """

    rate: Any
    beta1: Any
    beta2: Any
    epsilon: Any
    decay: Any


@kernel
def _adam(
    rows: Any,
    gradient: Any,
    places: Any,
    mean: Any,
    square: Any,
    first: Any,
    second: Any,
    rates: Any,
    numbers: Any,
    targets: Any,
    trained: Any,
) -> None:
    """Move rows of ``numbers``, at ``targets`` (R,), by the gradients of rows (R,) of the weights.

    Args:
        rows: distinct, within the bank.
        gradient: (.., d), of the type of all numbers but those that move.
        places: (R,) where in it.
        mean: (m, d) of the gradients of each row; updated.
        square: (m, d) of their squares; updated.
        first: (R,) by what the mean falls short, and
        second: (R,) the mean of the squares, of those of all steps.
        rates: see :class:`_Rates`.
        numbers: (.., d) moved.
        targets: (R,) where in them, distinct.
        trained: coordinates that are gone through, the first ones.
    """
    one, beta1, beta2 = gradient.dtype.type(1), rates.beta1, rates.beta2
    for i in range(rows.size):
        means, squares, slope, out = mean[rows[i]], square[rows[i]], gradient[places[i]], numbers[targets[i]]
        whole, width = one / first[i], one / second[i]
        for j in range(trained):
            g = slope[j]
            means[j] = beta1 * means[j] + (one - beta1) * g
            squares[j] = beta2 * squares[j] + (one - beta2) * (g * g)
            move = -rates.rate * (means[j] * whole) / (np.sqrt(squares[j] * width) + rates.epsilon)
            out[j] += move - rates.decay * out[j]
