"""Histories of a training: whatever its dynamics keep, they say and do what the vectors themselves ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from classical.dynamics.ball.dynamics import BallDynamics
from classical.dynamics.batch.dynamics import BatchDynamics
from classical.dynamics.deep.dynamics import DeepDynamics
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.products.dynamics import ProductDynamics
from classical.dynamics.rows.dynamics import RowDynamics
from classical.dynamics.sets import SetDynamics
from classical.training import two_layer_dynamics
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import FINDERS, finder_class, make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.deep import DeepNetwork, fully_connected, residual
from hybrid_train.training.dynamics import Dynamics
from tests.support.histories import OPTIONS, SEEDS, played
from tests.support.hostile_banks import all_products
from tests.support.whole_network import examples

Make = Callable[[TwoLayerNetwork, np.ndarray, np.random.Generator], Dynamics]

EXACT_FINDERS = [kind for kind in FINDERS if finder_class(kind)().promise.exact]
EXACT_ANYWHERE = [kind for kind in EXACT_FINDERS if finder_class(kind).most_dimensions is None]
"""Those that serve any dimension."""

KINDS = ("sphere", "gaussian", "grid", "duplicates", "zeros", "clusters", "scales")
REACH = 0.3


def _finder(kind: str, rng: np.random.Generator) -> Any:
    options = OPTIONS.get(kind, [{}])
    return make_finder(kind, seed=int(rng.integers(1 << 30)), **options[int(rng.integers(len(options)))])


def _by_sets(kind: str, index: Any, network: TwoLayerNetwork, x: np.ndarray, rng: np.random.Generator) -> Dynamics:
    return SetDynamics(network, x, _finder(kind, rng), index)


def _skin(rng: np.random.Generator) -> Any:
    return [None, 1e-3, 0.2, 5.0][int(rng.integers(4))]


TRAINERS: dict[str, Make] = {
    **{f"{kind}-{index}": partial(_by_sets, kind, index) for kind in EXACT_FINDERS for index in ("neurons", "data")},
    "auto": lambda network, x, rng: two_layer_dynamics(network, x, make_finder("auto")),
    "gram": lambda network, x, rng: GramDynamics(network, x, skin=_skin(rng), rest=bool(rng.integers(2))),
    "rows": lambda network, x, rng: RowDynamics(network, x, skin=_skin(rng)),
    "batch": lambda network, x, rng: BatchDynamics(network, x, _skin(rng)),
    "products": lambda network, x, rng: ProductDynamics(network, x),
    "ball": lambda network, x, rng: BallDynamics(network, x, REACH, skin=_skin(rng)),
}
"""How a two-layer network can be trained."""

DIMENSIONS = {
    f"{kind}-{index}": finder_class(kind).most_dimensions or 99
    for kind in EXACT_FINDERS
    for index in ("neurons", "data")
}
"""The most that a trainer serves."""

MOVABLE = {"ball", *(name for name in TRAINERS if "-" in name)}
"""Those whose examples an adversary may move."""


class TrainingHistory(RuleBasedStateMachine):
    """A two-layer network is evaluated on some examples, descends, and its examples move, in any order.

    Args:
        name: of :data:`TRAINERS`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.dynamics: Dynamics | None = None
        self.ready = False

    @initialize(
        seed=SEEDS,
        kind=st.sampled_from(KINDS),
        shape=st.tuples(st.integers(1, 60), st.integers(1, 24), st.integers(1, 18)),
        single=st.booleans(),
        outputs=st.sampled_from([1, 3]),
        activation=st.sampled_from(["relu", "relu", "jump"]),
    )
    def begin(self, seed: int, kind: str, shape: Any, single: bool, outputs: int, activation: Any) -> None:
        played["sequences"] += 1
        self.rng = rng = np.random.default_rng(seed)
        m, n, d = shape
        d = min(d, DIMENSIONS.get(self.name, d))
        whole = kind == "grid"
        drawn = rng.integers(-2, 3, (m, d)) if whole else rng.standard_normal((m, d))
        weights = np.asarray(drawn, np.float32 if single else np.float64)
        self.x = self.home = examples(rng, kind, n, d)
        products = all_products(weights, self.x)
        thresholds = [float(rng.choice(products.ravel())), 0.0, 0.3, 1.0, -0.5]
        self.threshold = thresholds[int(rng.integers(len(thresholds)))]
        signs = rng.choice([-1.0, 1.0], (m, outputs))
        self.network = TwoLayerNetwork(DenseBank(weights), signs, self.threshold, activation)
        self.way = np.zeros(weights.shape)
        self.dynamics = TRAINERS[self.name](self.network, self.x, rng)
        self.dynamics.start()

    @rule(some=st.booleans())
    def evaluate(self, some: bool) -> None:
        n = len(self.x)
        self.rows = np.sort(self.rng.permutation(n)[: self.rng.integers(1, n + 1)]) if some else None
        seen = self.dynamics.evaluate(self.rows)
        asked = np.arange(n) if self.rows is None else self.rows
        weights = self.network.weights[:]
        products = all_products(weights, self.x)
        fires = products > self.threshold
        audit = self.dynamics.audit()
        assert (audit.active, audit.found, audit.spurious) == (int(fires[asked].sum()), int(fires[asked].sum()), 0)
        assert np.array_equal(seen.fired, fires[asked].sum(axis=1))
        shift = self.threshold if self.network.activation == "relu" else 0.0
        outputs = self.network.scale * (fires * (products - shift)) @ self.network.output_weights
        size = np.abs(products).max() + abs(self.threshold)
        assert np.abs(seen.outputs - outputs[asked]).max() <= self._spacing() * 1e4 * len(weights) * (1 + size)
        self.fires, self.asked, self.seen, self.ready = fires, asked, seen, True

    @precondition(lambda self: self.ready)
    @rule(rate=st.sampled_from([0.0, 1e-9, 1e-3, 0.1, 1.0]))
    def descend(self, rate: float) -> None:
        before = np.array(self.network.weights[:], np.float64)
        slope = self.rng.standard_normal(self.seen.outputs.shape)
        slope[self.rng.random(len(slope)) < 0.2] = 0.0
        full = np.zeros((len(self.x), self.network.outputs))
        full[self.asked] = slope
        pull = self.fires * (full @ self.network.output_weights.T)
        change = rate * self.network.scale * pull.T @ self.x
        if not np.abs(before - change).max() < 1e6:
            return
        self.dynamics.descend(slope, rate)
        # dynamics that add pulls up, whoever fires, round what has come and gone by now
        pulls = np.abs(full) @ np.abs(self.network.output_weights).T
        self.way = self.way + rate * self.network.scale * pulls.T @ np.abs(self.x)
        room = 64 * len(self.x) * self._spacing() * (np.abs(before) + self.way)
        assert (np.abs(self.network.weights[:] - (before - change)) <= room + 1e-30).all()
        self.ready = False

    @precondition(lambda self: self.name in MOVABLE)
    @rule(far=st.sampled_from([0.0, 0.5, 1.0, 4.0]))
    def move_examples(self, far: float) -> None:
        n, d = self.x.shape
        rows = np.sort(self.rng.permutation(n)[: self.rng.integers(1, n + 1)])
        step = self.rng.standard_normal((len(rows), d))
        step *= far * REACH / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-300)
        self.x = self.x.copy()
        self.x[rows] = self.home[rows] + step
        self.dynamics.move_examples(rows, self.x[rows])
        self.ready = False

    def teardown(self) -> None:
        if self.dynamics is None:
            return
        self.evaluate(False)
        now = np.array(self.network.weights[:], np.float64)
        self.dynamics.finish()
        assert np.abs(self.network.weights[:] - now).max() <= 4 * self._spacing() * (1 + np.abs(now).max())

    def _spacing(self) -> float:
        return float(np.finfo(self.network.weights.dtype).eps)


