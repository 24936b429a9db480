"""Mini-batches on fixed examples: a step looks at the neurons near its own examples, and at nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, final

import numpy as np

from classical.dynamics.batch import bits
from classical.dynamics.batch.chunk import Chunk, chunks_of
from classical.dynamics.batch.scan import Prices, prices_of
from classical.dynamics.rows.layout import make_world, restricted
from classical.dynamics.two_layer import TwoLayerDynamics
from classical.lists.thickness import typical_coordinate
from hybrid_train.errors import InvariantError, ResourceError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.memory import check_memory
from hybrid_train.support.parallel import of_each
from hybrid_train.training.dynamics import Evaluation

T = TypeVar("T")

_SKINS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Skins to choose from, in typical coordinates of a weight."""

_FIRST = 2
"""The skin to choose while examples are looked at for the first time."""

_SAVED = 0.5
"""Share of the time of a step, about, that lists save."""


@final
class BatchDynamics(TwoLayerDynamics):
    """A two-layer network trained on a few of its examples at a time, exact.

    While the data are gone through for the first time every neuron is looked at for every example of a step, and each
    example lists the neurons that fire for it, or could before they have gone a skin away from where they began. After
    that the neurons that fired for no example, which never moved and never will, are left out for good. (Where single
    steps come back to an example before others were seen, or in float64, all neurons are scanned once instead, when
    that has paid.) A step evaluates the listed pairs of its batch from the vectors, moves the neurons that fire, and
    scans those again that have gone that far; what counts is the distance, not the path, which is much longer where the
    batches pull to and fro. The skin of a neuron weighs the visits of a longer list against another scan; a neuron on
    the move lists everything. So nothing is paid for the number of examples but the scans.

    Sets are those of the shared predicate, always. A network of float64 is evaluated by the deciding inner product
    and moved as its bank would move it: outputs and weights are those of
    :class:`classical.dynamics.sets.SetDynamics` to the last bit (one output; else to rounding). One of float32 is
    evaluated and moved by vector code, alike to rounding, and by the predicate where rounding could matter.

    Charged: ``inner_products`` for scans and for pairs evaluated.

    Args:
        network: its weights, stored ones, are moved.
        inputs: (n, d) the examples; copied.
        skin: distance within which an example is listed, (b - <w, x>) / ||x||, from the start; None to choose.
        fresh: whether the examples are others in every step, so that no list is worth while.

    Attributes:
        rescans: neurons scanned again since there are lists.

    Raises:
        InvariantError: the weights are not stored as one array.
        DataError: inputs not (n, d) or not finite.
    """

    def __init__(
        self, network: TwoLayerNetwork, inputs: FloatArray, skin: float | None = None, *, fresh: bool = False
    ) -> None:
        super().__init__(network, inputs)
        lent = network.weights.lent()
        if lent is None:
            raise InvariantError("batch dynamics move weights that are stored as one array")
        self._weights = lent
        self._plain = network.weights.dtype == np.float64
        self._skin = None if fresh else skin
        self._fresh = fresh
        self.rescans = 0
        self._seen = 0
        self._refused: str | None = None
        self._evaluated = False

    @property
    def candidates(self) -> int:
        """Pairs in the lists; all of them, before there are lists."""
        if not self._listed:
            return self.network.width * len(self.examples)
        return sum(chunk.candidates for chunk in self._chunks)

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last, by neuron; inner products are left out (NaN)."""
        if not self._evaluated:
            raise self._not_evaluated()
        parts = [chunk.active() for chunk in self._chunks]
        rows, counts, places = (np.concatenate(side) for side in zip(*parts, strict=True))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        shape = self.network.width, len(self.examples)
        return ActiveSets(indptr, self._batch[places], np.full(len(places), np.nan), shape, rows)

    def start(self) -> None:
        with self._on_the_clock():
            weights = self._weights
            check_memory(weights.nbytes, f"where {len(weights)} neurons began", "take a smaller network.width")
            skins = np.array(_SKINS) * typical_coordinate(self.network.weights)
            self._skins = skins if self._skin is None else np.array([self._skin])
            self._world = make_world(self.network, np.array(self.examples[:]), self._skins)
            self._chunks = chunks_of(weights, self._plain)
            self._size = len(self.examples)
            self._known = np.zeros(self._size, bool)
            if self._skin is not None:
                self._make_lists()

    @property
    def _listed(self) -> bool:
        return all(chunk.listed for chunk in self._chunks)

    @property
    def _prices(self) -> Prices:
        """What visits and scans cost with batches of the size of the last one."""
        return prices_of(self._world, self._size / len(self.examples), choose=self._skin is None, plain=self._plain)

    def _see_to_lists(self) -> None:
        """Begin lists, or end them, or make them all at once where that would have paid by now."""
        n = len(self.examples)
        if self._fresh or self._refused is not None:
            return
        if self._known.all() and not self._plain:
            prices = self._prices
            scanned = sum(self._of_all(lambda chunk: chunk.end_lists(self._world, prices)))
            self.rescans += scanned
            self._cost.inner_products += scanned * n
        elif self._seen > self._worth:
            self._make_lists()
        elif not self._seen and not self._plain and self._fits():
            self._of_all(lambda chunk: chunk.fill_lists(n, float(self._skins[_FIRST])))

    def _fits(self) -> bool:
        """Return whether the lists fit into memory."""
        n, width = len(self.examples), self.network.width
        try:
            check_memory(n * width / 2, f"{width} neurons, {n} examples: lists", "take a smaller network.width")
        except ResourceError as error:
            self._refused = str(error)
        return self._refused is None

    def _make_lists(self) -> None:
        """Scan everything, if the lists fit into memory; else leave it at looking at everything."""
        if not self._fits():
            return
        prices = self._prices
        self._of_all(lambda chunk: chunk.make_lists(self._world, prices))
        self._cost.inner_products += len(self.examples) * self.network.width

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        with self._on_the_clock():
            n = len(self.examples)
            self._rows = None if rows is None else np.asarray(rows, np.int64)
            self._batch = np.arange(n) if self._rows is None else np.sort(self._rows)
            self._size = len(self._batch)
            if not self._listed:
                self._see_to_lists()
            batch, world = self._batch, self._restricted()
            new = not self._known[batch].all()
            self._known[batch] = True
            self._seen += self._size if new else 0
            asked, all_listed = bits.first_bits(len(batch)), rows is None and self._listed
            answers = self._of_all(
                lambda chunk: chunk.look_along(asked, world) if all_listed else chunk.look(batch, asked, world, new)
            )
            self._cost.inner_products += sum(evaluated for _, evaluated in answers)
            self._near, self._evaluated = world, True
            halves = np.zeros((2, len(batch), self.network.outputs))
            for chunk, (sums, _) in zip(self._chunks, answers, strict=True):
                halves[int(chunk.first >= self.network.width // 2)] += sums.outputs
            fired = np.asarray(sum(sums.fired for sums, _ in answers))
            outputs = (halves[0] + halves[1]) * self.network.scale
        if self._rows is None:
            return Evaluation(outputs, fired)
        order = np.searchsorted(batch, self._rows)
        return Evaluation(outputs[order], fired[order])

    @property
    def _worth(self) -> float:
        """How many examples may be looked at everywhere before lists would have saved as much as they cost.

        Lists that are begun cost nothing if a pass through the data ends them; examples drawn with replacement do not.
        """
        prices = self._prices
        if not self._plain:
            return 1.5 * len(self.examples)
        return self._size * prices.scan / (_SAVED * prices.visit * len(self.examples))

    def _restricted(self) -> Any:
        """Return the world of the batch alone, its examples side by side."""
        return self._world if self._rows is None else restricted(self._world, self._batch)

    def descend(self, slope: FloatArray, rate: float) -> int:
        if not self._evaluated:
            raise self._not_evaluated()
        with self._on_the_clock():
            order = slice(None) if self._rows is None else np.argsort(self._rows)
            pulls = np.ascontiguousarray(slope[order], dtype=np.float64)
            world, factor, prices = self._near, rate * self.network.scale, self._prices
            visits = self._of_all(lambda chunk: chunk.step(world, pulls, factor, self._world, prices))
            scanned = sum(visit.scanned for visit in visits)
            self.rescans += scanned
            self._cost.inner_products += scanned * len(self.examples)
            self._evaluated = False
        return sum(visit.moved for visit in visits)

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        if not self._fresh:
            return super().input_gradient(slope)
        if not self._evaluated:
            raise self._not_evaluated()
        order = slice(None) if self._rows is None else np.argsort(self._rows)
        pulls, world, network = np.ascontiguousarray(slope[order], np.float64), self._near, self.network
        gradient = np.empty((len(self._batch), network.dimension))
        parts = self._of_all(lambda chunk: chunk.pull(world, pulls))
        gradient[order] = np.asarray(sum(parts), np.float64)[:, : network.dimension] * network.scale
        return network.trained_part(gradient)

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        if not self._fresh:
            super().move_examples(rows, vectors)
        self._check_known(vectors)
        self.examples.assign(rows, vectors)
        with self._on_the_clock():
            self._world = make_world(self.network, np.array(self.examples[:]), self._skins)
            self._evaluated = False

    def _of_all(self, work: Callable[[Chunk], T]) -> list[T]:
        """Return what each chunk answers, in their order, worked out side by side."""
        return of_each(work, self._chunks)

    def facts(self) -> dict[str, Any]:
        facts = {
            "listed_neurons": sum(len(chunk.lists.rows) for chunk in self._chunks) if self._listed else 0,
            "broad_neurons": sum(chunk.everything for chunk in self._chunks),
            "candidates": self.candidates,
            "rescans": self.rescans,
        }
        return facts if self._refused is None else {**facts, "no_lists": self._refused}
