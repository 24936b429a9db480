"""Compiled catalogue of convex layers in the plane: it leads a direction from layer to layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybrid_train.support.kernels import inlined, kernel


class PlanarLayers(NamedTuple):
    """Convex layers over v places of a grid, in an order of layers, each counter-clockwise.

    Attributes:
        x, y: (v,) int32 the places.
        starts: (L + 1,) where the places of a layer begin.
        edges: (E, 2) int32 directions of edges, for each layer its own and every second one of the next, by angle.
        own: (E + L,) how many edges of the layer itself are among those before; one more entry for the end of each.
        entries: (L + 1,) where the edges of a layer begin in ``edges``; with the layer's number added, in ``own``.
    """

    x: Any
    y: Any
    starts: Any
    edges: Any
    own: Any
    entries: Any


@inlined
def before(ex: Any, ey: Any, nx: Any, ny: Any) -> Any:
    """Return whether the direction e comes before n, counter-clockwise from straight down (that one is the last)."""
    left, other = ex < 0 or (ex == 0 and ey < 0), nx < 0 or (nx == 0 and ny < 0)
    if left != other:
        return other
    return ex * ny - ey * nx > 0


@kernel
def catalogue(x: Any, y: Any, starts: Any) -> Any:
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
