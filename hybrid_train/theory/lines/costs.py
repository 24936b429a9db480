"""How the counted cost of a step grows with the width and with the data, finder by finder.

PRE Theorems 6.1, 6.2 and Corollary G.1. A step costs what PRE Lemma 4.1 adds up: asking who fires, following the
neurons that moved, and the gradient on the pairs that fire; building the structure is once for all and shown apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, final

import numpy as np

from classical.training.loop import StepRecord, Training, gradient_descent
from hybrid_train.data import sphere
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.registry import finder_class, make_finder
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.support.rng import Role, seed_key
from hybrid_train.theory.lines.line import Line
from hybrid_train.training.losses import Loss, SquaredLoss

SECTION = "cost of a step"

WIDTHS = tuple(1 << exponent for exponent in range(10, 15))
"""The default ones."""

DATA = (64, 128, 256, 512)
"""Data at which the growth with n is counted, each more than a leaf of the tree holds."""

STEPS = 3
_FEW, _MANY = 16, 256
_DATA_WIDTH = 1 << 11
_HALVINGS = 20

_BOX_TREE = "the theorem's structure is Agarwal, Eppstein and Matousek's; the box tree here gives no such guarantee"
_MOVING_LAYERS = {
    2: "a moved neuron costs convex layers O(log^3 m) by the logarithmic method, and such powers are no exponent yet",
    3: "a moved neuron costs convex layers in space about m^{1/2}, the theorem's structure O(log^2 m)",
}

Variable = Literal["m", "n"]


@final
@dataclass(frozen=True)
class Searcher:
    """A finder with an index, and what the papers say of the pair.

    Attributes:
        kind: of the finder.
        index: what it searches.
        options: of the finder.
        source: the theorem; empty for none.
    """

    kind: str
    index: Index
    options: dict[str, Any]
    source: str

    @property
    def data(self) -> int:
        """How many data its growth with the width is counted on: in a tree over the data, more than a leaf holds."""
        return _MANY if self.index == "data" and self.kind in ("hsr", "onion") else _FEW

    def serves(self, dimension: int) -> bool:
        """Whether it takes vectors of so many dimensions."""
        most = finder_class(self.kind).most_dimensions
        return most is None or dimension <= most


SEARCHERS = (
    Searcher("scan", "neurons", {}, ""),
    Searcher("skin", "neurons", {}, ""),
    Searcher("hsr", "neurons", {}, "PRE Theorem 6.1"),
    Searcher("hsr", "data", {}, "PRE Theorem 6.2"),
    Searcher("onion", "neurons", {}, "PRE Theorem 6.1"),
    Searcher("onion", "data", {}, "PRE Theorem 6.2"),
    Searcher("grover", "neurons", {"engine": "closed_form"}, "PRE Corollary G.1"),
    Searcher("grover", "data", {"engine": "closed_form"}, "PRE Corollary G.1"),
)


@final
@dataclass(frozen=True)
class StepCost:
    """What a step after the first was charged on average, in d-dimensional operations.

    Attributes:
        queries: inner products, nodes and oracle calls of asking who fires.
        updates: nodes and points of the structure touched to follow what moved.
        gradient: pairs that fire, whose gradient is added up.
        building: charged once, before the first answer.
        rate: eta that was trained with.
    """

    queries: float
    updates: float
    gradient: float
    building: float
    rate: float

    @property
    def total(self) -> float:
        """All of a step (PRE Lemma 4.1)."""
        return self.queries + self.updates + self.gradient


@final
@dataclass(frozen=True)
class CostGrowth:
    """Counted cost of one searcher at several widths, or on several numbers of data.

    Attributes:
        searcher: who.
        dimension: d.
        sizes: m, or n.
        costs: at each of them.
        law: fitted to the totals.
        variable: what grows, "m" or "n".
        fixed: the other one.
        threshold: of the networks, in words.
    """

    searcher: Searcher
    dimension: int
    sizes: tuple[int, ...]
    costs: tuple[StepCost, ...]
    law: PowerLaw
    variable: Variable = "m"
    fixed: int = _FEW
    threshold: str = "b = sqrt(0.4 ln m)"

    @property
    def operations(self) -> tuple[float, ...]:
        """The whole cost of a step at each size."""
        return tuple(cost.total for cost in self.costs)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        parts = ("queries", "updates", "gradient", "building", "rate")
        sizes = {"widths": list(self.sizes), "n": self.fixed}
        return {
            "finder": self.searcher.kind,
            "index": self.searcher.index,
            "in": self.variable,
            **(sizes if self.variable == "m" else {"data": list(self.sizes), "m": self.fixed}),
            "operations": list(self.operations),
            **{part: [getattr(cost, part) for cost in self.costs] for part in parts},
            "exponent": self.law.exponent,
            "exponent_sem": self.law.exponent_sem,
            "exponents": {part: self.exponent_of(part) for part in parts[:-1]},
        }

    def exponent_of(self, part: str) -> float:
        """Return the exponent fitted to one part of the cost; 0 where it is never charged."""
        return PowerLaw.fit(list(self.sizes), [getattr(cost, part) for cost in self.costs]).exponent


def _anew(key: str, work: Callable[[], Any]) -> Any:
    return work()


class Trained(ABC):
    """On what costs are counted: networks of any width, trained a few steps on any number of data."""

    threshold = "b = sqrt(0.4 ln m)"
    """Of the networks, in words."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Of the vectors that a finder is given."""

    @abstractmethod
    def training(self, searcher: Searcher, width: int, n: int, rate: float | None) -> Training:
        """Return a training of so many steps, not begun.

        Args:
            searcher: who asks.
            width: m.
            n: data.
            rate: eta; None for the stable one, or 1 where there is none.
        """

    def spent(self, searcher: Searcher, width: int, n: int) -> StepCost:
        """Train a few steps at the stable rate of that width and return what a step was charged.

        The rate is halved until the loss falls: costs of a run that diverges are not those of training.
        """
        rate: float | None = None
        for _ in range(_HALVINGS):
            training = self.training(searcher, width, n, rate)
            first, *later = training
            taken = float(training.learning_rate)
            if later[-1].loss <= first.loss:
                break
            rate = taken / 2.0
        return _step_cost(first, later, taken)


