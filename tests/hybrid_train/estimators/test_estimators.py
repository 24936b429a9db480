"""The estimators as scikit-learn and its users take them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from hybrid_train import SparseTwoLayerClassifier, SparseTwoLayerRegressor

SMALL: dict[str, Any] = {"width": 32, "max_iter": 6, "random_state": 0}
BOTH = [SparseTwoLayerClassifier, SparseTwoLayerRegressor]
SKIPPED = "check_array_api_input"
CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.func.__name__}-{number}")
    for kind in BOTH
    for number, (estimator, check) in enumerate(estimator_checks_generator(kind()))
    if check.func.__name__ != SKIPPED
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix")
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_what_is_skipped_by_itself_passes_where_array_libraries_are_let_in() -> None:
    child = (
        "from sklearn.utils.estimator_checks import estimator_checks_generator\n"
        "from hybrid_train import SparseTwoLayerClassifier as C, SparseTwoLayerRegressor as R\n"
        "for kind in (C, R):\n"
        "    for estimator, check in estimator_checks_generator(kind()):\n"
        f"        if check.func.__name__ == '{SKIPPED}':\n"
        "            print(check(estimator))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", child], check=True, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["None", "None"]


@pytest.mark.parametrize(
    ("load", "least"), [(load_wine, 0.94), (load_breast_cancer, 0.94), (load_iris, 0.9), (load_digits, 0.96)]
)
def test_defaults_classify_raw_columns(load: Any, least: float) -> None:
    X, Xt, y, yt = train_test_split(*load(return_X_y=True), random_state=0, test_size=0.25)
    model = SparseTwoLayerClassifier(random_state=0).fit(X, y)
    assert model.score(Xt, yt) >= least
    shares = model.predict_proba(Xt)
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.array_equal(model.classes_[shares.argmax(axis=1)], model.predict(Xt))
    assert (len(model.loss_curve_), model.validation_scores_) == (model.n_iter_, None)
    assert model.cost_.inner_products > 0
    assert 0 < model.fired_ < 256


def test_defaults_follow_real_targets() -> None:
    X, Xt, y, yt = train_test_split(*load_diabetes(return_X_y=True, scaled=False), random_state=0)
    assert SparseTwoLayerRegressor(random_state=0).fit(X, y).score(Xt, yt) > 0.25


@pytest.mark.parametrize(
    ("finder", "optimiser"), [("skin", "adam"), ("hsr", "adam"), ("hsr", "momentum"), ("skin", "descent")]
)
def test_every_exact_finder_gives_the_same_network(finder: str, optimiser: str) -> None:
    X, y = load_iris(return_X_y=True)
    options = SMALL | {"optimiser": optimiser}
    one = SparseTwoLayerClassifier(**options).fit(X, y)
    other = SparseTwoLayerClassifier(finder, **options).fit(X, y)
    assert np.allclose(one.decision_function(X), other.decision_function(X), atol=1e-9)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("optimiser", ["adam", "momentum", "descent"])
def test_a_weighted_row_counts_as_repeated_ones(kind: Any, optimiser: str) -> None:
    X, y = load_wine(return_X_y=True)
    X, y = X[::3], y[::3]
    weights = np.arange(len(X)) % 3
    model = kind(**SMALL, batch_size=1000, optimiser=optimiser)
    once = clone(model).fit(X, y, sample_weight=weights).predict(X)
    often = clone(model).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights)).predict(X)
    assert np.allclose(once, often)


def test_class_weights_count_as_sample_weights() -> None:
    X, y = load_iris(return_X_y=True)
    X, y = X[:120], y[:120]
    by_class = SparseTwoLayerClassifier(**SMALL, class_weight={0: 1.0, 1: 2.0, 2: 5.0}).fit(X, y)
    by_row = SparseTwoLayerClassifier(**SMALL).fit(X, y, sample_weight=np.array([1.0, 2.0, 5.0])[y])
    assert np.allclose(by_class.decision_function(X), by_row.decision_function(X))
    balanced = SparseTwoLayerClassifier(**SMALL, class_weight="balanced").fit(X, y)
    counts = np.bincount(y)
    same = SparseTwoLayerClassifier(**SMALL).fit(X, y, sample_weight=(len(y) / (3 * counts))[y])
    assert np.allclose(balanced.decision_function(X), same.decision_function(X))


def test_early_stopping_keeps_the_best_weights() -> None:
    X, y = load_digits(return_X_y=True)
    options = {"width": 64, "early_stopping": True, "n_iter_no_change": 2, "max_iter": 100, "random_state": 0}
    model = SparseTwoLayerClassifier(**options).fit(X[:500], y[:500])
    assert model.validation_scores_ is not None
    assert 2 < model.n_iter_ == len(model.validation_scores_) < 100
    again = SparseTwoLayerClassifier(**options, verbose=True)
    assert np.array_equal(again.fit(X[:500], y[:500]).predict(X), model.predict(X))
    regression = SparseTwoLayerRegressor(**SMALL, early_stopping=True).fit(*load_diabetes(return_X_y=True))
    assert regression.validation_scores_ is not None
    assert max(regression.validation_scores_) <= 1


def test_partial_fit_goes_on_where_it_was() -> None:
    X, y = load_digits(return_X_y=True)
    model = SparseTwoLayerClassifier(width=64, random_state=0)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, y)
    scores = [model.partial_fit(X[:600], y[:600], classes=range(10)).score(X[600:], y[600:]) for _ in range(8)]
    assert scores[-1] > max(0.8, scores[0])
    assert model.n_iter_ == 8
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=range(11))
    with pytest.raises(ValueError, match="were not named in the first call"):
        model.partial_fit(X, y + 5)


def test_columns_have_names_and_classes_are_words() -> None:
    flowers = load_iris(as_frame=True)
    words = flowers.target_names[flowers.target]
    model = SparseTwoLayerClassifier(**SMALL).fit(flowers.data, words)
    assert model.feature_names_in_.tolist() == list(flowers.data.columns)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(model.predict(flowers.data)) <= set(words)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(flowers.data.rename(columns={"sepal length (cm)": "length"}))


def test_what_two_classes_alone_can_do_says_so() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="is for 2 classes"):
        SparseTwoLayerClassifier(loss="logistic").fit(X, y)
    two = SparseTwoLayerClassifier(**SMALL, loss="hinge").fit(X[:100], y[:100])
    assert two.score(X[:100], y[:100]) > 0.9
    assert not hasattr(two, "predict_proba")
    logistic = SparseTwoLayerClassifier(**SMALL, loss="logistic").fit(X[:100], y[:100])
    assert np.array_equal(logistic.predict_proba(X)[:, 1] > 0.5, logistic.decision_function(X) > 0)


def test_pipelines_grid_searches_and_two_processes() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), SparseTwoLayerClassifier(**SMALL))
    search = GridSearchCV(pipeline, {"sparsetwolayerclassifier__width": [16, 32]}, cv=2, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.7
    alone = cross_val_score(pipeline, X, y, cv=2)
    assert np.array_equal(alone, cross_val_score(pipeline, X, y, cv=2, n_jobs=2))


@pytest.mark.parametrize("kind", BOTH)
def test_a_pickle_predicts_the_same(kind: Any) -> None:
    X, y = load_wine(return_X_y=True)
    model = kind(**SMALL).fit(X, y)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_callbacks_see_every_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = load_iris(return_X_y=True)
    monitor = ScoringMonitor(scoring="accuracy")
    model = SparseTwoLayerClassifier(**SMALL).set_callbacks(monitor, ProgressBar())
    model.fit(X, y)
    (log,) = [monitor.get_logs()] if not isinstance(monitor.get_logs(), list) else monitor.get_logs()
    epochs = [row for row in log.data if row["task_name"] == "epoch"]
    assert len(epochs) == model.n_iter_
    assert epochs[-1]["accuracy"] > epochs[0]["accuracy"]
    search = GridSearchCV(SparseTwoLayerClassifier(**SMALL), {"width": [8, 16]}, cv=2)
    search.estimator.set_callbacks(ScoringMonitor(scoring="accuracy"))
    search.fit(X, y)
    capsys.readouterr()


def test_the_html_representation_is_made() -> None:
    text = SparseTwoLayerClassifier(width=7)._repr_html_()
    assert "SparseTwoLayerClassifier" in text


def test_single_precision_is_taken_where_there_is_much_to_multiply() -> None:
    x, y = load_wine(return_X_y=True)
    found = {
        (dtype, width): SparseTwoLayerClassifier(width=width, dtype=dtype, max_iter=2, random_state=0)
        .fit(x, y)
        .network_.weights.dtype
        for dtype, width in (("auto", 64), ("auto", 8192), ("float64", 8192), ("float32", 64))
    }
    assert [np.dtype(one).itemsize for one in found.values()] == [8, 4, 8, 4]
