"""The finder that picks a finder: whichever is fastest on these banks, in this use, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt

from classical.auto.calibration import calibrate
from classical.auto.dynamics import RacedDynamics, Way
from classical.auto.race import Race
from classical.auto.ways import scanned, ways_to_train
from classical.dynamics.products.dynamics import ProductDynamics
from classical.skin import SkinFinder
from classical.sparse_columns import SparseColumnsFinder
from hybrid_train.errors import ResourceError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Motion, Watched
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import EXACT, ActiveSetFinder, Promise
from hybrid_train.finder.proof import Proof
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.following import FollowingFinder
from hybrid_train.training.optimisers import Optimiser

_KINDS = ("scan", "hsr", "skin")

_WORTHWHILE = 1 << 25
"""(Query, point) pairs of a run from which on calibrating pays; below, a scan answers, by the count alone."""

_CACHED = 1.5
"""A tree is so many times as fast on a sample, which lies in the cache, as on a whole bank, which does not."""

_DOUBTFUL = 8
"""So many times as many pairs it takes in more dimensions than a search is sure to pay in: trees are dear there."""

_WORTH_FOLLOWING = 1 << 15
"""(Neuron, example) pairs from which on following them beats scanning them, in training on fixed examples."""

_SEARCHED = 4
"""Up to this dimension a search is as fast as products of all pairs."""

_TREE_DIMENSION = 16
"""Beyond this a tree prunes nothing and is not tried."""


@dataclass(frozen=True)
class Choice:
    """Who answers, and why.

    Attributes:
        kind: the finder that answers, by its registered name.
        reason: one sentence.
        seconds_per_query: of every finder considered, as measured or estimated.
        measured: those of them that were measured at work.
        switches: how often the finder changed.
        left_out: finders that were not considered, and why.
    """

    kind: str
    reason: str
    seconds_per_query: dict[str, float]
    measured: frozenset[str]
    switches: int
    left_out: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        times = ", ".join(
            f"{kind} {seconds * 1e6:.3g} us a query{'' if kind in self.measured else ' (estimated)'}"
            for kind, seconds in sorted(self.seconds_per_query.items(), key=lambda item: item[1])
        )
        without = "".join(f"; without {kind} ({why})" for kind, why in self.left_out.items())
        return f"{self.kind}, {self.reason}{': ' if times else ''}{times}{without}"


@final
class AutoFinder(FollowingFinder, WatchingFinder):
    """Whichever of scan, hsr and skin is fastest here; says which and why in ``choice``.

    ``build`` calibrates the scan and the tree on a sample, within some tens of milliseconds, if the run is long enough
    for that to matter. From then on the finder at work is measured, moves included, and another one takes over when
    that pays over the rest of the run (see :class:`classical.auto.race.Race`): neighbour lists are tried when vectors
    drift, and left alone where vectors are new at every step. After the trials the fastest one answers, to within a few
    per cent. Training on examples that stay where they are goes to the lists at once, through the Gram matrix.

    Told to ignore the clock (:meth:`ignore_clock`), it goes by counts: training stays with the way that seems best at
    first, and sets are asked of skin where vectors drift and the run is long enough, of a scan otherwise.

    The sets are those of the shared predicate, whoever answers. Who answers, and so the cost and the last digits of
    the inner products (as accurate as those of skin), depends on the clock. Calibration and trials are charged as well.

    Attributes:
        choice: who answers now, and why.
    """

    source = "This package; the finders it picks from name their own"

    def __init__(self) -> None:
        super().__init__()
        self._planned: int | None = None
        self._proving = False
        self._too_large: dict[str, str] = {}
        self._left_out: dict[str, str] = {}
        self._timeless = False
        self.choice = Choice("scan", "nothing was asked yet", {}, frozenset(), 0)

    @property
    def promise(self) -> Promise:
        return EXACT

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        self._planned = total_queries

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        make_finder("scan").check_resources(n_points, n_queries, dimension)
        self._left_out = dict(self._too_large)
        for kind in _KINDS[1:]:
            try:
                make_finder(kind).check_resources(n_points, n_queries, dimension)
            except ResourceError as error:
                self._left_out[kind] = str(error)
        if dimension > _TREE_DIMENSION:
            self._left_out["hsr"] = f"no tree prunes in {dimension} dimensions"

    def dynamics(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        return self._raced(network, inputs, ways_to_train(network, inputs))

    def dynamics_for_batches(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        return self._raced(network, inputs, ways_to_train(network, inputs, in_batches=True))

    def ignore_clock(self) -> None:
        self._timeless = True

    def _raced(self, network: TwoLayerNetwork, inputs: FloatArray, ways: dict[str, Way]) -> Dynamics | None:
        """Return dynamics that go one of these ways, if there is anything to gain."""
        if network.width * len(inputs) < _WORTH_FOLLOWING or not ways:
            return None
        steps = None if self._planned is None else self._planned // len(inputs) - 1
        reserve: dict[str, Way] = {} if network.weights.lent() is None else {"scan": scanned}
        if self._timeless:
            first = next(iter(ways))
            reserve = {**{name: way for name, way in ways.items() if name != first}, **reserve}
            ways = {first: ways[first]}
        return RacedDynamics(network, inputs, ways, self._announce, steps, reserve)

    def _announce(self, name: str, seconds: dict[str, float]) -> str:
        """Say which way of training is at work, and what was measured."""
        times = ", ".join(f"{way} {1e3 * pace:.3g} ms" for way, pace in sorted(seconds.items(), key=lambda at: at[1]))
        measured = f" on steps of this run: {times} a step" if times else " by what the examples have in common"
        self.choice = Choice(name, f"the fastest{measured}", {}, frozenset(), 0)
        return str(self.choice)

    def dynamics_by(self, network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser) -> Dynamics | None:
        stored = network.weights.lent() is not None
        if not stored or network.dimension <= _SEARCHED or network.width * len(inputs) < _WORTH_FOLLOWING:
            return None
        reason = "an optimiser moves the neurons any which way, and matrix products look at all of them fastest"
        return self._chosen("products", reason, ProductDynamics(network, inputs, optimiser))

    def dynamics_for_fresh(
        self, network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser | None = None
    ) -> Dynamics | None:
        if network.weights.lent() is None:
            return None
        new = "the examples are others in every step and the neurons move, so that nothing can be kept"
        if network.width * len(inputs) >= _WORTH_FOLLOWING:
            own = SkinFinder().dynamics_for_fresh(network, inputs, optimiser)
            if own is not None:
                return self._chosen("skin", f"{new}: all pairs are multiplied and active ones moved", own)
        return self._chosen("scan", f"{new}: all pairs are multiplied", scanned(network, inputs, optimiser))

    def dynamics_within(self, network: TwoLayerNetwork, inputs: FloatArray, reach: float) -> Dynamics | None:
        try:
            reason = "the examples stay near where they are, so its lists follow the weights through the Gram matrix"
            return self._chosen("skin", reason, SkinFinder().dynamics_within(network, inputs, reach))
        except ResourceError as error:
            self._too_large["skin"] = str(error)
            return None

    def deep_dynamics(self, network: DeepNetwork, inputs: FloatArray) -> Dynamics | None:
        reason = "the layers read all of the layer below, of which the active coordinates alone are multiplied"
        return self._chosen("sparse_columns", reason, SparseColumnsFinder().deep_dynamics(network, inputs))

    def _chosen(self, kind: str, reason: str, dynamics: Dynamics | None) -> Dynamics | None:
        """Say why this way of training was taken, if it is there."""
        if dynamics is not None:
            self.choice = Choice(kind, reason, {}, frozenset(), 0)
            dynamics.remarks = self.facts()
        return dynamics

    def facts(self) -> dict[str, Any]:
        return {"choice": str(self.choice)}

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.check_resources(len(self._points), *self._queries.shape)
        self._spent = Cost()
        self._race: Race | None = None
        self._asked, self._moving = 0, 0.0
        self._anew = {"points": 0, "queries": 0}
        self._kind = "scan"
        if self._worthwhile() and not self._timeless:
            self._calibrate()
        self._arm = self._built()
        self._report()

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        self._check_built()
        self._reconsider()
        started = time.perf_counter()
        sets = self._arm.find(rows)
        seconds = time.perf_counter() - started + self._moving
        asked = len(sets.rows) if sets.major == "query" else len(self._queries)
        self._asked += asked
        if self._race is not None:
            self._race.note(seconds, asked)
        self._moving = 0.0
        self._anew = {"points": 0, "queries": 0}
        self._report()
        return sets

    def prepare_proofs(self) -> None:
        self._proving = True

    def proof(self, sets: ActiveSets) -> Proof:
        return self._arm.proof(sets)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        moved = self._put(self._points, rows, points)
        self._anew["points"] += moved
        self._forward(lambda: self._arm.move_points(rows, points))

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        moved = self._put(self._queries, rows, queries)
        self._anew["queries"] += moved
        self._forward(lambda: self._arm.move_queries(rows, queries))

    def move_points_along(self, motion: Motion) -> None:
        self._put(self._points, motion.rows, None if self._points.live else motion.vectors)
        self._forward(lambda: self._arm.move_points_along(motion))

    def move_queries_along(self, motion: Motion) -> None:
        self._put(self._queries, motion.rows, None if self._queries.live else motion.vectors)
        self._forward(lambda: self._arm.move_queries_along(motion))

    def _put(self, bank: Watched, rows: npt.ArrayLike, vectors: npt.ArrayLike | None) -> int:
        """Keep our own copy of a bank up to date, if it is one; return how many rows moved."""
        return len(bank.put(rows, () if vectors is None else vectors))

    def _forward(self, move: Callable[[], None]) -> None:
        started = time.perf_counter()
        move()
        self._moving += time.perf_counter() - started
        self.cost = self._spent + self._arm.cost

    def _worthwhile(self) -> bool:
        """Return whether the run is long enough to calibrate for; a run of unknown length will last as long again."""
        expected = 2 * self._asked if self._planned is None else self._planned
        enough = _WORTHWHILE * (1 if self._points.shape[1] <= _SEARCHED else _DOUBTFUL)
        return max(expected, len(self._queries)) * len(self._points) >= enough

    def _calibrate(self) -> None:
        """Choose between those that can be measured on a sample."""
        kinds = set(_KINDS) - set(self._left_out)
        paces, charged = calibrate(self._points, self._queries, self._threshold, kinds)
        self._spent = self._spent + charged
        left = self._left_to_ask()
        doubt = {kind: 1.0 if kind == "scan" else _CACHED for kind in paces.keys() - {"skin"}}
        self._kind = min(doubt, key=lambda kind: doubt[kind] * paces[kind].per_query * left + paces[kind].build)
        self._race = Race(paces, self._kind, self._asked)

    def _reconsider(self) -> None:
        """Let another finder take over where that pays."""
        before = self._kind
        if self._timeless:
            followed = self._worthwhile() and "skin" in self._able() - self._left_out.keys()
            self._kind = "skin" if followed else "scan"
        elif self._race is None:
            if not self._worthwhile():
                return
            self._calibrate()
        else:
            self._kind = self._race.better(self._left_to_ask(), self._able())
        if self._kind == before:
            return
        self._spent = self._spent + self._arm.cost
        started = time.perf_counter()
        self._arm = self._built()
        if self._race is not None:
            self._race.change(self._kind, time.perf_counter() - started)

    def _left_to_ask(self) -> int:
        if self._planned is None:
            return max(self._asked, len(self._queries))
        return max(0, self._planned - self._asked)

    def _able(self) -> set[str]:
        """Return who can be fast in this use: not lists, where most of a live bank is new since the last find."""
        lost = any(bank.live and 2 * self._anew[bank.name] >= len(bank) for bank in (self._points, self._queries))
        return {"scan", "hsr"} if lost else set(_KINDS)

    def _built(self) -> ActiveSetFinder:
        """Return the chosen finder, built on the banks as they are."""
        arm = make_finder(self._kind)
        if self._proving:
            arm.prepare_proofs()
        points, queries = (bank.bank if bank.live else bank[:] for bank in (self._points, self._queries))
        arm.build(points, queries, self._threshold)
        return arm

    def _report(self) -> None:
        self.cost = self._spent + self._arm.cost
        if self._race is None:
            why = "the run is too short to look for anything else"
            if self._timeless:
                why = "by the count alone, since the run has to come out the same each time"
            self.choice = Choice(self._kind, why, {}, frozenset(), 0)
            return
        paces = self._race.paces
        sampled = "on trial" if self._race.switches else "the fastest on a sample"
        self.choice = Choice(
            self._kind,
            "the fastest at work" if paces[self._kind].measured else sampled,
            {kind: pace.per_query for kind, pace in paces.items() if pace.measured or not pace.guess},
            frozenset(kind for kind, pace in paces.items() if pace.measured),
            self._race.switches,
            self._left_out,
        )
