"""What every run of an experiment shares: data, loss and the start of the network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self, final

from hybrid_train.config import Config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.schema import (
    NetworkConfig,
)
from hybrid_train.config.sizes import check_deep_network, check_network
from hybrid_train.data import (
    Dataset,
    Distribution,
    input_bound,
)
from hybrid_train.data.padding import ADVERSARIAL_LAST, with_last_coordinate, with_one
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.experiments.sources import load_data
from hybrid_train.experiments.starts import SAMPLE, check_dimension, deep_network, start_note
from hybrid_train.network.adversarial import adversarial_network, adversarial_threshold, pre_activation_spread
from hybrid_train.network.deep import DeepNetwork, fully_connected
from hybrid_train.network.sparsity import expected_active
from hybrid_train.network.storing import Network
from hybrid_train.network.two_layer import TwoLayerNetwork, auto_threshold
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.rng import Role, generator
from hybrid_train.training.losses import Loss, make_loss


@final
@dataclass(frozen=True, eq=False)
class Setting:
    """What every run of an experiment shares.

    Attributes:
        dataset: the data; where every step draws fresh ones, others that are held out.
        loss: summed over the data.
        targets: those of ``dataset`` as the loss reads them.
        outputs: K.
        threshold: b as a number; None in deep networks, where each layer has its own.
        notes: what a reader should know about the data, in sentences.
        fresh: where every step draws its examples from; None if it takes them from ``dataset``.
        lifted: whether the network takes them in the normal form of ADV, with a bias.
    """

    dataset: Dataset
    loss: Loss
    targets: FloatArray
    outputs: int
    threshold: float | None
    notes: list[str]
    fresh: Distribution | None = None
    lifted: bool = False

    @classmethod
    def of(cls, config: Config) -> Self:
        """Load the data and fit the loss to them.

        Raises:
            ConfigError: the data have another dimension than the network reads.
            DataError: the data cannot be had, or the loss cannot use their targets.
            ResourceError: data or weights do not fit in memory.
        """
        source, dataset = load_data(config.data, config.run.seed)
        fresh = source if config.data.fresh else None
        loss = make_loss(config.training.loss, **config.training.loss_options)
        network = config.network
        outputs = loss.default_outputs(dataset) if network.outputs == "auto" else network.outputs
        targets, notes = loss.encode(dataset, outputs), _notes(config, dataset, source)
        if isinstance(network, NetworkConfig):
            threshold, lifted = _threshold(network), network.activation == "jump"
            setting = cls(dataset, loss, targets, outputs, threshold, notes, fresh, lifted)
            pairs = len(dataset) * float(expected_active(network.width, setting.standard_threshold(network.width)))
            if network.storage == "stored":
                check_network(network.width, setting.inputs.shape[1], outputs, pairs)
            return setting
        setting = cls(dataset, loss, targets, outputs, None, notes, fresh)
        check_dimension(network, dataset.dimension)
        check_deep_network(network, setting.examples(config), dataset.dimension, outputs)
        start, fitted = setting.start_deep(config), network.fitted_share is not None
        setting.notes.append(start_note(start, dataset.inputs, fitted))
        return setting

    @cached_property
    def inputs(self) -> FloatArray:
        """(n, d) the data as the network takes them: unit rows x; lifted, (sqrt(3)/2 x, 1/2, 1)."""
        inputs = self.dataset.inputs
        return with_one(with_last_coordinate(inputs, ADVERSARIAL_LAST)) if self.lifted else inputs

    def standard_threshold(self, width: int) -> float:
        """Return b in units of the spread of a pre-activation at the start."""
        return self._shift / pre_activation_spread(width) if self.lifted else self._shift

    @property
    def _shift(self) -> float:
        if self.threshold is None:
            raise InvariantError("a deep network has no one threshold")
        return self.threshold

    def start(self, config: Config) -> Network:
        """Return the network at W(0), the same one every time."""
        return self.start_deep(config) if isinstance(config.network, DeepSection) else self.start_two_layer(config)

    def start_two_layer(self, config: Config) -> TwoLayerNetwork:
        """Return the two-layer network at W(0).

        Raises:
            ConfigError: it is of another kind.
        """
        network, seed = config.two_layer, config.run.seed
        if self.lifted:
            dimension = self.inputs.shape[1] - 1
            tau, dtype = self._shift, network.dtype
            return adversarial_network(network.width, dimension, tau=tau, outputs=self.outputs, seed=seed, dtype=dtype)
        return TwoLayerNetwork.initialize(
            network.width,
            self.dataset.dimension,
            outputs=self.outputs,
            threshold=self._shift,
            start=network.start,
            output_weight=network.output_weight,
            dtype=network.dtype,
            storage=network.storage,
            seed=seed,
        )

    def start_deep(self, config: Config) -> DeepNetwork:
        """Return the deep network at W(0); shifts are fitted to the data, or to fresh ones that no step sees.

        Raises:
            ConfigError: it is of another kind.
        """
        seed = config.run.seed
        if not isinstance(config.network, DeepSection):
            raise ConfigError(f"network.kind={config.network.kind!r}: expected a deep network")
        sample = self.inputs if self.fresh is None else self.fresh.draw(generator(seed, Role.WEIGHTS, 1), SAMPLE).inputs
        return deep_network(config.network, sample, self.outputs, seed)

    def small(self, width: int) -> Network:
        """Return a network of the same kind with so few neurons that half of them may fire."""
        if self.threshold is None:
            return fully_connected((width, width), self.dataset.dimension, outputs=self.outputs)
        if self.lifted:
            return adversarial_network(width, self.inputs.shape[1] - 1, tau=0.0, outputs=self.outputs)
        return TwoLayerNetwork.initialize(width, self.dataset.dimension, outputs=self.outputs, threshold=0.0)

    def examples(self, config: Config) -> int:
        """Return how many examples a run keeps: all data, or the fresh ones of one step."""
        return len(self.dataset) if self.fresh is None else config.training.batch


def _threshold(network: NetworkConfig) -> float:
    if network.activation == "jump":
        return adversarial_threshold(network.width, tau=network.tau, k=network.k, fraction=network.fraction)
    return auto_threshold(network.width) if network.threshold == "auto" else network.threshold


def _notes(config: Config, dataset: Dataset, source: Distribution | None) -> list[str]:
    notes = [*config.notes, *dataset.notes, *([] if config.data.fresh else [dataset.separation_text])]
    if source is not None:
        notes += source.notes
    elif config.training.algorithm == "sgd":
        notes.append(f"the inputs are R-bounded by R={input_bound(dataset.inputs):.4g} (SGD Definition 1.1)")
    if config.training.kept == "random":
        notes.append(
            "the network returned is W(t) for a t drawn from the steps, as in SGD Algorithm 1: returned_step and "
            "returned_loss; training.keep='last' returns that of the last step"
        )
    return notes
