"""Searching for all marked items with Grover runs: the driver that steps many searches at once.

A strategy asks for a run, is told what the measured item turned out to be once verified, and asks for the next or
stops. It never sees the oracle. The driver steps one search per query in lockstep, so that an engine gets all pending
runs as one batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from circuits.engines.engine import Batch, Engine, Run
from circuits.engines.marked import MarkedItems
from circuits.law import exact_phases, fixed_point_phases
from circuits.strategies.decisions import next_runs
from circuits.strategies.state import (
    ALL_SEEN,
    BEGIN,
    CERTIFIED,
    FALSE_ALARM,
    HIT,
    MATCHED,
    MISS,
    MONITORED,
    PLAIN,
    REASONS,
    REFUTED,
    REPEAT,
    SPURIOUS,
    STOP,
    unmarking,
)
from circuits.strategies.strategy import Searches
from hybrid_train.errors import ResourceError
from hybrid_train.finder.cost import Cost
from hybrid_train.support import interruption
from hybrid_train.support.arrays import FloatArray, IntArray


class Stop(NamedTuple):
    """Why a search ended.

    Attributes:
        reason: "certified", "all items seen" or "all marked items found"; "nothing more measured" if the machine may
            fault, which certifies nothing.
        miss_probability: the most probable it can be that this ending left a marked item behind; 1 if unbounded.
    """

    reason: str
    miss_probability: float


UNPROVEN = Stop("nothing more measured", 1.0)
"""How a search ends where a machine that may fault asserts that nothing is left."""


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
        inner_products: item -> its verified inner product: known ones, then the others in the order found.
        stop: why it ended.
        newcomers: how many of them were not known before.
        schedule: its runs, if they were kept.
    """

    inner_products: dict[int, float]
    stop: Stop
    newcomers: int
    schedule: Sequence[Step] = ()


class Step(NamedTuple):
    """A run of a schedule.

    Attributes:
        iterations: of the run.
        miss: with what a certificate may find nothing though something is left; 0 for other runs.
        phase: of a run with one phase throughout that finds something with certainty if one more item is left than such
            runs have ruled out since the last find; 0 for other runs.
        hit: whether it measured an item that is unmarked since.
        stages: of a monitored run, as it was asked for: a find ends it before.
    """

    iterations: int
    miss: float
    phase: float
    hit: bool = False
    stages: tuple[tuple[int, float], ...] = ()


def run_searches(
    searches: Searches,
    *,
    marked: MarkedItems,
    engine: Engine,
    verifier: Verifier,
    cost: Cost,
    known: Sequence[dict[int, float]] | None = None,
    keep: bool = False,
) -> list[Found]:
    """Step all searches in lockstep until each has stopped.

    A measured item that the oracle marks but verification rejects (an arithmetic oracle rounds so that it may mark a
    few too many) is unmarked like a found one, and a certificate that measured it certifies nothing.

    Args:
        searches: (S,) as a strategy starts them; they are at their end afterwards.
        marked: the oracles of the S searches; what was found is unmarked.
        engine: carries the runs out.
        verifier: checks every measured index.
        cost: charged for the runs, measurements and verifications.
        known: (S,) items with their inner products that each search has already, verified and unmarked.
        keep: whether the runs of each search are kept.

    Returns:
        (S,) what each found.

    Raises:
        ResourceError: the machine misses so often that it cannot be following the law of its circuits.
    """
    items: list[dict[int, float]] = [dict(one) for one in known] if known else [{} for _ in searches]
    schedules: list[list[Step]] = [[] for _ in searches]
    aside: dict[int, list[int]] = {}
    pending = np.arange(len(searches))
    outcomes = np.full(len(searches), BEGIN)
    while True:
        runs, seeds, going = _next_runs(searches, pending, outcomes)
        pending = pending[going]
        if not len(pending):
            stops = _stops(searches, items, engine)
            old = [len(one) for one in known] if known else [0] * len(items)
            ends = zip(items, stops, old, schedules, strict=True)
            return [Found(one, stop, len(one) - n, schedule) for one, stop, n, schedule in ends]
        interruption.check()
        if keep:
            for at, one in zip(pending.tolist(), runs, strict=True):
                search = searches[at]
                miss, phase = search["certifying"] * search["miss"], search["clears"] * search["parameter"]
                schedules[at].append(Step(one.iterations, miss, phase, stages=one.stages))
        _unmark_aside(searches, aside, marked)
        at_once = unmarking(searches, pending)
        batch = Batch(marked, pending, runs, seeds[going])
        measured, taken = _carried_out(engine, batch)
        searches["taken"][pending] = taken
        if keep:
            for at, iterations in zip(pending.tolist(), taken.tolist(), strict=True):
                schedules[at][-1] = schedules[at][-1]._replace(iterations=iterations)
        _charge(cost, runs, taken)
        values, active = _verify(verifier, pending, measured, marked.n_items, cost)
        is_marked = marked.are_marked(pending, measured)
        outcomes = np.where(is_marked & ~active, SPURIOUS, MISS)
        for job in np.flatnonzero(active).tolist():
            at, item = int(pending[job]), int(measured[job])
            if item not in items[at]:
                items[at][item] = float(values[job])
                outcomes[job] = HIT
                if not at_once[job]:
                    aside.setdefault(at, []).append(item)
            elif is_marked[job]:
                outcomes[job] = REPEAT
        gone = (outcomes == SPURIOUS) | ((outcomes == HIT) & at_once)
        if keep:
            for at in pending[gone].tolist():
                schedules[at][-1] = schedules[at][-1]._replace(hit=True)
        marked.unmark(pending[gone], measured[gone])


