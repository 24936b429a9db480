"""Training on examples that move about: lists of what can fire anywhere in their balls, made once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, final

import numpy as np
from scipy import sparse

from classical.dynamics.ball import kernels as compiled
from classical.dynamics.ball.size import check_lists
from classical.dynamics.sets import counted
from classical.lists import kernels as skin_kernels
from classical.lists.neighbour_lists import NeighbourLists
from classical.lists.thickness import best_skin, first_skin
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import Bank, DenseBank, watch_both
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads
from hybrid_train.training.dynamics import Dynamics, Evaluation

_CHUNK = 1 << 16
"""Rows of a chunk; the sums of chunks are added in order, so results do not depend on the threads."""

_BLOCK_NUMBERS = 1 << 20
"""Coordinates of weights read at a time."""


@final
class BallDynamics(Dynamics):
    """A two-layer network whose examples stay within ``reach`` of where they begin, trained without any search.

    Each neuron lists the examples it could fire for: <w, x'> <= <w, x> + ||w|| ||x' - x||, so a list with that much
    room (and a skin for the neuron's own drift, as :class:`classical.skin.SkinFinder` has it) holds whatever the
    adversary does. An evaluation is one pass over the listed pairs with the deciding inner product; nothing is scanned
    again but the neurons whose drift has used up their skin, and all of them if an example leaves its ball. The
    active sets are those of the shared predicate, always.

    Where ||w|| reach is large against the spread of <w, x> (many dimensions, a wide ball) the lists hold most pairs,
    and a scan is as good.

    Charged: ``inner_products`` for scans and for every listed pair that is evaluated.

    Args:
        network: its weights are moved.
        inputs: (n, d) the examples where they begin, the centres of the balls; copied.
        reach: how far, in Euclidean distance, they are going to move.
        skin: as :class:`classical.skin.SkinFinder` takes it.

    Attributes:
        rescans: neurons scanned again since ``start``.

    Raises:
        DataError: inputs not (n, d) or not finite.
        ResourceError: the lists would not fit in memory.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray, reach: float, skin: float | None = None) -> None:
        self.network = network
        self.examples = DenseBank(inputs, "inputs")
        self.finder_seconds = 0.0
        self.rescans = 0
        self._skin = skin
        self._banks = watch_both(network.weights, self.examples)
        norms = norm_bounds(self.examples[:])
        self._certified = 1.01 * reach / max(float(norms.min()), 1e-300)
        self._first_skin = first_skin(self._banks[0]) if skin is None else skin
        about = network.threshold, self._first_skin, self._certified, reach
        check_lists(self._banks[0], np.asarray(self.examples[:], dtype=np.float64), *about)
        self._cost = Cost()
        self._step = 0.0
        self._rows: IntArray | None = None
        self._evaluation: Evaluation | None = None

    @property
    def banks(self) -> Sequence[Bank]:
        return (self.network.weights,)

    @property
    def cost(self) -> Cost:
        return self._cost

    @property
    def candidates(self) -> int:
        """Pairs in the lists."""
        return self._lists.candidates

    def start(self) -> None:
        started = time.perf_counter()
        skin = self._first_skin
        self._lists = NeighbourLists(*self._banks, self.network.threshold, skin, self._certified, 0.0)
        self._density = (self._lists.candidates + 1) / (skin * self.network.width + self._certified)
        width = self.network.width
        cuts = [*range(0, width // 2, _CHUNK), *range(width // 2, width, _CHUNK), width]
        self._chunks = list(pairwise(cuts))
        self._charge()
        self.finder_seconds += time.perf_counter() - started

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        if self._evaluation is not None and rows is self._rows:
            return self._evaluation
        started = time.perf_counter()
        self._certify()
        n, network = len(self.examples), self.network
        asked = np.ones(n, bool) if rows is None else np.zeros(n, bool)
        if rows is not None:
            asked[rows] = True
        shift = network.threshold if network.activation == "relu" else 0.0
        pool, now = self._lists.pool, self._lists.frame.now

        def look(first: int, last: int, vectors: FloatArray, sums: tuple[Any, ...]) -> int:
            arguments = (asked, now, network.output_weights, vectors, first, last, *sums)
            return int(compiled.look(pool, network.threshold, shift, *arguments))

        pulled = n if network.outputs == 1 else 0  # one output: the gradient is the slope times what look adds up

        def empty() -> tuple[Any, ...]:
            return np.zeros((n, network.outputs)), np.zeros(n, np.int64), np.zeros((pulled, network.dimension))

        parts = self._by_chunk(look, empty)
        self._lists.evaluated += sum(evaluated for evaluated, _ in parts)
        halves = np.zeros((2, n, network.outputs))
        fired, self._pulls = np.zeros(n, np.int64), np.zeros((pulled, network.dimension))
        for (first, _), (_, (sums, counts, pulls)) in zip(self._chunks, parts, strict=True):
            halves[int(first >= network.width // 2)] += sums
            fired += counts
            self._pulls += pulls
        outputs = (halves[0] + halves[1]) * network.scale
        self._rows, self._asked = rows, asked
        self._evaluation = Evaluation(outputs, fired) if rows is None else Evaluation(outputs[rows], fired[rows])
        self._charge()
        self.finder_seconds += time.perf_counter() - started
        return self._evaluation

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        """Return the gradient in the inputs; a jump of the activation has no part in it."""
        self._check()
        network, spread = self.network, self._spread(slope)
        gradient = self._pulls * spread if network.outputs == 1 else self._pull(spread)
        gradient *= network.scale
        return network.trained_part(gradient if self._rows is None else gradient[self._rows])

    def descend(self, slope: FloatArray, rate: float) -> int:
        self._check()
        rows, indptr, columns, _ = self._active()
        spread, network = self._spread(slope), self.network
        directions = network.trained_part(self.examples[:]).astype(np.float64)
        coefficients, lengths = np.empty(len(columns)), np.empty(len(rows))
        sums = (network.output_weights, spread, rate * network.scale, directions, norm_bounds(directions))
        where = (rows, indptr, columns, coefficients, lengths)
        pool, rule = self._lists.pool, self._rule
        in_threads(lambda first, last: compiled.steps(pool, rule, *sums, *where, first, last), len(rows), 1 << 12)
        combination = sparse.csr_array((coefficients, columns, indptr), shape=(len(rows), len(directions)))
        network.weights.move_along(rows, combination, directions)
        started = time.perf_counter()
        skin_kernels.advance(pool, rule, rows, lengths)
        self._adapt(lengths)
        self._scan_again(rows[pool.todo[rows] == skin_kernels.SPENT])
        self._evaluation = None
        self.finder_seconds += time.perf_counter() - started
        return int(np.count_nonzero(np.add.reduceat(coefficients != 0, indptr[:-1]))) if len(rows) else 0

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        self.examples.assign(rows, vectors)
        started = time.perf_counter()
        self._lists.frame.move(rows, self.examples[rows])
        self._evaluation = None
        self.finder_seconds += time.perf_counter() - started

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        directions = counted(self.network.trained_part(self.examples[:]), factors, self._rows)
        return self.network.kernel_top_eigenvalue(self.sets, directions, "data")

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last: a query for each neuron that fires.

        Raises:
            InvariantError: nothing has been evaluated since something moved.
        """
        self._check()
        rows, indptr, columns, inner = self._active()
        return ActiveSets(indptr, columns, inner, (self.network.width, len(self.examples)), rows)

    def audit(self) -> Audit:
        return audit(self.sets, self.examples, self.network.weights, self.network.threshold, point_rows=self._rows)

    @property
    def _rule(self) -> skin_kernels.Rule:
        """The rule of certificates that hold wherever the examples are in their balls."""
        return self._lists.rule._replace(sway=self._certified)

    def _check(self) -> None:
        if self._evaluation is None:
            raise InvariantError("BallDynamics: evaluate the examples first")

    def _certify(self) -> None:
        """See to it that the lists hold for the examples where they are."""
        sway = self._lists.frame.sway
        if not sway > self._certified:
            return
        self._certified = 1.25 * sway
        self._lists.swing = self._certified
        nowhere = np.zeros(len(self.examples), bool)
        skin_kernels.columns_moved(self._lists.pool, self._rule, nowhere, 0, self.network.width)
        self._scan_again(np.flatnonzero(self._lists.pool.todo == skin_kernels.SPENT))

    def _scan_again(self, rows: IntArray) -> None:
        self._lists.rescan(rows)
        self.rescans += len(rows)

    def _adapt(self, lengths: FloatArray) -> None:
        """Choose the skin of the next scans by the mean step."""
        length = float(lengths.mean()) if len(lengths) else 0.0
        if self._skin is None and 0 < length < np.inf:
            self._step = 0.5 * (self._step + length) if self._step else length
            self._lists.skin = best_skin(self._step, self._density, *self.examples.shape)

    def _pull(self, spread: FloatArray) -> FloatArray:
        """Return (n, d) sum_r (sum_k slope_ik a_rk) w_r over the active neurons of each example."""
        network, pool, shape = self.network, self._lists.pool, self.examples.shape

        def pull(first: int, last: int, vectors: FloatArray, sums: FloatArray) -> int:
            arguments = (spread, self._asked, network.output_weights, vectors, first, last, sums)
            compiled.pull(pool, network.threshold, *arguments)
            return 0

        return np.asarray(sum(part for _, part in self._by_chunk(pull, lambda: np.zeros(shape))))

    def _active(self) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
        """Return (rows with active entries, indptr over them, columns, inner products) of what was evaluated."""
        pool, threshold = self._lists.pool, self.network.threshold
        chunks = self._chunks

        def collect(first: int, last: int) -> list[Any]:
            return [compiled.active(pool, threshold, self._asked, *chunk) for chunk in chunks[first:last]]

        parts = [part for found in in_threads(collect, len(chunks), 1) for part in found]
        rows, counts, columns, inner = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return rows, np.concatenate([[0], np.cumsum(counts)]), columns, inner

    def _by_chunk(self, work: Callable[..., int], empty: Callable[[], Any]) -> list[tuple[int, Any]]:
        """Run ``work(first, last, vectors, sums)`` over every chunk, block by block; (total, sums) of each chunk."""
        weights = self.network.weights
        block = max(64, _BLOCK_NUMBERS // weights.shape[1])

        def run(begin: int, end: int) -> list[tuple[int, Any]]:
            results = []
            for first, last in self._chunks[begin:end]:
                sums, total = empty(), 0
                for start in range(first, last, block):
                    stop = min(start + block, last)
                    total += work(start, stop, np.ascontiguousarray(weights[start:stop]), sums)
                results.append((total, sums))
            return results

        return [result for part in in_threads(run, len(self._chunks), 1) for result in part]

    def _spread(self, slope: FloatArray) -> FloatArray:
        """Return (n, K) slopes, zero for examples that were not evaluated."""
        if self._rows is None:
            return np.ascontiguousarray(slope, dtype=np.float64)
        spread = np.zeros((len(self.examples), slope.shape[1]))
        spread[self._rows] = slope
        return spread

    def _charge(self) -> None:
        self._cost.inner_products += self._lists.scanned + self._lists.evaluated
        self._lists.scanned = self._lists.evaluated = 0
