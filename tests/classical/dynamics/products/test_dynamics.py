"""Product dynamics: the sets of the predicate, the outputs and the motion of dense descent, at every step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.products import dynamics as product_dynamics
from classical.dynamics.products.dynamics import ProductDynamics
from classical.dynamics.sets import SetDynamics
from classical.scan import ScanFinder
from hybrid_train.errors import InvariantError, ResourceError
from hybrid_train.finder.scan import active_pairs
from hybrid_train.support import memory
from hybrid_train.support.parallel import threads
from hybrid_train.training.optimisers import make_optimiser
from tests.support.whole_network import KINDS, check, descend, drawn, examples, network_of


@given(
    seed=st.integers(0, 1 << 30),
    kind=st.sampled_from(KINDS),
    b=st.sampled_from([-0.5, 0.0, 0.3, 1.0, 2.0]),
    dtype=st.sampled_from(["float32", "float64"]),
    outputs=st.sampled_from([1, 3]),
    block=st.sampled_from([1, 7, 64]),
)
@settings(max_examples=40, deadline=None)
def test_agrees_with_the_whole_at_every_step(
    seed: int, kind: str, b: float, dtype: str, outputs: int, block: int
) -> None:
    rng, x, network = drawn(seed, kind, b=b, dtype=dtype, outputs=outputs)
    n = len(x)
    dynamics = ProductDynamics(network, x)
    dynamics.start()
    tolerance = 1e-4 if dtype == "float32" else 1e-11
    targets = rng.standard_normal((n, outputs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product_dynamics, "_BLOCK_PAIRS", 1)
        patch.setattr(product_dynamics, "_LEAST_ROWS", block)
        for step in range(8):
            rows = None if step % 3 else rng.permutation(n)[: n // 2 + 1]
            seen = check(dynamics, x, rows, tolerance)
            slope = seen - targets[slice(None) if rows is None else rows]
            descend(dynamics, x, slope, rows, 0.05 if step % 4 else 0.5)


@pytest.mark.parametrize("optimiser", ["adam", "momentum", "descent"])
@pytest.mark.parametrize("b", [-1.0, 0.5, 1.5])
@pytest.mark.parametrize("untrained", [0, 1])
def test_an_optimiser_moves_the_neurons_as_through_the_sets(optimiser: str, b: float, untrained: int) -> None:
    rng = np.random.default_rng(4)
    x = examples(rng, "clusters", 30, 9)
    networks = [
        network_of(np.random.default_rng(5), 200, 9, b=b, dtype="float64", outputs=2, untrained=untrained)
        for _ in range(2)
    ]
    options = [make_optimiser(optimiser, (200, 9), weight_decay=0.1) for _ in networks]
    plain, ours = (
        SetDynamics(networks[0], x, ScanFinder(), optimiser=options[0]),
        ProductDynamics(networks[1], x, options[1]),
    )
    targets = rng.standard_normal((30, 2))
    for dynamics in (plain, ours):
        dynamics.start()
    for step in range(10):
        rows = None if step % 4 == 0 else np.sort(rng.permutation(30)[:7])
        expected, found = plain.evaluate(rows), ours.evaluate(rows)
        assert np.array_equal(expected.fired, found.fired)
        assert np.allclose(expected.outputs, found.outputs, rtol=1e-9, atol=1e-11)
        slope = expected.outputs - targets[slice(None) if rows is None else rows]
        assert plain.descend(slope, 0.01) == ours.descend(slope, 0.01)
        assert np.allclose(networks[0].weights[:], networks[1].weights[:], rtol=1e-9, atol=1e-11)
    memories = [one.memory() for one in (plain, ours)]
    for name, array in memories[0].items():
        assert np.allclose(array, memories[1][name], rtol=1e-8, atol=1e-12)
    assert np.array_equal(ours.network.weights[:, 9 - untrained :], networks[0].weights[:, 9 - untrained :])


def test_ties_at_the_threshold_are_decided_by_the_predicate() -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(-2, 3, (50, 7)) / 2
    network = network_of(rng, 300, 7, b=1.5, dtype="float32", outputs=1, whole=True)
    dynamics = ProductDynamics(network, x)
    dynamics.start()
    seen = dynamics.evaluate()
    products = x @ network.weights[:].astype(float).T
    assert (products == 1.5).sum() > 100
    assert np.array_equal(seen.fired, (products > 1.5).sum(axis=1))
    assert np.array_equal(active_pairs(network.weights, x, 1.5, np.arange(50)).counts, seen.fired)


def test_no_result_depends_on_the_threads() -> None:
    found = []
    for count in (1, 2, 3):
        rng = np.random.default_rng(7)
        network = network_of(rng, 700, 12, b=0.5, dtype="float32", outputs=2)
        x = examples(rng, "sphere", 40, 12)
        dynamics = ProductDynamics(network, x, make_optimiser("adam", (700, 12), dtype="float32"))
        with threads(count):
            dynamics.start()
            for _ in range(4):
                seen = dynamics.evaluate(np.arange(0, 40, 2))
                dynamics.descend(seen.outputs - 1.0, 0.05)
        found.append(np.array(network.weights[:]))
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    network = network_of(rng, 60, 5, b=0.2, dtype="float64", outputs=1)
    dynamics = ProductDynamics(network, examples(rng, "sphere", 10, 5))
    with pytest.raises(InvariantError):
        dynamics.evaluate()
    with pytest.raises(InvariantError, match="held fixed"):
        dynamics.move_examples(np.arange(10), np.zeros((10, 5)))
    monkeypatch.setattr(memory, "available_bytes", lambda: 100)
    with pytest.raises(ResourceError, match="who fires for whom"):
        dynamics.start()


def test_every_pair_is_charged_in_every_step() -> None:
    rng = np.random.default_rng(10)
    network = network_of(rng, 60, 5, b=0.2, dtype="float64", outputs=1)
    dynamics = ProductDynamics(network, examples(rng, "sphere", 10, 5))
    dynamics.start()
    dynamics.evaluate()
    dynamics.evaluate(np.array([3, 1]))
    assert dynamics.cost.inner_products == 60 * 12
