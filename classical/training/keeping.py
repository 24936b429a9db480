"""Which W(t) a training run returns: the last, the best, the mean, or one drawn at random."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.names import nearest
from hybrid_train.support.rng import Role, generator

Keep = Literal["last", "best", "average", "random"]
KEEPS: tuple[Keep, ...] = ("last", "best", "average", "random")


@final
@dataclass(frozen=True, eq=False)
class Judge:
    """What tells W(t) of different steps apart for ``keep="best"``, where a step sees only some of the examples.

    Attributes:
        loss: the loss of the network as it is now, over examples that are the same at every step.
        every: steps between two looks; the first and the last W(t) are always looked at.
    """

    loss: Callable[[], float]
    every: int = 1


class Keeper(ABC):
    """Sees W(0) .. W(T) pass by and puts the one to be returned into the banks.

    Attributes:
        step: t of the W(t) to be returned, of those seen so far; None if it is no single one.
    """

    step: int | None = 0

    @abstractmethod
    def see(self, step: int, loss: Callable[[], float]) -> None:
        """Take note of W(step), whose loss ``loss`` works out if it is wanted: always over the same examples."""

    @abstractmethod
    def settle(self) -> None:
        """Put the chosen weights into the banks."""

    def state(self) -> dict[str, Any]:
        """Return what was seen so far, as named arrays and numbers."""
        return {"step": -1 if self.step is None else self.step}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as the keeper of ``state``, of the same kind on the same banks, would.

        Raises:
            KeyError: a part is missing.
            ValueError: a part has another shape.
        """
        step = int(state["step"])
        self.step = None if step < 0 else step


def make_keeper(keep: Keep, banks: Sequence[Bank], steps: int, seed: int, every: int = 1) -> Keeper:
    """Return a keeper.

    "random" copies the weights once; "best" copies all of them whenever the loss falls, and "average" reads all of them
    at every step, which no longer is work for the active neurons alone.

    Args:
        keep: "last" W(T); "best" the W(t) of least loss, the first of several; "average" the mean of W(0) .. W(T - 1),
            or "random" W(t) for a t drawn evenly from 0 .. T - 1: the steps whose gradients the regret bound behind
            SGD Theorem 5.6 adds up (SGD Algorithm 1 is printed with 1 .. T).
        banks: the weights.
        steps: T.
        seed: the run's seed.
        every: "best" looks at W(0), W(every), W(2 every) .. and W(T).

    Raises:
        ConfigError: an unknown name, or another than "last" where weights are never stored.
    """
    if keep != "last" and any(isinstance(bank, RecreatedBank) for bank in banks):
        raise ConfigError(
            f"training.keep={keep!r}: expected 'last', since so many weights are made again whenever they are read; or "
            "take a smaller network.width"
        )
    match keep:
        case "last":
            return _Last()
        case "best":
            return _Best(banks, steps, every)
        case "average":
            return _Average(banks, steps)
        case "random":
            chosen = int(generator(seed, Role.CHOICE).integers(steps)) if steps else 0
            return _Chosen(banks, chosen)
    raise ConfigError(f"training.keep={keep!r}: no such choice{nearest(str(keep), KEEPS)}; known: {', '.join(KEEPS)}")


@final
class _Last(Keeper):
    def see(self, step: int, loss: Callable[[], float]) -> None:
        self.step = step

    def settle(self) -> None:
        pass


class _Copying(Keeper):
    """Keeps copies of the weights of one step.

    Args:
        banks: the weights.
    """

    def __init__(self, banks: Sequence[Bank]) -> None:
        self._banks = banks
        self._copies: list[FloatArray] = []

    def state(self) -> dict[str, Any]:
        return super().state() | _named(self._copies)

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._copies = _of_names(state, self._banks) if _name(0) in state else []

    def settle(self) -> None:
        if self._copies:
            _put(self._banks, self._copies)


@final
class _Chosen(_Copying):
    def __init__(self, banks: Sequence[Bank], chosen: int) -> None:
        super().__init__(banks)
        self._chosen = chosen

    def see(self, step: int, loss: Callable[[], float]) -> None:
        if step == self._chosen:
            self.step, self._copies = step, _copied(self._banks)


@final
class _Best(_Copying):
    def __init__(self, banks: Sequence[Bank], steps: int, every: int) -> None:
        super().__init__(banks)
        self._steps, self._every, self._least = steps, every, np.inf

    def see(self, step: int, loss: Callable[[], float]) -> None:
        if step % self._every and step < self._steps:
            return
        found = loss()
        if found < self._least:
            self.step, self._least, self._copies = step, found, _copied(self._banks)

    def state(self) -> dict[str, Any]:
        return super().state() | {"least": self._least}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._least = float(state["least"])


@final
class _Average(Keeper):
    def __init__(self, banks: Sequence[Bank], steps: int) -> None:
        self._banks, self._steps, self._seen = banks, steps, 0
        self._sums: list[FloatArray] = [np.zeros(bank.shape) for bank in banks]

    def see(self, step: int, loss: Callable[[], float]) -> None:
        if step >= self._steps:
            return
        self.step = None
        self._seen += 1
        for at, bank in enumerate(self._banks):
            self._sums[at] += bank[:]

    def settle(self) -> None:
        if self._seen:
            _put(self._banks, [total / self._seen for total in self._sums])

    def state(self) -> dict[str, Any]:
        return super().state() | {"seen": self._seen} | _named(self._sums)

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._seen, self._sums = int(state["seen"]), _of_names(state, self._banks)


def _copied(banks: Sequence[Bank]) -> list[FloatArray]:
    return [np.array(bank[:]) for bank in banks]


def _put(banks: Sequence[Bank], weights: Sequence[FloatArray]) -> None:
    for bank, vectors in zip(banks, weights, strict=True):
        bank.assign(np.arange(len(bank)), vectors)


def _name(at: int) -> str:
    return f"bank_{at}"


def _named(weights: Sequence[FloatArray]) -> dict[str, Any]:
    return {_name(at): vectors for at, vectors in enumerate(weights)}


def _of_names(state: Mapping[str, Any], banks: Sequence[Bank]) -> list[FloatArray]:
    weights = [np.array(state[_name(at)]) for at in range(len(banks))]
    if any(one.shape != bank.shape or one.dtype.kind != "f" for one, bank in zip(weights, banks, strict=True)):
        raise ValueError("weights that were kept have another shape than the network")
    return weights
