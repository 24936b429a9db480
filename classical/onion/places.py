"""Points put on a grid, on which all geometry is exact, and who stands where.

How far points lie from where they stand is the ``slack``: a query lowers its threshold by what that may add to an inner
product, and rounding too, and decides what it then meets by the shared predicate on the points as they are. So points
may also wander, as long as the slack is told.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import FloatArray, IntArray

GRID = 1 << 19
"""Places have coordinates in [-GRID, GRID]: twice the area of a triangle and its products with coordinates, and six
times the volume of a tetrahedron, then fit 64 bits."""

_FINEST = -1000
"""The least binary exponent of a grid: beyond it, numbers vanish that the grid is made of."""

_UP = 1.0 + 2.0**-48
"""Covers the rounding of a few operations upwards."""


@final
class Gridded:
    """Points and the places of a grid that are nearest to them.

    Args:
        points: (n, d) float64, n at least one.

    Attributes:
        scale: of the grid, a power of two.
        places: (v, d) int64 those where points stand, distinct and in lexicographic order.
    """

    def __init__(self, points: FloatArray) -> None:
        largest = float(np.abs(points).max())
        exponent = max(_FINEST, math.frexp(largest)[1] - (GRID.bit_length() - 1)) if largest else _FINEST
        self.scale = math.ldexp(1.0, exponent)
        places = np.rint(points / self.scale).astype(np.int64)
        self._order = np.lexsort(places.T[::-1])
        places = places[self._order]
        fresh = np.ones(len(places), bool)
        fresh[1:] = (np.diff(places, axis=0) != 0).any(axis=1)
        self.places = places[fresh]
        self._first = np.append(np.flatnonzero(fresh), len(places))

    def along(self, layered: IntArray) -> tuple[IntArray, IntArray]:
        """Return, for the places in another order, (v + 1,) where the points at each begin, and (n,) the points."""
        counts = np.diff(self._first)[layered]
        holding = np.concatenate([[0], np.cumsum(counts)])
        inside = np.repeat(self._first[layered] - holding[:-1], counts) + np.arange(len(self._order))
        return holding, self._order[inside]


class Ground(NamedTuple):
    """What queries have to know of the points at the v places of an onion, at one moment.

    Attributes:
        holding: (v + 1,) where the points at a place begin.
        ids: (n,) whose they are.
        alive: (n,) whether a point still belongs here.
        scale: a place's coordinates times that are where it is.
        slack: the most by which a coordinate of a living point differs from its place's.
        reach: the largest coordinate there may be.
    """

    holding: Any
    ids: Any
    alive: Any
    scale: Any
    slack: Any
    reach: Any


@final
class Standing:
    """The points of an onion, as they come and go.

    Args:
        ids: (n,) of the points.
        points: (n, d) float64, where they are.
        gridded: they, on their grid.
        layered: (v,) the places in the order of the onion.

    Attributes:
        spread: the mean over the points of their largest coordinate.
        living: how many points still belong here.
        slots: (n,) where each point is in the order of the onion, in the order the points were given in.
    """

    def __init__(self, ids: IntArray, points: FloatArray, gridded: Gridded, layered: IntArray) -> None:
        self._holding, order = gridded.along(layered)
        self._ids, self._alive = ids[order], np.ones(len(order), bool)
        self._scale = gridded.scale
        self._grid = gridded.places[layered].astype(np.int32)
        self._place = np.repeat(np.arange(len(layered)), np.diff(self._holding))
        self.living = len(order)
        self.slots = np.empty(len(order), np.int64)
        self.slots[order] = np.arange(len(order))
        self._slack = 0.0
        self._reach = float(np.abs(points).max())
        self.spread = float(np.abs(points / self._scale).max(axis=1).mean()) * self._scale
        self.settle(np.arange(len(order)), points[order], np.inf)

    def __len__(self) -> int:
        return len(self._place)

    @property
    def ground(self) -> Ground:
        """As it is now."""
        return Ground(self._holding, self._ids, self._alive, self._scale, self._slack, self._reach)

    def settle(self, slots: IntArray, points: FloatArray, room: float) -> npt.NDArray[np.bool_]:
        """Let points move within ``room`` of their places, and return which of them stay."""
        standing = self._grid[self._place[slots]] * self._scale
        with np.errstate(over="ignore"):
            off = np.abs(points - standing).max(axis=1, initial=0.0) * _UP
        stays = off <= room
        self._slack = max(self._slack, float(off[stays].max(initial=0.0)))
        self._reach = max(self._reach, float(np.abs(points[stays]).max(initial=0.0)))
        return np.asarray(stays)

    def bury(self, slots: IntArray) -> None:
        """Let points die: they are not reported any more."""
        self._alive[slots] = False
        self.living -= len(slots)

    @property
    def left(self) -> IntArray:
        """The living points."""
        left: IntArray = self._ids[self._alive]
        return left
