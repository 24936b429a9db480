"""Row dynamics: lists of examples for every neuron, evaluated from the vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, final

import numpy as np

from classical.dynamics.layout import Sums
from classical.dynamics.rows.chunk import Chunk, Visit
from classical.dynamics.rows.layout import make_world
from classical.dynamics.rows.size import check_lists
from classical.dynamics.two_layer import TwoLayerDynamics
from classical.lists.thickness import typical_coordinate
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.eigenvalues import top_of_operator
from hybrid_train.support.parallel import of_each, ranges
from hybrid_train.training.dynamics import Evaluation

T = TypeVar("T")

_SKINS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Skins to choose from, in typical coordinates of a weight."""

_CHUNKS, _CHUNK = 16, 256
"""Chunks of a bank, and the least rows of one: their sums are added in order, so no result depends on threads."""

_SAMPLE = 256
"""Neurons whose lists show how long all of them will be."""


@final
class RowDynamics(TwoLayerDynamics):
    """Full-batch or mini-batch gradient descent on fixed examples, exact, evaluated from the vectors.

    A neuron that fires for no example never moves. Each of the others lists the examples that it fires for or could
    fire for before its path has used up a skin. In a step it moves by the combination of the F examples that it fires
    for, and evaluates these again, and those others whose alarm, the path after which they could fire, has gone off:
    2 F d contiguous operations, where following through the Gram matrix takes F (F + C) scattered ones. So this is for
    many examples that resemble each other, which fire the same neurons. Neurons whose skin is spent are scanned again,
    as one matrix product; neurons that fire for most examples move and are scanned so in every step.

    Sets are those of the shared predicate on ``weights[:]``, at every step; an inner product is evaluated in the
    network's precision, and by the predicate where rounding could matter. The sums are added up chunk by chunk, so that
    results do not depend on threads, and the halves of the bank apart: twins of a paired start cancel.

    Charged: ``inner_products`` for scans (every pair of a scanned row) and entries evaluated, ``nodes_visited`` for
    list entries read.

    Args:
        network: its weights, stored ones, are moved.
        inputs: (n, d) the examples; copied.
        skin: distance within which an example is listed for a row, (b - <w, x>) / ||x||; None to weigh for each row
            what a longer list costs against another scan.

    Attributes:
        rescans: lists that had to be made anew.

    Raises:
        InvariantError: the weights are not stored as one array.
        DataError: inputs not (n, d) or not finite.
    """

    index: Index = "data"

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray, *, skin: float | None = None) -> None:
        super().__init__(network, inputs)
        lent = network.weights.lent()
        if lent is None:
            raise InvariantError("row dynamics move weights that are stored as one array")
        self._weights = lent
        self._skin = skin
        self.rescans = 0
        self._sums: Sums | None = None

    @property
    def candidates(self) -> int:
        """Pairs in the lists now."""
        return sum(chunk.candidates for chunk in self._chunks)

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last, by neuron; inner products are left out (NaN)."""
        if self._sums is None:
            raise self._not_evaluated()
        parts = [chunk.active() for chunk in self._chunks]
        rows, counts, columns = (np.concatenate(side) for side in zip(*parts, strict=True))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        shape = self.network.width, len(self.examples)
        sets = ActiveSets(indptr, columns, np.full(len(columns), np.nan), shape, rows)
        return sets if self._rows is None else sets.only(self._rows)

    def start(self) -> None:
        with self._on_the_clock():
            columns = np.array(self.examples[:])
            typical = typical_coordinate(self.network.weights)
            skins = np.array(_SKINS) * typical if self._skin is None else np.array([self._skin])
            self._world = make_world(self.network, columns, skins)
            self._check_memory()
            self._chunks = [Chunk(self._weights, *part, self._world) for part in chunk_bounds(self.network.width)]
            self._sums = self._added(self._of_all(Chunk.scan))
            self._cost.inner_products += len(columns) * self.network.width

    def _check_memory(self) -> None:
        """Refuse lists that cannot fit, from those of a sample of the neurons.

        Raises:
            ResourceError: they cannot.
        """
        width = self.network.width
        if width <= 4 * _SAMPLE:
            return
        rows = np.linspace(0, width - 1, _SAMPLE).astype(np.int64)
        sample = Chunk(self._weights[rows], 0, _SAMPLE, self._world._replace(signs=self._world.signs[rows]))
        sample.scan()
        check_lists(sample.candidates / _SAMPLE, width, len(self.examples))

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        if self._sums is None:
            raise self._not_evaluated()
        self._rows = None if rows is None else np.asarray(rows, np.int64)
        return self._evaluation(self._sums.outputs * self.network.scale, self._sums.fired.copy())

    def descend(self, slope: FloatArray, rate: float) -> int:
        with self._on_the_clock():
            pulls = self._everywhere(slope) * (-rate * self.network.scale)
            visits = self._of_all(lambda chunk: chunk.step(pulls))
            self._sums = self._added([visit.sums for visit in visits])
            return sum(self._note(visit) for visit in visits)

    def _note(self, visit: Visit) -> int:
        self.rescans += visit.spent
        self._cost.inner_products += visit.evaluated + len(self.examples) * (visit.spent + visit.broad)
        self._cost.nodes_visited += visit.touched
        return visit.moved

    def _of_all(self, work: Callable[[Chunk], T]) -> list[T]:
        """Return what each chunk answers, in their order, worked out side by side."""
        return of_each(work, self._chunks)

    def _added(self, sums: Sequence[Sums]) -> Sums:
        """Add the sums of the chunks, the halves of the bank apart."""
        half = len(sums) // 2
        low, high = (sum(one.outputs for one in part) for part in (sums[:half], sums[half:]))
        return Sums(np.asarray(low + high), np.asarray(sum(one.fired for one in sums)))

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        n, outputs = len(self.examples), self.network.outputs
        weights = np.zeros(n)
        weights[slice(None) if self._rows is None else self._rows] = 1.0 if factors is None else np.sqrt(factors)

        def product(vector: FloatArray) -> FloatArray:
            scaled = np.ascontiguousarray(vector.reshape(n, outputs) * weights[:, None])
            total: FloatArray = np.sum(self._of_all(lambda chunk: chunk.spread(scaled)), axis=0)
            return (total * weights[:, None]).ravel()

        return top_of_operator(product, n * outputs) * self.network.scale**2

    def facts(self) -> dict[str, Any]:
        return {
            "listed_neurons": sum(len(chunk.lists.rows) for chunk in self._chunks),
            "broad_neurons": sum(chunk.broad for chunk in self._chunks),
            "candidates": self.candidates,
            "rescans": self.rescans,
        }


def chunk_bounds(width: int) -> list[tuple[int, int]]:
    """Return the chunks (first, last) of a bank: the halves alike, one chunk alone for a bank of one."""
    if width == 1:
        return [(0, 1)]
    parts = max(1, min(_CHUNKS // 2, width // 2 // _CHUNK))
    half = width // 2
    return [*ranges(half, parts), *[(half + a, half + b) for a, b in ranges(width - half, parts)]]
