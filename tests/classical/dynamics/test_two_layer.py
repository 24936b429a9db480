"""What all dynamics of a two-layer network share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from classical.dynamics.ball.dynamics import BallDynamics
from classical.dynamics.batch.dynamics import BatchDynamics
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.sets import SetDynamics
from classical.dynamics.two_layer import TwoLayerDynamics, moving, spread
from classical.scan import ScanFinder
from hybrid_train.errors import InvariantError
from hybrid_train.network import TwoLayerNetwork

INPUTS = np.random.default_rng(0).standard_normal((6, 4))


def made(kind: str) -> TwoLayerDynamics:
    network = TwoLayerNetwork.initialize(300, 4, outputs=2, threshold=0.4, seed=1)
    kinds: dict[str, Callable[[], TwoLayerDynamics]] = {
        "gram": lambda: GramDynamics(network, INPUTS),
        "batch": lambda: BatchDynamics(network, INPUTS),
        "ball": lambda: BallDynamics(network, INPUTS, 0.1),
        "neurons": lambda: SetDynamics(network, INPUTS, ScanFinder()),
        "data": lambda: SetDynamics(network, INPUTS, ScanFinder(), "data"),
    }
    dynamics = kinds[kind]()
    dynamics.start()
    return dynamics


@pytest.mark.parametrize("kind", ["gram", "batch", "ball", "data"])
@pytest.mark.parametrize("rows", [None, np.array([4, 1, 2])])
def test_all_of_them_say_the_same(kind: str, rows: np.ndarray | None) -> None:
    ours, reference = made(kind), made("neurons")
    for _ in range(3):
        seen, expected = ours.evaluate(rows), reference.evaluate(rows)
        assert np.allclose(seen.outputs, expected.outputs, rtol=1e-12, atol=1e-12)
        assert np.array_equal(seen.fired, expected.fired)
        assert ours.top_eigenvalue() == pytest.approx(reference.top_eigenvalue(), rel=1e-5)
        found = ours.audit()
        assert (found.recall, found.spurious) == (1.0, 0)
        slope = np.asfortranarray(expected.outputs - 1)
        assert ours.descend(slope, 0.1) == reference.descend(slope, 0.1)
    assert ours.finder_seconds > 0
    assert [bank.shape for bank in ours.banks] == [(300, 4)]


@pytest.mark.parametrize("kind", ["gram", "batch", "ball", "neurons", "data"])
def test_what_was_seen_stays_as_it_was(kind: str) -> None:
    dynamics = made(kind)
    seen = dynamics.evaluate()
    outputs, fired = seen.outputs.copy(), seen.fired.copy()
    dynamics.descend(np.ones((6, 2)), 3.0)
    assert not np.array_equal(dynamics.evaluate().outputs, outputs)
    assert np.array_equal(seen.outputs, outputs)
    assert np.array_equal(seen.fired, fired)


@pytest.mark.parametrize("kind", ["gram", "batch"])
def test_those_that_hold_their_examples_fixed_say_so(kind: str) -> None:
    dynamics = made(kind)
    with pytest.raises(InvariantError, match=r"Dynamics: the examples are held fixed"):
        dynamics.move_examples(np.array([0]), INPUTS[:1])
    with pytest.raises(InvariantError, match=r"Dynamics: the examples are held fixed"):
        dynamics.input_gradient(np.ones((6, 2)))


@pytest.mark.parametrize("kind", ["batch", "ball", "neurons", "data"])
def test_sets_are_those_of_an_evaluation(kind: str) -> None:
    dynamics = made(kind)
    with pytest.raises(InvariantError, match="evaluate the examples first"):
        _ = dynamics.sets


def test_slopes_are_spread_over_all_examples() -> None:
    slope = np.array([[1.0], [2.0]])
    assert spread(slope, None, 2) is slope
    assert spread(slope, np.array([3, 1]), 4)[:, 0].tolist() == [0, 2, 0, 1]


def test_a_row_moves_if_one_of_its_pairs_does() -> None:
    coefficients, indptr = np.array([0.0, 0.0, 3.0, 0.0, -1.0, 1.0]), np.array([0, 1, 4, 6])
    assert moving(coefficients, indptr).tolist() == [False, True, True]
    assert moving(np.empty(0), np.array([0])).tolist() == []
