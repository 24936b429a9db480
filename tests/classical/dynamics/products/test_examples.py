"""Examples that are mostly a constant: found, multiplied within the bounds they promise, trained as the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.products.dynamics import ProductDynamics
from classical.dynamics.products.examples import DenseExamples, Examples, SparseExamples, examples_of
from classical.dynamics.rows.layout import make_world, margin_of
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.training.optimisers import make_optimiser
from tests.support.whole_network import check, descend, network_of


def pixels(rng: np.random.Generator, n: int, d: int, *, share: float = 0.15, shifted: bool = True) -> np.ndarray:
    """Return (n, d) rows of length 1: mostly dark pixels, columns at mean 0, and a bias."""
    x = rng.integers(1, 256, (n, d)) * (rng.random((n, d)) < share)
    x = np.array(x, float)
    x[:, 0] += 1.0
    if shifted:
        x -= x.mean(axis=0)
        x[:, -1] = 700.0
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def world_of(network: TwoLayerNetwork, x: np.ndarray) -> Examples:
    return examples_of(network, make_world(network, x, np.array([1.0])))


@given(
    seed=st.integers(0, 1 << 30),
    dtype=st.sampled_from(["float32", "float64"]),
    shifted=st.booleans(),
    scale=st.sampled_from([1.0, 1e-9, 1e9]),
)
@settings(max_examples=25, deadline=None)
def test_products_keep_within_their_margin(seed: int, dtype: str, *, shifted: bool, scale: float) -> None:
    rng = np.random.default_rng(seed)
    n, d, m = int(rng.integers(1, 60)), int(rng.integers(40, 150)), int(rng.integers(1, 200))
    x = scale * pixels(rng, n, d, share=0.1, shifted=shifted)
    network = network_of(rng, 200, d, b=0.5, dtype=dtype, outputs=1)
    found = world_of(network, x)
    weights = np.array(network.weights[:m])
    rows = rng.permutation(n)[: n // 2 + 1]
    for near, seen in ((found, x), (found.some(rows), x[rows])):
        exact = weights.astype(np.longdouble) @ seen.T.astype(np.longdouble)
        products = near.products(weights)
        bound = margin_of(near.world.rule, norm_bounds(weights).max(), near.world.rule.largest_norm)
        assert products.dtype == dtype
        assert np.abs(products - exact).max() <= bound
        factors = rng.standard_normal((m, len(seen))).astype(dtype)
        near.arrange()
        tolerance = (1e-4 if dtype == "float32" else 1e-12) * scale
        assert np.allclose(near.combined(factors), factors.astype(float) @ seen, rtol=0, atol=tolerance * len(seen))


def test_what_is_mostly_constant_is_found() -> None:
    rng = np.random.default_rng(1)
    for shifted in (False, True):
        x = pixels(rng, 300, 80, shifted=shifted)
        network = network_of(rng, 128, 80, b=0.5, dtype="float32", outputs=1)
        assert isinstance(world_of(network, x), SparseExamples)
    unlike = [
        pixels(rng, 300, 80, share=0.5),  # too much differs
        pixels(rng, 300, 20),  # too few coordinates
        rng.standard_normal((300, 80)),
        np.concatenate([pixels(rng, 300, 80)[:299], np.full((1, 80), 1e200)]),
    ]
    for x in unlike:
        network = network_of(rng, 128, x.shape[1], b=0.5, dtype="float32", outputs=1)
        assert isinstance(world_of(network, x), DenseExamples)
    alone = network_of(rng, 20, 80, b=0.5, dtype="float32", outputs=1)  # a tile is mostly empty
    assert isinstance(world_of(alone, pixels(rng, 300, 80)), DenseExamples)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "jump"])
@pytest.mark.parametrize("untrained", [0, 1])
@pytest.mark.parametrize("outputs", [1, 3])
def test_trains_as_the_whole(dtype: str, activation: str, untrained: int, outputs: int) -> None:
    rng = np.random.default_rng(2)
    x = pixels(rng, 90, 50)
    more = {"activation": activation, "untrained": untrained}
    network = network_of(rng, 150, 50, b=0.4, dtype=dtype, outputs=outputs, **more)
    dynamics = ProductDynamics(network, x)
    dynamics.start()
    assert isinstance(dynamics._all, SparseExamples)
    for step in range(6):
        rows = None if step % 3 == 0 else rng.permutation(90)[:31]
        seen = check(dynamics, x, rows, 1e-4 if dtype == "float32" else 1e-11)
        descend(dynamics, x, seen - 1.0, rows, 0.1)


def test_ties_at_the_threshold_are_decided_by_the_predicate() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(1, 4, (60, 40)) * (rng.random((60, 40)) < 0.1) * 0.5
    network = network_of(rng, 200, 40, b=1.0, dtype="float32", outputs=1, whole=True)
    dynamics = ProductDynamics(network, x)
    dynamics.start()
    assert isinstance(dynamics._all, SparseExamples)
    products = x @ network.weights[:].astype(float).T
    assert (products == 1.0).sum() > 100
    assert np.array_equal(dynamics.evaluate().fired, (products > 1.0).sum(axis=1))


def test_an_optimiser_moves_as_with_dense_products(monkeypatch: pytest.MonkeyPatch) -> None:
    x, ends = pixels(np.random.default_rng(4), 90, 50), []
    for share in (0.3, -1.0):
        monkeypatch.setattr("classical.dynamics.products.examples._SHARE", share)
        rng = np.random.default_rng(5)
        network = network_of(rng, 150, 50, b=0.4, dtype="float64", outputs=2, untrained=1)
        dynamics = ProductDynamics(network, x, make_optimiser("adam", (150, 50), weight_decay=0.1))
        dynamics.start()
        assert isinstance(dynamics._all, SparseExamples if share > 0 else DenseExamples)
        for step in range(6):
            rows = np.arange(step, 90, 3)
            dynamics.descend(dynamics.evaluate(rows).outputs - 1.0, 0.01)
        ends.append(np.array(network.weights[:]))
    assert np.allclose(*ends, rtol=1e-9, atol=1e-11)
