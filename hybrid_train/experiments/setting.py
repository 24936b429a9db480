"""What every run of an experiment shares: data, loss and the start of the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, final

from hybrid_train.config import Config
from hybrid_train.config.data_kinds import Given
from hybrid_train.data import (
    Dataset,
    Distribution,
    Preparation,
    input_bound,
)
from hybrid_train.errors import InvariantError
from hybrid_train.experiments.starts import Start, make_start
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.network.storing import Network
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
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
        kind: of network, and how it starts on these data.
        notes: what a reader should know about the data, in sentences.
        fresh: where every step draws its examples from; None if it takes them from ``dataset``.
        test: data that are never trained on; None if none are held out.
        preparation: of rows as people have them, into those that the network takes.
    """

    dataset: Dataset
    loss: Loss
    targets: FloatArray
    outputs: int
    kind: Start
    notes: list[str]
    fresh: Distribution | None
    test: Dataset | None
    preparation: Preparation

    @classmethod
    def of(cls, config: Config, given: Given | None = None) -> Self:
        """Load the data and fit the loss to them.

        Args:
            config: of the runs.
            given: arrays, where the data are such.

        Raises:
            ConfigError: the data have another dimension than the network reads.
            DataError: the data cannot be had, or the loss cannot use their targets.
            ResourceError: data or weights do not fit in memory.
        """
        source, dataset, test, preparation = config.data.load(config.run.seed, given)
        fresh = source if config.data.fresh else None
        loss = make_loss(config.training.loss, **config.training.loss_options)
        network = config.network
        outputs = loss.default_outputs(dataset) if network.outputs == "auto" else network.outputs
        targets, notes = loss.encode(dataset, outputs), _notes(config, dataset, source)
        kind = make_start(config, dataset.inputs, outputs, fresh, _examples(config, dataset))
        preparation = replace(preparation, lifted=kind.lifted)
        return cls(dataset, loss, targets, outputs, kind, [*notes, *kind.notes], fresh, test, preparation)

    @property
    def inputs(self) -> FloatArray:
        """(n, d) the data as the network takes them."""
        return self.kind.inputs

    @property
    def held_out(self) -> tuple[Dataset, FloatArray]:
        """Data that are never trained on, and (n, d) their inputs as the network takes them.

        Raises:
            InvariantError: none are held out.
        """
        if self.test is None:
            raise InvariantError("Setting: no data are held out")
        return self.test, self.kind.normal_form(self.test.inputs)

    @property
    def threshold(self) -> float | None:
        """B as a number; None in deep networks, where each layer has its own."""
        return self.kind.threshold

    def start(self, config: Config) -> Network:
        """Return the network at W(0), the same one every time."""
        return self.kind.network(config.run.seed)

    def start_two_layer(self, config: Config) -> TwoLayerNetwork:
        """Return the two-layer network at W(0).

        Raises:
            ConfigError: it is of another kind.
        """
        return self.kind.two_layer(config.run.seed)

    def start_deep(self, config: Config) -> DeepNetwork:
        """Return the deep network at W(0); shifts are fitted to the data, or to fresh ones that no step sees.

        Raises:
            ConfigError: it is of another kind.
        """
        return self.kind.deep(config.run.seed)

    def examples(self, config: Config) -> int:
        """Return how many examples a run keeps: all data, or the fresh ones of one step."""
        return _examples(config, self.dataset)


def _examples(config: Config, dataset: Dataset) -> int:
    return config.training.batch if config.data.fresh else len(dataset)


def _notes(config: Config, dataset: Dataset, source: Distribution | None) -> list[str]:
    notes = [*config.notes, *dataset.notes, *([] if config.data.fresh else [dataset.separation_text])]
    if source is not None:
        notes += source.notes
    elif config.training.algorithm == "sgd":
        notes.append(f"the inputs are R-bounded by R={input_bound(dataset.inputs):.4g} (SGD Definition 1.1)")
    if config.training.kept == "random":
        notes.append(
            "the network returned is W(t) for a t drawn evenly from 0 .. T - 1, the steps that the proof of SGD "
            "Theorem 5.6 adds up: returned_step and returned_loss; training.keep='last' returns that of the last step"
        )
    return notes
