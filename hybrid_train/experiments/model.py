"""A trained network that people can use: it takes rows as they have them and answers in the terms of their data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.data import Preparation
from hybrid_train.data.arrays import rows_of
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.folder import CONFIG
from hybrid_train.experiments.results import read_checkpoint, read_run
from hybrid_train.network.storing import Network
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.declared import checked, optional, whole
from hybrid_train.support.declared import path as path_kind
from hybrid_train.support.messages import printable
from hybrid_train.training.losses import Loss, make_loss
from hybrid_train.training.scores import predicted_labels


@final
@dataclass(frozen=True, eq=False)
class Model:
    """A network, what prepares rows for it, and what its outputs mean.

    Attributes:
        network: as it was trained.
        preparation: applied to all rows.
        loss: it was trained on.
    """

    network: Network
    preparation: Preparation
    loss: Loss

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes as the data call them, in the order of their probabilities; None for real targets."""
        return self.preparation.labels

    def outputs(self, rows: npt.ArrayLike) -> FloatArray:
        """Return (n, K) what the network puts out for rows (n, d) as people have them.

        Args:
            rows: an array, or a frame, whose columns are taken by their names where the data had names.

        Raises:
            DataError: not finite numbers of as many columns as were trained on.
        """
        vectors, _ = rows_of(rows, "rows", self.preparation.columns)
        return self.network.predict(self.preparation.apply(vectors))

    def predict(self, rows: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return (n,) the names of classes, or the real targets, (n,) or (n, K), in the units of the data.

        Raises:
            DataError: as :meth:`outputs`.
        """
        return self.meaning(self.outputs(rows))

    def predict_proba(self, rows: npt.ArrayLike) -> FloatArray:
        """Return (n, C) the probabilities of :attr:`classes`.

        Raises:
            ConfigError: there are no classes, or this loss does not lead to probabilities.
            DataError: as :meth:`outputs`.
        """
        if self.classes is None:
            raise ConfigError("predict_proba: this network predicts real targets, which have no probabilities")
        found = self.probabilities(self.outputs(rows))
        if found is None:
            raise ConfigError(
                f"predict_proba: {type(self.loss).__name__} does not lead to probabilities; train with "
                "training.loss='cross_entropy', 'logistic' or 'squared'"
            )
        return found

    def meaning(self, outputs: FloatArray) -> npt.NDArray[Any]:
        """Return what :meth:`predict` does, for outputs that are there already."""
        if self.classes is None:
            values = self.preparation.values(outputs)
            return values[:, 0] if values.shape[1] == 1 else values
        return np.array(self.classes)[predicted_labels(outputs)]

    def probabilities(self, outputs: FloatArray) -> FloatArray | None:
        """Return (n, C) what outputs say of the probabilities of :attr:`classes`; None where they do not say."""
        return None if self.classes is None else self.loss.probabilities(outputs)


@checked(directory=path_kind(), step=optional(whole(0)))
def load(directory: str | os.PathLike[str], step: int | None = None) -> Model:
    """Return the network of a run with all that it takes to use it, equal to the one trained to the last bit.

    Args:
        directory: the results directory of a run.
        step: t of a W(t) that was kept (``run.snapshots``); by itself the network that was returned.

    Raises:
        CheckpointError: no run there, none that kept a network, or one of an earlier version.
        ConfigError: the run's config is not valid any more.
    """
    path, name = Path(directory), f"directory={printable(repr(os.fspath(directory)))}"
    runs = sorted(found.parent.name for found in path.glob(f"*/{CONFIG}")) if path.is_dir() else []
    if runs and not (path / CONFIG).is_file():
        raise CheckpointError(
            f"{name}: holds no run, but folders with runs; name one of them: {printable(', '.join(runs))}"
        )
    stored = read_run(directory)
    if not stored.checkpoints:
        raise CheckpointError(f"{name}: the run did not come so far as to keep a network; run it again")
    chosen = max(stored.checkpoints) if step is None else step
    files = stored.checkpoints if step is None else stored.checkpoints | stored.snapshots
    if chosen not in files:
        known = ", ".join(map(str, sorted(files)))
        raise CheckpointError(f"{name}: step={chosen}: no such checkpoint; there are {known}")
    checkpoint = read_checkpoint(files[chosen])
    network, preparation = checkpoint.get("network"), checkpoint["preparation"]
    if network is None or preparation is None:
        raise CheckpointError(f"{name}: its checkpoint is of an earlier version, which kept too little; run it again")
    labels, outputs = preparation.labels, network.outputs
    if labels is not None and len(labels) != max(outputs, 2):
        raise CheckpointError(f"{name}: its checkpoint is damaged: {outputs} outputs for {len(labels)} classes")
    training = stored.config.training
    return Model(network, preparation, make_loss(training.loss, **training.loss_options))
