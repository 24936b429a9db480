"""Convex layers of points in space, each a surface to climb on, and the way from one to the next.

Layers are peeled one by one, each a hull of all that is left (:mod:`classical.onion.hulls`); what at last lies in one
plane is peeled there. On a surface, whoever is not farthest along a direction has a neighbour farther along: so the
farthest place can be climbed to, and the places beyond a plane hang together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.onion.climbing import climb, turned
from classical.onion.hulls import flatness, hull, room_for
from classical.onion.peeling import peel
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel

_SAMPLE = 8
"""A surface of more than so many times the corners of the one before is reached by way of a sample of its own."""


class Surfaces(NamedTuple):
    """Convex layers of v places, outermost first.

    Attributes:
        order: (v,) the places, layer after layer.
        starts: (L + 1,) where the places of a layer begin.
        degrees: (v,) how many neighbours each has.
        links: (E,) places' neighbours, in their order, as numbers in ``order``.
        outward: (v, 3) float64 a direction along which each is about the farthest.
        spent: facets and points that were compared.
    """

    order: IntArray
    starts: IntArray
    degrees: IntArray
    links: IntArray
    outward: FloatArray
    spent: int


class SpatialLayers(NamedTuple):
    """The chain of surfaces that a query goes down: v corners of layers, in their order, after them those of samples.

    Attributes:
        corners: (c, 3) int32 places.
        begin: (c + 1,) where the neighbours of a corner begin.
        links: (E,) int32 corners.
        down: (c,) int32 for each, a corner of the next surface about as far along its directions; 0 on the last.
        reports: (S,) whether a surface of the chain is a layer: if not, it is a sample of the next.
        entrance: a corner of the first.
    """

    corners: Any
    begin: Any
    links: Any
    down: Any
    reports: Any
    entrance: Any


def chain(places: IntArray) -> tuple[SpatialLayers, IntArray, int]:
    """Return the layers of distinct places (v, 3), their order, and how many facets and points were compared."""
    layers = surfaces(places, len(places))
    parts, spent = [layers], layers.spent
    corners = [places[layers.order]]
    path: list[tuple[int, int, bool]] = []
    size, before = len(layers.order), 1
    generator = np.random.default_rng(0)
    for first, last in zip(layers.starts[:-1].tolist(), layers.starts[1:].tolist(), strict=True):
        samples: list[tuple[int, int, bool]] = []
        among = corners[0][first:last]
        while len(among) > _SAMPLE * max(_SAMPLE, before):
            among = among[np.sort(generator.permutation(len(among))[: len(among) // _SAMPLE])]
            sample = surfaces(among, 1)
            parts.append(sample)
            among = among[sample.order]
            corners.append(among)
            samples.append((size, size + len(among), False))
            size += len(among)
            spent += sample.spent
        path += [*samples[::-1], (first, last, True)]
        before = last - first
    offsets = np.cumsum([0, *(len(part.order) for part in parts)])[:-1]
    begin = np.concatenate([[0], np.cumsum(np.concatenate([part.degrees for part in parts]))])
    links = np.concatenate([part.links + offset for part, offset in zip(parts, offsets, strict=True)])
    together = np.concatenate(corners).astype(np.int32)
    bounds = np.array([(first, last) for first, last, _ in path])
    outward = np.concatenate([part.outward for part in parts])
    down = np.zeros(size, np.int32)
    made = SpatialLayers(
        together, begin, links.astype(np.int32), down, np.array([layer for *_, layer in path]), int(bounds[0, 0])
    )
    spent += int(_lead(made, outward, bounds))
    return made, layers.order, spent


@kernel
def _lead(layers: Any, outward: Any, bounds: Any) -> Any:
    """Write ``down``: from every corner of a surface to the farthest of the next along its outward direction."""
    spent = 0
    for surface in range(bounds.shape[0] - 1):
        for corner in range(bounds[surface, 0], bounds[surface, 1]):
            start = bounds[surface + 1, 0] if corner == bounds[surface, 0] else layers.down[corner - 1]
            for link in range(layers.begin[corner], layers.begin[corner + 1]):
                if bounds[surface, 0] <= layers.links[link] < corner:
                    start = layers.down[layers.links[link]]
                    break
            top, _, looked = climb(layers, start, turned(outward[corner])[0])
            layers.down[corner] = top
            spent += looked
    return spent


def surfaces(places: IntArray, most: int) -> Surfaces:
    """Return the ``most`` outermost convex layers of distinct places (v, 3)."""
    order, starts, degrees, links, outward, left, spent = _peel(places, most)
    if not len(left) or len(starts) > most:
        return Surfaces(order, starts, degrees, links, outward, spent)
    flat = _flat(places[left], most + 1 - len(starts))
    return Surfaces(
        np.concatenate([order, left[flat.order]]),
        np.concatenate([starts, starts[-1] + flat.starts[1:]]),
        np.concatenate([degrees, flat.degrees]),
        np.concatenate([links, flat.links + len(order)]),
        np.concatenate([outward, flat.outward]),
        spent + flat.spent,
    )


def _flat(places: IntArray, most: int) -> Surfaces:
    """Return the layers of distinct places that lie in one plane: polygons, found in a plane of coordinates."""
    kept = np.delete(np.arange(3), flatness(places))
    seen = np.lexsort((places[:, kept[1]], places[:, kept[0]]))
    layered, starts, spent = peel(*(np.ascontiguousarray(places[seen, axis]) for axis in kept))
    starts = starts[: most + 1]
    size = int(starts[-1])
    order = seen[layered[:size]]
    numbers, layer = np.arange(size), np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    first, last = starts[layer], starts[layer + 1]
    ahead = np.where(numbers + 1 == last, first, numbers + 1)
    behind = np.where(numbers == first, last - 1, numbers - 1)
    links = np.stack([ahead, behind], axis=1)
    there = np.stack([ahead != numbers, behind != ahead], axis=1)
    middle = np.add.reduceat(places[order], starts[:-1]) / np.diff(starts)[:, None]
    return Surfaces(order, starts, there.sum(axis=1), links[there], places[order] - middle[layer], spent)


@kernel
def _peel(places: Any, most: Any) -> Any:
    """Return Surfaces field by field without those in one plane, and in front of the last field who is left."""
    n = places.shape[0]
    facets, scratch = room_for(n)
    left = np.arange(n)
    number = np.full(n, -1, np.int64)
    order, degrees, outward = np.empty(n, np.int64), np.zeros(n, np.int64), np.zeros((n, 3))
    starts, links, places_left = np.zeros(n + 1, np.int64), np.empty(6 * n, np.int64), np.empty(n + 1, np.int64)
    size = layers = linked = spent = 0
    while left.size > 0 and layers < most:
        used, more = hull(places, left, facets, scratch)
        spent += more
        if used == 0:
            break
        begin = size
        for facet in range(used):
            if facets.corners[facet, 0] < 0:
                continue
            nx, ny, nz = facets.normal[facet]
            length = np.sqrt(float(nx) ** 2 + float(ny) ** 2 + float(nz) ** 2)
            for side in range(3):
                corner = facets.corners[facet, side]
                if number[corner] < 0:
                    number[corner] = size
                    order[size] = corner
                    size += 1
                at = number[corner]
                degrees[at] += 1
                outward[at, 0] += nx / length
                outward[at, 1] += ny / length
                outward[at, 2] += nz / length
        places_left[begin] = linked
        for at in range(begin, size):
            places_left[at + 1] = places_left[at] + degrees[at]
        linked = places_left[size]
        for facet in range(used):
            if facets.corners[facet, 0] < 0:
                continue
            for side in range(3):
                at = number[facets.corners[facet, side]]
                links[places_left[at]] = number[facets.corners[facet, (side + 1) % 3]]
                places_left[at] += 1
        layers += 1
        starts[layers] = size
        left = left[number[left] < 0]
    return order[:size], starts[: layers + 1], degrees[:size], links[:linked], outward[:size], left, spent
