"""Searching for all marked items with Grover runs: what a strategy is, and the driver that steps many at once.

A strategy is a generator. It yields a :class:`Run`, is told whether the measured item, once verified, was a new hit,
and returns a :class:`Stop`. It never sees the oracle. The driver steps one search per query in lockstep, so that an
engine gets all pending runs as one batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from circuits.law import Phases
from circuits.marked import MarkedItems
from hybrid_train.active_sets import FloatArray, IntArray
from hybrid_train.cost import Cost, SimulationCost


class Run(NamedTuple):
    """One quantum run: Grover iterations from the uniform state, then a measurement.

    Attributes:
        iterations: how many.
        phases: of a generalised run; None for the plain algorithm.
    """

    iterations: int
    phases: Phases | None = None

    @property
    def bit_oracle_uses(self) -> int:
        """A sign flip takes one use (phase kick-back), any other phase two (compute, turn, uncompute)."""
        return self.iterations if self.phases is None else 2 * self.iterations


class Stop(NamedTuple):
    """Why a search ended.

    Attributes:
        reason: "certified", "all items seen" or "all marked items found".
        miss_probability: the most probable it can be that this ending left a marked item behind.
    """

    reason: str
    miss_probability: float


Search = Generator[Run, bool, Stop]
"""What a strategy makes: yields runs, is sent True for each new verified item and False otherwise, returns a Stop."""


@final
@dataclass(frozen=True, eq=False)
class Batch:
    """Runs to carry out together, one in each of several searches.

    Attributes:
        marked: the oracles of all searches.
        searches: (B,) distinct searches.
        runs: (B,) what to run in each.
        seeds: (B,) a fresh key for each run.
    """

    marked: MarkedItems
    searches: IntArray
    runs: Sequence[Run]
    seeds: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.runs)


class Engine(ABC):
    """Carries out Grover runs: the one thing here that stands in for a quantum computer.

    Attributes:
        simulation: what that took since the start.
    """

    def __init__(self) -> None:
        self.simulation = SimulationCost()

    def start_over(self) -> SimulationCost:
        """Forget earlier runs and count afresh; return the new counters."""
        self.simulation = SimulationCost()
        return self.simulation

    @abstractmethod
    def sample(self, batch: Batch) -> IntArray:
        """Carry out the runs of a batch and return the measured indices.

        The result depends on the batches since ``start_over`` and their seeds alone.

        Returns:
            (B,) integers. A noisy register wider than needed may yield an index past the last item.
        """

    def check_resources(self, n_items: int) -> None:
        """Raise ResourceError if searches over this many items cannot be carried out here."""

    def searches_at_once(self, n_items: int) -> int:
        """Return how many searches over this many items to step together."""
        return max(1, min(8192, (1 << 24) // n_items))


class Verifier(ABC):
    """Decides classically whether measured items are active: the searcher's only sight of the data."""

    @abstractmethod
    def inner_products(self, searches: IntArray, items: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the inner product of each (search, item) pair and whether it is active."""


@final
@dataclass
class Found:
    """What one search found.

    Attributes:
        inner_products: item -> its verified inner product, in the order found.
        stop: why it ended.
    """

    inner_products: dict[int, float]
    stop: Stop


def run_searches(
    searches: Sequence[Search],
    generators: Sequence[np.random.Generator],
    *,
    marked: MarkedItems,
    engine: Engine,
    verifier: Verifier,
    cost: Cost,
) -> list[Found]:
    """Step all searches in lockstep until each has stopped.

    Args:
        searches: (S,) started strategies.
        generators: (S,) each search's own, from which its runs' seeds are drawn.
        marked: the oracles of the S searches; found items are unmarked.
        engine: carries the runs out.
        verifier: checks every measured index.
        cost: charged for the runs, measurements and verifications.

    Returns:
        (S,) what each found.
    """
    items: list[dict[int, float]] = [{} for _ in searches]
    runs: dict[int, Run] = {}
    stops: dict[int, Stop] = {}
    for at, search in enumerate(searches):
        _advance(search, at, None, runs, stops)
    while runs:
        pending = np.fromiter(runs, np.int64, len(runs))
        raw = (generators[at].bit_generator.random_raw() for at in runs)
        seeds = np.fromiter(raw, np.uint64, len(runs))
        measured = engine.sample(Batch(marked, pending, list(runs.values()), seeds))
        _charge(cost, runs.values())
        values, active = _verify(verifier, pending, measured, marked.n_items, cost)
        runs, hits = {}, []
        outcomes = zip(pending.tolist(), measured.tolist(), active.tolist(), values.tolist(), strict=True)
        for at, item, is_active, value in outcomes:
            hit = is_active and item not in items[at]
            if hit:
                items[at][item] = value
            hits.append(hit)
            _advance(searches[at], at, hit, runs, stops)
        marked.unmark(pending[hits], measured[hits])
    return [Found(items[at], stops[at]) for at in range(len(searches))]


def _advance(search: Search, at: int, outcome: bool | None, runs: dict[int, Run], stops: dict[int, Stop]) -> None:
    """Tell a strategy the outcome of its last run (None before the first) and note what it wants next."""
    try:
        runs[at] = search.send(outcome)  # type: ignore[arg-type]
    except StopIteration as stop:
        stops[at] = stop.value


def _charge(cost: Cost, runs: Collection[Run]) -> None:
    cost.oracle_calls += sum(run.iterations for run in runs)
    cost.bit_oracle_uses += sum(run.bit_oracle_uses for run in runs)
    cost.measurements += len(runs)


def _verify(
    verifier: Verifier, searches: IntArray, measured: IntArray, n_items: int, cost: Cost
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the inner products of the measured pairs and which are active; each check of a real item is charged."""
    values, active = np.zeros(len(measured)), np.zeros(len(measured), np.bool_)
    inside = measured < n_items
    values[inside], active[inside] = verifier.inner_products(searches[inside], measured[inside])
    cost.verifications += int(inside.sum())
    cost.inner_products += int(inside.sum())
    return values, active
