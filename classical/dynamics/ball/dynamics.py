"""Training on examples that move about: lists of what can fire anywhere in their balls, made once and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, final

import numpy as np

from classical.dynamics.ball.size import check_lists
from classical.dynamics.batch import bits
from classical.dynamics.batch.chunk import Chunk, chunks_of
from classical.dynamics.batch.scan import prices_of
from classical.dynamics.rows.layout import World, aligned, make_world
from classical.dynamics.two_layer import TwoLayerDynamics
from classical.lists.thickness import typical_coordinate
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray, fixed
from hybrid_train.support.parallel import of_each
from hybrid_train.training.dynamics import Evaluation

T = TypeVar("T")

_SKINS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Skins to choose from, in typical coordinates of a weight."""

_LOOKS = 7
"""Evaluations in a step, about: an adversary asks several times."""


@final
class BallDynamics(TwoLayerDynamics):
    """A two-layer network whose examples stay within ``reach`` of where they begin, trained without any search.

    Each neuron lists the examples it could fire for: <w, x'> <= <w, x> + ||w|| ||x' - x||, so a list with that much
    room, and a skin for the neuron's own way, holds whatever the adversary does; neurons that fire for no example
    anywhere in its ball never move and are left out. An evaluation is one pass over the listed pairs; nothing is
    scanned again but the neurons that have gone further than their skin, and all of them if an example leaves its
    ball. The lists are those of :class:`classical.dynamics.batch.dynamics.BatchDynamics`.

    Sets are those of the shared predicate, always. A network of float32 is evaluated and moved by vector code, and by
    the predicate where rounding could matter; one of float64 by the deciding inner product alone.

    Where ||w|| reach is large against the spread of <w, x> (many dimensions, a wide ball) the lists hold most pairs,
    and a scan is as good.

    Charged: ``inner_products`` for scans and for every listed pair that is evaluated.

    Args:
        network: its weights, stored ones, are moved.
        inputs: (n, d) the examples where they begin, the centres of the balls; copied.
        reach: how far, in Euclidean distance, they are going to move.
        skin: distance a neuron may go before it is scanned again; None to choose.

    Attributes:
        rescans: neurons scanned again since ``start``.

    Raises:
        InvariantError: the weights are not stored as one array.
        DataError: inputs not (n, d) or not finite.
        ResourceError: the lists would not fit in memory.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: FloatArray, reach: float, skin: float | None = None) -> None:
        super().__init__(network, inputs)
        lent = network.weights.lent()
        if lent is None:
            raise InvariantError("ball dynamics move weights that are stored as one array")
        self._weights = lent
        self._plain = network.weights.dtype == np.float64
        self._skin = skin
        self._centres = np.array(self.examples[:])
        self._reach = 1.01 * reach
        self.rescans = 0
        self._evaluated: Evaluation | None = None
        check_lists(network.weights, len(inputs), reach)

    @property
    def candidates(self) -> int:
        """Pairs in the lists."""
        return sum(chunk.candidates for chunk in self._chunks)

    @property
    def sets(self) -> ActiveSets:
        """The active pairs of the examples evaluated last, by neuron; inner products are left out (NaN)."""
        self._check()
        parts = [chunk.active() for chunk in self._chunks]
        rows, counts, places = (np.concatenate(side) for side in zip(*parts, strict=True))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return ActiveSets(indptr, places, np.full(len(places), np.nan), (self.network.width, len(self.examples)), rows)

    def start(self) -> None:
        with self._on_the_clock():
            skins = np.array(_SKINS) * typical_coordinate(self.network.weights)
            skins = skins if self._skin is None else np.array([self._skin])
            self._world = make_world(self.network, self._centres, skins)
            self._prices = prices_of(self._world, _LOOKS, choose=self._skin is None, plain=self._plain)
            self._make_lists()
            self._moved()

    def _make_lists(self) -> None:
        """List what can fire anywhere in the balls."""
        norms = norm_bounds(self._centres) + self._reach
        with np.errstate(divide="ignore", over="ignore"):
            inverse = 1 / norms * (1 - 1e-15)
        rule = self._world.rule._replace(largest_norm=float(norms.max()))
        self._whole = self._world._replace(inverse=inverse, rule=rule)
        self._chunks = chunks_of(self._weights, self._plain, self._reach)
        self._of_all(lambda chunk: chunk.make_lists(self._whole, self._prices))
        self._cost.inner_products += len(self._centres) * self.network.width

    def _moved(self) -> None:
        """Take note of where the examples are."""
        now, world = self.examples[:], self._world
        columns = aligned(now, world.columns.dtype)
        along = columns if world.along is world.columns else aligned(self.network.trained_part(now), columns.dtype)
        self._now: World = self._whole._replace(columns=columns, along=along, exact=fixed(now))
        self._evaluated = None

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        if self._evaluated is None or rows is not self._rows:
            with self._on_the_clock():
                n = len(self.examples)
                self._rows = rows
                asked = np.zeros(bits.WORD * bits.words(n), bool)
                asked[:n] = rows is None
                asked[slice(0) if rows is None else rows] = True
                line = np.packbits(asked, bitorder="little").view(np.uint64)
                answers = self._of_all(lambda chunk: chunk.look_along(line, self._now))
                self._cost.inner_products += sum(evaluated for _, evaluated in answers)
                halves = np.zeros((2, n, self.network.outputs))
                for chunk, (sums, _) in zip(self._chunks, answers, strict=True):
                    halves[int(chunk.first >= self.network.width // 2)] += sums.outputs
                fired = np.asarray(sum(sums.fired for sums, _ in answers))
                self._evaluated = self._evaluation((halves[0] + halves[1]) * self.network.scale, fired)
        return self._evaluated

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        """Return the gradient in the inputs; a jump of the activation has no part in it."""
        self._check()
        network, everywhere = self.network, self._everywhere(slope)
        parts = self._of_all(lambda chunk: chunk.pull(self._now, everywhere))
        gradient = np.asarray(sum(parts), np.float64)[:, : network.dimension] * network.scale
        return network.trained_part(gradient if self._rows is None else gradient[self._rows])

    def descend(self, slope: FloatArray, rate: float) -> int:
        self._check()
        with self._on_the_clock():
            pulls, factor = self._everywhere(slope), rate * self.network.scale
            visits = self._of_all(lambda chunk: chunk.step(self._now, pulls, factor, self._whole, self._prices))
            scanned = sum(visit.scanned for visit in visits)
            self.rescans += scanned
            self._cost.inner_products += scanned * len(self._centres)
            self._evaluated = None
        return sum(visit.moved for visit in visits)

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        self._check_known(vectors)
        self.examples.assign(rows, vectors)
        with self._on_the_clock():
            self._certify()
            self._moved()

    def _certify(self) -> None:
        """See to it that the lists hold for the examples where they are."""
        with np.errstate(over="ignore", invalid="ignore"):
            away = float(np.nan_to_num(norm_bounds(self.examples[:] - self._centres).max(), nan=np.inf))
        if away > self._reach:
            self._reach = 1.25 * away
            self.rescans += self.network.width
            self._make_lists()

    def _check(self) -> None:
        if self._evaluated is None:
            raise self._not_evaluated()

    def _of_all(self, work: Callable[[Chunk], T]) -> list[T]:
        """Return what each chunk answers, in their order, worked out side by side."""
        return of_each(work, self._chunks)

    def facts(self) -> dict[str, Any]:
        return {
            "listed_neurons": sum(len(chunk.lists.rows) for chunk in self._chunks),
            "candidates": self.candidates,
            "rescans": self.rescans,
        }