def searching(searcher: Searcher, width: int, n: int, seed: int) -> ActiveSetFinder:
    """Return the finder of a searcher, told how much it will be asked."""
    finder = make_finder(searcher.kind, **searcher.options)
    queries = n if searcher.index == "neurons" else width
    finder.plan(seed=seed_key(seed, Role.FINDER), total_queries=queries * (STEPS + 1))
    return finder


@final
@dataclass(frozen=True, eq=False)
class Growing(Trained):
    """Two layers of ReLUs under gradient descent.

    Attributes:
        inputs: (n, d) the data; where there are too few, points drawn evenly from the sphere join them.
        targets: (n, K) as the loss reads them.
        loss: summed over the data.
        seed: of weights, finders and further points.
    """

    inputs: FloatArray
    targets: FloatArray
    loss: Loss
    seed: int

    @property
    def dimension(self) -> int:
        return int(self.inputs.shape[1])

    def training(self, searcher: Searcher, width: int, n: int, rate: float | None) -> Training:
        inputs, targets, loss = self._taken(n)
        network = TwoLayerNetwork.initialize(width, self.dimension, outputs=targets.shape[1], seed=self.seed)
        finder = searching(searcher, width, n, self.seed)
        eta = first_rate(loss) if rate is None else rate
        return gradient_descent(
            network, inputs, targets, loss, finder, index=searcher.index, steps=STEPS, learning_rate=eta
        )

    def _taken(self, n: int) -> tuple[FloatArray, FloatArray, Loss]:
        """Return n data, their targets and the loss; squared and of one output where points had to be added."""
        if n <= len(self.inputs):
            return self.inputs[:n], self.targets[:n], self.loss
        more = sphere(n - len(self.inputs), self.inputs.shape[1], self.seed)
        rows = np.concatenate([self.inputs, more.inputs])
        return rows, np.where(np.arange(n) % 2, 1.0, -1.0)[:, None], SquaredLoss()


def first_rate(loss: Loss) -> float | Literal["auto"]:
    """Return the stable rate of a loss, or 1 where none follows from the kernel."""
    return "auto" if loss.curvature is not None else 1.0


def _step_cost(first: StepRecord, later: Sequence[StepRecord], rate: float) -> StepCost:
    def asked(cost: Cost) -> int:
        return cost.inner_products + cost.nodes_visited + cost.oracle_calls

    steps = len(later)
    return StepCost(
        queries=sum(asked(record.cost) for record in later) / steps,
        updates=sum(record.cost.structure_updates for record in later) / steps,
        gradient=sum(record.active_pairs for record in later) / steps,
        building=float(first.cost.structure_updates),
        rate=rate,
    )


def cost_growths(
    growing: Trained,
    widths: Sequence[int] = WIDTHS,
    data: Sequence[int] = DATA,
    *,
    searchers: Sequence[Searcher] = SEARCHERS,
    n: int | None = None,
    piece: Callable[[str, Callable[[], Any]], Any] = _anew,
) -> Iterator[CostGrowth]:
    """Train at several widths with each searcher, and on several numbers of data with the tree over them.

    The threshold is the papers' sqrt(0.4 ln m), whatever a config says: the exponents are about that one.

    Args:
        growing: on what.
        widths: m, three at least.
        data: n for the growth with the data, at m = 2048; fewer than three for none.
        n: data at every width; by default as many as each searcher wants.
        searchers: who; those that do not serve the data's dimension are left out.
        piece: gives the counts of one training: those that are known by the name, or what the work comes to.
    """

    def counted(searcher: Searcher, width: int, n: int) -> StepCost:
        def work() -> dict[str, float]:
            return vars(growing.spent(searcher, width, n))

        return StepCost(**piece(f"cost of {searcher.index}-{searcher.kind} at m={width}, n={n}", partial(work)))

    dimension = growing.dimension
    for searcher in (one for one in searchers if one.serves(dimension)):
        taken = searcher.data if n is None else n
        costs = tuple(counted(searcher, width, taken) for width in widths)
        law = PowerLaw.fit(list(widths), [cost.total for cost in costs])
        yield CostGrowth(searcher, dimension, tuple(widths), costs, law, "m", taken, growing.threshold)
        if taken == _MANY and len(data) > 2:
            costs = tuple(counted(searcher, _DATA_WIDTH, count) for count in data)
            law = PowerLaw.fit(list(data), [cost.total for cost in costs])
            yield CostGrowth(searcher, dimension, tuple(data), costs, law, "n", _DATA_WIDTH)


