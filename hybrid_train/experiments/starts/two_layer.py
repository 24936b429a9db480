"""Networks of two layers of ReLUs (PRE Definitions 3.1 and 3.2)."""

from __future__ import annotations

from classical.training.loop import two_layer_dynamics
from hybrid_train.config.linearised_networks import RandomFeaturesConfig, TangentKernelConfig
from hybrid_train.config.schema import NetworkConfig
from hybrid_train.config.sizes import check_network
from hybrid_train.data import Distribution
from hybrid_train.errors import InvariantError
from hybrid_train.experiments.starts.start import Course, Finders, Search, Start
from hybrid_train.network.live import most_live
from hybrid_train.network.sparsity import alpha_threshold, expected_active, share_threshold
from hybrid_train.network.storing import Network
from hybrid_train.network.two_layer import Index, Storage, TwoLayerNetwork, auto_threshold
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.dynamics import Dynamics


class TwoLayerStart(Start):
    """Two layers of ReLUs.

    Attributes:
        held: neurons that are drawn, at most.

    Raises:
        ResourceError: weights or active pairs do not fit in memory.
    """

    threshold: float
    standard_threshold: float

    def __init__(
        self,
        config: NetworkConfig | TangentKernelConfig | RandomFeaturesConfig,
        inputs: FloatArray,
        outputs: int,
        fresh: Distribution | None,
        examples: int,
        seed: int,
    ) -> None:
        self.config, self.outputs, self.neurons = config, outputs, config.width
        self.inputs = self.normal_form(inputs)
        self.threshold, self.standard_threshold = self._thresholds()
        self.held = config.width
        self.storage: Storage = config.storage
        if isinstance(config, NetworkConfig) and config.storage == "live":
            paired = config.start == "paired"
            self.held = most_live(
                config.width, self.inputs, self.threshold, seed=seed, paired=paired, spread=self.spread
            )
            self.notes = (_live_note(config),)
        if self.storage != "seeded":
            pairs = len(inputs) * float(expected_active(config.width, self.standard_threshold))
            check_network(self.held, self.inputs.shape[1], outputs, pairs)

    @property
    def spread(self) -> float:
        """The standard deviation of a coordinate of W(0)."""
        return 1.0

    @property
    def examples(self) -> FloatArray | None:
        """(n, d) what the network is drawn for; None where that is not asked."""
        return self.inputs if self.storage == "live" else None

    def network(self, seed: int) -> Network:
        return self.two_layer(seed)

    def two_layer(self, seed: int) -> TwoLayerNetwork:
        return TwoLayerNetwork.initialize(
            self.config.width,
            self.inputs.shape[1],
            outputs=self.outputs,
            threshold=self.threshold,
            start=self.config.start,
            output_weight=self.config.output_weight,
            dtype=self.config.dtype,
            storage=self.storage,
            examples=self.examples,
            seed=seed,
        )

    def small(self, width: int) -> Network:
        return TwoLayerNetwork.initialize(width, self.inputs.shape[1], outputs=self.outputs, threshold=0.0)

    def searches(self, examples: int, index: Index) -> list[Search]:
        sizes = (examples, self.held) if index == "data" else (self.held, examples)
        return [Search(*sizes, self.inputs.shape[1])]

    def dynamics(self, network: Network, inputs: FloatArray, finders: Finders, course: Course) -> Dynamics:
        if not isinstance(network, TwoLayerNetwork):
            raise InvariantError("TwoLayerStart: this network has more layers")
        finder, optimiser = finders(0), course.optimiser(network.weights.shape)
        return two_layer_dynamics(
            network,
            inputs,
            finder,
            course.index,
            reach=course.reach,
            in_batches=course.in_batches,
            fresh=course.fresh,
            optimiser=optimiser,
        )

    def _thresholds(self) -> tuple[float, float]:
        """Return b, and b in units of the spread of a pre-activation at the start."""
        width, given, fraction = self.config.width, self.config.threshold, self.config.fraction
        if fraction is not None:
            b = share_threshold(fraction)
        elif isinstance(given, dict):
            b = alpha_threshold(width, given["alpha"])
        else:
            b = auto_threshold(width) if isinstance(given, str) else given
        return b, b


def _live_note(config: NetworkConfig) -> str:
    elsewhere = (
        "those that were not drawn cancel in pairs, whatever the input"
        if config.start == "paired"
        else "for other inputs, where more would fire, the outputs are not known"
    )
    return (
        f"network.storage='live': of Poisson({config.width}) neurons those that fire for at least one example were "
        f"drawn, as the others never move and never matter for the examples; {elsewhere}"
    )
