"""The theorems of deep networks as numbers, against dense formulas and against what they predict."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid_train.data import Dataset, sphere
from hybrid_train.errors import InvariantError
from hybrid_train.network.deep import DeepNetwork, convolutional, fully_connected, grid_patches, residual
from hybrid_train.theory.predictions.deep import (
    flipped,
    gradient_bounds,
    hidden_norms,
    linearisation,
    movement,
    semi_smoothness,
    tangent_kernel,
)
from hybrid_train.training.losses import make_loss

SQUARED = make_loss("squared")
KINDS = ("fully_connected", "residual", "convolutional")


def network(kind: str, width: int = 40, outputs: int = 2) -> DeepNetwork:
    if kind == "residual":
        return residual(width, 3, 16, outputs=outputs, seed=1)
    if kind == "convolutional":
        return convolutional([6, 5], grid_patches(4, 4), last=width, outputs=outputs, seed=1)
    return fully_connected([width, width, width], 16, outputs=outputs, seed=1)


def data(n: int = 8) -> Dataset:
    return sphere(n, 16, seed=3)


def perturbed(net: DeepNetwork, size: float, seed: int = 0) -> DeepNetwork:
    rng = np.random.default_rng(seed)
    return net.at([w + size * rng.standard_normal(w.shape) / math.sqrt(w.size) for w in net.weights()])


def trained(net: DeepNetwork, inputs: np.ndarray, targets: np.ndarray, steps: int) -> DeepNetwork:
    seen = net.forward(inputs)
    rate = 0.3 / np.linalg.eigvalsh(tangent_kernel(seen, seen, np.ones_like(targets)))[-1]
    for _ in range(steps):
        seen = net.forward(inputs)
        net = net.at([w - rate * g for w, g in zip(net.weights(), seen.gradient(seen.outputs - targets), strict=True)])
    return net


def gradients(net: DeepNetwork, inputs: np.ndarray, output: int) -> list[np.ndarray]:
    """The gradient of one output for each example by itself, in one vector."""
    slope = np.eye(net.outputs)[[output]]
    return [np.concatenate([g.ravel() for g in net.forward(x[None]).gradient(slope)]) for x in inputs]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tangent_kernel_is_the_gram_matrix_of_gradients(kind: str) -> None:
    net, inputs = network(kind), data(5).inputs
    other = perturbed(net, 0.5)
    slope = np.tile([0.0, 1.0], (5, 1))
    here, there = np.array(gradients(net, inputs, 1)), np.array(gradients(other, inputs, 1))
    one, two = net.forward(inputs), other.forward(inputs)
    assert tangent_kernel(one, one, slope) == pytest.approx(here @ here.T, rel=1e-10)
    assert tangent_kernel(one, two, slope) == pytest.approx(here @ there.T, rel=1e-10, abs=1e-10)
    with pytest.raises(InvariantError, match="examples"):
        tangent_kernel(one, net.forward(inputs[:2]), slope)


@pytest.mark.parametrize("kind", KINDS)
def test_the_distance_to_the_linearisation_is_that_of_its_definition(kind: str) -> None:
    net, inputs = network(kind), data(4).inputs
    now = perturbed(net, 1.0)
    found = linearisation(net, now, inputs)
    assert found.omega == movement(net, now).spectral
    move = np.concatenate([(b - a).ravel() for a, b in zip(net.weights(), now.weights(), strict=True)])
    worst_gradient = worst_output = worst_kernel = 0.0
    for j in range(net.outputs):
        start, end = np.array(gradients(net, inputs, j)), np.array(gradients(now, inputs, j))
        sizes = np.linalg.norm(start, axis=1)
        worst_gradient = max(worst_gradient, (np.linalg.norm(end - start, axis=1) / sizes).max())
        worst_kernel = max(worst_kernel, (np.abs(end @ end.T - start @ start.T) / np.outer(sizes, sizes)).max())
        left = now.predict(inputs)[:, j] - net.predict(inputs)[:, j] - start @ move
        worst_output = max(worst_output, np.abs(left).max())
    assert found.gradient == pytest.approx(worst_gradient, rel=1e-6)
    assert found.output == pytest.approx(worst_output, rel=1e-6)
    assert found.kernel == pytest.approx(worst_kernel, rel=1e-6)


def test_nothing_is_far_from_where_it_is() -> None:
    net = network("residual")
    same = net.at(net.weights())
    found = linearisation(net, same, data().inputs)
    assert found.gradient < 1e-7
    assert found.output < 1e-12
    assert movement(net, same).frobenius < 1e-12
    assert not flipped(net.forward(data().inputs), same.forward(data().inputs)).any()


def test_wider_networks_stay_closer_to_their_linearisation() -> None:
    """DEEP Theorem 5: at the width the data need, training is almost that of a kernel."""
    given = data(6)
    targets = SQUARED.encode(given, 1)
    seen = []
    for width in (32, 256):
        net = network("fully_connected", width, 1)
        end = trained(net, given.inputs, targets, 40)
        assert SQUARED.value(end.predict(given.inputs), targets) < 0.3 * SQUARED.value(
            net.predict(given.inputs), targets
        )
        found = linearisation(net, end, given.inputs)
        assert found.gradient < found.gradient_bound
        assert found.output < found.output_bound
        assert found.kernel < found.kernel_bound
        seen.append(found)
    narrow, wide = seen
    assert wide.omega < 0.7 * narrow.omega
    assert wide.gradient < 0.8 * narrow.gradient
    assert wide.output < 0.7 * narrow.output


def test_gradients_lie_between_their_bounds() -> None:
    given = data(10)
    for name in ("squared", "logistic", "geman_mcclure"):
        loss = make_loss(name)
        targets = loss.encode(given, 1)
        for width in (64, 256):
            net = network("fully_connected", width, 1)
            seen = net.forward(given.inputs)
            found = gradient_bounds(seen, targets, loss, given.separation.delta)
            squares = [np.square(g).sum() for g in seen.gradient(loss.derivative(seen.outputs, targets))]
            assert found.largest == pytest.approx(max(squares))
            assert found.last == pytest.approx(squares[-1])
            assert found.lower < found.last <= found.largest < found.upper


def test_gradients_of_positions_count_together() -> None:
    given = data(5)
    targets = SQUARED.encode(given, 1)
    net = convolutional([4, 3], grid_patches(4, 4), last=20, shared=False, seed=1)
    seen = net.forward(given.inputs)
    squares = [np.square(g).sum() for g in seen.gradient(seen.outputs - targets)]
    found = gradient_bounds(seen, targets, SQUARED, given.separation.delta)
    assert found.largest == pytest.approx(max(sum(squares[:-1]), squares[-1]))


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_of_semi_smoothness_along_a_step(kind: str) -> None:
    given = data()
    targets = SQUARED.encode(given, 1)
    net = network(kind, outputs=1)
    now = perturbed(net, 0.3)
    seen = now.forward(given.inputs)
    gradient = seen.gradient(seen.outputs - targets)
    moves = [-1e-3 * g for g in gradient]
    found = semi_smoothness(net, now, moves, given.inputs, targets, SQUARED)
    assert [part.size for part in found] == pytest.approx([found[-1].size * f for f in (0.25, 0.5, 1.0)])
    for part, fraction in zip(found, (0.25, 0.5, 1.0), strict=True):
        moved = now.at([w + fraction * move for w, move in zip(now.weights(), moves, strict=True)])
        change = SQUARED.value(moved.predict(given.inputs), targets) - SQUARED.value(seen.outputs, targets)
        along = sum((g * fraction * move).sum() for g, move in zip(gradient, moves, strict=True))
        assert part.left == pytest.approx(change - along, rel=1e-6, abs=1e-9)
        assert part.left < part.right == part.first_order + part.second_order


def test_norms_and_flips_are_counted_example_by_example() -> None:
    net, inputs = network("fully_connected"), data(6).inputs
    seen, other = net.forward(inputs), perturbed(net, 3.0).forward(inputs)
    assert hidden_norms(seen).shape == (3, 6)
    assert hidden_norms(seen)[1, 2] == pytest.approx(np.linalg.norm(seen.hidden[1][2]))
    flips = flipped(seen, other)
    assert not flips[0].any()
    assert flips[1:].any()
    assert flips[2, 4] == ((seen.hidden[2][4] > 0) != (other.hidden[2][4] > 0)).sum()
