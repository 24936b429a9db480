"""Search and train with every array at a fence: prints "alive" where nothing touched one and everything was found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.support import fences

fences.install(before=sys.argv[1] == "start")  # before the kernels are loaded

import numpy as np  # noqa: E402

from circuits.strategies import STRATEGIES  # noqa: E402
from classical.dynamics.deep.dynamics import DeepDynamics  # noqa: E402
from classical.dynamics.rows.dynamics import RowDynamics  # noqa: E402
from classical.dynamics.sets import SetDynamics  # noqa: E402
from classical.training import Training, two_layer_dynamics  # noqa: E402
from hybrid_train.adversaries import make_adversary, make_ball  # noqa: E402
from hybrid_train.finder.bank import DenseBank  # noqa: E402
from hybrid_train.finder.registry import make_finder  # noqa: E402
from hybrid_train.network import TwoLayerNetwork  # noqa: E402
from hybrid_train.network.deep import convolutional, fully_connected, grid_patches, residual, seen  # noqa: E402
from hybrid_train.training.batches import FullBatch, MiniBatches  # noqa: E402
from hybrid_train.training.dynamics import Dynamics  # noqa: E402
from hybrid_train.training.losses import make_loss  # noqa: E402


def sizes(rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Yield (N, Q, d): every size up to 200 once on each side, every dimension up to 20 and some larger ones."""
    others = rng.permutation(np.arange(1, 201))
    for n, q in zip(range(1, 201), others, strict=True):
        yield n, int(q), int(rng.choice([*range(1, 21), 31, 33, 65]))


def search(kind: str, options: dict[str, Any], rng: np.random.Generator, every: int = 1) -> None:
    """Build, ask, move both banks and ask again; small integers, so that products are exact and ties are many."""
    for case, (n, q, d) in enumerate(sizes(rng)):
        if case % every:
            continue
        dtype = np.float32 if case // every % 2 else np.float64
        points, queries = (rng.integers(-2, 3, (size, d)).astype(dtype) for size in (n, q))
        finder = make_finder(kind, seed=case, **options)
        finder.build(points, queries, 1.0)
        check(finder, points, queries)
        for bank, move in ((points, finder.move_points), (queries, finder.move_queries)):
            rows = rng.permutation(len(bank))[: max(1, len(bank) // 3)]
            bank[rows] = rng.integers(-2, 3, (len(rows), d))
            move(rows, bank[rows])
            check(finder, points, queries)


def check(finder: Any, points: np.ndarray, queries: np.ndarray) -> None:
    query, point = np.nonzero(queries @ points.T > 1.0)
    found = finder.find()
    if finder.promise.exact:
        assert np.array_equal(np.sort(found.query_ids * len(points) + found.point_ids), query * len(points) + point)
    some = np.arange(0, len(queries), 3)
    finder.find(some)


def by_lists(network: TwoLayerNetwork, inputs: np.ndarray, **how: Any) -> Dynamics:
    return two_layer_dynamics(network, inputs, make_finder("skin"), **how)


def train(
    make: Callable[..., Dynamics],
    rng: np.random.Generator,
    *,
    reach: float | None = None,
    in_batches: bool = False,
    every: int = 25,
) -> None:
    """Train by some dynamics and by a scan, from one start: the same losses, but for rounding."""
    for case, (m, n, d) in enumerate(sizes(rng)):
        if case % every != 3:
            continue
        dtype = (np.float32, np.float64)[case // every % 2]
        weights, inputs = rng.standard_normal((m, d)).astype(dtype), rng.standard_normal((n, d)) / np.sqrt(d)
        signs, targets = rng.choice([-1.0, 1.0], (m, 2)), rng.standard_normal((n, 2))
        losses = []
        for ours in (True, False):
            network = TwoLayerNetwork(DenseBank(weights.copy()), signs, 0.3)
            dynamics = make(network, inputs) if ours else SetDynamics(network, inputs, make_finder("scan"))
            assert isinstance(dynamics, SetDynamics) != ours
            batches = MiniBatches(targets, max(1, n // 3), seed=1) if in_batches else FullBatch(targets)
            adversary = None
            if reach is not None:
                ball = make_ball("linf" if case % 2 else "l2", reach / np.sqrt(d), on_sphere=False)
                adversary = make_adversary("pgd", ball, steps=2, seed=1)
            options: dict[str, Any] = {"steps": 6, "learning_rate": 0.02 / n, "adversary": adversary}
            losses.append([step.loss for step in Training(dynamics, batches, make_loss("squared"), **options)])
        assert np.allclose(*losses, rtol=1e-4), (make, m, n, d)


def train_deep(rng: np.random.Generator) -> None:
    """Train deep networks, their products pair by pair and as matrix products: the same losses, but for rounding."""
    for n, side in ((1, 3), (9, 4), (66, 5)):
        inputs, targets = rng.standard_normal((n, side * side)), rng.standard_normal((n, 1))
        makers: list[Any] = [
            lambda side=side: fully_connected([24, 19, 33], side * side, seed=5, threshold="auto", share=0.3),
            lambda side=side: residual(21, 3, side * side, seed=5, threshold="auto", share=0.3),
            lambda side=side: convolutional([5, 6], grid_patches(side, side), last=19, seed=5),
        ]
        for make in makers:
            losses = []
            for seen._DENSE in (2.0, -1.0):
                dynamics = DeepDynamics(make(), inputs, lambda layer: make_finder("scan", seed=layer))
                options: dict[str, Any] = {"steps": 3, "learning_rate": 0.01 / n}
                losses.append(
                    [step.loss for step in Training(dynamics, FullBatch(targets), make_loss("squared"), **options)]
                )
            assert np.allclose(*losses, rtol=1e-9)


def boxes(rng: np.random.Generator) -> None:
    """Ask for the farthest points of boxes on the sphere, in every dimension up to 60."""
    for d in range(2, 61):
        ball = make_ball("linf", 0.7 / np.sqrt(d))
        centres, pull = (rng.standard_normal((5, d)) for _ in range(2))
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        found = ball.worst(pull, centres)
        assert np.allclose(np.linalg.norm(found, axis=1), 1)


def strategies(rng: np.random.Generator) -> None:
    for strategy in STRATEGIES:
        search("grover", {"engine": "closed_form", "strategy": strategy}, rng, 100)


PARTS: dict[str, Callable[[np.random.Generator], object]] = {
    "scan": lambda rng: search("scan", {}, rng),
    "skin": lambda rng: search("skin", {}, rng, 4),
    "hsr": lambda rng: search("hsr", {"leaf_size": 5}, rng, 4),
    "correlation_tree": lambda rng: search("correlation_tree", {"fanout": 3}, rng, 4),
    "lsh": lambda rng: search("lsh", {"tables": 5, "bits": 3}, rng, 4),
    "grover": strategies,
    "gram": lambda rng: train(by_lists, rng),
    "batch": lambda rng: train(partial(by_lists, in_batches=True), rng, in_batches=True),
    "rows": lambda rng: train(RowDynamics, rng),
    "ball": lambda rng: train(partial(by_lists, reach=0.2), rng, reach=0.2),
    "boxes": boxes,
    "deep": train_deep,
}

if __name__ == "__main__":
    for name in sys.argv[2:]:
        PARTS[name](np.random.default_rng(0))
    print("alive")
