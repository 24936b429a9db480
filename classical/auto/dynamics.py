"""Training in whichever way is fastest here, found by trying the ways on the steps of the run itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from types import MappingProxyType
from typing import Any, final

import numpy as np

from hybrid_train.errors import InvariantError, ResourceError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Dynamics, Evaluation

Way = Callable[[TwoLayerNetwork, FloatArray], Dynamics]
"""Makes dynamics of a network on examples (n, d) that stay where they are."""

_STEPS = 4
"""Steps from which a way is judged, after a first one that is not typical."""

_SHARES = (128, 32)
"""A trial is made on so many times fewer neurons, twice: what a step costs whatever the width shows in the smaller."""

_FEWEST = (64, 256)
"""Neurons of a trial at least."""

_FIRST, _AGAIN = 1, 4
"""The first trial comes after so many steps, each later one when so many times as many have been taken."""

_GAIN = 0.85
"""A rival has to be at least so much faster to take over."""

_HOPELESS = 4.0
"""A rival that seems so many times slower is not tried further."""

_SHORT = 50
"""Steps left at least in a run of unknown length."""

_STAKE = 0.02
"""Share of the time of the run so far that later trials may take."""


@dataclass
class _Rival:
    """A way on trial: two networks of some of the neurons, trained beside the run by its own slopes.

    Attributes:
        name: of the way.
        widths: neurons of the two.
        dynamics: of the two.
        start: seconds they took to start.
        steps: seconds of each step of both.
    """

    name: str
    widths: tuple[int, int]
    dynamics: tuple[Dynamics, Dynamics]
    start: tuple[float, float]
    steps: list[tuple[float, float]] = field(default_factory=list)

    def descend(self, slope: FloatArray, rate: float) -> None:
        """Take the step that the run is taking."""
        self.steps.append((0.0, 0.0))
        self._timed(lambda dynamics: dynamics.descend(slope, rate))

    def evaluate(self, rows: IntArray | None) -> None:
        """Look at the examples that the run is looking at."""
        self._timed(lambda dynamics: dynamics.evaluate(rows))

    def _timed(self, work: Callable[[Dynamics], object]) -> None:
        low, high = (_seconds_of(partial(work, one)) for one in self.dynamics)
        self.steps[-1] = self.steps[-1][0] + low, self.steps[-1][1] + high

    def step_of(self, width: int) -> float:
        """Return how many seconds a step would take on a network of this width."""
        counted = self.steps[1:] or self.steps
        return _extended(self.widths, tuple(median(side) for side in zip(*counted, strict=True)), width)

    def start_of(self, width: int) -> float:
        """Return how many seconds starting would take on a network of this width."""
        return _extended(self.widths, self.start, width)


def _seconds_of(work: Callable[[], object]) -> float:
    """Return how long this takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _extended(widths: Sequence[int], seconds: Sequence[float], width: int) -> float:
    """Return the seconds at a width, on the straight line through those at two widths; at least those at the larger."""
    (less, more), (low, high) = widths, seconds
    growth = max(0.0, high - low) / (more - less) if more > less else high / more
    return max(high, low + growth * (width - less))