def fired_exponent(widths: Sequence[int]) -> float:
    """Return the exponent of k = m Q(sqrt(0.4 ln m)) fitted over the widths; the papers' m^{4/5} bounds it."""
    return PowerLaw.fit(list(widths), [expected_fired(width) for width in widths]).exponent


def predicted_exponent(searcher: Searcher, dimension: int, variable: Variable = "m") -> float | None:
    """Return the theorem's exponent of m or n, logarithms left out; None where there is no theorem.

    Theorem 6.1: max(1 - 1/floor(d/2), 4/5), from its query time O(m^{1 - 1/floor(d/2)} + k) with k = m^{4/5}
    (Corollary 3.6, Part 1); Theorem 6.2: 4/5; Corollary G.1: 9/10 from sqrt(m k). All are linear in n. ADV Lemma 6.3
    hides its power of m as 1 - Theta(1/d): with its Corollary 6.2 and Claim 5.16 it is max(1 - 1/floor(d/2), 7/8), d
    that of the points (w_r, b_r).
    """
    if variable == "n":
        return 1.0 if searcher.source else None
    match searcher.source:
        case "PRE Theorem 6.1":
            return max(1.0 - 1.0 / max(1, dimension // 2), 0.8)
        case "PRE Theorem 6.2":
            return 0.8
        case "PRE Corollary G.1":
            return 0.9
        case "ADV Lemma 6.3":
            return max(1.0 - 1.0 / max(1, dimension // 2), 0.875)
    return None


def cost_line(growth: CostGrowth) -> Line:
    """The fitted exponent against the theorem's."""
    searcher, law, variable = growth.searcher, growth.law, growth.variable
    predicted = predicted_exponent(searcher, growth.dimension, variable)
    other = "n" if variable == "m" else "m"
    note = f"fitted over {variable} = {growth.sizes[0]}..{growth.sizes[-1]} at {other} = {growth.fixed}"
    note += f", {growth.threshold}; {_parts(growth)}"
    if variable == "m" and predicted is not None:
        true_k = fired_exponent(growth.sizes)
        if searcher.kind == "grover":
            note += f"; sqrt(m k) with the true k = m Q(b) has exponent {(1.0 + true_k) / 2.0:.2f}"
        else:
            note += f"; the true k = m Q(b) has exponent {true_k:.2f}"
    return Line(
        SECTION,
        f"exponent in {variable}: {searcher.kind}, index {searcher.index}",
        "1" if variable == "n" and predicted is not None else _FORMULAS.get(searcher.source, ""),
        searcher.source or "no theorem",
        "<=" if predicted is not None else "",
        predicted,
        law.exponent,
        None if predicted is None else law.exponent <= predicted + 2.0 * law.exponent_sem,
        _missing(searcher, growth.dimension),
        note,
        law.exponent_sem,
    )


def _parts(growth: CostGrowth) -> str:
    """Return the exponents of the parts that are charged at all, and their sizes at the largest."""
    last = growth.costs[-1]
    parts = [
        f"{part} {growth.variable}^{growth.exponent_of(part):.2f} ({getattr(last, part):,.0f})"
        for part in ("queries", "updates", "gradient", "building")
        if getattr(last, part) > 0
    ]
    return f"by exponent (and at {growth.variable} = {growth.sizes[-1]}): {', '.join(parts)}"


def _missing(searcher: Searcher, dimension: int) -> tuple[str, ...]:
    if not searcher.source:
        return ("no theorem; for comparison",)
    if searcher.kind == "onion" and searcher.index == "neurons":
        return (_MOVING_LAYERS[max(2, dimension)],)
    return (_BOX_TREE,) if searcher.kind == "hsr" else ()


_FORMULAS = {
    "PRE Theorem 6.1": "max(1 - 1/floor(d/2), 4/5)",
    "PRE Theorem 6.2": "4/5",
    "PRE Corollary G.1": "9/10",
    "ADV Lemma 6.3": "max(1 - 1/floor(d/2), 7/8), d of (w, b)",
}
