"""Our networks as classifiers of the Adversarial Robustness Toolbox, so that its attacks can be run on them.

Needs the optional package ``adversarial-robustness-toolbox`` (group ``art``) and is not imported by anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
import numpy.typing as npt
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin

from classical.dynamics.sets import SetDynamics
from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.losses import Loss


@final
class ArtClassifier(ClassifierMixin, LossGradientsMixin, BaseEstimator):  # type: ignore[misc]
    """A trained two-layer network as ART sees it: predictions and gradients of the loss, by active neurons alone.

    ART may move all coordinates it knows, so those that an adversary must leave alone are not shown to it: ``tail`` is
    appended to every input. A network of :func:`hybrid_train.network.adversarial.adversarial_network` on inputs of the
    normal form has ``tail=(0.5, 1.0)``.

    Args:
        network: to be attacked; it stays as it is.
        loss: what attacks want large; logistic and squared for one output (two classes, -1 and +1), cross-entropy or
            squared for one output a class.
        make_finder: makes the finder of active neurons.
        tail: coordinates to append.
        clip_values: the smallest and the largest value of an input that ART may use.

    Raises:
        DataError: the tail is longer than the network's inputs.
    """

    estimator_params = BaseEstimator.estimator_params

    def __init__(
        self,
        network: TwoLayerNetwork,
        loss: Loss,
        make_finder: Callable[[], ActiveSetFinder],
        *,
        tail: tuple[float, ...] = (),
        clip_values: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(model=network, clip_values=clip_values)
        if len(tail) >= network.dimension:
            raise DataError(f"tail={tail}: the network takes inputs of dimension {network.dimension}")
        self.nb_classes = max(2, network.outputs)
        self._network, self._loss, self._make_finder = network, loss, make_finder
        self._tail = np.asarray(tail, dtype=np.float64)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(d,) of the inputs as ART sees them."""
        return (self._network.dimension - len(self._tail),)

    def predict(self, x: npt.ArrayLike, **kwargs: Any) -> FloatArray:
        """Return (n, classes) scores: the outputs, and for one output (-f, f)."""
        outputs = self._evaluated(x)[1]
        return np.hstack([-outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def loss_gradient(self, x: npt.ArrayLike, y: npt.ArrayLike, **kwargs: Any) -> FloatArray:
        """Return (n, d) gradients of each example's loss in its input.

        Args:
            x: (n, d).
            y: (n, classes) unit vectors.
            kwargs: other options of ART's attacks; none has a meaning here.
        """
        dynamics, outputs = self._evaluated(x)
        gradient = dynamics.input_gradient(self._loss.derivative(outputs, self._targets(y)))
        return np.ascontiguousarray(gradient[:, : self.input_shape[0]]).astype(np.asarray(x).dtype)

    def losses(self, x: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
        """Return (n,) the loss of each example; arguments as in :meth:`loss_gradient`."""
        return self._loss.values(self._evaluated(x)[1], self._targets(y))

    def fit(self, x: npt.ArrayLike, y: npt.ArrayLike, **kwargs: Any) -> None:
        """Refuse: networks are trained by :class:`classical.training.Training`."""
        raise NotImplementedError("ArtClassifier: train the network first, by classical.training.Training")

    def _evaluated(self, x: npt.ArrayLike) -> tuple[SetDynamics, FloatArray]:
        inputs = checked_vectors(x, "x").astype(np.float64)
        queries = np.hstack([inputs, np.broadcast_to(self._tail, (len(inputs), len(self._tail)))])
        dynamics = SetDynamics(self._network, queries, self._make_finder())
        dynamics.start()
        return dynamics, dynamics.evaluate().outputs

    def _targets(self, y: npt.ArrayLike) -> FloatArray:
        classes = np.asarray(y, dtype=np.float64)
        if classes.ndim != 2 or classes.shape[1] != self.nb_classes:
            raise DataError(f"y: expected unit vectors of shape (n, {self.nb_classes}), got {classes.shape}")
        return 2.0 * classes[:, 1:] - 1.0 if self._network.outputs == 1 else classes
