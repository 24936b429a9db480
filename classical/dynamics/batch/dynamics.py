"""Mini-batches on fixed examples: a step looks at the neurons near its own examples, and at nothing else."""

from __future__ import annotations

from typing import final

import numpy as np
from scipy import sparse

from classical.dynamics.batch import kernels as compiled
from classical.dynamics.batch.kernels import Found
from classical.dynamics.batch.lists import BatchLists
from classical.dynamics.layout import Pull, Reading, Sums
from classical.dynamics.two_layer import TwoLayerDynamics, moving
from classical.lists import kernels as list_kernels
from classical.lists.following import MOST_COLUMNS
from classical.lists.layout import SPENT, Steps
from classical.lists.thickness import balanced_skin, first_skin
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import watch_both
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads
from hybrid_train.training.dynamics import Evaluation

_BLOCK_NUMBERS = 1 << 18
"""Coordinates of weights gathered at a time: they stay in the second-level cache."""

_SHARE = 1 << 12
"""Neurons that make it worth to wake another thread."""

_ENTRY = 20.0
"""Price of evaluating a listed pair that does not fire, in units of screening one pair in a scan."""


@final
class BatchDynamics(TwoLayerDynamics):
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
        super().__init__(network, inputs)
        self.rescans = 0
        self._directions = network.trained_part(self.examples[:]).astype(np.float64)
        self._direction_norms = norm_bounds(self._directions)
        few = len(self._directions) <= MOST_COLUMNS
        self._gram = self._directions @ self._directions.T if few else np.empty((0, 0))
        self._skin = skin
        self._step = 0.0
        self._sets: ActiveSets | None = None

    @property
    def candidates(self) -> int:
        """Pairs in the lists."""
        return self._lists.candidates

    @property
    def sets(self) -> ActiveSets:
        if self._sets is None:
            raise self._not_evaluated()
        return self._sets

    def start(self) -> None:
        with self._on_the_clock():
            weights, examples = watch_both(self.network.weights, self.examples)
            skin = first_skin(weights) if self._skin is None else self._skin
            self._lists = BatchLists(self.network.weights, examples[:], self.network.threshold, skin)
            self._charge()

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        with self._on_the_clock():
            n, network = len(self.examples), self.network
            near, indptr, listed = self._lists.near(np.arange(n) if rows is None else np.sort(rows))
            # the halves of the bank apart, each in the order of the neurons: the sums of TwoLayerNetwork.outputs_from
            cuts = (0, int(np.searchsorted(near, network.width // 2)), len(near))
            parts = in_threads(
                lambda first, last: [
                    self._look(near, indptr, listed, *cuts[part : part + 2]) for part in range(first, last)
                ],
                2,
                1,
            )
            (low, few), (high, more) = [half for part in parts for half in part]
            found = Found(*(np.concatenate(pair) for pair in zip(few, more, strict=True)))
            active = found.counts > 0
            starts = np.concatenate([[0], np.cumsum(found.counts[active])])
            self._sets = ActiveSets(starts, found.examples, found.inner, (network.width, n), near[active])
            self._rows = rows
            self._cost.inner_products += len(listed)
        return self._evaluation((low.outputs + high.outputs) * network.scale, low.fired + high.fired)

    def descend(self, slope: FloatArray, rate: float) -> int:
        sets, network, lists, gram = self.sets, self.network, self._lists, self._gram
        steps = Steps(sets.rows, sets.indptr, sets.indices, np.empty(sets.nnz))
        pull = Pull(network.output_weights, self._everywhere(slope), rate * network.scale, self._direction_norms)
        pool, rule, lengths = lists.pool, lists.rule, np.empty(len(sets.rows))
        arguments = pool, rule, pull, gram, steps, lengths
        in_threads(lambda first, last: compiled.step(*arguments, first, last), len(lengths), _SHARE)
        shape = len(lengths), len(self.examples)
        combination = sparse.csr_array((steps.coefficients, sets.indices, sets.indptr), shape)
        network.weights.move_along(sets.rows, combination, self._directions)
        with self._on_the_clock():
            list_kernels.advance(pool, rule, sets.rows, lengths)
            self._adapt(lengths)
            spent = sets.rows[pool.todo[sets.rows] == SPENT]
            lists.scan(spent)
            self.rescans += len(spent)
            self._sets = None
            self._charge()
        return int(np.count_nonzero(moving(steps.coefficients, sets.indptr)))

    def _look(self, near: IntArray, indptr: IntArray, listed: IntArray, first: int, last: int) -> tuple[Sums, Found]:
        """Evaluate the listed pairs of ``near[first:last]``."""
        network, n, room = self.network, len(self.examples), int(indptr[last] - indptr[first])
        sums = Sums(np.zeros((n, network.outputs)), np.zeros(n, np.int64))
        counts, index, inner = np.empty(last - first, np.int64), np.empty(room, np.int64), np.empty(room)
        reading = Reading(network.threshold, self._shift, self.examples[:], network.output_weights)
        block, at = max(64, _BLOCK_NUMBERS // network.dimension), 0
        for start in range(first, last, block):
            stop = min(start + block, last)
            rows, bounds = near[start:stop], indptr[start : stop + 1]
            found = Found(counts[start - first : stop - first], index[at:], inner[at:])
            at += compiled.look(reading, rows, network.weights[rows], bounds, listed, sums, found)
        return sums, Found(counts, index[:at], inner[:at])

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
        self._lists.skin = min(balanced_skin(work, density), self._lists.spare / density)

    def _charge(self) -> None:
        self._cost.inner_products += self._lists.scanned
        self._lists.scanned = 0
