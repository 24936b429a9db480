"""Mini-batches on fixed examples: a step looks at the neurons near its own examples, and at nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from scipy import sparse

from classical.dynamics.batch import kernels as compiled
from classical.dynamics.batch.lists import BatchLists
from classical.dynamics.sets import counted, spread
from classical.lists import kernels as skin_kernels
from classical.lists.thickness import first_skin
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

_BLOCK_NUMBERS = 1 << 18
"""Coordinates of weights gathered at a time: they stay in the second-level cache."""

_GRAM_COLUMNS = 4096
"""More examples than this would make the Gram matrix (128 MB then) dearer than what a tighter bound saves."""

_SAMPLE = 2048
"""Neurons that show how much the examples have in common."""

_ENTRY = 20.0
"""Price of evaluating a listed pair that does not fire, in units of screening one pair in a scan."""


def examples_in_common(network: TwoLayerNetwork, inputs: FloatArray) -> float:
    """Return for how many of the examples a neuron fires if it fires at all, on average over a sample of neurons."""
    weights = network.weights[: min(network.width, _SAMPLE)]
    with np.errstate(over="ignore", invalid="ignore"):
        fired = np.count_nonzero(inputs @ weights.T > network.threshold, axis=0)
    return float(fired[fired > 0].mean()) if fired.any() else 0.0


@final
class BatchDynamics(Dynamics):
    """A two-layer network trained on a few of its examples at a time, exact.

    Each example lists the neurons that could fire for it until a neuron's drift has used up a skin, as
    :class:`classical.skin.SkinFinder` has it. A step evaluates the listed pairs of its batch by the deciding inner
    product, moves the neurons that fire, and scans those again whose skin is spent. Neurons are never followed for
    examples that are not in the batch, so that nothing is paid for the number of examples but the first scan: with many
    examples that fire the same neurons this is less than following them all through the Gram matrix. Sets, outputs and
    weights are those of :class:`classical.dynamics.sets.SetDynamics` to the last bit (one output; else to rounding).

    Charged: ``inner_products`` for scans and listed pairs evaluated.

    Args:
        network: its weights are moved.
        inputs: (n, d) the examples; copied.
        skin: as :class:`classical.skin.SkinFinder` takes it.

    Attributes:
        rescans: neurons scanned again since ``start``.

    Raises:
        DataError: inputs not (n, d) or not finite.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray, skin: float | None = None) -> None:
        self.network = network
        self.examples = DenseBank(inputs, "inputs")
        self.finder_seconds = 0.0
        self.rescans = 0
        self._directions = network.trained_part(self.examples[:]).astype(np.float64)
        self._direction_norms = norm_bounds(self._directions)
        few = len(self._directions) <= _GRAM_COLUMNS
        self._gram = self._directions @ self._directions.T if few else np.empty((0, 0))
        self._skin = skin
        self._cost = Cost()
        self._step = 0.0
        self._rows: IntArray | None = None
        self._sets: ActiveSets | None = None

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

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last: a query for each neuron that fires.

        Raises:
            InvariantError: nothing has been evaluated since something moved.
        """
        if self._sets is None:
            raise InvariantError("BatchDynamics: evaluate the examples first")
        return self._sets

    def start(self) -> None:
        started = time.perf_counter()
        weights, examples = watch_both(self.network.weights, self.examples)
        skin = first_skin(weights) if self._skin is None else self._skin
        self._lists = BatchLists(self.network.weights, examples[:], self.network.threshold, skin)
        self._charge()
        self.finder_seconds += time.perf_counter() - started

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        started = time.perf_counter()
        n, network = len(self.examples), self.network
        near, indptr, listed = self._lists.near(np.arange(n) if rows is None else np.sort(rows))
        # the halves of the bank apart, each in the order of the neurons: the sums of TwoLayerNetwork.outputs_from
        half = int(np.searchsorted(near, network.width // 2))
        cuts = (0, half, len(near))
        parts = in_threads(
            lambda first, last: [
                self._look(near, indptr, listed, cuts[part], cuts[part + 1]) for part in range(first, last)
            ],
            2,
            1,
        )
        (sums, counts, *low), (more_sums, more_counts, *high) = [found for part in parts for found in part]
        outputs, fired = (sums + more_sums) * network.scale, counts + more_counts
        sizes, index, inner = (np.concatenate(pair) for pair in zip(low, high, strict=True))
        active = sizes > 0
        starts = np.concatenate([[0], np.cumsum(sizes[active])])
        self._sets = ActiveSets(starts, index, inner, (network.width, n), near[active])
        self._rows = rows
        self._cost.inner_products += len(listed)
        self.finder_seconds += time.perf_counter() - started
        return Evaluation(outputs, fired) if rows is None else Evaluation(outputs[rows], fired[rows])

    def descend(self, slope: FloatArray, rate: float) -> int:
        sets, network, lists = self.sets, self.network, self._lists
        everywhere = np.ascontiguousarray(spread(slope, self._rows, len(self.examples)))
        coefficients, lengths = np.empty(sets.nnz), np.empty(len(sets.rows))
        pool, rule = lists.pool, lists.rule
        arguments = (network.output_weights, everywhere, rate * network.scale, self._direction_norms, self._gram, rule)
        where = (pool, sets.rows, sets.indptr, sets.indices, coefficients, lengths)
        in_threads(lambda first, last: compiled.pull(*arguments, *where, first, last), len(sets.rows), 1 << 12)
        combination = sparse.csr_array((coefficients, sets.indices, sets.indptr), (len(lengths), len(self.examples)))
        network.weights.move_along(sets.rows, combination, self._directions)
        started = time.perf_counter()
        skin_kernels.advance(pool, rule, sets.rows, lengths)
        self._adapt(lengths)
        spent = sets.rows[pool.todo[sets.rows] == skin_kernels.SPENT]
        lists.scan(spent)
        self.rescans += len(spent)
        self._sets = None
        self._charge()
        self.finder_seconds += time.perf_counter() - started
        moved = np.logical_or.reduceat(coefficients != 0, sets.indptr[:-1]) if len(coefficients) else coefficients
        return int(np.count_nonzero(moved))

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        raise InvariantError("BatchDynamics hold their examples fixed")

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        raise InvariantError("BatchDynamics hold their examples fixed")

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        return self.network.kernel_top_eigenvalue(self.sets, counted(self._directions, factors, self._rows), "data")

    def audit(self) -> Audit:
        return audit(self.sets, self.examples, self.network.weights, self.network.threshold, point_rows=self._rows)

    def _look(self, near: IntArray, indptr: IntArray, listed: IntArray, first: int, last: int) -> tuple[Any, ...]:
        """Evaluate the listed pairs of ``near[first:last]``.

        Returns:
            (n, K) sums and (n,) active pairs of the examples; active pairs of each neuron, their examples and inner
            products.
        """
        network, n = self.network, len(self.examples)
        sums, fired = np.zeros((n, network.outputs)), np.zeros(n, np.int64)
        room = int(indptr[last] - indptr[first])
        counts, index, inner = np.empty(last - first, np.int64), np.empty(room, np.int64), np.empty(room)
        shift = network.threshold if network.activation == "relu" else 0.0
        fixed = network.threshold, shift, self.examples[:], network.output_weights
        block, at = max(64, _BLOCK_NUMBERS // network.dimension), 0
        for start in range(first, last, block):
            stop = min(start + block, last)
            rows = near[start:stop]
            at += compiled.look(
                *fixed,
                rows,
                network.weights[rows],
                indptr[start : stop + 1],
                listed,
                sums,
                fired,
                counts[start - first : stop - first],
                index[at:],
                inner[at:],
            )
        return sums, fired, counts, index[:at], inner[:at]

    def _adapt(self, lengths: FloatArray) -> None:
        """Choose the skin of the next scans.

        A skin s has density s more entries per neuron, each evaluated when its example is in a batch of B of n, and a
        scan of n examples each time a neuron has drifted as far as its nearest unlisted one, as in
        :func:`classical.lists.thickness.best_skin`; it may at most double the lists.
        """
        n, dimension = self.examples.shape
        path = float(lengths.sum()) / max(1, self._lists.occupied)
        if self._skin is not None or self._rows is None or not 0 < path < np.inf:
            return
        self._step = 0.5 * (self._step + path) if self._step else path
        scan = n * (1.5 + dimension / 16) / (_ENTRY * len(self._rows) / n)
        work, density = self._step * scan, self._lists.density
        root = float((np.sqrt(1 + 4 * work * density) - 1) / (2 * density))
        self._lists.skin = min(root, self._lists.spare / density)

    def _charge(self) -> None:
        self._cost.inner_products += self._lists.scanned
        self._lists.scanned = 0