@final
class RacedDynamics(Dynamics):
    """Full-batch or mini-batch descent on fixed examples, in whichever of several ways is fastest.

    It starts with one way. While that takes its steps, the others take the same ones on networks of some of the
    neurons, a hundredth of all or so, with the slopes of the whole; what they would take on all neurons follows from
    two such networks. A rival that is clearly faster takes over, at the weights where the run is. That happens at the
    first steps, and again each time the run has grown four times as long, since what a step costs changes: neurons
    sleep once steps get short. One that then proves slower on all neurons than the way before it hands back.

    Sets are those of the shared predicate whoever trains; who does, and with that the cost and the rounding of the
    outputs, depends on the clock.

    Args:
        network: its weights are moved.
        inputs: (n, d) the examples.
        ways: by name, the one to begin with first. One that does not fit into memory is left out.
        reserve: taken if none of them fits, and never raced.
        announce: says which way is at work, from its name and the seconds a step of each that was measured.
        steps: how many the run will take, if that is known.

    Raises:
        ResourceError: no way fits into memory.
    """

    def __init__(
        self,
        network: TwoLayerNetwork,
        inputs: FloatArray,
        ways: Mapping[str, Way],
        announce: Callable[[str, dict[str, float]], str],
        steps: int | None = None,
        reserve: Mapping[str, Way] = MappingProxyType({}),
    ) -> None:
        self._steps = steps
        self._network, self._ways, self._reserve = network, dict(ways), dict(reserve)
        self._announce = announce
        self._name = next(iter(self._ways))
        self._work = self._ways[self._name](network, inputs)
        self._spent, self._spent_seconds = Cost(), 0.0
        self._rivals: list[_Rival] = []
        self._before: str | None = None
        self._own: list[float] = []
        self._pace: dict[str, float] = {}
        self._taken, self._due = 0, _FIRST
        self._seconds = self._total = self._trials = 0.0
        self._rows: IntArray | None = None
        self._dtype = network.weights.dtype
        self.left_out: dict[str, str] = {}

    @property
    def examples(self) -> Bank:  # type: ignore[override]
        return self._work.examples

    @property
    def finder_seconds(self) -> float:  # type: ignore[override]
        return self._spent_seconds + self._work.finder_seconds

    @property
    def remarks(self) -> Mapping[str, str]:  # type: ignore[override]
        return {"choice": self._announce(self._name, self._pace)}

    @property
    def banks(self) -> Sequence[Bank]:
        return self._work.banks

    @property
    def cost(self) -> Cost:
        on_trial = (one.cost for rival in self._rivals for one in rival.dynamics)
        return self._spent + self._work.cost + sum(on_trial, Cost())

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last, as the way at work tells them."""
        sets: ActiveSets = self._work.sets  # type: ignore[attr-defined]
        return sets

    def start(self) -> None:
        inputs = np.array(self.examples[:])
        while True:
            try:
                self._work.start()
            except ResourceError as error:
                self.left_out[self._name] = str(error)
                del self._ways[self._name]
                self._ways = self._ways or self._reserve
                self._reserve = {}
                if not self._ways:
                    raise
                self._name = next(iter(self._ways))
                self._work = self._ways[self._name](self._network, inputs)
            else:
                return

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        self._rows = rows
        began = time.perf_counter()
        evaluation = self._work.evaluate(rows)
        if not self._taken:
            return evaluation
        self._seconds += time.perf_counter() - began
        self._total += self._seconds
        self._own.append(self._seconds)
        began = time.perf_counter()
        for rival in self._rivals:
            rival.evaluate(rows)
        if self._rivals:
            evaluation = self._judge() or evaluation
        elif self._before is not None:
            evaluation = self._confirm() or evaluation
        self._trials += time.perf_counter() - began
        return evaluation

    def descend(self, slope: FloatArray, rate: float) -> int:
        began = time.perf_counter()
        self._consider()
        for rival in self._rivals:
            rival.descend(slope, rate)
        self._trials += time.perf_counter() - began
        began = time.perf_counter()
        moved = self._work.descend(slope, rate)
        self._seconds = time.perf_counter() - began
        self._taken += 1
        return moved

    def _consider(self) -> None:
        """Begin a trial if it is time for one."""
        if self._rivals or self._before or len(self._ways) < 2 or self._taken < self._due:
            return
        if self._taken > _FIRST and self._trials > _STAKE * self._total:
            self._due = self._taken + 1
            return
        self._own.clear()
        self._due = max(self._due, self._taken) * _AGAIN
        self._rivals = [rival for name in list(self._ways) if name != self._name for rival in self._on_trial(name)]

    def _on_trial(self, name: str) -> list[_Rival]:
        """Return a rival, started at the weights of now; none where it does not fit into memory."""
        made: list[Dynamics] = []
        seconds: list[float] = []
        width = self._network.width
        widths = [min(width, max(least, width // share)) for share, least in zip(_SHARES, _FEWEST, strict=True)]
        try:
            for size in widths:
                for _ in range(2 if not made else 1):  # the first time loads what is compiled
                    dynamics = self._ways[name](self._part(size), np.array(self.examples[:]))
                    seconds.append(_seconds_of(dynamics.start))
                dynamics.evaluate(self._rows)
                made.append(dynamics)
        except ResourceError as error:
            self.left_out[name] = str(error)
            del self._ways[name]
            return []
        return [_Rival(name, (widths[0], widths[1]), (made[0], made[1]), (seconds[1], seconds[2]))]

    def _part(self, size: int) -> TwoLayerNetwork:
        """Return a network of some of the neurons, spread over the bank, which adds up as the whole one does."""
        network = self._network
        rows = np.linspace(0, network.width - 1, size).astype(np.int64)
        weights = np.asarray(network.weights[rows]).astype(self._dtype)
        return TwoLayerNetwork(
            DenseBank(weights, "weights"),
            network.output_weights[rows],
            network.threshold,
            activation=network.activation,
            output_scale=network.scale,
            untrained=network.untrained,
        )

    def _judge(self) -> Evaluation | None:
        """Drop rivals that are hopeless; after steps enough let the fastest take over if that gains."""
        width = self._network.width
        mine = median(self._own)
        ended = len(self._own) > _STEPS
        starts = {rival.name: rival.start_of(width) for rival in self._rivals}
        for rival in list(self._rivals):
            self._pace[rival.name] = rival.step_of(width)
            if ended or self._pace[rival.name] > _HOPELESS * mine:
                self._end(rival)
        self._pace[self._name] = mine
        if not ended or not starts:
            return None
        best = min(starts, key=lambda name: self._pace[name])
        gain = (mine - self._pace[best]) * self._left() - starts[best]
        if not (self._pace[best] < _GAIN * mine and gain > 0):
            return None
        self._before = self._name
        return self._hand_over(best)

    def _confirm(self) -> Evaluation | None:
        """Hand back if the way that took over is slower on all neurons than the one before it was."""
        if len(self._own) < _STEPS or self._before is None:
            return None
        mine, before = median(list(self._own)[1:]), self._before
        self._pace[self._name], self._before = mine, None
        return self._hand_over(before) if mine > self._pace[before] else None

    def _left(self) -> int:
        """Return how many steps are left to take; a run of unknown length will last as long again."""
        return max(_SHORT, self._taken) if self._steps is None else max(0, self._steps - self._taken)

    def _end(self, rival: _Rival) -> None:
        """Keep what a rival was charged, and forget it."""
        self._rivals.remove(rival)
        for dynamics in rival.dynamics:
            self._spent = self._spent + dynamics.cost

    def _hand_over(self, name: str) -> Evaluation:
        """Let another way go on from the weights of now; return what it sees."""
        inputs = np.array(self.examples[:])
        self._own.clear()
        self._work.finish()
        self._spent = self._spent + self._work.cost
        self._spent_seconds += self._work.finder_seconds
        self._name, self._work = name, self._ways[name](self._network, inputs)
        self._work.start()
        return self._work.evaluate(self._rows)

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        raise InvariantError("raced dynamics: the examples are held fixed")

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        raise InvariantError("raced dynamics: the examples are held fixed")

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        return self._work.top_eigenvalue(factors)

    def audit(self) -> Audit:
        return self._work.audit()

    def facts(self) -> dict[str, Any]:
        return self._work.facts()

    def finish(self) -> None:
        self._work.finish()
