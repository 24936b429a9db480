"""Real numbers by a two-layer network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import validate_data

from hybrid_train.data.preparation import fitted_targets
from hybrid_train.estimators.base import Learnt, SparseTwoLayer
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.losses import Loss, make_loss


@final
class SparseTwoLayerRegressor(RegressorMixin, SparseTwoLayer):
    """A two-layer shifted-ReLU network that learns real targets touching only the neurons that fire.

    As :class:`SparseTwoLayerClassifier`, which says what the other options and attributes are; targets are learnt at
    mean 0 and spread 1 and predicted as they are.

    Args:
        loss: "auto" for "squared"; "huber" or "absolute".
        **options: as those of :class:`SparseTwoLayerClassifier`, but for ``class_weight``.

    Attributes:
        validation_scores_: R^2 after each epoch on what is held out; None without ``early_stopping``.
    """

    _losses: ClassVar[tuple[str, ...]] = ("auto", "squared", "huber", "absolute")
    _share_of_rate: ClassVar[float] = 0.25
    """Where classes may be noisy, real targets usually are: smaller steps follow less of it."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = SparseTwoLayer._parameter_constraints | {
        "loss": [StrOptions(set(_losses))],
    }

    def __init__(
        self,
        finder: str = "auto",
        *,
        finder_options: dict[str, Any] | None = None,
        width: int = 256,
        fraction: float = 0.2,
        threshold: float | None = None,
        loss: str = "auto",
        optimiser: str = "adam",
        learning_rate: float | Literal["auto"] = "auto",
        schedule: str = "cosine",
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 25,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        standardise: bool | Literal["auto"] = "auto",
        bias: bool | Literal["auto"] = True,
        dtype: Literal["auto", "float32", "float64"] = "auto",
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.finder = finder
        self.finder_options = finder_options
        self.width = width
        self.fraction = fraction
        self.threshold = threshold
        self.loss = loss
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.standardise = standardise
        self.bias = bias
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows and their targets, from the start.

        Args:
            X: (n, d) numbers.
            y: (n,) numbers.
            sample_weight: (n,) how often each row counts; exactly so where one batch holds all rows.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        return self._fit(X, y.astype(np.float64), sample_weight)

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Take one epoch over these rows, at a constant rate.

        Args:
            X: (n, d) numbers; those of the first call settle how rows and targets are prepared.
            y: (n,) numbers.
            sample_weight: (n,) how often each row counts.
        """
        first = not hasattr(self, "network_")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=first)
        return self._partial_fit(X, y.astype(np.float64), sample_weight, first=first)

    def predict(self, X: Any) -> FloatArray:
        """Return (n,) targets."""
        outputs = self._outputs(X)
        return self.preparation_.values(outputs)[:, 0]

    def _make_loss(self) -> Loss:
        return make_loss("squared" if self.loss == "auto" else self.loss)

    def _prepare(self, rows: FloatArray, y: Any, weights: FloatArray) -> None:
        super()._prepare(rows, y, weights)
        found, _ = fitted_targets(y, standardise=True, name=type(self).__name__, weights=weights)
        self.preparation_ = replace(
            self.preparation_,
            target_centre=found.get("target_centre", 0.0),
            target_spread=found.get("target_spread", 1.0),
        )

    def _targets(self, y: Any) -> tuple[FloatArray, IntArray | None]:
        return self.preparation_.scaled_targets(y)[:, None], None

    def _score_of(self, outputs: FloatArray, learnt: Learnt) -> float:
        given, weights = learnt.targets[:, 0], learnt.weights
        total = np.average(np.square(given - np.average(given, weights=weights)), weights=weights)
        left = np.average(np.square(outputs[:, 0] - given), weights=weights)
        return float(1.0 - left / total) if total > 0 else 0.0
