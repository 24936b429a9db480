"""The Adversarial Robustness Toolbox attacks our networks, and finds nothing worse than our own attacks do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("art.attacks.evasion")
from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescentNumpy

from classical.dynamics.sets import SetDynamics
from hybrid_train.adversaries import FGSM, PGD, make_ball
from hybrid_train.art_adapter import ArtClassifier
from hybrid_train.data import digits
from hybrid_train.data.padding import with_last_coordinate, with_one
from hybrid_train.errors import DataError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.training.losses import make_loss

pytestmark = pytest.mark.peers

TAIL = (0.5, 1.0)


def attacked(activation: str, outputs: int = 1) -> tuple[TwoLayerNetwork, np.ndarray, np.ndarray, Any]:
    """A network that was trained for a moment, its examples and their encoded targets."""
    data = digits(40, classes=[3, 8] if outputs == 1 else [1, 3, 8])
    loss = make_loss("logistic" if outputs == 1 else "cross_entropy")
    network = adversarial_network(2000, 65, fraction=0.2, outputs=outputs, seed=1)
    if activation == "relu":
        network = TwoLayerNetwork(
            network.weights, network.output_weights, network.threshold, output_scale=1.0, untrained=1
        )
    inputs = with_one(with_last_coordinate(data.inputs, 0.5))
    targets = loss.encode(data, outputs)
    dynamics = SetDynamics(network, inputs, make_finder("scan"))
    dynamics.start()
    for _ in range(10):
        dynamics.descend(loss.derivative(dynamics.evaluate().outputs, targets), 0.05)
    return network, inputs, targets, loss


def one_hot(targets: np.ndarray) -> np.ndarray:
    return np.hstack([targets < 0, targets > 0]).astype(float) if targets.shape[1] == 1 else targets


@pytest.mark.parametrize("outputs", [1, 3])
def test_predictions_and_gradients_are_the_networks(outputs: int) -> None:
    network, inputs, targets, loss = attacked("jump", outputs)
    adapter = ArtClassifier(network, loss, lambda: make_finder("skin"), tail=TAIL)
    x = inputs[:, :-2]
    f = network.predict(inputs)
    assert adapter.input_shape == (64,)
    assert np.allclose(adapter.predict(x)[:, -f.shape[1] :], f)
    assert (adapter.predict(x).argmax(axis=1) == one_hot(targets).argmax(axis=1)).mean() > 0.6
    gradient = adapter.loss_gradient(x, one_hot(targets))
    step = 1e-8 * np.random.default_rng(0).standard_normal(x.shape)
    change = adapter.losses(x + step, one_hot(targets)) - adapter.losses(x - step, one_hot(targets))
    smooth = np.abs(change) < 1e-5  # where no neuron jumps
    assert smooth.mean() > 0.9
    assert np.allclose(change[smooth], 2 * np.einsum("ij,ij->i", gradient, step)[smooth], atol=1e-11)


@pytest.mark.parametrize(("norm", "order", "rho"), [("l2", 2, 0.2), ("linf", np.inf, 0.03)])
@pytest.mark.parametrize("activation", ["relu", "jump"])
def test_our_attack_is_at_least_as_strong(activation: str, norm: Any, order: float, rho: float) -> None:
    network, inputs, targets, loss = attacked(activation)
    adapter = ArtClassifier(network, loss, lambda: make_finder("scan"), tail=TAIL)
    x, y, steps = inputs[:, :-2], one_hot(targets), 10
    attack = ProjectedGradientDescentNumpy(
        adapter, norm=order, eps=rho, eps_step=2.5 * rho / steps, max_iter=steps, verbose=False
    )
    theirs = adapter.losses(attack.generate(x, y), y)
    ball = make_ball(norm, rho, kept=2, on_sphere=False)
    dynamics = SetDynamics(network, inputs, make_finder("scan"))
    dynamics.start()
    PGD(ball, steps=steps).attack(dynamics, np.arange(len(x)), inputs, targets, loss, 0)
    ours = loss.values(dynamics.evaluate().outputs, targets)
    clean = loss.values(network.predict(inputs), targets)
    assert ours.mean() > 1.2 * clean.mean()
    assert ours.mean() >= theirs.mean() * (1 - 1e-3), "the worst place on the way can only add to the last one"


def test_the_fast_gradient_sign_method_is_arts() -> None:
    network, inputs, targets, loss = attacked("jump")
    adapter = ArtClassifier(network, loss, lambda: make_finder("scan"), tail=TAIL)
    theirs = FastGradientMethod(adapter, norm=np.inf, eps=0.05).generate(inputs[:, :-2], one_hot(targets))
    dynamics = SetDynamics(network, inputs, make_finder("scan"))
    dynamics.start()
    ball = make_ball("linf", 0.05, kept=2, on_sphere=False)
    FGSM(ball).attack(dynamics, np.arange(len(inputs)), inputs, targets, loss, 0)
    assert np.allclose(dynamics.examples[:][:, :-2], theirs, atol=1e-7)


def test_wrong_shapes_are_refused() -> None:
    network, inputs, _, loss = attacked("jump")
    with pytest.raises(DataError, match="tail"):
        ArtClassifier(network, loss, lambda: make_finder("scan"), tail=(1.0,) * 66)
    adapter = ArtClassifier(network, loss, lambda: make_finder("scan"), tail=TAIL)
    with pytest.raises(DataError, match="unit vectors"):
        adapter.loss_gradient(inputs[:, :-2], np.zeros(len(inputs)))
    with pytest.raises(NotImplementedError, match="train the network first"):
        adapter.fit(inputs, inputs)
