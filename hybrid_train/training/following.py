"""Finders that can also train: they follow the weights on lists of their own instead of being asked for sets."""

from __future__ import annotations

from abc import abstractmethod

from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.optimisers import Optimiser


class FollowingFinder(ActiveSetFinder):
    """A finder that has faster ways of training a network than being asked for the sets of every step.

    The training loop asks it once, before anything is built. A finder that is no more than an
    :class:`~hybrid_train.finder.interface.ActiveSetFinder` trains through the sets it finds.
    """

    @abstractmethod
    def dynamics(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        """Return a faster way of training a network on examples that stay where they are, if this finder has one.

        Args:
            network: to be trained.
            inputs: (n, d) the examples.

        Returns:
            Dynamics that ask this finder nothing; None to train through the sets it finds.
        """
        return None

    def dynamics_for_batches(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        """Return a faster way of training a network on a few examples at a time, if this finder has one.

        Args:
            network: to be trained.
            inputs: (n, d) all the examples, which stay where they are.

        Returns:
            As :meth:`dynamics`, which answers by default.
        """
        return self.dynamics(network, inputs)

    def dynamics_for_fresh(
        self, network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser | None = None
    ) -> Dynamics | None:
        """Return a faster way of training a network on examples that are others in every step, if there is one.

        Args:
            network: to be trained.
            inputs: (B, d) the examples of the first step.
            optimiser: turns gradients into moves; None for plain descent.

        Returns:
            As :meth:`dynamics`.
        """
        return None

    def dynamics_by(self, network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser) -> Dynamics | None:
        """Return a faster way of training a network by an optimiser, on some or all examples a step, if there is one.

        Args:
            network: to be trained.
            inputs: (n, d) all the examples, which stay where they are.
            optimiser: turns gradients into moves.

        Returns:
            As :meth:`dynamics`.
        """
        return None

    def dynamics_within(self, network: TwoLayerNetwork, inputs: FloatArray, reach: float) -> Dynamics | None:
        """Return a faster way of training a network on examples that an adversary moves, if this finder has one.

        Args:
            network: to be trained.
            inputs: (n, d) the examples where they begin.
            reach: how far from there they will be, at most, in Euclidean distance.

        Returns:
            As :meth:`dynamics`.
        """
        return None

    def deep_dynamics(self, network: DeepNetwork, inputs: FloatArray) -> Dynamics | None:
        """Return a faster way of training a deep network, if this finder has one.

        Args:
            network: to be trained.
            inputs: (n, d) where the examples begin; they may move.

        Returns:
            As :meth:`dynamics`.
        """
        return None
