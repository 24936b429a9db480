"""Gram dynamics: train a two-layer network on fixed examples, waking only the neurons for which something changes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import eigsh

from classical.dynamics.gram import rows as rows_at_hand
from classical.dynamics.gram import steps as compiled
from classical.dynamics.gram.chunks import Chunk, ChunkLedger, Probe, chunk_bounds
from classical.dynamics.gram.layout import Totals, World
from classical.dynamics.gram.queues import get_up, go_to_bed
from classical.dynamics.gram.size import FIRST_SKIN, KERNEL_SIZE, MOST_EXAMPLES, ROUNDS, check_lists
from classical.dynamics.sets import counted
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.predicate import norm_bounds, rounding_margin
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads, one_blas_thread
from hybrid_train.training.dynamics import Dynamics, Evaluation

_DROWSY, _ALERT = 512, 128
"""Steps are quiet when fewer than one row in 512 wakes; rows get up when more than one in 128 does."""

_PATIENCE = 64
"""Quiet steps after which the rows go to sleep: by then their alarms have cost as much as going to bed does."""

_TICKS = 1 << 18
"""Ticks of the queues in the longest path of the first step."""

_BUSY, _ALARMS, _SUMS = 1 << 12, 128, 64
"""Rows woken in a step that make it worth to use every thread in the next one; so many alarms take as long to compare
as a row takes to visit, and so many sums as long to merge."""

_ACCURACY = 1e-9
_MEMORY = 4
"""Steps over which the pace of the clocks is averaged."""

_GRAIN = 1 / 16
"""What a row's doubt grows by is below 1e-6 of this part of its path."""

_TINY = 1e-140
"""Norms between this and its inverse have a Gram matrix without overflow or underflow that matters."""

