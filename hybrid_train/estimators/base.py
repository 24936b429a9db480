"""What the classifier and the regressor share: fitting by the one training loop, in the terms of scikit-learn."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import replace
from importlib.metadata import metadata
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from classical.training.loop import StepRecord, Training, two_layer_dynamics
from hybrid_train.data import Preparation
from hybrid_train.data.preparation import fitted
from hybrid_train.estimators.batches import WeightedEpochs
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.sparsity import share_threshold
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.rng import Role, seed_key
from hybrid_train.training.losses import Loss
from hybrid_train.training.optimisers import OPTIMISERS, SCHEDULES, Optimiser, Schedule, make_optimiser

_LEAST_BATCH, _MOST_BATCH, _STEPS = 100, 200, 8
"""Rows of a batch under "auto", so that an epoch has about so many steps."""

_LARGE = 1 << 24
"""Multiplications of an epoch, about, from which on single precision is worth while."""

_MOST_SEED = 2**31 - 1


class Learnt(NamedTuple):
    """What one call of fit learns from."""

    inputs: FloatArray
    targets: FloatArray
    weights: FloatArray


class SparseTwoLayer(CallbackSupportMixin, BaseEstimator):
    """A two-layer shifted-ReLU network as a scikit-learn estimator; see the two subclasses."""

    _losses: ClassVar[tuple[str, ...]]
    _share_of_rate: ClassVar[float] = 1.0
    """Of the optimiser's own, for learning_rate="auto"."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "finder": [str],
        "finder_options": [dict, None],
        "width": [Interval(Integral, 1, None, closed="left")],
        "fraction": [Interval(Real, 0, 1, closed="neither")],
        "threshold": [Interval(Real, None, None, closed="neither"), None],
        "optimiser": [StrOptions(set(OPTIMISERS))],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "schedule": [StrOptions(set(SCHEDULES))],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "standardise": ["boolean", StrOptions({"auto"})],
        "bias": ["boolean", StrOptions({"auto"})],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def _targets(self, y: Any) -> tuple[FloatArray, IntArray | None]:
        """Return (n, K) targets as the loss reads them, and (n,) classes to hold out evenly; None without classes."""

    @abstractmethod
    def _make_loss(self) -> Loss: ...

    @abstractmethod
    def _score_of(self, outputs: FloatArray, learnt: Learnt) -> float:
        """Return the score of outputs on what was held out: accuracy or R^2."""

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """Fit from the start to rows that are validated but for their weights."""
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        kept = np.flatnonzero(weights > 0)
        if not len(kept):
            raise ValueError("sample_weight: every weight is zero; nothing is left to learn from")
        rows, weights = X[kept], self._class_weights(y, weights)[kept]
        self._root = int(check_random_state(self.random_state).randint(_MOST_SEED))
        self._prepare(rows, y[kept], weights)
        learnt, held_out = self._divided(rows, y[kept], weights)
        self._start(learnt, scored=held_out is not None)
        self._train(learnt, held_out, self.max_iter, self.schedule, X=X, y=y, sample_weight=sample_weight)
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, *, first: bool) -> Self:
        """Take one epoch over rows that are validated but for their weights; the first settle how all are prepared."""
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        kept = np.flatnonzero(weights > 0)
        if not len(kept):
            raise ValueError("sample_weight: every weight is zero; nothing is left to learn from")
        rows, weights = X[kept], self._class_weights(y, weights)[kept]
        if first:
            self._root = int(check_random_state(self.random_state).randint(_MOST_SEED))
            self._prepare(rows, y[kept], weights)
        learnt = Learnt(self._units(rows), self._targets(y[kept])[0], weights)
        if first:
            self._start(learnt, scored=False)
        self._train(learnt, None, 1, "constant", X=X, y=y, sample_weight=sample_weight)
        return self

    def _class_weights(self, y: Any, weights: FloatArray) -> FloatArray:
        return weights

    def _prepare(self, rows: FloatArray, y: Any, weights: FloatArray) -> None:
        """Fit what prepares rows."""
        found, _ = fitted(rows, standardise=self.standardise, bias=self.bias, name=type(self).__name__, weights=weights)
        self.preparation_ = Preparation(rows.shape[1], **found)

    def _divided(self, rows: FloatArray, y: Any, weights: FloatArray) -> tuple[Learnt, Learnt | None]:
        """Return what is learnt from, and what is held out for early stopping."""
        targets, classes = self._targets(y)
        inputs = self._units(rows)
        if not self.early_stopping:
            return Learnt(inputs, targets, weights), None
        learnt, out = train_test_split(
            np.arange(len(rows)), test_size=self.validation_fraction, random_state=self._root, stratify=classes
        )
        parts = [Learnt(inputs[part], targets[part], weights[part]) for part in map(np.sort, (learnt, out))]
        return parts[0], parts[1]

    def _units(self, rows: FloatArray) -> FloatArray:
        """Return rows as the network takes them; one of zeros stays, no neuron tells it from another."""
        zero = ~np.any(rows if self.preparation_.centre is None else rows != self.preparation_.centre, axis=1)
        if self.preparation_.constant or not zero.any():
            return self.preparation_.apply(rows, "X")
        width = self.preparation_.dimension
        units = np.zeros((len(rows), width))
        units[~zero] = self.preparation_.apply(rows[~zero], "X") if not zero.all() else np.empty((0, width))
        return units

    def _start(self, learnt: Learnt, *, scored: bool) -> None:
        """Draw the network, its paired start putting out 0, and forget what was trained before."""
        (rows, dimension), outputs = learnt.inputs.shape, learnt.targets.shape[1]
        large = self.width * rows * dimension >= _LARGE
        dtype = ("float32" if large else "float64") if self.dtype == "auto" else self.dtype
        threshold = share_threshold(self.fraction) if self.threshold is None else float(self.threshold)
        paired = self.width % 2 == 0
        self.network_ = TwoLayerNetwork.initialize(
            self.width,
            dimension,
            outputs=outputs,
            threshold=threshold,
            start="paired" if paired else "gaussian",
            dtype=dtype,
            seed=self._root,
        )
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = [] if scored else None
        self.cost_, self.fired_ = Cost(), math.nan
        self.n_iter_ = 0
        self._best: FloatArray | None = None
        shape = self.network_.weights.shape
        self._optimiser: Optimiser | None = make_optimiser(
            self.optimiser, shape, momentum=self.momentum, weight_decay=self.weight_decay, dtype=dtype
        )

    def _training(self, learnt: Learnt, epochs: int, schedule: Schedule) -> tuple[Training, int]:
        """Return the training of so many epochs, and the steps of one."""
        auto = min(max(-(-len(learnt.inputs) // _STEPS), _LEAST_BATCH), _MOST_BATCH)
        size = auto if self.batch_size == "auto" else self.batch_size
        batches = WeightedEpochs(learnt.targets, learnt.weights, size, seed=self._root, epoch=self.n_iter_)
        finder = make_finder(self.finder, **(self.finder_options or {}))
        queries = len(learnt.inputs) * epochs + batches.size
        finder.plan(seed=seed_key(self._root, Role.FINDER, self.n_iter_), total_queries=queries)
        dynamics = two_layer_dynamics(
            self.network_, learnt.inputs, finder, in_batches=batches.per_epoch > 1, optimiser=self._optimiser
        )
        steps = batches.per_epoch * epochs
        own = None if self._optimiser is None else self._optimiser.auto_rate
        rate: Any = self.learning_rate
        rate = own * self._share_of_rate if rate == "auto" and own is not None else rate
        training = Training(dynamics, batches, self._make_loss(), steps=steps, learning_rate=rate, schedule=schedule)
        return training, batches.per_epoch

    def _train(self, learnt: Learnt, held_out: Learnt | None, epochs: int, schedule: Schedule, **data: Any) -> None:
        """Train for so many epochs at most, telling callbacks of each."""
        metadata = {"sample_weight": data.pop("sample_weight")}
        told = self._init_callback_context(max_subtasks=epochs)
        told.call_on_fit_task_begin(estimator=self, **data, metadata=metadata)
        training, per_epoch = self._training(learnt, epochs, schedule)
        losses: list[float] = []
        fired: list[float] = []
        epoch = None
        for record in training:
            if record.step == training.steps:
                break  # the network is trained; this batch comes after the last update
            if epoch is None:
                epoch = told.subcontext(task_name="epoch")
                epoch.call_on_fit_task_begin(estimator=self, **data, metadata=metadata)
            losses.append(record.loss)
            self._count(record, fired)
            if len(losses) < per_epoch:
                continue
            # The last update of this epoch is made when the next record is asked for; W(t) of now is scored.
            self._end_epoch(losses, held_out)
            stop = epoch.call_on_fit_task_end(
                estimator=self, **data, metadata=metadata, reconstruction_attributes=self._now
            )
            losses, epoch = [], None
            if stop or self._stands_still():
                break
        self._take_the_best()
        self.fired_ = float(np.mean(fired)) if fired else math.nan
        self.learning_rate_ = training.learning_rate
        told.call_on_fit_task_end(estimator=self, **data, metadata=metadata, reconstruction_attributes=dict)

    def _now(self) -> dict[str, Any]:
        """Return what it takes to predict as if training ended here."""
        weights = DenseBank(np.array(self.network_.weights[:]), "weights")
        return {"network_": replace(self.network_, weights=weights)}

    def _count(self, record: StepRecord, fired: list[float]) -> None:
        self.cost_ = self.cost_ + record.cost
        fired.append(float(record.fired_per_datum.mean()))

    def _take_the_best(self) -> None:
        """Put back the weights of the best validation score, if there are scores."""
        best, self._best = self._best, None
        if best is not None:
            self.network_.weights.assign(np.arange(len(best)), best)

    def _end_epoch(self, losses: list[float], held_out: Learnt | None) -> None:
        self.n_iter_ += 1
        self.loss_curve_.append(float(np.mean(losses)))
        if held_out is not None and self.validation_scores_ is not None:
            score = self._score_of(self.network_.predict(held_out.inputs), held_out)
            if score > max(self.validation_scores_, default=-math.inf):
                self._best = np.array(self.network_.weights[:])
            self.validation_scores_.append(score)
        if self.verbose:
            held = f", validation score {self.validation_scores_[-1]:.4f}" if self.validation_scores_ else ""
            print(f"epoch {self.n_iter_}: loss {self.loss_curve_[-1]:.6g}{held}")

    def _stands_still(self) -> bool:
        """Whether neither loss nor score improved by ``tol`` over the last ``n_iter_no_change`` epochs."""
        patience = self.n_iter_no_change
        course = np.array(self.loss_curve_ if self.validation_scores_ is None else self.validation_scores_)
        if self.validation_scores_ is None:
            course = -course
        if len(course) <= patience:
            return False
        return bool(course[-patience:].max() < course[:-patience].max() + self.tol)

    def _outputs(self, X: Any) -> FloatArray:
        check_is_fitted(self, "network_")
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return self.network_.predict(self._units(rows))

    def _get_doc_link(self) -> str:
        """Return where the distribution says its documentation is, for the HTML representation."""
        links = metadata("hybrid-train").get_all("Project-URL") or ()
        named = {name.strip(): url.strip() for name, _, url in (link.partition(",") for link in links)}
        return named.get("Documentation", named.get("Homepage", ""))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")
