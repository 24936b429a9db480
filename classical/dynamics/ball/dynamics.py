"""Training on examples that move about: lists of what can fire anywhere in their balls, made once and kept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, final

import numpy as np
from scipy import sparse

from classical.dynamics.ball import kernels as compiled
from classical.dynamics.ball.size import check_lists
from classical.dynamics.layout import Pull, Reading, Sums
from classical.dynamics.two_layer import TwoLayerDynamics, moving
from classical.lists import kernels as list_kernels
from classical.lists.layout import SPENT, Rule, Steps
from classical.lists.neighbour_lists import NeighbourLists
from classical.lists.thickness import best_skin, first_skin
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import watch_both
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads
from hybrid_train.training.dynamics import Evaluation

_CHUNK = 1 << 16
"""Rows of a chunk; the sums of chunks are added in order, so results do not depend on the threads."""

_BLOCK_NUMBERS = 1 << 20
"""Coordinates of weights read at a time."""

_SHARE = 1 << 12
"""Neurons that make it worth to wake another thread."""


@final
class BallDynamics(TwoLayerDynamics):
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
        super().__init__(network, inputs)
        self.rescans = 0
        self._skin = skin
        self._banks = watch_both(network.weights, self.examples)
        norms = norm_bounds(self.examples[:])
        self._certified = 1.01 * reach / max(float(norms.min()), 1e-300)
        self._first_skin = first_skin(self._banks[0]) if skin is None else skin
        about = network.threshold, self._first_skin, self._certified, reach
        check_lists(self._banks[0], np.asarray(self.examples[:], dtype=np.float64), *about)
        self._step = 0.0
        self._evaluated: Evaluation | None = None

    @property
    def candidates(self) -> int:
        """Pairs in the lists."""
        return self._lists.candidates

    def start(self) -> None:
        skin, width = self._first_skin, self.network.width
        with self._on_the_clock():
            self._lists = NeighbourLists(*self._banks, self.network.threshold, skin, self._certified, 0.0)
            self._density = (self._lists.candidates + 1) / (skin * width + self._certified)
            cuts = [*range(0, width // 2, _CHUNK), *range(width // 2, width, _CHUNK), width]
            self._chunks = list(pairwise(cuts))
            self._charge()

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        if self._evaluated is None or rows is not self._rows:
            with self._on_the_clock():
                self._certify()
                self._rows, self._asked = rows, np.full(len(self.examples), rows is None)
                if rows is not None:
                    self._asked[rows] = True
                outputs, fired = self._look()
                self._evaluated = self._evaluation(outputs, fired)
                self._charge()
        return self._evaluated

    def _look(self) -> tuple[FloatArray, IntArray]:
        """Evaluate the listed pairs of the examples asked for; return (n, K) outputs and (n,) active pairs of each."""
        n, network = len(self.examples), self.network
        pool, reading, asked = self._lists.pool, self._reading, self._asked
        pulled = n if network.outputs == 1 else 0  # one output: the gradient is the slope times what look adds up

        def look(first: int, last: int, vectors: FloatArray, into: tuple[Sums, FloatArray]) -> int:
            return int(compiled.look(pool, reading, asked, vectors, first, last, *into))

        def empty() -> tuple[Sums, FloatArray]:
            sums = Sums(np.zeros((n, network.outputs)), np.zeros(n, np.int64))
            return sums, np.zeros((pulled, network.dimension))

        parts = self._by_chunk(look, empty)
        self._lists.evaluated += sum(evaluated for evaluated, _ in parts)
        halves = np.zeros((2, n, network.outputs))
        fired, self._pulls = np.zeros(n, np.int64), np.zeros((pulled, network.dimension))
        for (first, _), (_, (sums, pulls)) in zip(self._chunks, parts, strict=True):
            halves[int(first >= network.width // 2)] += sums.outputs
            fired += sums.fired
            self._pulls += pulls
        return (halves[0] + halves[1]) * network.scale, fired

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        """Return the gradient in the inputs; a jump of the activation has no part in it."""
        self._check()
        network, everywhere = self.network, self._everywhere(slope)
        gradient = self._pulls * everywhere if network.outputs == 1 else self._pull(everywhere)
        gradient *= network.scale
        return network.trained_part(gradient if self._rows is None else gradient[self._rows])

    def descend(self, slope: FloatArray, rate: float) -> int:
        self._check()
        rows, indptr, columns, _ = self._active()
        network, pool, rule = self.network, self._lists.pool, self._rule
        directions = network.trained_part(self.examples[:]).astype(np.float64)
        steps, lengths = Steps(rows, indptr, columns, np.empty(len(columns))), np.empty(len(rows))
        pull = Pull(network.output_weights, self._everywhere(slope), rate * network.scale, norm_bounds(directions))
        arguments = pool, rule, pull, directions, steps, lengths
        in_threads(lambda first, last: compiled.step(*arguments, first, last), len(rows), _SHARE)
        shape = len(rows), len(directions)
        network.weights.move_along(rows, sparse.csr_array((steps.coefficients, columns, indptr), shape), directions)
        with self._on_the_clock():
            list_kernels.advance(pool, rule, rows, lengths)
            self._adapt(lengths)
            self._scan_again(rows[pool.todo[rows] == SPENT])
            self._evaluated = None
        return int(np.count_nonzero(moving(steps.coefficients, indptr)))

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        self._check_known(vectors)
        self.examples.assign(rows, vectors)
        with self._on_the_clock():
            self._lists.frame.move(rows, self.examples[rows])
            self._evaluated = None

    @property
    def sets(self) -> ActiveSets:
        self._check()
        rows, indptr, columns, inner = self._active()
        return ActiveSets(indptr, columns, inner, (self.network.width, len(self.examples)), rows)

    @property
    def _rule(self) -> Rule:
        """The rule of certificates that hold wherever the examples are in their balls."""
        return self._lists.rule._replace(sway=self._certified)

    def _check(self) -> None:
        if self._evaluated is None:
            raise self._not_evaluated()

    def _certify(self) -> None:
        """See to it that the lists hold for the examples where they are."""
        sway = self._lists.frame.sway
        if not sway > self._certified:
            return
        self._certified = 1.25 * sway
        self._lists.swing = self._certified
        nowhere = np.zeros(len(self.examples), bool)
        list_kernels.columns_moved(self._lists.pool, self._rule, nowhere, 0, self.network.width)
        self._scan_again(np.flatnonzero(self._lists.pool.todo == SPENT))

    def _scan_again(self, rows: IntArray) -> None:
        self._lists.rescan(rows)
        self.rescans += len(rows)

    def _adapt(self, lengths: FloatArray) -> None:
        """Choose the skin of the next scans by the mean step."""
        length = float(lengths.mean()) if len(lengths) else 0.0
        if self._skin is None and 0 < length < np.inf:
            self._step = 0.5 * (self._step + length) if self._step else length
            self._lists.skin = best_skin(self._step, self._density, *self.examples.shape)

    @property
    def _reading(self) -> Reading:
        network = self.network
        return Reading(network.threshold, self._shift, self._lists.frame.now, network.output_weights)

    def _pull(self, slope: FloatArray) -> FloatArray:
        """Return (n, d) sum_r (sum_k slope_ik a_rk) w_r over the active neurons of each example."""
        pool, reading, asked, shape = self._lists.pool, self._reading, self._asked, self.examples.shape

        def pull(first: int, last: int, vectors: FloatArray, gradient: FloatArray) -> int:
            compiled.pull(pool, reading, slope, asked, vectors, first, last, gradient)
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

    def _charge(self) -> None:
        self._cost.inner_products += self._lists.scanned + self._lists.evaluated
        self._lists.scanned = self._lists.evaluated = 0
