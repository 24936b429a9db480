"""Which W(t) a training run returns: the last, the best, the mean, or one drawn at random."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, final

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import Bank
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.names import nearest
from hybrid_train.support.rng import Role, generator

Keep = Literal["last", "best", "average", "random"]
KEEPS: tuple[Keep, ...] = ("last", "best", "average", "random")


class Keeper(ABC):
    """Sees W(0) .. W(T) pass by and puts the one to be returned into the banks.

    Attributes:
        step: t of the W(t) to be returned, of those seen so far; None if it is no single one.
    """

    step: int | None = 0

    @abstractmethod
    def see(self, step: int, loss: float) -> None:
        """Take note of W(step), whose loss over the examples of the step is ``loss``."""

    @abstractmethod
    def settle(self) -> None:
        """Put the chosen weights into the banks."""


def make_keeper(keep: Keep, banks: Sequence[Bank], steps: int, seed: int) -> Keeper:
    """Return a keeper.

    "random" copies the weights once; "best" copies all of them whenever the loss falls, and "average" reads all of them
    at every step, which no longer is work for the active neurons alone.

    Args:
        keep: "last" W(T); "best" the W(t) of least loss over the examples of its step (an estimate in
            SGD); "average" the mean of W(1) .. W(T); "random" W(t) for a t
            drawn evenly from 1 .. T, as SGD Algorithm 1 returns.
        banks: the weights.
        steps: T.
        seed: the run's seed.

    Raises:
        ConfigError: an unknown name.
    """
    match keep:
        case "last":
            return _Last()
        case "best":
            return _Best(banks)
        case "average":
            return _Average(banks)
        case "random":
            chosen = int(generator(seed, Role.CHOICE).integers(1, steps + 1)) if steps else 0
            return _Chosen(banks, chosen)
    raise ConfigError(f"training.keep={keep!r}: no such choice{nearest(str(keep), KEEPS)}; known: {', '.join(KEEPS)}")


@final
class _Last(Keeper):
    def see(self, step: int, loss: float) -> None:
        self.step = step

    def settle(self) -> None:
        pass


@final
class _Chosen(Keeper):
    def __init__(self, banks: Sequence[Bank], chosen: int) -> None:
        self._banks, self._chosen = banks, chosen
        self._copies: list[FloatArray] = []

    def see(self, step: int, loss: float) -> None:
        if step == self._chosen:
            self.step, self._copies = step, _copied(self._banks)

    def settle(self) -> None:
        if self._copies:
            _put(self._banks, self._copies)


@final
class _Best(Keeper):
    def __init__(self, banks: Sequence[Bank]) -> None:
        self._banks, self._least = banks, np.inf
        self._copies: list[FloatArray] = []

    def see(self, step: int, loss: float) -> None:
        if loss < self._least:
            self.step, self._least, self._copies = step, loss, _copied(self._banks)

    def settle(self) -> None:
        if self._copies:
            _put(self._banks, self._copies)


@final
class _Average(Keeper):
    def __init__(self, banks: Sequence[Bank]) -> None:
        self._banks, self._seen = banks, 0
        self._sums: list[FloatArray] = [np.zeros(bank.shape) for bank in banks]

    def see(self, step: int, loss: float) -> None:
        if step == 0:
            return
        self.step = None
        self._seen += 1
        for at, bank in enumerate(self._banks):
            self._sums[at] += bank[:]

    def settle(self) -> None:
        if self._seen:
            _put(self._banks, [total / self._seen for total in self._sums])


def _copied(banks: Sequence[Bank]) -> list[FloatArray]:
    return [np.array(bank[:]) for bank in banks]


def _put(banks: Sequence[Bank], weights: Sequence[FloatArray]) -> None:
    for bank, vectors in zip(banks, weights, strict=True):
        bank.assign(np.arange(len(bank)), vectors)
