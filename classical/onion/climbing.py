"""Compiled queries in space: down the layers from outside, in each up to the farthest place, then over what fires."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.onion.meeting import Met, floor_of, in_order, look
from hybrid_train.support.kernels import inlined, kernel

_FINE = 2.0**40
"""The largest coordinate of a direction in whole numbers: inner products with places on the grid then fit 64 bits."""

_ROUNDING = 2.0**-39
"""What a direction in whole numbers, and rounding, may do to inner products, as a share of the largest there may be."""

_SMALLEST = 2.0**-900
"""A query all of whose coordinates are smaller is not told by its whole numbers: it looks at everything."""


@kernel
def turned(direction: Any) -> Any:
    """Return a direction (3,) float64 in whole numbers, and of how much: times that they are it, but for rounding."""
    largest = max(abs(direction[0]), abs(direction[1]), abs(direction[2]))
    if not largest > 0.0:
        return (0, 0, 0), 0.0
    way = (
        np.int64(np.rint(direction[0] / largest * _FINE)),
        np.int64(np.rint(direction[1] / largest * _FINE)),
        np.int64(np.rint(direction[2] / largest * _FINE)),
    )
    return way, largest / _FINE


@inlined
def _along(corners: Any, corner: Any, way: Any) -> Any:
    return way[0] * corners[corner, 0] + way[1] * corners[corner, 1] + way[2] * corners[corner, 2]


@kernel
def climb(layers: Any, start: Any, way: Any) -> Any:
    """Go from a corner to the farthest of its surface; return (it, its inner product, how many were looked at).

    Of corners equally far the one greater by its first coordinate is the farther, then by the second, then by the
    third, as if the direction were turned a little: so no two are equal, and who has no farther neighbour is farthest.
    """
    corners, begin, links = layers.corners, layers.begin, layers.links
    top, far, looked = start, _along(corners, start, way), 1
    climbing = True
    while climbing:
        climbing = False
        for link in range(begin[top], begin[top + 1]):
            other = links[link]
            value = _along(corners, other, way)
            looked += 1
            if value < far:
                continue
            if value == far:
                ahead = 0
                for axis in range(3):
                    if ahead == 0:
                        ahead = np.sign(corners[other, axis] - corners[top, axis])
                if ahead <= 0:
                    continue
            top, far = other, value
            climbing = True
            break
    return top, far, looked


class _Flood(NamedTuple):
    """Room for going over a surface of c corners.

    Attributes:
        marked: (c,) whether a corner has been met; nowhere, between two surfaces.
        marks: (c,) those that have.
        waiting: (c,) those that fire and whose neighbours have not been looked at, a stack.
    """

    marked: Any
    marks: Any
    waiting: Any


@kernel
def descend(layers: Any, ground: Any, vectors: Any, queries: Any, threshold: Any) -> Any:
    """Report the living points of an onion in the open half-space of every query.

    Args:
        layers: SpatialLayers.
        ground: Ground.
        vectors: (N, 3) the points as they are, C-contiguous.
        queries: (Q, 3) float64, likewise.
        threshold: b.

    Returns:
        Found.
    """
    counts, spent = np.zeros(queries.shape[0], np.int64), np.zeros(3, np.int64)
    met, size = Met(np.empty(1024, np.int64), np.empty(1024)), 0
    corners = layers.down.size
    flood = _Flood(np.zeros(corners, np.bool_), np.empty(corners, np.int32), np.empty(corners, np.int32))
    for query in range(queries.shape[0]):
        direction, begun = queries[query], size
        way, unit = turned(direction)
        floor = -np.inf
        if unit == 0.0 or unit * _FINE >= _SMALLEST:
            length = abs(direction[0]) + abs(direction[1]) + abs(direction[2])
            floor = floor_of(ground, threshold, length, _ROUNDING)
        corner = layers.entrance
        for surface in range(layers.reports.size):
            top, far, looked = climb(layers, corner, way)
            spent[0] += looked
            corner = layers.down[top]
            if layers.reports[surface]:
                if not _beyond(far, unit, ground, floor):
                    break
                met, size = _spread(
                    layers, ground, flood, top, way, unit, floor, vectors, direction, threshold, met, size, spent
                )
        counts[query] = size - begun
    return in_order(counts, met, vectors.shape[0], spent)


@inlined
def _beyond(far: Any, unit: Any, ground: Any, floor: Any) -> Any:
    """Return whether points may fire at a place of inner product ``far``; above a floor of minus infinity, always."""
    return floor == -np.inf or far * unit * ground.scale > floor


@kernel
def _spread(
    layers: Any,
    ground: Any,
    flood: Any,
    top: Any,
    way: Any,
    unit: Any,
    floor: Any,
    vectors: Any,
    direction: Any,
    threshold: Any,
    met: Any,
    size: Any,
    spent: Any,
) -> Any:
    """Write down the points that fire on one surface; return where, and how many are written."""
    marked, marks, waiting = flood.marked, flood.marks, flood.waiting
    waiting[0] = marks[0] = top
    marked[top] = True
    left = marking = 1
    while left > 0:
        left -= 1
        here = waiting[left]
        spent[1] += ground.holding[here + 1] - ground.holding[here]
        met, size, dead = look(ground, here, vectors, direction, threshold, met, size)
        spent[2] += dead
        spent[0] += layers.begin[here + 1] - layers.begin[here]
        for link in range(layers.begin[here], layers.begin[here + 1]):
            other = layers.links[link]
            if marked[other]:
                continue
            marked[other] = True
            marks[marking] = other
            marking += 1
            if _beyond(_along(layers.corners, other, way), unit, ground, floor):
                waiting[left] = other
                left += 1
    for i in range(marking):
        marked[marks[i]] = False
    return met, size
