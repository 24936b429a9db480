"""Classes by a two-layer network."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from hybrid_train.estimators.base import Learnt, SparseTwoLayer
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.losses import Loss, SignLoss, make_loss
from hybrid_train.training.scores import predicted_labels


def _tells_probabilities(estimator: SparseTwoLayerClassifier) -> bool:
    return estimator.loss != "hinge"


@final
class SparseTwoLayerClassifier(ClassifierMixin, SparseTwoLayer):
    """A two-layer shifted-ReLU network that learns classes touching only the neurons that fire.

    f(x) = m^{-1/2} sum_r a_r max(<w_r, x> - b, 0), PRE Definition 3.1, from a paired start (f = 0); W is trained, the
    signs a_r stay. Rows are prepared by the estimator itself: standardised where their columns do not share a unit,
    given a constant coordinate, scaled to ||x|| = 1.

    Args:
        finder: registered name of who finds the neurons that fire; every exact one gives the same network.
        finder_options: of that finder.
        width: m.
        fraction: share of the neurons that fires for a row at the start.
        threshold: b, in place of ``fraction``.
        loss: "auto" for "cross_entropy"; "logistic" and "hinge" for two classes; "squared".
        optimiser: "adam", "momentum" or "descent", on active neurons alone.
        learning_rate: eta; "auto" for one that fits width, columns and optimiser.
        schedule: "cosine", "linear" or "constant": how the rate falls over ``max_iter`` epochs.
        momentum: mu of "momentum".
        weight_decay: active neurons shrink by so much times the rate.
        batch_size: rows of a step; "auto" for 100 to 200, by how many rows there are.
        max_iter: epochs at most.
        tol: less than this is no improvement.
        early_stopping: hold out ``validation_fraction``, stop when its score stands still, keep the best weights.
        validation_fraction: share of the rows held out then, each class alike.
        n_iter_no_change: epochs without improvement, of the loss or that score, after which training stops.
        class_weight: "balanced", or weights by class.
        standardise: True, False or "auto", see :class:`hybrid_train.data.Preparation`.
        bias: whether rows get a constant coordinate.
        dtype: of the weights: "float32", "float64", or "auto" for single precision where there is much to multiply.
        random_state: settles the start, the order of rows and what is held out.
        verbose: print a line each epoch.

    Attributes:
        classes_: (C,) the classes.
        network_: the :class:`hybrid_train.TwoLayerNetwork`.
        preparation_: what is done to rows.
        n_iter_: epochs taken.
        loss_curve_: the mean loss of each.
        validation_scores_: the accuracy after each on what is held out; None without ``early_stopping``.
        cost_: what the finder was charged, a :class:`hybrid_train.Cost`.
        fired_: neurons that fired for a row, on average over training.
        learning_rate_: eta as a number.
        n_features_in_: columns.
        feature_names_in_: their names, where X has names.
    """

    _losses: ClassVar[tuple[str, ...]] = ("auto", "cross_entropy", "logistic", "hinge", "squared")
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = SparseTwoLayer._parameter_constraints | {
        "loss": [StrOptions(set(_losses))],
        "class_weight": [dict, StrOptions({"balanced"}), None],
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
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
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
        self.class_weight = class_weight
        self.standardise = standardise
        self.bias = bias
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows and their classes, from the start.

        Args:
            X: (n, d) numbers.
            y: (n,) classes, words or numbers.
            sample_weight: (n,) how often each row counts; exactly so where one batch holds all rows.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self._know(np.unique(y))
        return self._fit(X, y, sample_weight)

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Take one epoch over these rows, at a constant rate.

        Args:
            X: (n, d) numbers; those of the first call settle how rows are prepared.
            y: (n,) classes.
            classes: all there will be; needed in the first call.
            sample_weight: (n,) how often each row counts.
        """
        first = not hasattr(self, "network_")
        X, y = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(y)
        if first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._know(np.unique(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes!r} is not the same as on last call to partial_fit: {self.classes_!r}")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has classes that were not named in the first call: {unknown.tolist()}")
        return self._partial_fit(X, y, sample_weight, first=first)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return (n,) classes."""
        labels = predicted_labels(self._scores(X))
        return np.asarray(self.classes_[labels])

    def decision_function(self, X: Any) -> FloatArray:
        """Return (n,) how much the second of two classes is ahead, or (n, C) the outputs for each class."""
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @available_if(_tells_probabilities)
    def predict_proba(self, X: Any) -> FloatArray:
        """Return (n, C) probabilities of the classes."""
        found = self._make_loss().probabilities(self._outputs(X))
        return np.empty((0, 0)) if found is None else found

    @available_if(_tells_probabilities)
    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return (n, C) logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def _know(self, classes: npt.NDArray[Any]) -> None:
        if len(classes) < 2:
            raise ValueError(f"y holds one class only, {classes.tolist()}; there must be at least 2 classes")
        if len(classes) > 2 and isinstance(self._make_loss(), SignLoss):
            raise ValueError(f"loss={self.loss!r} is for 2 classes, but y holds {len(classes)}; take 'cross_entropy'")
        self.classes_ = classes

    def _make_loss(self) -> Loss:
        return make_loss("cross_entropy" if self.loss == "auto" else self.loss)

    def _scores(self, X: Any) -> FloatArray:
        """Return (n, 1) of two classes, positive for the second, or (n, C)."""
        check_is_fitted(self, "network_")
        outputs = self._outputs(X)
        return outputs[:, 1:] - outputs[:, :1] if outputs.shape[1] == 2 else outputs

    def _targets(self, y: Any) -> tuple[FloatArray, IntArray | None]:
        labels = np.searchsorted(self.classes_, y)
        if isinstance(self._make_loss(), SignLoss):
            return 2.0 * labels[:, None] - 1.0, labels
        return np.eye(len(self.classes_))[labels], labels

    def _class_weights(self, y: Any, weights: FloatArray) -> FloatArray:
        if self.class_weight is None:
            return weights
        if self.class_weight == "balanced":
            labels = np.searchsorted(self.classes_, y)
            totals = np.bincount(labels, weights=weights, minlength=len(self.classes_))
            return weights * (weights.sum() / (len(self.classes_) * np.maximum(totals, 1e-300)))[labels]
        of = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return weights * of[np.searchsorted(self.classes_, y)]

    def _score_of(self, outputs: FloatArray, learnt: Learnt) -> float:
        right = predicted_labels(outputs) == predicted_labels(learnt.targets)
        return float(np.average(right, weights=learnt.weights))