class DeepHistory(RuleBasedStateMachine):
    """A deep network is evaluated on some examples, descends, and its examples move, in any order.

    Args:
        kind: of the finder of every layer.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.ready = kind, False
        self.dynamics: Dynamics | None = None

    @initialize(
        seed=SEEDS,
        shape=st.tuples(st.integers(1, 24), st.integers(1, 9), st.integers(1, 12)),
        outputs=st.sampled_from([1, 3]),
        skip=st.booleans(),
        own=st.booleans(),
    )
    def begin(self, seed: int, shape: Any, outputs: int, skip: bool, own: bool) -> None:
        played["sequences"] += 1
        self.rng = rng = np.random.default_rng(seed)
        m, n, d = shape
        options: dict[str, Any] = {"outputs": outputs, "seed": seed, "threshold": "auto", "share": 0.4}
        make = partial(residual, m, 3) if skip else partial(fully_connected, [m, m + 3, m])
        self.network: DeepNetwork = make(d, **options)
        self.x = rng.standard_normal((n, d))
        finder: Any = _finder(self.kind, rng)
        fast = finder.deep_dynamics(self.network, self.x) if own and hasattr(finder, "deep_dynamics") else None
        self.dynamics = fast or DeepDynamics(self.network, self.x, lambda _: _finder(self.kind, rng))
        self.dynamics.start()

    @rule(some=st.booleans())
    def evaluate(self, some: bool) -> None:
        n = len(self.x)
        rows = np.sort(self.rng.permutation(n)[: self.rng.integers(1, n + 1)]) if some else None
        seen = self.dynamics.evaluate(rows)
        asked = np.arange(n) if rows is None else rows
        truth = self.network.forward(self.x[asked])
        audit = self.dynamics.audit()
        assert audit.found == audit.active
        assert audit.spurious == 0
        size = 1 + sum(np.abs(one).max() for one in truth.hidden) * np.abs(self.network.output_weights).sum()
        assert np.abs(seen.outputs - truth.outputs).max() <= 1e-9 * size
        self.truth, self.ready = truth, True

    @precondition(lambda self: self.ready)
    @rule(rate=st.sampled_from([0.0, 1e-9, 1e-3, 0.05]))
    def descend(self, rate: float) -> None:
        slope = self.rng.standard_normal(self.truth.outputs.shape)
        before, gradient = self.network.weights(), self.truth.gradient(slope)
        self.dynamics.descend(slope, rate)
        self.ready = False
        self.dynamics.evaluate()  # those that move weights on the way of the next pass have done so now
        for was, way, now in zip(before, gradient, self._weights(), strict=True):
            room = 1e-9 * (1 + np.abs(was).max() + rate * np.abs(way).max())
            assert np.abs(now - (was - rate * way)).max() <= room

    @rule()
    def move_examples(self) -> None:
        rows = np.sort(self.rng.permutation(len(self.x))[: self.rng.integers(1, len(self.x) + 1)])
        self.x = self.x.copy()
        self.x[rows] += self.rng.standard_normal((len(rows), self.x.shape[1]))
        self.dynamics.move_examples(rows, self.x[rows])
        self.ready = False

    def teardown(self) -> None:
        if self.dynamics is not None:
            self.evaluate(False)
            self.dynamics.finish()

    def _weights(self) -> list[np.ndarray]:
        return self.network.weights()