def _stops(searches: Searches, items: Sequence[Collection[int]], engine: Engine) -> list[Stop]:
    """Return why each search ended, and no more than the engine's machine can prove.

    Raises:
        ResourceError: a machine is refuted.
    """
    refuted = np.flatnonzero(searches["reason"] == REFUTED)
    if len(refuted):
        raise ResourceError(_refutation(searches[refuted[0]]))
    reasons, chances = searches["reason"], searches["miss"].tolist()
    stops = [Stop(REASONS[reason], miss) for reason, miss in zip(reasons.tolist(), chances, strict=True)]
    if not engine.may_fault:
        return stops
    measured_in_vain = (searches["items"] == 1) & (reasons == ALL_SEEN) & [not one for one in items]
    unproven = ((reasons == CERTIFIED) | measured_in_vain).tolist()
    return [UNPROVEN if vain else stop for stop, vain in zip(stops, unproven, strict=True)]


def _refutation(search: Any) -> str:
    told, left = search["told"], search["told"] - search["found"]
    return (
        f"sampler, backend or noise: the machine measured none of the {left} items left of {told} marked; one that is "
        f"a tenth as good as the law of its circuits does so with probability {FALSE_ALARM:g} at most. It repeats its "
        "shots (give it a new seed for each call: StatevectorSampler(seed=numpy.random.default_rng(1)), or no seed for "
        "Aer's SamplerV2), or errs too much for a strategy that stops only when all is found (take 'adaptive')"
    )


def _next_runs(
    searches: Searches, pending: IntArray, outcomes: IntArray
) -> tuple[list[Run], npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """Return what the pending searches ask for: runs of those that go on, seeds of all, and which go on."""
    kinds, iterations = np.empty(len(pending), np.int64), np.empty(len(pending), np.int64)
    parameters = np.empty(len(pending))
    seeds = next_runs(searches, pending, outcomes, kinds, iterations, parameters)
    going = kinds != STOP
    asked = zip(*(one[going].tolist() for one in (pending, kinds, iterations, parameters)), strict=True)
    runs = [_monitored(searches[at]) if kind == MONITORED else _run(kind, *rest) for at, kind, *rest in asked]
    return runs, seeds, going


def _monitored(search: Any) -> Run:
    """Return the monitored run that a search holds."""
    stages = zip(search["lengths"].tolist(), search["dampings"].tolist(), strict=True)
    return Run(int(search["iterations"]), stages=tuple(stage for stage in stages if stage[0]))


def _carried_out(engine: Engine, batch: Batch) -> tuple[IntArray, IntArray]:
    """Return what was measured and how many iterations each run took: monitored ones may end early."""
    taken = np.array([run.iterations for run in batch.runs], np.int64)
    is_monitored = np.array([bool(run.stages) for run in batch.runs])
    if not is_monitored.any():
        return engine.sample(batch), taken
    measured = np.empty(len(batch), np.int64)
    for which, monitored in ((~is_monitored, False), (is_monitored, True)):
        if which.any():
            runs = [run for run, own in zip(batch.runs, which.tolist(), strict=True) if own]
            part = Batch(batch.marked, batch.searches[which], runs, batch.seeds[which])
            if monitored:
                measured[which], taken[which] = engine.sample_monitored(part)
            else:
                measured[which] = engine.sample(part)
    return measured, taken


@lru_cache(maxsize=1 << 14)
def _run(kind: int, iterations: int, parameter: float) -> Run:
    """Return the run of a request."""
    if kind == PLAIN:
        return Run(iterations)
    phases = exact_phases if kind == MATCHED else fixed_point_phases
    return Run(iterations, phases(iterations, parameter))


def _unmark_aside(searches: Searches, aside: dict[int, list[int]], marked: MarkedItems) -> None:
    """Unmark what strategies that do not unmark at once have found, where they ask for it now."""
    waiting = np.array(list(aside), np.int64)
    for at in waiting[unmarking(searches, waiting)].tolist():
        found = np.array(aside.pop(at))
        marked.unmark(np.full(len(found), at), found)


def _charge(cost: Cost, runs: Collection[Run], taken: IntArray) -> None:
    cost.oracle_calls += int(taken.sum())
    cost.bit_oracle_uses += sum(run.bit_oracle_uses for run in runs if not run.stages)
    cost.measurements += len(runs)
    for run, iterations in zip(runs, taken.tolist(), strict=True):
        if run.stages:
            cost.bit_oracle_uses += iterations
            cost.mid_measurements += run.measured_within(iterations)


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
