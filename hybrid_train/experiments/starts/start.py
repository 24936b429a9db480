"""What experiments ask of a kind of network: everything that depends on the kind is answered here, and only here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, final

from hybrid_train.errors import ConfigError
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.network.storing import Network
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.optimisers import Optimiser

Finders = Callable[[int], ActiveSetFinder]
"""Makes a fresh finder for a bank of neurons, counted from 0 through the layers."""


def _plain_descent(shape: tuple[int, int]) -> None:
    """Take no optimiser."""


class Search(NamedTuple):
    """What one finder of a run searches.

    Attributes:
        points: vectors in its bank.
        queries: asked at once, at most.
        dimension: of both.
    """

    points: int
    queries: int
    dimension: int


@final
@dataclass(frozen=True)
class Course:
    """What happens to the examples of a run, as far as dynamics are chosen by it.

    Attributes:
        index: which bank of two layers is searched.
        fresh: whether every step draws its examples anew.
        in_batches: whether a step sees only some of them.
        optimiser: makes what turns gradients into moves, for weights (m, d); None for plain descent.
        reach: how far an adversary moves them, in Euclidean distance, be it 0; None if nobody does.
    """

    index: Index
    fresh: bool = False
    in_batches: bool = False
    reach: float | None = None
    optimiser: Callable[[tuple[int, int]], Optimiser | None] = _plain_descent


class Start(ABC):
    """A kind of network on given data: how W(0) is drawn, and what its size asks of finders and of memory.

    Every kind is made of the ``[network]`` table, the inputs (n, d), the outputs K, where every step draws its
    examples from (or None), how many examples a run keeps, and the run's seed.

    Attributes:
        inputs: (n, d) the data as the network takes them.
        threshold: b as a number; None where each layer has its own.
        standard_threshold: b in units of the spread of a pre-activation at the start; None likewise.
        neurons: of all hidden layers.
        queries: that an example makes in one pass, to all finders together.
        passes_first: how often all examples are seen before the first step.
        lifted: whether inputs are brought into the normal form of adversarial training.
        kept: so many last coordinates of the inputs stay where they are under an adversary.
        notes: what a reader should know about the start, in sentences.
    """

    inputs: FloatArray
    lifted: bool = False
    threshold: float | None = None
    standard_threshold: float | None = None
    neurons: int
    queries: int = 1
    passes_first: int = 0
    kept: int = 0
    notes: tuple[str, ...] = ()

    def normal_form(self, inputs: FloatArray) -> FloatArray:
        """Return unit rows (n, d) as the network takes them."""
        return inputs

    @abstractmethod
    def network(self, seed: int) -> Network:
        """Return the network at W(0), the same one every time."""

    def two_layer(self, seed: int) -> TwoLayerNetwork:
        """Return the network at W(0) where it has two layers.

        Raises:
            ConfigError: it is of another kind.
        """
        raise ConfigError("network.kind: expected 'two_layer', this is about no other kind")

    def deep(self, seed: int) -> DeepNetwork:
        """Return the network at W(0) where it is a deep one.

        Raises:
            ConfigError: it is of another kind.
        """
        raise ConfigError("network.kind='two_layer': expected a deep network")

    @abstractmethod
    def small(self, width: int) -> Network:
        """Return a network of the same kind with so few neurons that half of them may fire."""

    @abstractmethod
    def searches(self, examples: int, index: Index) -> list[Search]:
        """Return what every finder of a run over so many examples searches."""

    @abstractmethod
    def dynamics(self, network: Network, inputs: FloatArray, finders: Finders, course: Course) -> Dynamics:
        """Return the dynamics that train a network of this kind.

        Args:
            network: to be trained, not necessarily of the full size.
            inputs: (n, d) where the examples begin.
            finders: who searches.
            course: what will happen to the examples.
        """
