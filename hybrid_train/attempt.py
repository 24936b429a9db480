"""One training run of an experiment: what it shares with the others, and what it leaves behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

from classical.training import Training, gradient_descent
from hybrid_train.active_sets import FloatArray
from hybrid_train.config import Config
from hybrid_train.config.schema import BreastCancerConfig, DataConfig, DigitsConfig, FileConfig, SphereConfig
from hybrid_train.config.sizes import check_inputs, check_network
from hybrid_train.data import Dataset, breast_cancer, digits, from_file, sphere
from hybrid_train.errors import HybridTrainError, is_interruption
from hybrid_train.finder import ActiveSetFinder
from hybrid_train.losses import Loss, make_loss
from hybrid_train.network import TwoLayerNetwork, auto_threshold
from hybrid_train.progress import announced, with_progress
from hybrid_train.registry import make_finder
from hybrid_train.results import RunDirectory
from hybrid_train.rng import Role, seed_key
from hybrid_train.sparsity import expected_active
from hybrid_train.tally import Tally

_REHEARSAL = 8
"""Neurons and data of the step taken before the clock starts."""


def load_data(config: DataConfig, seed: int) -> Dataset:
    """Return the data set a config names.

    Raises:
        DataError: it cannot be read, or has fewer rows than asked for.
        ResourceError: it would not fit in memory.
    """
    match config:
        case SphereConfig():
            check_inputs(config.n, config.dim)
            return sphere(config.n, config.dim, seed, targets=config.targets)
        case DigitsConfig():
            return digits(config.n, classes=config.classes, seed=seed)
        case BreastCancerConfig():
            return breast_cancer(config.n, seed=seed)
        case FileConfig():
            return from_file(config.path, n=config.n, target=config.target, labels=config.labels, seed=seed)


@final
@dataclass(frozen=True, eq=False)
class Setting:
    """What every run of an experiment shares: data, loss and the start of the network.

    Attributes:
        dataset: the data.
        loss: summed over the data.
        targets: as the loss reads them.
        outputs: K.
        threshold: b as a number.
        notes: what a reader should know about the data, in sentences.
    """

    dataset: Dataset
    loss: Loss
    targets: FloatArray
    outputs: int
    threshold: float
    notes: list[str]

    @classmethod
    def of(cls, config: Config) -> Self:
        """Load the data and fit the loss to them.

        Raises:
            DataError: the data cannot be had, or the loss cannot use their targets.
            ResourceError: data or weights do not fit in memory.
        """
        dataset = load_data(config.data, config.run.seed)
        loss = make_loss(config.training.loss, **config.training.loss_options)
        network = config.network
        outputs = loss.default_outputs(dataset) if network.outputs == "auto" else network.outputs
        threshold = auto_threshold(network.width) if network.threshold == "auto" else network.threshold
        pairs = len(dataset) * float(expected_active(network.width, threshold))
        check_network(network.width, dataset.dimension, outputs, pairs)
        return cls(dataset, loss, loss.encode(dataset, outputs), outputs, threshold, notes=[dataset.separation.text])

    def start(self, config: Config) -> TwoLayerNetwork:
        """Return the network at W(0), the same one every time."""
        return TwoLayerNetwork.initialize(
            config.network.width,
            self.dataset.dimension,
            outputs=self.outputs,
            threshold=self.threshold,
            start=config.network.start,
            seed=config.run.seed,
        )


@final
class Attempt:
    """One run: trains, keeps the tally, writes the results directory.

    Args:
        setting: shared with other runs.
        config: of this run alone.
        directory: where results go; None for nowhere.

    Attributes:
        error: why the run ended early, in one line; None if it did not.

    Raises:
        ResourceError: the finder cannot serve banks of this size here.
    """

    def __init__(self, setting: Setting, config: Config, directory: Path | None) -> None:
        self._setting, self._config, self._path = setting, config, directory
        finder = self._finder()
        points, queries = config.network.width, len(setting.dataset)
        if config.training.index == "data":
            points, queries = queries, points
        finder.check_resources(points, queries, setting.dataset.dimension)
        self.exact = finder.promise.exact
        self.error: str | None = None
        self._learning_rate: float | str = config.training.learning_rate
        self._tally = Tally(config.finder.kind, config.training.index, str(finder.promise), setting.dataset)

    @property
    def row(self) -> dict[str, Any]:
        """The row of this run in a table, see :meth:`hybrid_train.tally.Tally.row`."""
        return self._tally.row(self._learning_rate, self.error)

    @property
    def notes(self) -> list[str]:
        """What a reader should know about how the run went, in sentences."""
        return [] if self._tally.note is None else [self._tally.note]

    @property
    def fired(self) -> dict[str, Any] | None:
        """Fired neurons per datum, see :meth:`hybrid_train.tally.Tally.fired`."""
        return self._tally.fired(self._config.network.width, self._setting.threshold)

    def train(self, progress: bool, summary: Callable[[], dict[str, Any]]) -> TwoLayerNetwork:
        """Train and return the network.

        Whatever ends the run, what there was until then is in the row and in the directory.

        Args:
            progress: show a bar.
            summary: called at the end for the summary to write.
        """
        config = self._config
        directory = None if self._path is None else RunDirectory(self._path, config)
        network = self._setting.start(config)
        training = self._training(network)
        label = f"{config.training.index}-{config.finder.kind}"
        try:
            with announced(f"{label}: loading and compiling", shown=progress):
                self._rehearse()
            for record in with_progress(training, config.training.steps + 1, label, shown=progress):
                if directory is not None:
                    directory.append(record.as_dict())
                self._tally.add(record)
            if directory is not None:
                directory.checkpoint(config.training.steps, network)
        except BaseException as error:
            self.error = one_line(error)
            raise
        finally:
            self._learning_rate = training.learning_rate
            if directory is not None:
                directory.finish(summary())
        return network

    def _rehearse(self) -> None:
        """Take a step with a handful of neurons and data, so that no time is charged for loading and compiling."""
        network = TwoLayerNetwork.initialize(
            _REHEARSAL, self._setting.dataset.dimension, outputs=self._setting.outputs, threshold=0.0
        )
        with contextlib.suppress(Exception):  # whatever fails here is the run's own to report
            for _ in self._training(network, n=_REHEARSAL, steps=1):
                pass

    def _training(self, network: TwoLayerNetwork, n: int | None = None, steps: int | None = None) -> Training:
        """Return a training of a network by a fresh finder, on all data or the first n."""
        config, setting = self._config, self._setting
        return gradient_descent(
            network,
            setting.dataset.inputs[:n],
            setting.targets[:n],
            setting.loss,
            self._finder(),
            index=config.training.index,
            steps=config.training.steps if steps is None else steps,
            learning_rate=config.training.learning_rate,
            audit_every=config.run.audit_every,
        )

    def _finder(self) -> ActiveSetFinder:
        """Return a fresh finder that knows how much will be asked, at most."""
        config = self._config
        finder = make_finder(config.finder.kind, **config.finder.options)
        queries = len(self._setting.dataset) if config.training.index == "neurons" else config.network.width
        total = queries * (config.training.steps + 1)
        finder.plan(seed=seed_key(config.run.seed, Role.FINDER), total_queries=total)
        return finder


def one_line(error: BaseException) -> str:
    """Return an exception as one line, naming its type unless it is an error made for users."""
    if is_interruption(error):
        return "interrupted"
    text = " ".join(str(error).split())
    return text if isinstance(error, HybridTrainError) and text else f"{type(error).__name__}: {text}"
