"""Training where a large share of the pairs is active: by matrix products, on active neurons alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from classical.dynamics.layout import Sums
from classical.dynamics.products.examples import Examples, examples_of
from classical.dynamics.rows.broad import blot, weigh
from classical.dynamics.rows.layout import make_world
from classical.dynamics.two_layer import TwoLayerDynamics
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.memory import check_memory
from hybrid_train.support.parallel import of_each, ranges
from hybrid_train.training.dynamics import Evaluation
from hybrid_train.training.optimisers import Optimiser

_BLOCK_PAIRS = 1 << 17
"""Inner products worked on at a time: they stay in the second-level cache."""

_LEAST_ROWS = 64
"""Neurons of a block at least: fewer make a product slow."""

_DENSE = 0.75
"""Share of a block's neurons from which on all of them are multiplied, rather than copied together."""

_NO_SKIN = np.array([1.0])
"""There are no lists here."""


class _Block(NamedTuple):
    """Neurons that are worked on together: the first, and the one after the last."""

    first: int
    last: int


@final
class ProductDynamics(TwoLayerDynamics):
    """A two-layer network trained by matrix products, exact: what is fastest where much fires, or little is known yet.

    A step multiplies all neurons with its examples, in the precision of the weights, block by block; pairs within
    rounding of the threshold are decided by the shared predicate. The gradient is a second product, of the neurons that
    fire for one of the examples. Nothing is kept from step to step.

    Sets are those of the shared predicate, always; outputs and motion agree with those of
    :class:`classical.dynamics.sets.SetDynamics` to rounding.

    Charged: ``inner_products``, all of them in each step.

    Args:
        network: its weights, stored ones, are moved.
        inputs: (n, d) the examples; copied.
        optimiser: turns gradients into moves; None for plain descent.

    Raises:
        InvariantError: the weights are not stored as one array.
        DataError: inputs not (n, d) or not finite.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser | None = None) -> None:
        super().__init__(network, inputs)
        lent = network.weights.lent()
        if lent is None:
            raise InvariantError("products need weights that are stored as one array")
        self._weights, self._optimiser = lent, optimiser
        self._all: Examples | None = None
        self._near: Examples | None = None

    @property
    def auto_rate(self) -> float | None:
        return None if self._optimiser is None else self._optimiser.auto_rate

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last, by neuron; inner products are left out (NaN)."""
        if self._near is None:
            raise self._not_evaluated()
        rows = np.flatnonzero(self._fired)
        neurons, places = np.nonzero(self._masks[rows])
        indptr = np.searchsorted(neurons, np.arange(len(rows) + 1))
        shape = self.network.width, len(self.examples)
        return ActiveSets(indptr, self._batch[places], np.full(len(places), np.nan), shape, rows)

    def start(self) -> None:
        with self._on_the_clock():
            examples = np.array(self.examples[:])
            itemsize, width = self._weights.dtype.itemsize, self.network.width
            needed = width * len(examples) + examples.size * (8 + itemsize) + 16 * width
            check_memory(
                needed,
                f"{width} neurons, {len(examples)} examples: who fires for whom",
                "take a smaller network.width, or training.batch_size",
            )
            self._all, self._near = examples_of(self.network, make_world(self.network, examples, _NO_SKIN)), None
            self._norms = norm_bounds(self._weights)
            self._fired = np.zeros(width, np.int64)

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        with self._on_the_clock():
            if self._all is None:
                raise InvariantError("products: start first")
            self._rows = None if rows is None else np.asarray(rows, np.int64)
            self._batch = np.arange(len(self.examples)) if self._rows is None else self._rows
            near = self._all if self._rows is None else self._all.some(self._rows)
            count = len(self._batch)
            self._masks = np.empty((self.network.width, count), np.uint8)
            self._cost.inner_products += count * self.network.width
            sums = Sums(np.zeros((count, self.network.outputs)), np.zeros(count, np.int64))
            for part in of_each(lambda block: self._look(block, near), self._blocks(count)):
                np.add(sums.outputs, part.outputs, out=sums.outputs)
                np.add(sums.fired, part.fired, out=sums.fired)
            self._near = near
        return Evaluation(sums.outputs * self.network.scale, sums.fired)

    def _blocks(self, count: int) -> list[_Block]:
        """Return blocks for so many examples: an even number, so that two threads have the same to do."""
        width = self.network.width
        pairs = -(-width // (2 * max(_LEAST_ROWS, _BLOCK_PAIRS // count)))
        return [_Block(*bounds) for bounds in ranges(width, min(2 * pairs, width))]

    def _look(self, block: _Block, near: Examples) -> Sums:
        """Return what a block adds to the outputs, and note who fires."""
        rows, world = slice(*block), near.world
        vectors, masks = self._weights[rows], self._masks[rows]
        counts = np.zeros(masks.shape[1], np.int32)
        products = near.products(vectors)
        weigh(products, masks, vectors, self._norms[rows], world, self._batch, counts, self._fired[rows])
        outputs = products.T @ world.signs[rows].astype(products.dtype)
        return Sums(outputs.astype(np.float64), counts)

    def descend(self, slope: FloatArray, rate: float) -> int:
        near = self._near
        if near is None:
            raise self._not_evaluated()
        with self._on_the_clock():
            pulls = np.ascontiguousarray(slope * self.network.scale, near.world.columns.dtype)
            near.arrange()
            moved = sum(of_each(lambda block: self._move(block, near, pulls, rate), self._blocks(len(self._batch))))
            self._near = None
        return moved

    def _move(self, block: _Block, near: Examples, pulls: npt.NDArray[Any], rate: float) -> int:
        """Move the neurons of a block that fire; return how many that are."""
        active = np.flatnonzero(self._fired[slice(*block)])
        if not len(active):
            return 0
        dense = len(active) > _DENSE * (block.last - block.first)
        rows = active + block.first
        place = slice(*block) if dense else rows
        factors = near.world.signs[place].astype(pulls.dtype) @ pulls.T
        blot(factors, self._masks[place])
        gradient = near.combined(factors)
        if self._optimiser is None:
            moved = int(np.count_nonzero(factors.any(axis=1)))
            gradient *= -rate
            self._weights[place] += gradient
        else:
            moved = len(active)
            trained = self._weights.shape[1] - self.network.untrained
            self._optimiser.apply(self._weights, rows, gradient, active if dense else None, rate, trained)
        self._norms[place] = norm_bounds(self._weights[place])
        return moved

    def memory(self) -> dict[str, Any]:
        return {} if self._optimiser is None else self._optimiser.memory()

    def recall(self, memory: Mapping[str, Any]) -> None:
        if self._optimiser is not None:
            self._optimiser.recall(memory)