_DENSE_KERNEL = 512
_AUDIT_NUMBERS = 1 << 24
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
class GramDynamics(Dynamics):
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
    its vector. Each firing row is evaluated once in 1024 steps besides. Charged: ``inner_products`` for scans (every
    pair of a scanned row) and evaluations, ``nodes_visited`` for list entries touched and entries of the kernel read.

    Args:
        network: starts at W(0) and ends at W(t) when :meth:`finish` is called.
        inputs: (n, d) the examples, at most 4096; copied.
        skin: distance within which an example is listed for a row, (b - <w, x>) / ||x||; None for 0.05 typical
            coordinates. Rows that go far get a wider one, up to eightfold.

    Attributes:
        rescans: rows that had to look at every example again.
        woken: rows woken.
        deviation: largest |followed - evaluated| inner product met.

    Raises:
        InvariantError: too many examples.
        DataError: inputs not (n, d) or not finite.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray, *, skin: float | None = None) -> None:
        self.network, self.examples = network, DenseBank(inputs, "inputs")
        n = len(self.examples)
        if n > MOST_EXAMPLES:
            raise InvariantError(f"Gram dynamics of {n} examples: at most {MOST_EXAMPLES}")
        self.finder_seconds = 0.0
        self.rescans = self.woken = 0
        self.deviation = 0.0
        self._skin = skin
        self._cost = Cost()
        self._evaluated: IntArray = np.arange(n)
        self._ledger: ChunkLedger | None = None

    @property
    def banks(self) -> Sequence[Bank]:
        return [self.network.weights]

    @property
    def cost(self) -> Cost:
        return self._cost

    @property
    def candidates(self) -> int:
        """Pairs in the lists now."""
        return sum(chunk.candidates for chunk in self._chunks)

    def start(self) -> None:
        started = time.perf_counter()
        network, columns = self.network, np.array(self.examples[:])
        n, direct = len(columns), len(columns) * network.outputs > KERNEL_SIZE
        sample = norm_bounds(network.weights[: min(network.width, 4096)])
        typical = float(np.median(sample)) / math.sqrt(network.dimension)
        typical = typical if 0 < typical < np.inf else 1.0
        check_lists(network.width, n, network.threshold, (typical, float(np.median(norm_bounds(columns)))))
        self._probe = Probe.of(columns, float(network.threshold), self._skin or FIRST_SKIN * typical)
        self._chunks = self._scan(n + 1)
        directions = network.trained_part(columns.astype(np.float64))
        self._world = self._first_world(directions, direct)
        self._longest = 0.0 if direct else longest_combination(self._world.gram)
        self._largest_sign = np.abs(network.output_weights).max(axis=0).astype(np.float64)
        self._whole_signs = bool((np.abs(network.output_weights) == 1).all())
        self._busy = network.width  # the first step is the largest
        self._quiet = 0
        self._totals = self._count_all()
        self._ledger = ChunkLedger(self._chunks, directions, self._world)
        network.weights.attach(self._ledger)
        self._cost.inner_products += n * network.width + sum(chunk.evaluated for chunk in self._chunks)
        self.finder_seconds += time.perf_counter() - started

    def _scan(self, queues: int) -> list[Chunk]:
        bounds = chunk_bounds(self.network.width)

        def scan(first: int, last: int) -> list[Chunk]:
            return [
                Chunk(self.network.weights, bounds[part], bounds[part + 1], self._probe, queues)
                for part in range(first, last)
            ]

        with one_blas_thread():
            return [chunk for chunks in in_threads(scan, len(bounds) - 1, 1) for chunk in chunks]

    def _first_world(self, directions: FloatArray, direct: bool) -> World:
        network, n = self.network, len(directions)
        examples = self._probe.columns.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            gram = np.ascontiguousarray(directions @ directions.T)
        norms = np.where((examples != 0).any(axis=1), norm_bounds(examples), 0.0)
        present = norms[norms > 0]
        inverse = np.divide(1.0, norms, out=np.zeros(n), where=norms > 0)
        tame = bool(((present > _TINY) & (present < 1 / _TINY)).all())
        return World(
            threshold=float(network.threshold),
            base=float(network.threshold) if network.activation == "relu" else 0.0,
            now=0,
            gram=gram,
            norms=norms,
            inverse=inverse,
            grain=_GRAIN if tame else 1.0,
            pulls=np.zeros((4 if direct else ROUNDS + 2, n, network.outputs)),
            signs=network.output_weights,
            clocks=np.zeros(n + 2),
            pace=np.zeros(n + 2),
            ticks=np.zeros(n + 1, np.int64),
            unit=0.0,
            reach=max(chunk.reach for chunk in self._chunks),
            rounding=float(rounding_margin(network.dimension, 1.0, 1.0)),
            speck=4 * float(np.sqrt(network.dimension * _DOUBLE.tiny)),
            steps=ROUNDS,
            accuracy=_ACCURACY,
            direct=direct,
            awake=True,
        )

    def _no_totals(self) -> Totals:
        n, outputs = len(self.examples), self.network.outputs
        size = 0 if self._world.direct else n * outputs
        return Totals(np.zeros((n, outputs)), np.zeros(n + 1, np.int64), np.zeros((size, size)))

    def _count_all(self) -> Totals:
        """Count every row, the halves of the bank apart: twins of a paired start cancel exactly."""
        sums = self._no_totals()
        halves = [np.zeros_like(sums.outputs), np.zeros_like(sums.outputs)]
        for chunk in self._chunks:
            totals = sums._replace(outputs=np.zeros_like(sums.outputs))
            compiled.settle(chunk.lists, self._world, totals, np.arange(len(chunk.lists.rows)))
            halves[chunk.first >= self.network.width // 2] += totals.outputs
        return sums._replace(outputs=halves[0] + halves[1])

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        self._evaluated = np.arange(len(self.examples)) if rows is None else np.asarray(rows, np.int64)
        outputs = self._totals.outputs[self._evaluated] * self.network.scale
        return Evaluation(outputs, self._totals.fired[self._evaluated])

    def descend(self, slope: FloatArray, rate: float) -> int:
        started = time.perf_counter()
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
        self.finder_seconds += time.perf_counter() - started
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
            world.clocks[:] = (world.clocks + step) * (1 + 16 * _DOUBLE.eps)
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
        return sum(int(compiled.moving(chunk.lists, self._world, pulled)) for chunk in self._chunks)

    def _visit_all(self, before: IntArray) -> None:
        """Wake what is due, chunk by chunk: side by side if that pays and the sums cannot depend on the order."""
        totals = self._totals

        def visit(first: int, last: int) -> tuple[list[tuple[FloatArray, _Visit]], Totals]:
            mine = totals if serial else self._no_totals()
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

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        raise InvariantError("Gram dynamics hold their examples fixed")

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        raise InvariantError("Gram dynamics hold their examples fixed")

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        rows, outputs, gram = self._evaluated, self.network.outputs, self._world.gram
        if self._world.direct:
            directions = counted(self.network.trained_part(self.examples[:]), factors, rows)
            return self.network.kernel_top_eigenvalue(self.sets(), directions)
        places = (rows[:, None] * outputs + np.arange(outputs)).ravel()
        kernel = self._totals.overlaps[np.ix_(places, places)]
        kernel = kernel * np.repeat(np.repeat(gram[np.ix_(rows, rows)], outputs, axis=0), outputs, axis=1)
        if factors is not None:
            roots = np.repeat(np.sqrt(factors), outputs)
            kernel = kernel * np.outer(roots, roots)
        return max(0.0, top_of(kernel)) * self.network.scale**2

    def sets(self, first: int = 0, last: int | None = None) -> ActiveSets:
        """Return the active sets of the examples evaluated last for the neurons of some chunks, by example.

        Args:
            first: a chunk.
            last: the chunk to end before, the last of all by default.

        Returns:
            The sets; neurons are counted from the first of the first chunk, and inner products are left out (NaN).
        """
        chunks = self._chunks[first:last]
        offset, width = chunks[0].first, chunks[-1].last - chunks[0].first
        place = np.full(len(self.examples), -1)
        place[self._evaluated] = np.arange(len(self._evaluated))
        parts = [rows_at_hand.active(chunk.lists, self._world, offset) for chunk in chunks]
        examples, neurons = (np.concatenate(side) for side in zip(*parts, strict=True))
        asked = place[examples] >= 0
        examples, neurons = place[examples[asked]], neurons[asked]
        order = np.argsort(examples, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(examples, minlength=len(self._evaluated)))])
        values = np.full(len(neurons), np.nan)
        return ActiveSets(indptr, neurons[order], values, (len(self.examples), width), self._evaluated)

    def facts(self) -> dict[str, Any]:
        return {
            "listed_neurons": sum(len(chunk.lists.rows) for chunk in self._chunks),
            "candidates": self.candidates,
            "rescans": self.rescans,
            "woken": self.woken,
            "deviation": self.deviation,
        }

    def audit(self) -> Audit:
        total = Audit(0, 0, 0)
        for part, chunk in enumerate(self._chunks):
            reported = self.sets(part, part + 1).by_point()
            step = max(64, _AUDIT_NUMBERS // self.network.dimension)
            for first in range(chunk.first, chunk.last, step):
                weights = DenseBank(self.network.weights[first : min(first + step, chunk.last)], "weights")
                mine = _between(reported, first - chunk.first, len(weights))
                total += audit(mine, weights, self.examples, self._world.threshold, query_rows=self._evaluated)
        return total

    def finish(self) -> None:
        if self._ledger is not None:
            self.network.weights.release(self._ledger)


def _between(sets: ActiveSets, first: int, count: int) -> ActiveSets:
    """Return the part of sets by point that belongs to ``count`` points from ``first`` on, counted from there."""
    begin, end = np.searchsorted(sets.rows, [first, first + count])
    pairs = slice(sets.indptr[begin], sets.indptr[end])
    indptr = sets.indptr[begin : end + 1] - sets.indptr[begin]
    rows = sets.rows[begin:end] - first
    return ActiveSets(indptr, sets.indices[pairs], sets.inner_products[pairs], (sets.shape[0], count), rows, "point")


def longest_combination(gram: FloatArray) -> float:
    """Return a bound of ||sum_j c_j x_j|| over all c of length 1; infinite where the Gram matrix overflowed."""
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.abs(gram).sum(axis=1).max())
    if not square < np.inf:
        return np.inf
    if len(gram) <= _DENSE_KERNEL:
        square = min(square, float(np.linalg.eigvalsh(gram)[-1]) + 1e-9 * square)
    return math.sqrt(max(0.0, square)) * (1 + 1e-9)


def top_of(matrix: FloatArray) -> float:
    """Return the largest eigenvalue of a symmetric matrix, to a relative 1e-6."""
    if len(matrix) <= _DENSE_KERNEL:
        return float(np.linalg.eigvalsh(matrix)[-1])
    begin = np.random.default_rng(0).standard_normal(len(matrix))
    return float(eigsh(matrix, k=1, which="LA", v0=begin, tol=1e-6, return_eigenvectors=False)[0])
