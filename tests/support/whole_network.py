"""Dynamics beside the whole: every step compared with dense numbers and the sets of a scan."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.dynamics.two_layer import TwoLayerDynamics
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork

KINDS = ("sphere", "gaussian", "grid", "duplicates", "zeros", "clusters")


def examples(rng: np.random.Generator, kind: str, n: int, d: int) -> np.ndarray:
    """Draw (n, d) examples: one of KINDS, or "scales"."""
    if kind == "grid":
        return rng.integers(-1, 2, (n, d)).astype(float)
    x = rng.standard_normal((n, d))
    if kind == "duplicates":
        return x[rng.integers(0, min(3, n), n)]
    if kind == "zeros":
        return x * rng.integers(0, 2, (n, 1))
    if kind == "scales":
        return x * 10.0 ** rng.integers(-9, 4, (n, 1))
    if kind == "clusters":
        x = x[rng.integers(0, 2, n) if n > 1 else [0]] + 0.1 * x
    return x / np.linalg.norm(x, axis=1, keepdims=True) if kind in {"sphere", "clusters"} else x


def network_of(
    rng: np.random.Generator, m: int, d: int, *, b: float, dtype: str, outputs: int, whole: bool = False, **more: Any
) -> TwoLayerNetwork:
    w = rng.integers(-2, 3, (m, d)) if whole else rng.standard_normal((m, d))
    signs = rng.choice([-1.0, 1.0], (m, outputs))
    return TwoLayerNetwork(DenseBank(w.astype(dtype)), signs, b, **more)


def drawn(
    seed: int, kind: str, *, b: float, dtype: str, outputs: int
) -> tuple[np.random.Generator, np.ndarray, TwoLayerNetwork]:
    """Draw examples of a kind and a network of some size; the generator goes on from there."""
    rng = np.random.default_rng(seed)
    n, d, m = (int(rng.integers(1, high)) for high in (40, 40, 80))
    x = examples(rng, kind, n, d)
    more: dict[str, Any] = {"activation": "jump"} if seed % 4 == 0 else {}
    if seed % 5 == 0 and d > 1:
        more["untrained"] = 1
    network = network_of(rng, m, d, b=b, dtype=dtype, outputs=outputs, whole=kind == "grid", **more)
    return rng, x, network


def pairs_of(sets: ActiveSets) -> set[tuple[int, int]]:
    """Return the (query, point) pairs."""
    return set(zip(sets.query_ids.tolist(), sets.point_ids.tolist(), strict=True))


def firing(sets: ActiveSets) -> np.ndarray:
    """Return 1 for each active pair, else 0."""
    fires = np.zeros(sets.shape)
    fires[sets.query_ids, sets.point_ids] = 1.0
    return fires


def check(dynamics: TwoLayerDynamics, x: np.ndarray, rows: np.ndarray | None, tolerance: float) -> np.ndarray:
    """Compare sets, counts and outputs with the whole; return the outputs."""
    network = dynamics.network
    seen = dynamics.evaluate(rows)
    asked = np.arange(len(x)) if rows is None else rows
    truth = active_pairs(network.weights, x, network.threshold, asked)
    assert pairs_of(dynamics.sets) == {(neuron, example) for example, neuron in pairs_of(truth)}
    assert np.array_equal(seen.fired, truth.counts)
    fires = firing(truth)[asked]
    products = x[asked] @ network.weights[:].astype(float).T
    shift = network.threshold if network.activation == "relu" else 0.0
    outputs = network.scale * (fires * (products - shift)) @ network.output_weights
    assert np.abs(seen.outputs - outputs).max() <= tolerance * (1 + np.abs(outputs).max() + np.abs(products).max())
    return seen.outputs


def descend(dynamics: TwoLayerDynamics, x: np.ndarray, slope: np.ndarray, rows: np.ndarray | None, rate: float) -> None:
    """Descend, and compare the motion with that of the active pairs."""
    network = dynamics.network
    before = np.array(network.weights[:], float)
    asked = np.arange(len(x)) if rows is None else rows
    pairs = active_pairs(network.weights, x, network.threshold, asked)
    fires = firing(pairs)
    full = np.zeros((len(x), network.outputs))
    full[asked] = slope
    pull = fires * (full @ network.output_weights.T)
    moved = dynamics.descend(slope, rate)
    expected = before - rate * network.scale * pull.T @ network.trained_part(x)
    spacing = float(np.finfo(network.weights.dtype).eps)
    assert np.abs(network.weights[:] - expected).max() <= 64 * spacing * (1 + np.abs(expected).max())
    assert moved == np.count_nonzero((pull != 0).any(axis=0))
