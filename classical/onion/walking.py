"""Compiled queries in the plane: down the layers from outside, in each along the arc that fires."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.onion.catalogue import before
from classical.onion.meeting import Met, floor_of, in_order, look
from hybrid_train.support.kernels import inlined, kernel

_ROUNDING = 2.0**-44
"""What rounding may do to inner products and to the search for the farthest place, as a share of the largest there may
be: a few units of 2^-53 for each of them, and the perimeter of a layer is at most eight times its reach."""


@kernel
def walk(layers: Any, ground: Any, vectors: Any, queries: Any, threshold: Any) -> Any:
    """Report the living points of an onion in the open half-space of every query.

    Args:
        layers: PlanarLayers.
        ground: Ground.
        vectors: (N, d) the points as they are, C-contiguous; d is 1 or 2.
        queries: (Q, d) float64, likewise.
        threshold: b.

    Returns:
        Found.
    """
    counts, spent = np.zeros(queries.shape[0], np.int64), np.zeros(3, np.int64)
    met, size = Met(np.empty(1024, np.int64), np.empty(1024)), 0
    for query in range(queries.shape[0]):
        direction = queries[query]
        length = abs(direction[0]) + (abs(direction[1]) if direction.size > 1 else 0.0)
        floor = floor_of(ground, threshold, length, _ROUNDING)
        before_it = size
        met, size = _descend(layers, ground, floor, vectors, direction, threshold, met, size, spent)
        counts[query] = size - before_it
    return in_order(counts, met, vectors.shape[0], spent)


@kernel
def _descend(
    layers: Any, ground: Any, floor: Any, vectors: Any, direction: Any, threshold: Any, met: Any, size: Any, spent: Any
) -> Any:
    """Write down the points that fire for one query, layer after layer; return where, and how many are written.

    Places at or below ``floor`` hold no point that fires, nor does anything inside of a layer whose farthest place is
    one; minus infinity says nothing.
    """
    qx, qy = direction[0], direction[1] if direction.size > 1 else 0.0
    x, y, scale, holding = layers.x, layers.y, ground.scale, ground.holding
    entry, compared, looked, dead = -1, 0, 0, 0
    for layer in range(layers.starts.size - 1):
        begin, count = layers.starts[layer], layers.starts[layer + 1] - layers.starts[layer]
        entry = _entry(layers, layer, entry, -qy, qx, spent)
        start = layers.own[layers.entries[layer] + layer + entry] % count
        place, steps = start, 0
        for way in (1, -1):
            while steps < count:
                compared += 1
                at = begin + place
                if floor > -np.inf and not scale * (x[at] * qx + y[at] * qy) > floor:
                    break
                steps += 1
                looked += holding[at + 1] - holding[at]
                met, size, gone = look(ground, at, vectors, direction, threshold, met, size)
                dead += gone
                place += way
                place = 0 if place == count else (count - 1 if place < 0 else place)
            place = start - 1 if start > 0 else count - 1
            if steps == 0:
                break
        if steps == 0:
            break
    spent[0] += compared
    spent[1] += looked
    spent[2] += dead
    return met, size


@inlined
def _entry(layers: Any, layer: Any, above: Any, nx: Any, ny: Any, spent: Any) -> Any:
    """Return the first edge in a layer's catalogue that does not come before n, from that of the layer above."""
    first, count = layers.entries[layer], layers.entries[layer + 1] - layers.entries[layer]
    if layer > 0:
        spent[0] += 1
        low = 2 * (above - layers.own[layers.entries[layer - 1] + layer - 1 + above])
        return low + 1 if low < count and _edge_before(layers, first + low, nx, ny) else low
    low, high = 0, count
    while low < high:
        spent[0] += 1
        middle = (low + high) // 2
        if _edge_before(layers, first + middle, nx, ny):
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _edge_before(layers: Any, edge: Any, nx: Any, ny: Any) -> Any:
    return before(np.float64(layers.edges[edge, 0]), np.float64(layers.edges[edge, 1]), nx, ny)
