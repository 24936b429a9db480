"""Laws that need no second opinion: another order, another unit, and neurons that never fire change nothing.

``make explore`` tries these on many more examples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classical.dynamics.deep.dynamics import DeepDynamics
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import finder_class, make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.deep import DeepNetwork, fully_connected, residual
from hybrid_train.network.deep.layers import Block, Layer
from hybrid_train.training.dynamics import Dynamics
from tests.support.exploring import examples
from tests.support.histories import SEEDS
from tests.support.trainings import DIMENSIONS, EXACT_FINDERS, TRAINERS
from tests.support.whole_network import examples as drawn_examples
from tests.support.whole_network import pairs_of

UNITS = st.integers(-30, 30)
"""Exponents of two: in another such unit every product and sum is the same number, rounding included."""


def _answers(kind: str, points: np.ndarray, queries: np.ndarray, b: float, moved: Any = None) -> set[tuple[int, int]]:
    """Return the pairs that a finder lists, after a move of some points to where they are in ``moved``."""
    finder = make_finder(kind, seed=0, **({"engine": "closed_form", "delta": 1e-15} if kind == "grover" else {}))
    finder.build(points.copy(), queries.copy(), b)
    if moved is not None:
        finder.find()
        finder.move_points(*moved)
    return pairs_of(finder.find())


def _banks(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    d = min(int(rng.integers(1, 9)), finder_class(kind).most_dimensions or 9)
    points, queries = (drawn_examples(rng, "grid", int(rng.integers(1, 40)), d) for _ in range(2))
    if rng.integers(2):
        points = points + rng.standard_normal(points.shape)
    return points, queries, float(rng.choice([0.0, 1.0, 0.7, -0.5]))


@pytest.mark.parametrize("kind", EXACT_FINDERS)
@examples(6)
@given(seed=SEEDS, unit=UNITS, other=UNITS)
def test_a_finder_knows_no_order_and_no_unit_and_no_dead_points(kind: str, seed: int, unit: int, other: int) -> None:
    rng = np.random.default_rng(seed)
    points, queries, b = _banks(kind, rng)
    rows = np.sort(rng.permutation(len(points))[: len(points) // 2])
    there = points[rows] + rng.integers(-1, 2, (len(rows), points.shape[1]))
    plain = _answers(kind, points, queries, b, (rows, there))

    p, q = rng.permutation(len(points)), rng.permutation(len(queries))
    places = np.argsort(p)
    reordered = _answers(kind, points[p], queries[q], b, (places[rows], there))
    assert {(int(q[query]), int(p[point])) for query, point in reordered} == plain

    a, c = 2.0**unit, 2.0**other
    assert _answers(kind, a * points, c * queries, a * b * c, (rows, a * there)) == plain

    dead = np.zeros((3, points.shape[1]))
    if b >= 0:
        assert _answers(kind, np.concatenate([points, dead]), queries, b, (rows, there)) == plain


Steps = list[tuple[np.ndarray, np.ndarray]]


def _walked(dynamics: Dynamics, slopes: Any, rate: float) -> Steps:
    """Train, and return (outputs, fired counts) of each step."""
    dynamics.start()
    steps: Steps = []
    for slope in slopes:
        seen = dynamics.evaluate()
        steps.append((np.array(seen.outputs), np.array(seen.fired)))
        dynamics.descend(slope, rate)
    seen = dynamics.evaluate()
    steps.append((np.array(seen.outputs), np.array(seen.fired)))
    dynamics.finish()
    return steps


def _trained(
    name: str, seed: int, start: np.ndarray, signs: np.ndarray, b: float, x: np.ndarray, slopes: Any, rate: float
) -> tuple[Steps, np.ndarray]:
    """Return (outputs, fired counts) of each step, and the weights after the last."""
    network = TwoLayerNetwork(DenseBank(start.copy()), signs, b, output_scale=1.0)
    dynamics = TRAINERS[name](network, x.copy(), np.random.default_rng(seed))
    return _walked(dynamics, slopes, rate), np.array(network.weights[:])


def _assert_same(ours: Steps, theirs: Steps, order: Any = slice(None), unit: float = 1.0) -> None:
    for (outputs, fired), (others, counts) in zip(ours, theirs, strict=True):
        assert np.array_equal(fired[order], counts)
        assert np.allclose(unit * outputs[order], others, rtol=1e-9, atol=1e-9 * unit)


@pytest.mark.parametrize("name", TRAINERS)
@examples(3)
@given(seed=SEEDS, unit=UNITS)
def test_a_training_knows_no_order_and_no_unit_and_no_dead_neurons(name: str, seed: int, unit: int) -> None:
    rng = np.random.default_rng(seed)
    m, n, d = (int(rng.integers(1, high)) for high in (40, 12, 9))
    d = min(d, DIMENSIONS.get(name, d))
    start, x = rng.standard_normal((m, d)), drawn_examples(rng, "gaussian", n, d)
    signs, b = rng.choice([-1.0, 1.0], (m, 1)), float(rng.choice([0.0, 0.4]))
    slopes = rng.standard_normal((4, n, 1))
    rest = (signs, b, x, slopes, 0.05)
    plain, weights = _trained(name, seed, start, *rest)

    p, q = rng.permutation(m), rng.permutation(n)
    steps, reordered = _trained(name, seed, start[p], signs[p], b, x[q], slopes[:, q], 0.05)
    _assert_same(plain, steps, q)
    assert np.allclose(weights[p], reordered, rtol=1e-9, atol=1e-9)

    a = 2.0**unit
    steps, larger = _trained(name, seed, a * start, signs, a * b, x, slopes, a * 0.05)
    _assert_same(plain, steps, unit=a)
    assert np.allclose(a * weights, larger, rtol=1e-9, atol=1e-9 * a)

    dead = np.zeros((2, d))
    steps, with_dead = _trained(
        name, seed, np.concatenate([start, dead]), np.concatenate([signs, [[1.0], [-1.0]]]), *rest[1:]
    )
    _assert_same(plain, steps)
    assert not with_dead[m:].any()
    assert np.allclose(weights, with_dead[:m], rtol=1e-9, atol=1e-9)


class Deep:
    """Matrices P_0 .. P_L and B, the thresholds and the skip connections of a network without patches."""

    def __init__(self, network: DeepNetwork) -> None:
        self._layers, self._kind = network.layers, network.kind
        self.matrices = [np.array(layer.blocks[0].points[:]) for layer in network.layers]
        self.output, self.unit = np.array(network.output_weights), 1.0

    def trained(self, kind: str, x: np.ndarray, slopes: np.ndarray, rate: float) -> tuple[Steps, list[np.ndarray]]:
        """Return (outputs, fired counts) of each step, and the matrices after the last."""
        layers = []
        for old, matrix in zip(self._layers, self.matrices, strict=True):
            block = Block(DenseBank(matrix.copy()), np.arange(matrix.shape[1])[None])
            layers.append(Layer((block,), self.unit * old.threshold, old.trained, old.factor, old.skip))
        network = DeepNetwork(tuple(layers), self.output, self._kind)
        options = {"engine": "closed_form", "delta": 1e-15} if kind == "grover" else {}
        dynamics = DeepDynamics(network, x.copy(), lambda bank: make_finder(kind, seed=bank, **options))
        return _walked(dynamics, slopes, rate), [np.array(layer.blocks[0].points[:]) for layer in network.layers]


def _assert_close(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    assert all(np.allclose(one, other, rtol=1e-9, atol=1e-9) for one, other in zip(ours, theirs, strict=True))


DEEP_FINDERS = [kind for kind in EXACT_FINDERS if finder_class(kind).most_dimensions is None]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("kind", DEEP_FINDERS)
@examples(2)
@given(seed=SEEDS, unit=UNITS)
def test_a_deep_training_knows_no_order_and_no_unit_and_no_dead_neurons(
    skip: bool, kind: str, seed: int, unit: int
) -> None:
    rng = np.random.default_rng(seed)
    m, n, d = int(rng.integers(2, 20)), int(rng.integers(1, 10)), int(rng.integers(1, 6))
    start: dict[str, Any] = {"threshold": float(rng.choice([0.0, 0.3])), "seed": seed % 1000}
    made = residual(m, 2, d, **start) if skip else fully_connected([m, m + 1, m], d, **start)
    x, slopes, rate = rng.standard_normal((n, d)), rng.standard_normal((3, n, 1)), 0.05
    plain, matrices = Deep(made).trained(kind, x, slopes, rate)
    assert any(not np.array_equal(one, other) for one, other in zip(matrices, Deep(made).matrices, strict=True)) or (
        all(not fired.any() for _, fired in plain) or not any(outputs.any() for outputs, _ in plain)
    )

    q, same = rng.permutation(n), rng.permutation(m)
    orders = [same if skip else rng.permutation(len(matrix)) for matrix in matrices]
    below = [np.arange(d), *orders[:-1]]
    other = Deep(made)
    other.matrices = [one[p][:, c] for one, p, c in zip(other.matrices, orders, below, strict=True)]
    other.output = other.output[:, orders[-1]]
    steps, reordered = other.trained(kind, x[q], slopes[:, q], rate)
    _assert_same(plain, steps, q)
    _assert_close([one[p][:, c] for one, p, c in zip(matrices, orders, below, strict=True)], reordered)

    a, other = 2.0**unit, Deep(made)
    other.unit = a
    steps, larger = other.trained(kind, a * x, slopes, rate / a)
    _assert_same(plain, steps, unit=a)
    _assert_close(matrices, larger)

    # Two neurons more, which nothing makes fire, whatever reads them: of a stream that skips layers, two places in all
    # of them; else in the middle.
    other, wider = Deep(made), range(3) if skip else range(1, 2)
    sizes = [(2 * (layer in wider), 2 * (layer - 1 in wider)) for layer in range(3)]
    other.matrices = []
    for layer, matrix, (rows, columns) in zip(made.layers, Deep(made).matrices, sizes, strict=True):
        passed = np.eye(rows, columns) if layer.skip else np.zeros((rows, columns))
        read = rng.standard_normal((len(matrix), columns))
        other.matrices.append(np.block([[matrix, read], [np.zeros((rows, matrix.shape[1])), passed]]))
    if skip:
        other.output = np.concatenate([other.output, rng.standard_normal((1, 2))], axis=1)
    steps, more = other.trained(kind, x, slopes, rate)
    _assert_same(plain, steps)
    for trained, old, now, before in zip(matrices, Deep(made).matrices, more, other.matrices, strict=True):
        rows, columns = old.shape
        assert np.allclose(trained, now[:rows, :columns], rtol=1e-9, atol=1e-9)
        assert np.array_equal(now[rows:], before[rows:])
        assert np.array_equal(now[:rows, columns:], before[:rows, columns:])
