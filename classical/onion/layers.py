"""One static onion: points put on a grid, their convex layers, and the catalogue that leads from layer to layer.

What is geometry happens on the grid, exactly. How far points lie from where they stand on it is the ``slack``: a query
lowers its threshold by what that may add to an inner product, and rounding too, and decides what it then meets by the
shared predicate on the points as they are. So points may also wander, as long as the slack is told.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from classical.onion.peeling import GRID, peel
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import inlined, kernel

_FINEST = -1000
"""The least binary exponent of a grid: beyond it, numbers vanish that the grid is made of."""

_UP = 1.0 + 2.0**-48
"""Covers the rounding of a few operations upwards."""


class OnionArrays(NamedTuple):
    """Convex layers over n points at v places of the grid, in an order of layers, each counter-clockwise.

    Attributes:
        x, y: (v,) int32 places; their coordinates are ``scale`` times that.
        starts: (L + 1,) where the places of a layer begin.
        holding: (v + 1,) where the points at a place begin.
        ids: (n,) whose they are.
        alive: (n,) whether a point still belongs here.
        edges: (E, 2) int32 directions of edges, for each layer its own and every second one of the next, by angle.
        own: (E + L,) how many edges of the layer itself are among those before; one more entry for the end of each.
        entries: (L + 1,) where the edges of a layer begin in ``edges``; with the layer's number added, in ``own``.
    """

    x: Any
    y: Any
    starts: Any
    holding: Any
    ids: Any
    alive: Any
    edges: Any
    own: Any
    entries: Any


@final
class Onion:
    """Convex layers over some of the points of a bank.

    Args:
        ids: (n,) of the points, at least one.
        planar: (n, 2) float64, where they are.

    Attributes:
        arrays: the layers.
        scale: of the grid, a power of two.
        slack: the most by which a coordinate of a living point differs from its place's.
        reach: the largest coordinate there may be.
        spread: the mean over the points of the larger of both coordinates.
        living: how many points still belong here.
        spent: nodes and points that building it went through.
        met: dead points that queries have looked at.
    """

    def __init__(self, ids: IntArray, planar: FloatArray) -> None:
        largest = float(np.abs(planar).max())
        exponent = max(_FINEST, math.frexp(largest)[1] - (GRID.bit_length() - 1)) if largest else _FINEST
        self.scale = math.ldexp(1.0, exponent)
        places = np.rint(planar / self.scale).astype(np.int64)
        order = np.lexsort((places[:, 1], places[:, 0]))
        places = places[order]
        fresh = np.ones(len(order), bool)
        fresh[1:] = (np.diff(places, axis=0) != 0).any(axis=1)
        first = np.append(np.flatnonzero(fresh), len(order))
        x, y = (np.ascontiguousarray(places[fresh, axis]) for axis in range(2))
        layered, starts, spent = peel(x, y)
        counts = np.diff(first)[layered]
        holding = np.concatenate([[0], np.cumsum(counts)])
        inside = np.repeat(first[layered] - holding[:-1], counts) + np.arange(len(order))
        self._order = order[inside]
        x, y = x[layered].astype(np.int32), y[layered].astype(np.int32)
        edges, own, entries = _catalogue(x, y, starts)
        alive = np.ones(len(order), bool)
        self.arrays = OnionArrays(x, y, starts, holding, ids[self._order], alive, edges, own, entries)
        self._place = np.repeat(np.arange(len(x)), counts)
        self.living = len(order)
        self.spent = int(spent) + 2 * len(order) + len(own)
        self.met = 0
        self.slack = 0.0
        self.spread = float(np.abs(planar / self.scale).max(axis=1).mean()) * self.scale
        self.reach = largest
        self.settle(np.arange(len(order)), planar[self._order], np.inf)

    @property
    def slots(self) -> IntArray:
        """(n,) the slot of each point, in the order the points were given in."""
        slots = np.empty(len(self._order), np.int64)
        slots[self._order] = np.arange(len(self._order))
        return slots

    def settle(self, slots: IntArray, planar: FloatArray, room: float) -> npt.NDArray[np.bool_]:
        """Let points move within ``room`` of their places, and return which of them stay."""
        places = self._place[slots]
        standing = np.stack([self.arrays.x[places], self.arrays.y[places]], axis=1) * self.scale
        with np.errstate(over="ignore"):
            off = np.abs(planar - standing).max(axis=1, initial=0.0) * _UP
        stays = off <= room
        self.slack = max(self.slack, float(off[stays].max(initial=0.0)))
        self.reach = max(self.reach, float(np.abs(planar[stays]).max(initial=0.0)))
        return np.asarray(stays)

    def bury(self, slots: IntArray) -> None:
        """Let points die: they are not reported any more."""
        self.arrays.alive[slots] = False
        self.living -= len(slots)

    @property
    def left(self) -> IntArray:
        """The living points."""
        left: IntArray = self.arrays.ids[self.arrays.alive]
        return left


@inlined
def before(ex: Any, ey: Any, nx: Any, ny: Any) -> Any:
    """Return whether the direction e comes before n, counter-clockwise from straight down (that one is the last)."""
    left, other = ex < 0 or (ex == 0 and ey < 0), nx < 0 or (nx == 0 and ny < 0)
    if left != other:
        return other
    return ex * ny - ey * nx > 0


@kernel
def _catalogue(x: Any, y: Any, starts: Any) -> Any:
    """Merge into the edges of each layer every second one of those of the next (fractional cascading).

    Chazelle and Guibas, "Fractional cascading" (1986): a place among the edges of one layer gives that among the next
    one's by a single comparison.
    """
    layers = starts.size - 1
    sizes = np.zeros(layers + 1, np.int64)
    for layer in range(layers - 1, -1, -1):
        count = starts[layer + 1] - starts[layer]
        sizes[layer] = (count if count > 1 else 0) + sizes[layer + 1] // 2
    entries = np.zeros(layers + 1, np.int64)
    for layer in range(layers):
        entries[layer + 1] = entries[layer] + sizes[layer]
    edges, own = np.empty((entries[layers], 2), np.int32), np.empty(entries[layers] + layers, np.int32)
    for layer in range(layers - 1, -1, -1):
        begin, end = starts[layer], starts[layer + 1]
        count = end - begin if end - begin > 1 else 0
        mine = other = 0
        for entry in range(sizes[layer]):
            own[entries[layer] + layer + entry] = mine
            ex, ey, ox, oy = 0, 0, 0, 0
            if mine < count:
                ahead = begin + (mine + 1) % count
                ex, ey = x[ahead] - x[begin + mine], y[ahead] - y[begin + mine]
            rest = 2 * other + 1 < sizes[layer + 1]
            if rest:
                ox, oy = edges[entries[layer + 1] + 2 * other + 1, 0], edges[entries[layer + 1] + 2 * other + 1, 1]
            if mine < count and not (rest and before(np.int64(ox), np.int64(oy), np.int64(ex), np.int64(ey))):
                mine += 1
            else:
                ex, ey = ox, oy
                other += 1
            edges[entries[layer] + entry, 0], edges[entries[layer] + entry, 1] = ex, ey
        own[entries[layer] + layer + sizes[layer]] = mine
    return edges, own, entries
