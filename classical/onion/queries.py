"""Compiled queries of one onion: down the layers from outside, in each along the arc that fires."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.lists.sorting import sort_pairs
from classical.onion.layers import before
from classical.onion.peeling import GRID
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, inlined, kernel

_ROUNDING = 2.0**-44
"""What rounding may do to inner products and to the search for the farthest place, as a share of the largest there may
be: a few units of 2^-53 for each of them, and the perimeter of a layer is at most eight times its reach."""

_VANISHING = 2.0**-1000
"""What sums of numbers below the normal ones may lose."""

_LARGEST = np.finfo(np.float64).max / (16 * GRID)
"""Beyond it sums may overflow, and everything is looked at."""


class Found(NamedTuple):
    """What queries met.

    Attributes:
        counts: (Q,) points that fire.
        ids: (K,) whose they are, query after query.
        values: (K,) their inner products.
        spent: (3,) edges and places compared; points looked at; dead ones among them.
    """

    counts: IntArray
    ids: IntArray
    values: FloatArray
    spent: IntArray


class _Met(NamedTuple):
    """Room for the points of one query, and their inner products."""

    ids: IntArray
    values: FloatArray


@kernel
def report(onion: Any, scale: Any, slack: Any, reach: Any, vectors: Any, queries: Any, threshold: Any) -> Any:
    """Report the living points of an onion in the open half-space of every query.

    Args:
        onion: OnionArrays.
        scale: of its grid.
        slack: how far points lie from their places, see ``Onion``.
        reach: the largest coordinate.
        vectors: (N, d) the points as they are, C-contiguous; d is 1 or 2.
        queries: (Q, d) float64, likewise.
        threshold: b.

    Returns:
        Found.
    """
    counts, spent = np.zeros(queries.shape[0], np.int64), np.zeros(3, np.int64)
    ids, values, taken = np.empty(1024, np.int64), np.empty(1024), 0
    met = _Met(np.empty(64, np.int64), np.empty(64))
    spare = _Met(np.empty(64, np.int64), np.empty(64))
    for query in range(queries.shape[0]):
        direction = queries[query]
        length = abs(direction[0]) + (abs(direction[1]) if direction.size > 1 else 0.0)
        floor = -np.inf
        if length < _LARGEST and length * reach < _LARGEST:
            floor = threshold - (length * slack + _ROUNDING * (length * (reach + slack)) + _VANISHING)
        met, size = _descend(onion, scale, floor, vectors, direction, threshold, met, spent)
        if met.ids.size > spare.ids.size:
            spare = _Met(np.empty_like(met.ids), np.empty_like(met.values))
        if taken + size > ids.size:
            ids, values = _longer(ids, values, taken, taken + size)
        sort_pairs(
            met.ids[:size],
            met.values[:size],
            spare.ids[:size],
            spare.values[:size],
            vectors.shape[0],
            ids[taken : taken + size],
            values[taken : taken + size],
        )
        counts[query] = size
        taken += size
    return Found(counts, ids[:taken].copy(), values[:taken].copy(), spent)


@kernel
def _descend(
    onion: Any, scale: Any, floor: Any, vectors: Any, direction: Any, threshold: Any, met: Any, spent: Any
) -> Any:
    """Write down the points that fire for one query, layer after layer; return where, and how many they are.

    Places at or below ``floor`` hold no point that fires, nor does anything inside of a layer whose farthest place is
    one; minus infinity says nothing.
    """
    qx, qy = direction[0], direction[1] if direction.size > 1 else 0.0
    x, y, holding, owners, alive = onion.x, onion.y, onion.holding, onion.ids, onion.alive
    ids, values = met.ids, met.values
    size, entry, compared, looked, dead = 0, -1, 0, 0, 0
    for layer in range(onion.starts.size - 1):
        begin, count = onion.starts[layer], onion.starts[layer + 1] - onion.starts[layer]
        entry = _entry(onion, layer, entry, -qy, qx, spent)
        start = onion.own[onion.entries[layer] + layer + entry] % count
        place, steps = start, 0
        for way in (1, -1):
            while steps < count:
                compared += 1
                at = begin + place
                if floor > -np.inf and not scale * (x[at] * qx + y[at] * qy) > floor:
                    break
                steps += 1
                if size + holding[at + 1] - holding[at] > ids.size:
                    ids, values = _longer(ids, values, size, size + holding[at + 1] - holding[at])
                for slot in range(holding[at], holding[at + 1]):
                    looked += 1
                    if not alive[slot]:
                        dead += 1
                        continue
                    value = dot(vectors[owners[slot]], direction)
                    if value > threshold:
                        ids[size] = owners[slot]
                        values[size] = value
                        size += 1
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
    return _Met(ids, values), size


@inlined
def _entry(onion: Any, layer: Any, above: Any, nx: Any, ny: Any, spent: Any) -> Any:
    """Return the first edge in a layer's catalogue that does not come before n, from that of the layer above."""
    first, count = onion.entries[layer], onion.entries[layer + 1] - onion.entries[layer]
    if layer > 0:
        spent[0] += 1
        low = 2 * (above - onion.own[onion.entries[layer - 1] + layer - 1 + above])
        return low + 1 if low < count and _edge_before(onion, first + low, nx, ny) else low
    low, high = 0, count
    while low < high:
        spent[0] += 1
        middle = (low + high) // 2
        if _edge_before(onion, first + middle, nx, ny):
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _edge_before(onion: Any, edge: Any, nx: Any, ny: Any) -> Any:
    return before(np.float64(onion.edges[edge, 0]), np.float64(onion.edges[edge, 1]), nx, ny)


@kernel
def _longer(ids: Any, values: Any, size: Any, least: Any) -> Any:
    more_ids, more_values = np.empty(2 * least, np.int64), np.empty(2 * least)
    for i in range(size):
        more_ids[i] = ids[i]
        more_values[i] = values[i]
    return more_ids, more_values
