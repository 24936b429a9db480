"""Losses: derivatives against finite differences, large outputs, and which labels they take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.data import Dataset
from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.training.losses import LOSSES, GemanMcClureLoss, HuberLoss, Loss, make_loss

X = np.eye(3)
SIGNS = Dataset(X, np.array([-1.0, 1.0, 1.0]), "signs")
REAL = Dataset(X, np.array([0.5, -2.0, 1.0]), "real")
WIDE = Dataset(X, np.arange(6.0).reshape(3, 2), "wide")
CLASSES = Dataset(X, np.array([0, 2, 1]), "labels", classes=3)

every_loss = pytest.mark.parametrize(
    "loss", [*(make_loss(name) for name in LOSSES), HuberLoss(0.3), GemanMcClureLoss(0.3)], ids=repr
)


def some_case(loss: Loss, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    dataset = CLASSES if loss == make_loss("cross_entropy") else SIGNS
    targets = loss.encode(dataset, loss.default_outputs(dataset))
    return 2.0 * rng.standard_normal(targets.shape), targets


@every_loss
def test_the_derivative_is_that_of_the_value(loss: Loss) -> None:
    rng = np.random.default_rng(0)
    step = 1e-5
    for _ in range(20):
        outputs, targets = some_case(loss, rng)
        derivative = loss.derivative(outputs, targets)
        for place in np.ndindex(outputs.shape):
            forth, back = outputs.copy(), outputs.copy()
            forth[place] += step
            back[place] -= step
            slope = (loss.value(forth, targets) - loss.value(back, targets)) / (2 * step)
            assert derivative[place] == pytest.approx(slope, abs=1e-6)


@every_loss
def test_the_curvature_bounds_the_change_of_the_derivative_and_is_attained(loss: Loss) -> None:
    rng = np.random.default_rng(1)
    largest = 0.0
    for _ in range(3000):
        outputs, targets = some_case(loss, rng)
        direction = rng.standard_normal(outputs.shape)
        near = outputs if rng.random() < 0.5 else targets + 1e-3 * outputs
        scale = 1e-4 / np.linalg.norm(direction)
        change = loss.derivative(near + scale * direction, targets) - loss.derivative(near, targets)
        largest = max(largest, float(np.abs(change).sum() if loss.curvature is None else np.linalg.norm(change)) / 1e-4)
    if loss.curvature is None:
        assert largest > 100  # a jump
    else:
        assert largest <= loss.curvature * (1 + 1e-6)
    if loss in {make_loss("squared"), HuberLoss(), HuberLoss(0.3)}:
        assert largest == pytest.approx(loss.curvature)


@every_loss
def test_the_lipschitz_constant_bounds_the_derivative_and_is_approached(loss: Loss) -> None:
    rng = np.random.default_rng(2)
    largest = 0.0
    for size in np.repeat([0.1, 0.3, 1.0, 10.0, 100.0], 200):
        outputs, targets = some_case(loss, rng)
        slope = np.abs(loss.derivative(targets + size * outputs, targets)).max()
        largest = max(largest, float(slope))
    if loss.lipschitz is None:
        assert largest > 50
    else:
        assert 0.99 * loss.lipschitz <= largest <= loss.lipschitz * (1 + 1e-12)


def test_logistic_and_cross_entropy_attain_their_curvature_at_the_tie() -> None:
    step = 1e-5
    logistic, entropy = make_loss("logistic"), make_loss("cross_entropy")
    one = np.ones((1, 1))
    assert logistic.derivative(step * one, one) - logistic.derivative(0 * one, one) == pytest.approx(
        logistic.curvature * step
    )
    first = np.array([[1.0, 0.0]])
    across = step * np.array([[1.0, -1.0]]) / math.sqrt(2)
    change = entropy.derivative(across, first) - entropy.derivative(0 * first, first)
    assert np.linalg.norm(change) == pytest.approx(entropy.curvature * step)


@every_loss
@pytest.mark.parametrize("size", [1e4, 1e200, math.inf])
def test_large_outputs_do_not_warn(loss: Loss, size: float) -> None:
    _, targets = some_case(loss, np.random.default_rng(0))
    for sign in (1.0, -1.0):
        outputs = np.full(targets.shape, sign * size)
        value, derivative = loss.value(outputs, targets), loss.derivative(outputs, targets)
        if size == 1e4:
            assert math.isfinite(value)
            assert value >= 0
            assert np.isfinite(derivative).all()


def test_values_by_hand() -> None:
    outputs, targets = np.array([[3.0], [-1.0]]), np.array([[1.0], [-1.0]])
    assert make_loss("squared").value(outputs, targets) == 2.0
    assert make_loss("absolute").value(outputs, targets) == 2.0
    assert make_loss("huber").value(outputs, targets) == 1.5
    assert make_loss("huber", delta=5).value(outputs, targets) == 2.0
    assert make_loss("logistic").value(outputs, targets) == pytest.approx(
        math.log1p(math.exp(-3)) + math.log1p(1 / math.e)
    )
    assert make_loss("logistic").value(np.array([[-1e4]]), np.array([[1.0]])) == 1e4
    assert make_loss("cross_entropy").value(np.zeros((2, 4)), np.eye(4)[:2]) == pytest.approx(2 * math.log(4))
    assert make_loss("cross_entropy").value(np.array([[0.0, 1e4]]), np.array([[1.0, 0.0]])) == 1e4


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_the_bounded_loss_is_squared_near_the_target_and_bounded_far_away(residual: float, scale: float) -> None:
    loss, zero = make_loss("geman_mcclure", scale=scale), np.zeros((1, 1))
    value = loss.value(residual + zero, zero)
    assert 0 <= value <= min(0.5 * residual**2, 0.5 * scale**2) * (1 + 1e-12)
    near = 1e-4 * scale + zero
    assert loss.value(near, zero) == pytest.approx(make_loss("squared").value(near, zero), rel=1e-7)
    assert abs(loss.derivative(residual + zero, zero)[0, 0]) <= 0.33 * scale


def test_the_bounded_loss_curves_both_ways() -> None:
    loss, zero, step = make_loss("geman_mcclure"), np.zeros((1, 1)), 1e-5
    curvatures = [
        float((loss.derivative(zero + r + step, zero) - loss.derivative(zero + r, zero))[0, 0]) / step for r in (0, 1)
    ]
    assert curvatures == pytest.approx([1.0, -0.25], rel=1e-4)


@given(st.floats(-50, 50), st.sampled_from([-1.0, 1.0]))
def test_two_outputs_of_cross_entropy_are_one_of_logistic(margin: float, sign: float) -> None:
    one = Dataset(np.ones((1, 1)), np.array([sign]), "one")
    logistic, entropy = make_loss("logistic"), make_loss("cross_entropy")
    single = logistic.value(np.array([[margin]]), logistic.encode(one, 1))
    double = entropy.value(np.array([[0.0, margin]]), entropy.encode(one, 2))
    assert double == pytest.approx(single, rel=1e-9, abs=1e-12)


@every_loss
def test_shapes_that_would_broadcast_are_refused(loss: Loss) -> None:
    with pytest.raises(InvariantError, match="must be"):
        loss.value(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(InvariantError, match="must be"):
        loss.derivative(np.zeros((3, 1)), np.zeros((1, 3)))


@pytest.mark.parametrize("name", ["squared", "huber", "absolute", "geman_mcclure"])
def test_regression_losses_take_any_labels(name: str) -> None:
    loss = make_loss(name)
    assert [loss.default_outputs(data) for data in (SIGNS, REAL, WIDE, CLASSES)] == [1, 1, 2, 3]
    assert loss.encode(REAL, 1).tolist() == [[0.5], [-2.0], [1.0]]
    assert np.array_equal(loss.encode(WIDE, 2), WIDE.targets)
    assert loss.encode(CLASSES, 3).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    for data, outputs in ((REAL, 2), (WIDE, 1), (CLASSES, 1)):
        with pytest.raises(DataError, match=f"set outputs = {loss.default_outputs(data)}"):
            loss.encode(data, outputs)


def test_classification_losses_refuse_what_they_cannot_take() -> None:
    logistic, entropy = make_loss("logistic"), make_loss("cross_entropy")
    assert logistic.encode(SIGNS, 1).tolist() == [[-1], [1], [1]]
    assert entropy.encode(SIGNS, 2).tolist() == [[1, 0], [0, 1], [0, 1]]
    assert entropy.encode(CLASSES, 3).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    for loss, data, outputs, advice in (
        (logistic, REAL, 1, "squared"),
        (logistic, CLASSES, 3, "cross_entropy"),
        (logistic, SIGNS, 2, "outputs = 1"),
        (entropy, REAL, 2, "squared"),
        (entropy, WIDE, 2, "squared"),
        (entropy, CLASSES, 2, "outputs = 3"),
        (entropy, SIGNS, 1, "outputs = 2"),
    ):
        with pytest.raises(DataError, match=advice):
            loss.encode(data, outputs)


def test_names_and_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="did you mean 'squared'"):
        make_loss("sqared")
    with pytest.raises(ConfigError, match="did you mean 'delta'"):
        make_loss("huber", detla=1.0)
    with pytest.raises(ConfigError, match="known: none"):
        make_loss("squared", delta=1.0)
    for bad in (0, -1.0, math.inf, math.nan, "1", True):
        with pytest.raises(ConfigError, match="delta="):
            make_loss("huber", delta=bad)
        with pytest.raises(ConfigError, match="scale="):
            make_loss("geman_mcclure", scale=bad)
