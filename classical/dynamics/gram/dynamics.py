"""Gram dynamics: train a two-layer network on fixed examples, waking only the neurons for which something changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from classical.dynamics.gram import rows as rows_at_hand
from classical.dynamics.gram import steps as compiled
from classical.dynamics.gram.chunks import Chunk
from classical.dynamics.gram.layout import Totals
from classical.dynamics.gram.ledger import ChunkLedger
from classical.dynamics.gram.probe import Probe
from classical.dynamics.gram.queues import get_up, go_to_bed
from classical.dynamics.gram.reading import Pairs, audit_of, pairs_of, sets_of
from classical.dynamics.gram.resting import limits_of
from classical.dynamics.gram.size import KERNEL_SIZE, check_lists, check_resting
from classical.dynamics.gram.tier import Tier
from classical.dynamics.gram.world import first_world, longest_combination, no_totals
from classical.dynamics.two_layer import TwoLayerDynamics
from classical.lists.following import MOST_COLUMNS, ROUNDS
from classical.lists.thickness import FIRST_SKIN, typical_coordinate
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.eigenvalues import top_eigenvalue
from hybrid_train.support.parallel import in_threads, one_blas_thread
from hybrid_train.training.dynamics import Evaluation

_DROWSY, _ALERT = 512, 128
"""Steps are quiet when fewer than one row in 512 wakes; rows get up when more than one in 128 does."""

_PATIENCE = 64
"""Quiet steps after which the rows go to sleep: by then their alarms have cost as much as going to bed does."""

_TICKS = 1 << 18
"""Ticks of the queues in the longest path of the first step."""

_BUSY, _ALARMS, _SUMS = 1 << 12, 128, 64
"""Rows woken in a step that make it worth to use every thread in the next one; so many alarms take as long to compare
as a row takes to visit, and so many sums as long to merge."""

_MEMORY = 4
"""Steps over which the pace of the clocks is averaged."""

_DOUBLE = np.finfo(np.float64)


@dataclass(frozen=True)
class _Visit:
    """What a step did to a chunk.

    Attributes:
        woken: rows visited.
        touched: their entries, and the alarms compared.
        rescans: rows scanned again.
        evaluated: inner products evaluated.
        deviation: the largest difference of these from the followed ones.
    """

    woken: int
    touched: int
    rescans: int
    evaluated: int
    deviation: float


@final
class GramDynamics(TwoLayerDynamics):
    """Full-batch or mini-batch gradient descent on fixed examples, exact, at a price that does not depend on d.

    The weights are W(t) = W(0) + Gamma X, X the examples (PRE Eq. 2). W(0) stays where it is; a ledger holds Gamma for
    the rows that fire, since no other row can ever move. With G = X X^T and the overlaps O_ij = sum_r a_r a_r 1[r fires
    for i and j], the outputs move by sum_j G_ij O_ij pull_j, exactly, until a row starts or stops firing for an
    example. Every row knows how far it can go before that could happen, or before a column outside its list could
    fire, and sleeps until a clock that bounds its path says so. A step is therefore a product with an (n, n) matrix
    and the rows that wake. (While many wake at every step, as at the start, rows doze: every row's alarm is compared
    with the clocks. Where examples x outputs are more than 2048, every row is visited at every step.) Sets and outputs
    are those of the shared predicate on ``weights[:]``, at every step.

    Rows that wake are followed through the Gram matrix; one that comes within its error bound of b is evaluated from
    its vector. Each listed row that fires is evaluated once in 1024 steps besides. Charged: ``inner_products`` for
    scans (every pair of a row looked at) and evaluations, ``nodes_visited`` for list entries touched and entries of the
    kernel read.

    Args:
        network: starts at W(0) and ends at W(t) when :meth:`finish` is called.
        inputs: (n, d) the examples, at most 4096; copied.
        skin: distance within which an example is listed for a row, (b - <w, x>) / ||x||; None for 0.05 typical
            coordinates. Rows that go far get a wider one, up to eightfold.
        rest: whether rows may rest at a byte each until something could change for them
            (:mod:`classical.dynamics.gram.resting`); None for those of a bank that is not stored. Rows of output
            weights other than -1 and +1 never rest.

    Attributes:
        rescans: rows that had to look at every example again.
        woken: rows woken.
        deviation: largest |followed - evaluated| inner product met.

    Raises:
        InvariantError: too many examples.
        DataError: inputs not (n, d) or not finite.
    """

    index: Index = "neurons"

    def __init__(
        self, network: TwoLayerNetwork, inputs: FloatArray, *, skin: float | None = None, rest: bool | None = None
    ) -> None:
        super().__init__(network, inputs)
        n = len(self.examples)
        if n > MOST_COLUMNS:
            raise InvariantError(f"Gram dynamics of {n} examples: at most {MOST_COLUMNS}")
        self.rescans = self.woken = 0
        self.deviation = 0.0
        self._skin = skin
        self._rest = network.weights.lent() is None if rest is None else rest
        self._ledger: ChunkLedger | None = None

    @property
    def candidates(self) -> int:
        """Pairs in the lists now."""
        return sum(chunk.candidates for chunk in self._chunks)

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last, at first of all; inner products are left out (NaN)."""
        return sets_of(self._chunks, self._pairs, len(self.examples), self._evaluated)

    def _pairs(self, chunk: Chunk) -> Pairs:
        return pairs_of(chunk, self._world, self.network.weights, self._ledger, self._probe.columns)

    @property
    def _evaluated(self) -> IntArray:
        return np.arange(len(self.examples)) if self._rows is None else self._rows

    def start(self) -> None:
        with self._on_the_clock():
            network, columns = self.network, np.array(self.examples[:])
            n, direct = len(columns), len(columns) * network.outputs > KERNEL_SIZE
            self._whole_signs = bool((np.abs(network.output_weights) == 1).all())
            self._rest &= self._whole_signs and not direct
            typical = typical_coordinate(network.weights)
            if self._rest:
                check_resting(network.width, n, network.outputs)
            else:
                check_lists(network.width, n, network.threshold, (typical, float(np.median(norm_bounds(columns)))))
            self._probe = Probe.of(columns, float(network.threshold), self._skin or FIRST_SKIN * typical)
            directions = network.trained_part(columns.astype(np.float64))
            self._world = first_world(network, columns, directions, rounds=ROUNDS, direct=direct)
            self._tier = Tier(network.weights, self._probe, limits_of(typical, self._world), rest=self._rest)
            self._chunks, sums, laid = self._tier.scan(self._world)
            self._world = self._world._replace(reach=max(chunk.reach for chunk in self._chunks))
            self._longest = 0.0 if direct else longest_combination(self._world.gram)
            self._largest_sign = np.abs(network.output_weights).max(axis=0).astype(np.float64)
            self._busy = network.width  # the first step is the largest
            self._quiet = 0
            self._totals = self._count_all(sums, laid)
            self._ledger = ChunkLedger(self._chunks, columns, directions, self._world)
            network.weights.attach(self._ledger)
            self._cost.inner_products += n * network.width + sum(chunk.evaluated for chunk in self._chunks)

    def _count_all(self, sums: Totals, laid: list[FloatArray]) -> Totals:
        """Count every row, the halves of the bank apart: twins of a paired start cancel exactly."""
        halves = [np.zeros_like(sums.outputs), np.zeros_like(sums.outputs)]
        for chunk, outputs in zip(self._chunks, laid, strict=True):
            totals = sums._replace(outputs=outputs)
            compiled.settle(chunk.lists, self._world, totals, np.arange(len(chunk.lists.rows)))
            halves[chunk.first >= self.network.width // 2] += totals.outputs
        return sums._replace(outputs=halves[0] + halves[1])

    def _rouse(self, path: float) -> None:
        """Before the last clock goes so far, wake the rows that may not rest through it."""
        if path >= self._tier.horizon or np.isnan(path):
            looked = self._tier.wake(path, self._chunks, self._world)
            self._cost.inner_products += looked * len(self.examples)

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        self._rows = None if rows is None else np.asarray(rows, np.int64)
        return self._evaluation(self._totals.outputs * self.network.scale, self._totals.fired[:-1].copy())

    def descend(self, slope: FloatArray, rate: float) -> int:
        with self._on_the_clock():
            columns, pulls = self._evaluated, -rate * self.network.scale * slope
            pulled = np.zeros(len(self.examples), bool)
            pulled[columns] = (pulls != 0).any(axis=1)
            moved = self._moving(pulled)
            if moved:  # else nothing happens, and no time passes
                before, pulls = self._pull(columns, pulls)
                if not self._world.direct:
                    compiled.push(self._world, self._totals, columns, pulls)
                    self._cost.nodes_visited += pulls.size * self._totals.outputs.size
                with one_blas_thread():
                    self._visit_all(before)
                    self._change_shift()
                self._refresh()
        return moved

    def _pull(self, columns: IntArray, pulls: FloatArray) -> tuple[IntArray, FloatArray]:
        """Take a step in time: return (ticks before, -1 where a clock stood still; the pulls as rounded)."""
        world = self._world
        old, now = world.pulls[world.now % len(world.pulls)], world.now + 1
        new = world.pulls[now % len(world.pulls)]
        new[:] = old
        with np.errstate(over="ignore", invalid="ignore"):
            new[columns] += pulls
            rounded = new[columns] - old[columns]
            lengths = np.abs(rounded) @ self._largest_sign * (1 + 16 * _DOUBLE.eps)
            step = np.zeros(len(world.clocks))
            step[columns] = lengths * world.norms[columns]
            step[-1] = step.max()
            step[-2] = min(self._longest * float(np.linalg.norm(lengths)), float(step[:-2].sum())) * (1 + 1e-9)
            clocks = (world.clocks + step) * (1 + 16 * _DOUBLE.eps)
            self._rouse(float(clocks[-1]))
            world.clocks[:] = clocks
            world.pace[:] += (step - world.pace) / min(now, _MEMORY)
        before = np.where(step[:-1] != 0, world.ticks, -1)
        if not world.awake:
            self._tick()
        if world.unit == 0.0 and step.any():
            world = world._replace(unit=float(step[-1]) / _TICKS)
        self._world = world._replace(now=now)
        if self._ledger is not None:
            self._ledger.world = self._world
        return before, rounded

    def _tick(self) -> None:
        """Set the ticks of the queues by their clocks."""
        world = self._world
        ticks = np.nan_to_num(world.clocks[:-1] / world.unit, nan=2.0**61, posinf=2.0**61)
        world.ticks[:] = np.minimum(ticks, 2.0**61).astype(np.int64)

    def _change_shift(self) -> None:
        """Let the rows sleep once few of them wake in each step, or let them doze if too many do."""
        world, rows = self._world, self._totals.fired[-1]
        self._quiet = self._quiet + 1 if self._busy * _DROWSY < rows else 0
        if world.awake and not world.direct and self._quiet > _PATIENCE and world.unit > 0:
            self._world = world._replace(awake=False)
            self._tick()
            for chunk in self._chunks:
                go_to_bed(chunk.lists, self._world)
        elif not world.awake and self._busy * _ALERT > rows:
            self._world = world._replace(awake=True)
            for chunk in self._chunks:
                get_up(chunk.lists, self._world)
        if self._ledger is not None:
            self._ledger.world = self._world

    def _moving(self, pulled: npt.NDArray[np.bool_]) -> int:
        """Return how many rows fire for an example that pulls."""
        if pulled.all():
            return int(self._totals.fired[-1])
        if not pulled.any():
            return 0
        at_rest = self._tier.sets.touching(pulled)
        if at_rest is None:
            self._rouse(np.inf)
            at_rest = 0
        return at_rest + sum(int(compiled.moving(chunk.lists, self._world, pulled)) for chunk in self._chunks)

    def _visit_all(self, before: IntArray) -> None:
        """Wake what is due, chunk by chunk: side by side if that pays and the sums cannot depend on the order."""
        totals = self._totals

        def visit(first: int, last: int) -> tuple[list[tuple[FloatArray, _Visit]], Totals]:
            mine = totals if serial else no_totals(self._world)
            done = []
            for chunk in self._chunks[first:last]:
                part = mine._replace(outputs=np.zeros_like(totals.outputs))
                done.append((part.outputs, self._visit(chunk, before, part)))
            return done, mine

        alarms = sum(len(chunk.due) for chunk in self._chunks) if self._world.awake else 0
        work = self._busy + alarms // _ALARMS
        serial = not self._whole_signs or work < _BUSY + totals.overlaps.size // _SUMS
        share = len(self._chunks) if serial else 1
        self._busy = 0
        for done, mine in in_threads(visit, len(self._chunks), share):
            for outputs, visit_ in done:
                np.add(totals.outputs, outputs, out=totals.outputs)
                self._note(visit_)
            if mine is not totals:
                np.add(totals.fired, mine.fired, out=totals.fired)
                np.add(totals.overlaps, mine.overlaps, out=totals.overlaps)

    def _note(self, visit: _Visit) -> None:
        self.woken += visit.woken
        self._busy += visit.woken
        self.rescans += visit.rescans
        self.deviation = max(self.deviation, visit.deviation)
        self._cost.nodes_visited += visit.touched
        self._cost.inner_products += visit.evaluated + len(self.examples) * visit.rescans

    def _visit(self, chunk: Chunk, before: IntArray, totals: Totals) -> _Visit:
        world = self._world
        woken, touched, waiting, spent = compiled.visit(chunk.lists, world, totals, before, chunk.due)
        if world.awake:
            touched += len(chunk.due)
        if not waiting:
            return _Visit(woken, touched, 0, 0, 0.0)
        slots = chunk.due[:waiting].copy()
        found = (
            chunk.rescan(world, slots[:spent], self.network.weights, self._probe),
            chunk.evaluate(slots[spent:], self.network.weights, self._probe.columns),
        )
        compiled.settle(chunk.lists, world, totals, slots)
        evaluated, deviation = (count for count, _ in found), (most for _, most in found)
        return _Visit(woken, touched, spent, sum(evaluated), max(deviation))

    def _refresh(self) -> None:
        """Evaluate a share of the rows that fire, so that every one has its turn within the rounds."""
        turn, place = divmod(self._world.now, len(self._chunks))
        chunk = self._chunks[place]
        shares = max(1, ROUNDS // len(self._chunks))
        size = -(-len(chunk.lists.rows) // shares)
        first = min(turn % shares * size, len(chunk.lists.rows))
        slots = rows_at_hand.firing_rows(chunk.lists, self._world, first, min(first + size, len(chunk.lists.rows)))
        if not len(slots):
            return
        changed = np.empty(len(slots), bool)
        self._cost.nodes_visited += compiled.catch_up(chunk.lists, self._world, self._totals, slots, changed)
        if changed.any():
            raise InvariantError(f"step {self._world.now}: {changed.sum()} rows changed in their sleep")
        evaluated, deviation, broken = chunk.refresh(
            self._world, self._totals, slots, self.network.weights, self._probe.columns
        )
        if broken:
            raise InvariantError(f"step {self._world.now}: {broken} inner products crossed b while certified not to")
        self._cost.inner_products += evaluated
        self.deviation = max(self.deviation, deviation)

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        rows, outputs, gram = self._evaluated, self.network.outputs, self._world.gram
        if self._world.direct:
            return super().top_eigenvalue(factors)
        places = (rows[:, None] * outputs + np.arange(outputs)).ravel()
        kernel = self._totals.overlaps[np.ix_(places, places)]
        kernel = kernel * np.repeat(np.repeat(gram[np.ix_(rows, rows)], outputs, axis=0), outputs, axis=1)
        if factors is not None:
            roots = np.repeat(np.sqrt(factors), outputs)
            kernel = kernel * np.outer(roots, roots)
        return top_eigenvalue(kernel) * self.network.scale**2

    def facts(self) -> dict[str, Any]:
        return {
            "listed_neurons": sum(len(chunk.lists.rows) for chunk in self._chunks),
            "resting_neurons": sum(
                int(np.count_nonzero(chunk.resting.levels)) for chunk in self._chunks if chunk.resting is not None
            ),
            "candidates": self.candidates,
            "rescans": self.rescans,
            "woken": self.woken,
            "deviation": self.deviation,
        }

    def audit(self) -> Audit:
        return audit_of(self._chunks, self._pairs, self.network, self.examples, self._evaluated)

    def finish(self) -> None:
        if self._ledger is not None:
            self.network.weights.release(self._ledger)
