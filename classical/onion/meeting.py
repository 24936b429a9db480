"""What queries of onions share: the threshold below which nothing fires, looking at a place, answers in order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.lists.sorting import sort_pairs
from classical.onion.places import GRID
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, inlined, kernel

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


class Met(NamedTuple):
    """Room for the points that fire, and their inner products."""

    ids: Any
    values: Any


@inlined
def floor_of(ground: Any, threshold: Any, length: Any, rounding: Any) -> Any:
    """Return what no inner product of a place exceeds where none of its points fires; minus infinity says nothing.

    Args:
        ground: Ground.
        threshold: b.
        length: sum of the magnitudes of the query's coordinates.
        rounding: of inner products with places, as a share of the largest there may be.
    """
    floor = -np.inf
    if length < _LARGEST and length * ground.reach < _LARGEST:
        off = length * ground.slack + rounding * (length * (ground.reach + ground.slack))
        floor = threshold - (off + _VANISHING)
    return floor


@inlined
def look(ground: Any, place: Any, vectors: Any, direction: Any, threshold: Any, met: Any, size: Any) -> Any:
    """Write down the points at a place that fire; return (where they are written, how many there are, dead ones)."""
    first, last = ground.holding[place], ground.holding[place + 1]
    if size + last - first > met.ids.size:
        met = longer(met, size, size + last - first)
    dead = 0
    for slot in range(first, last):
        if not ground.alive[slot]:
            dead += 1
            continue
        value = dot(vectors[ground.ids[slot]], direction)
        if value > threshold:
            met.ids[size] = ground.ids[slot]
            met.values[size] = value
            size += 1
    return met, size, dead


@kernel
def longer(met: Any, size: Any, least: Any) -> Any:
    """Return more room with what is written."""
    ids, values = np.empty(2 * least, np.int64), np.empty(2 * least)
    ids[:size] = met.ids[:size]
    values[:size] = met.values[:size]
    return Met(ids, values)


@kernel
def in_order(counts: Any, met: Any, bound: Any, spent: Any) -> Any:
    """Return as Found what was met, query after query, the points of each by ascending number below ``bound``."""
    total, most = counts.sum(), 0
    for count in counts:
        most = max(most, count)
    ids, values = np.empty(total, np.int64), np.empty(total)
    spare_ids, spare_values = np.empty(most, np.int64), np.empty(most)
    first = 0
    for count in counts:
        last = first + count
        sort_pairs(
            met.ids[first:last],
            met.values[first:last],
            spare_ids[:count],
            spare_values[:count],
            bound,
            ids[first:last],
            values[first:last],
        )
        first = last
    return Found(counts, ids, values, spent)
