"""The worst case in few dimensions: an exhaustive search of the balls by branch and bound, with a certificate.

A ball is covered by cells. Over a cell a neuron's value lies between two numbers: it fires everywhere, nowhere, or it
is undecided. The first kind adds up to one linear function, whose range is known exactly; the undecided ones are taken
at their worst. The cell with the largest bound is divided next, and its parts look at what it left undecided alone. So
the certificate comes from the Lipschitz constants of linear functions on a cell, and holds for an activation that
jumps too, where the network itself has none.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from hybrid_train.adversaries.ball import Ball
from hybrid_train.adversaries.linf_ball import LInfBall
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.declared import an, array, checked, inside, real, whole
from hybrid_train.training.losses import Loss

MOST_FREE = 3
"""Coordinates that an adversary may change, at most: the cells of a ball grow as a power of their number."""

_ROUNDING = 1e-12


@final
@dataclass(frozen=True, eq=False)
class WorstCase:
    """What an adversary that misses nothing does, A* of ADV Definition 3.3.

    Attributes:
        places: (n, d) the worst points found, each in its ball.
        losses: (n,) there.
        bounds: (n,) no point of the ball has a larger loss than that (rounding of a relative 1e-12 allowed for).
        cells: looked at for all of them.
    """

    places: FloatArray
    losses: FloatArray
    bounds: FloatArray
    cells: int

    @property
    def gap(self) -> float:
        """The most that any of the losses may be short of the worst one."""
        return float((self.bounds - self.losses).max(initial=0.0))


@checked(
    network=an(TwoLayerNetwork),
    ball=an(Ball),
    clean=inside(array(2)),
    targets=array(2),
    loss=an(Loss),
    tolerance=real(above=0),
    most_cells=whole(1),
)
def worst_case(
    network: TwoLayerNetwork,
    ball: Ball,
    clean: FloatArray,
    targets: FloatArray,
    loss: Loss,
    *,
    tolerance: float = 1e-3,
    most_cells: int = 20_000,
) -> WorstCase:
    """Return the worst place in the ball around each example, and a bound that no place exceeds.

    Where the network jumps, the largest loss may be that of a limit which no point attains: the bound holds for it, and
    the place is next to it.

    Args:
        network: of one output.
        ball: where examples may go.
        clean: (n, d) the centres, of at most three coordinates that may change.
        targets: (n, 1) encoded.
        loss: of one example. It has to grow to both sides of its least value, as all losses of one output here do.
        tolerance: the search of a ball ends when bound and loss are so close.
        most_cells: or after so many cells, with the bound that it has come to.

    Raises:
        ConfigError: more than three coordinates may change, several outputs, or a network that does not hold all of
            its neurons.
    """
    free = network.dimension - ball.kept
    if not 1 <= free <= MOST_FREE:
        raise ConfigError(f"the worst case is searched for in 1 to {MOST_FREE} free coordinates, here {free}; take pgd")
    if network.outputs != 1:
        raise ConfigError(f"the worst case is searched for with 1 output, here {network.outputs}; take pgd")
    if network.live is not None:
        raise ConfigError("the worst case wants all neurons, storage='live' holds some; take storage='stored'")
    if clean.shape[1] != network.dimension or targets.shape != (len(clean), 1):
        raise InvariantError(f"worst_case: examples {clean.shape} with targets {targets.shape}")
    neurons = _Neurons.of(network, free)
    places, bounds, cells = np.array(clean, np.float64), np.empty(len(clean)), 0
    for row, centre in enumerate(places.copy()):
        search = _Search(neurons, ball, centre, targets[row : row + 1], loss)
        places[row], bounds[row], looked_at = search.worst(tolerance, most_cells)
        cells += looked_at
    losses = loss.values(network.predict(places), targets)
    return WorstCase(places, losses, np.maximum(bounds, losses), cells)


@final
@dataclass(frozen=True, eq=False)
class _Neurons:
    """A network as sums over neurons that differ: twins of a paired start count once, with both output weights.

    Attributes:
        free: (N, f) the weights of the coordinates that may change.
        kept: (N, d - f) of those that may not.
        lengths: (N,) norms of ``free``.
        outputs: (N,) what the neurons are multiplied by.
        threshold: b.
        jumps: whether the activation is z 1[z > b] in the place of max(z - b, 0).
    """

    free: FloatArray
    kept: FloatArray
    lengths: FloatArray
    outputs: FloatArray
    threshold: float
    jumps: bool

    @classmethod
    def of(cls, network: TwoLayerNetwork, free: int) -> _Neurons:
        rows, twin = np.unique(np.asarray(network.weights[:], np.float64), axis=0, return_inverse=True)
        signs = network.output_weights[:, 0].astype(np.float64)
        outputs = np.bincount(twin.ravel(), weights=signs, minlength=len(rows)) * network.scale
        some = outputs != 0
        rows, outputs = rows[some], outputs[some]
        lengths = np.linalg.norm(rows[:, :free], axis=1)
        jumps = network.activation == "jump"
        return cls(rows[:, :free], rows[:, free:], lengths, outputs, network.threshold, jumps)


class _Cell(NamedTuple):
    """A part of a ball: a box of the chart, and what is known of the network there.

    Attributes:
        middle: (p,) of the box, in the chart.
        half: half its edge.
        undecided: the neurons whose side is not known from the boxes that hold this one.
        slope: (f,) of the linear function that those which fire add up to, in the free coordinates.
        base: its constant.
    """

    middle: FloatArray
    half: float
    undecided: IntArray
    slope: FloatArray
    base: float


@final
class _Search:
    """The ball around one example.

    On a sphere the chart is that of the great circles through the centre, which never shortens distances, so that a
    box of half diagonal h lies within the angle h of its middle.
    """

    def __init__(self, neurons: _Neurons, ball: Ball, centre: FloatArray, target: FloatArray, loss: Loss) -> None:
        self._neurons, self._ball, self._centre = neurons, ball, centre
        self._target, self._loss = target, loss
        self._free = centre[: neurons.free.shape[1]]
        self._rest = neurons.kept @ centre[len(self._free) :]
        self._radius = float(np.linalg.norm(self._free))
        self._frame = _frame(self._free) if ball.on_sphere else np.eye(len(self._free))
        reach = ball.reach(len(centre))
        if ball.on_sphere:
            ratio = reach / (2.0 * self._radius) if self._radius > 0 else 0.0
            reach = 2.0 * math.asin(min(1.0, ratio))
        self._reach = reach
        size = np.abs(neurons.outputs) @ (neurons.lengths * (self._radius + reach) + np.abs(self._rest))
        self._slack = _ROUNDING * float(size + np.abs(neurons.outputs).sum() * abs(neurons.threshold))
        self._loose = _ROUNDING * (neurons.lengths * (self._radius + reach) + np.abs(self._rest))
        self._best, self._place = -math.inf, centre

    def worst(self, tolerance: float, most_cells: int) -> tuple[FloatArray, float, int]:
        """Return (place, bound, cells looked at)."""
        self._see(self._centre)
        if self._ball.on_sphere and len(self._free) == 1:
            return self._of_two()
        if self._reach == 0 or not self._frame.size:
            return self._place, self._best, 1
        everything = np.arange(len(self._neurons.outputs))
        root = _Cell(np.zeros(len(self._frame)), self._reach, everything, np.zeros(len(self._free)), 0.0)
        bound, known = self._look(root)
        order, cells = itertools.count(1), 1
        heap: list[tuple[float, int, _Cell]] = [(-bound, 0, known)]
        while heap and -heap[0][0] > self._best + tolerance and cells < most_cells:
            _, _, cell = heapq.heappop(heap)
            for part in _parts(cell):
                cells += 1
                if self._holds_some(part):
                    bound, known = self._look(part)
                    if bound > self._best:
                        heapq.heappush(heap, (-bound, next(order), known))
        return self._place, max(self._best, -heap[0][0] if heap else -math.inf), cells

    def _of_two(self) -> tuple[FloatArray, float, int]:
        """A sphere of one dimension has two points."""
        opposite = self._centre.copy()
        opposite[0] = -opposite[0]
        if 2.0 * self._radius <= self._ball.rho:
            self._see(opposite)
        return self._place, self._best, 2

    def _point(self, middle: FloatArray) -> FloatArray:
        """Return the free coordinates of a place of the chart."""
        if not self._ball.on_sphere:
            return np.asarray(self._free + middle)
        angle = float(np.linalg.norm(middle))
        across = (middle @ self._frame) * (np.sin(angle) / angle if angle > 0 else 1.0)
        return np.asarray(np.cos(angle) * self._free + self._radius * across)

    def _holds_some(self, cell: _Cell) -> bool:
        """Whether the ball may reach into a cell."""
        diagonal = cell.half * math.sqrt(len(cell.middle))
        if isinstance(self._ball, LInfBall):
            away = np.abs(self._point(cell.middle) - self._free).max()
            return bool(away <= self._ball.rho + diagonal * (self._radius if self._ball.on_sphere else 1.0))
        nearest = np.maximum(0.0, np.abs(cell.middle) - cell.half)
        return bool(np.linalg.norm(nearest) <= self._reach)

    def _look(self, cell: _Cell) -> tuple[float, _Cell]:
        """See a place of a cell; return the largest loss it may hold, and the cell with what is decided by now."""
        neurons, who, point = self._neurons, cell.undecided, self._point(cell.middle)
        diagonal = cell.half * math.sqrt(len(cell.middle))
        least, most = self._range(neurons.free[who], neurons.lengths[who], point, diagonal)
        least, most = least + self._rest[who] - self._loose[who], most + self._rest[who] + self._loose[who]
        b, weight = neurons.threshold, neurons.outputs[who]
        on, undecided = least > b, (least <= b) & (most >= b)
        shift = self._rest[who] if neurons.jumps else self._rest[who] - b
        slope, base = cell.slope + weight[on] @ neurons.free[who[on]], cell.base + float(weight[on] @ shift[on])
        known = _Cell(cell.middle, cell.half, who[undecided], slope, base)
        low, high = self._range(slope[None], np.array([np.linalg.norm(slope)]), point, diagonal)
        part, top = weight[undecided], most[undecided]
        ends = part * np.stack([np.maximum(least[undecided], b), top]) if neurons.jumps else (part * (top - b))[None]
        low_end = float(low[0]) + base + float(np.minimum(ends.min(axis=0), 0.0).sum()) - self._slack
        high_end = float(high[0]) + base + float(np.maximum(ends.max(axis=0), 0.0).sum()) + self._slack
        moved = self._centre.copy()
        moved[: len(self._free)] = point
        self._see(self._ball.project(moved[None], self._centre[None])[0])
        return self._worse_of(low_end, high_end), known

    def _range(
        self, slopes: FloatArray, lengths: FloatArray, point: FloatArray, diagonal: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return the least and the largest (N,) inner product of vectors (N, f) with places so near to a point."""
        products = slopes @ point
        if not self._ball.on_sphere:
            return products - lengths * diagonal, products + lengths * diagonal
        size = lengths * self._radius
        angle = np.arccos(np.clip(products / np.where(size > 0, size, 1.0), -1.0, 1.0))
        return size * np.cos(np.minimum(np.pi, angle + diagonal)), size * np.cos(np.maximum(0.0, angle - diagonal))

    def _see(self, place: FloatArray) -> None:
        """Keep a place of the ball if none before was worse."""
        neurons = self._neurons
        values = neurons.free @ place[: len(self._free)] + self._rest
        fires = values > neurons.threshold
        excess = values[fires] if neurons.jumps else values[fires] - neurons.threshold
        output = float(neurons.outputs[fires] @ excess)
        found = self._worse_of(output, output)
        if found > self._best:
            self._best, self._place = found, place

    def _worse_of(self, low: float, high: float) -> float:
        ends = np.array([[low], [high]])
        return float(self._loss.values(ends, np.repeat(self._target, 2, axis=0)).max())


def _parts(cell: _Cell) -> Iterator[_Cell]:
    """Return the boxes of half the edge that make up a cell."""
    for corner in itertools.product((-0.5, 0.5), repeat=len(cell.middle)):
        yield cell._replace(middle=cell.middle + cell.half * np.array(corner), half=0.5 * cell.half)


def _frame(centre: FloatArray) -> FloatArray:
    """Return (f - 1, f) vectors of length 1 at right angles to each other and to a vector; none for the zero vector."""
    if not centre.any():
        return np.zeros((0, len(centre)))
    return np.linalg.svd(centre[None])[2][1:]
