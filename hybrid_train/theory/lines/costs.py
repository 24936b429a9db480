"""How the counted cost of a step grows with the width, finder by finder (PRE Theorems 6.1, 6.2, Corollary G.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from classical.training.loop import gradient_descent
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.support.rng import Role, seed_key
from hybrid_train.theory.lines.line import Line
from hybrid_train.training.losses import Loss

SECTION = "cost of a step"
WIDTHS = tuple(1 << exponent for exponent in range(8, 14))
MOST_DATA = 16
STEPS = 2

_BOX_TREE = "the theorem's structure is Agarwal, Eppstein and Matousek's; the box tree here gives no such guarantee"


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


SEARCHERS = (
    Searcher("scan", "neurons", {}, ""),
    Searcher("skin", "neurons", {}, ""),
    Searcher("hsr", "neurons", {}, "PRE Theorem 6.1"),
    Searcher("hsr", "data", {}, "PRE Theorem 6.2"),
    Searcher("grover", "neurons", {"engine": "closed_form"}, "PRE Corollary G.1"),
    Searcher("grover", "data", {"engine": "closed_form"}, "PRE Corollary G.1"),
)


@final
@dataclass(frozen=True)
class CostGrowth:
    """Counted cost of one searcher at several widths.

    Attributes:
        searcher: who.
        dimension: d.
        widths: m.
        operations: mean charged operations of a step after the first: inner products, nodes, oracle calls.
        law: fitted to them.
    """

    searcher: Searcher
    dimension: int
    widths: tuple[int, ...]
    operations: tuple[float, ...]
    law: PowerLaw

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        return {
            "finder": self.searcher.kind,
            "index": self.searcher.index,
            "widths": list(self.widths),
            "operations": list(self.operations),
            "exponent": self.law.exponent,
            "exponent_sem": self.law.exponent_sem,
        }


def _anew(key: str, work: Callable[[], Any]) -> Any:
    return work()


def cost_growths(
    inputs: FloatArray,
    targets: FloatArray,
    loss: Loss,
    seed: int,
    rate: float,
    widths: Sequence[int] = WIDTHS,
    *,
    piece: Callable[[str, Callable[[], Any]], Any] = _anew,
) -> Iterator[CostGrowth]:
    """Train at several widths with each searcher and yield its counts, at most 16 of the data taken.

    The threshold is the papers' sqrt(0.4 ln m), whatever a config says: the exponents are about that one.

    Args:
        inputs: (n, d).
        targets: (n, K) as the loss reads them.
        loss: summed over the data.
        seed: of weights and finders.
        rate: eta.
        widths: m, three at least.
        piece: gives the counts of one training: those that are known by the name, or what the work comes to.
    """
    few, wanted = inputs[:MOST_DATA], targets[:MOST_DATA]

    def spent(searcher: Searcher, width: int) -> float:
        network = TwoLayerNetwork.initialize(width, few.shape[1], outputs=wanted.shape[1], seed=seed)
        finder = make_finder(searcher.kind, **searcher.options)
        queries = len(few) if searcher.index == "neurons" else width
        finder.plan(seed=seed_key(seed, Role.FINDER), total_queries=queries * (STEPS + 1))
        training = gradient_descent(
            network, few, wanted, loss, finder, index=searcher.index, steps=STEPS, learning_rate=rate
        )
        _, *records = training
        return sum(r.cost.inner_products + r.cost.nodes_visited + r.cost.oracle_calls for r in records) / STEPS

    for searcher in SEARCHERS:
        operations = [
            float(piece(f"cost of {searcher.index}-{searcher.kind} at m={width}", partial(spent, searcher, width)))
            for width in widths
        ]
        law = PowerLaw.fit(list(widths), operations)
        yield CostGrowth(searcher, few.shape[1], tuple(widths), tuple(operations), law)


def fired_exponent(widths: Sequence[int]) -> float:
    """Return the exponent of k = m Q(sqrt(0.4 ln m)) fitted over the widths; the papers' m^{4/5} bounds it."""
    return PowerLaw.fit(list(widths), [expected_fired(width) for width in widths]).exponent


def predicted_exponent(searcher: Searcher, dimension: int) -> float | None:
    """Return the theorem's exponent of m, logarithms left out; None where there is no theorem.

    Theorem 6.1: max(1 - 1/floor(d/2), 4/5), from its query time O(m^{1 - 1/floor(d/2)} + k) with k = m^{4/5}
    (Corollary 3.6, Part 1); Theorem 6.2: 4/5; Corollary G.1: 9/10 from sqrt(m k).
    """
    match searcher.source:
        case "PRE Theorem 6.1":
            return max(1.0 - 1.0 / max(1, dimension // 2), 0.8)
        case "PRE Theorem 6.2":
            return 0.8
        case "PRE Corollary G.1":
            return 0.9
    return None


def cost_line(growth: CostGrowth) -> Line:
    """The fitted exponent against the theorem's."""
    searcher, law = growth.searcher, growth.law
    predicted = predicted_exponent(searcher, growth.dimension)
    true_k = fired_exponent(growth.widths)
    note = f"fitted over m = {growth.widths[0]}..{growth.widths[-1]}, b = sqrt(0.4 ln m)"
    if searcher.kind == "grover":
        note += f"; sqrt(m k) with the true k = m Q(b) has exponent {(1.0 + true_k) / 2.0:.2f}"
    elif predicted is not None:
        note += f"; the true k = m Q(b) has exponent {true_k:.2f}"
    return Line(
        SECTION,
        f"exponent in m: {searcher.kind}, index {searcher.index}",
        _FORMULAS.get(searcher.source, ""),
        searcher.source or "no theorem",
        "<=" if predicted is not None else "",
        predicted,
        law.exponent,
        None if predicted is None else law.exponent <= predicted + 2.0 * law.exponent_sem,
        _missing(searcher),
        note,
        law.exponent_sem,
    )


def _missing(searcher: Searcher) -> tuple[str, ...]:
    if not searcher.source:
        return ("no theorem; for comparison",)
    return (_BOX_TREE,) if searcher.kind == "hsr" else ()


_FORMULAS = {
    "PRE Theorem 6.1": "max(1 - 1/floor(d/2), 4/5)",
    "PRE Theorem 6.2": "4/5",
    "PRE Corollary G.1": "9/10",
}
