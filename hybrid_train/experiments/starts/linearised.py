"""Linearised networks: the tangent kernel of two layers, and random features (SGD appendices B.1 and B.2)."""

from __future__ import annotations

from typing import final

from classical.dynamics.linearised import LinearisedDynamics
from hybrid_train.config.linearised_networks import RandomFeaturesConfig, TangentKernelConfig
from hybrid_train.data import Distribution
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.experiments.starts.start import Course, Finders
from hybrid_train.experiments.starts.two_layer import TwoLayerStart
from hybrid_train.network.linearised import LinearisedNetwork, random_features
from hybrid_train.network.storing import Network
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.dynamics import Dynamics


class LinearisedStart(TwoLayerStart):
    """A network of two layers whose first-order expansion at W(0) is trained."""

    def linearised(self, base: TwoLayerNetwork) -> LinearisedNetwork:
        """Return what is trained, with V = 0."""
        return LinearisedNetwork.at(base)

    def network(self, seed: int) -> LinearisedNetwork:
        return self.linearised(super().two_layer(seed))

    def two_layer(self, seed: int) -> TwoLayerNetwork:
        raise ConfigError(f"network.kind={self.config.kind!r}: expected 'two_layer', this is about no other kind")

    def small(self, width: int) -> Network:
        base = TwoLayerNetwork.initialize(width, self.inputs.shape[1], outputs=self.outputs, threshold=0.0)
        return self.linearised(base)

    def dynamics(self, network: Network, inputs: FloatArray, finders: Finders, course: Course) -> Dynamics:
        if not isinstance(network, LinearisedNetwork):
            raise InvariantError("LinearisedStart: this network is trained as it is")
        return LinearisedDynamics(network, inputs, finders(0), course.index)


@final
class TangentKernelStart(LinearisedStart):
    """g(x; V) = f(x; W(0)) + <V, df(x; W(0))/dW>."""


@final
class RandomFeaturesStart(LinearisedStart):
    """g(x; V) = m^{-1/2} sum_r <v_r, x> 1[<w_r, x> > b].

    Raises:
        ConfigError: the data want several outputs.
        ResourceError: as of two layers.
    """

    def __init__(
        self,
        config: TangentKernelConfig | RandomFeaturesConfig,
        inputs: FloatArray,
        outputs: int,
        fresh: Distribution | None,
        examples: int,
        seed: int,
    ) -> None:
        if outputs != 1:
            raise ConfigError(
                f"network.kind='random_features': has one output, and the loss wants {outputs} for these data; take "
                "network.kind='tangent_kernel', whose signs tell outputs apart"
            )
        super().__init__(config, inputs, outputs, fresh, examples, seed)

    def linearised(self, base: TwoLayerNetwork) -> LinearisedNetwork:
        return LinearisedNetwork.at(random_features(base), offset=False)
