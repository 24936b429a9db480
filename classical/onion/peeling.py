"""Compiled peeling of a planar set of points into convex layers, in O(n log^2 n), exact in whole numbers.

Two trees over the points in lexicographic order, one for upper hulls and, over the points turned by 180 degrees, one
for lower hulls. An inner node knows its bridge, the edge of its hull that joins the hulls of its halves (Overmars and
van Leeuwen, "Maintenance of configurations in the plane", 1981); when points are deleted the bridges above them are
found anew, each by one descent. Points of equal x are told apart by their y, as if the plane were sheared a little.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybrid_train.support.arrays import IntArray
from hybrid_train.support.kernels import inlined, kernel


class _HullTree(NamedTuple):
    """Upper hulls of ranges of the points, P leaves (a power of two) in 2 P slots, the root in slot 1.

    Attributes:
        x, y: (n,) int64, distinct points in lexicographic order.
        standing: (2 P,) the node that stands for a slot: itself, one below it where half of it is empty; -1 for none.
        below: (2 P, 2) the two nodes below an inner one.
        bridge: (2 P, 2) the two points of its bridge; of a leaf, its point twice.
        first: (2 P,) a place in the order that no point below precedes.
    """

    x: Any
    y: Any
    standing: Any
    below: Any
    bridge: Any
    first: Any


@kernel
def peel(x: Any, y: Any) -> tuple[IntArray, IntArray, int]:
    """Return the convex layers, outermost first.

    Args:
        x: (n,) int64 in [-GRID, GRID], see :mod:`classical.onion.places`.
        y: (n,) likewise; the points are distinct and in lexicographic order.

    Returns:
        (n,) points, layer after layer, each counter-clockwise from its lexicographically smallest; (L + 1,) where
        layers begin; and how many nodes were read.
    """
    n = x.size
    leaves = 1
    while leaves < n:
        leaves *= 2
    upper, spent = _planted(x, y, leaves)
    lower, more = _planted(-x[::-1], -y[::-1], leaves)
    spent += more
    order, starts = np.empty(n, np.int64), np.empty(n + 1, np.int64)
    taken = np.zeros(n, np.bool_)
    stack, hull = np.empty((64, 3), np.int64), np.empty(n, np.int64)
    size = layers = 0
    starts[0] = 0
    while size < n:
        begin = size
        found = _hull_of(lower, stack, hull)
        for i in range(found - 1, -1, -1):
            size = _listed(n - 1 - hull[i], taken, order, size)
        found = _hull_of(upper, stack, hull)
        for i in range(found - 1, -1, -1):
            size = _listed(hull[i], taken, order, size)
        layers += 1
        starts[layers] = size
        gone = np.sort(order[begin:size])
        spent += _delete(upper, gone) + _delete(lower, n - 1 - gone[::-1])
    return order, starts[: layers + 1].copy(), spent


@kernel
def _listed(point: Any, taken: Any, order: Any, size: Any) -> Any:
    if taken[point]:
        return size
    taken[point] = True
    order[size] = point
    return size + 1


@kernel
def _planted(x: Any, y: Any, leaves: Any) -> Any:
    """Return the tree over all the points, and how many nodes making it took."""
    nodes = 2 * leaves
    tree = _HullTree(
        np.ascontiguousarray(x),
        np.ascontiguousarray(y),
        np.full(nodes, -1, np.int32),
        np.empty((nodes, 2), np.int32),
        np.empty((nodes, 2), np.int32),
        np.zeros(nodes, np.int32),
    )
    for i in range(leaves):
        tree.first[leaves + i] = i
        if i < x.size:
            tree.standing[leaves + i] = leaves + i
            tree.bridge[leaves + i, 0] = tree.bridge[leaves + i, 1] = i
    spent = leaves
    for node in range(leaves - 1, 0, -1):
        tree.first[node] = tree.first[2 * node]
        spent += _bridged(tree, node)
    return tree, spent


@inlined
def _turn(x: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    """Return twice the area of the triangle a, b, c: above 0 where it turns to the left."""
    return (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])


@kernel
def _bridged(tree: Any, node: Any) -> Any:
    """Find the bridge of an inner node anew; return how many nodes were read."""
    x, y, below, bridge, inner = tree.x, tree.y, tree.below, tree.bridge, tree.standing.size // 2
    left, right = tree.standing[2 * node], tree.standing[2 * node + 1]
    if left < 0 or right < 0:
        tree.standing[node] = max(left, right)
        return 1
    tree.standing[node] = node
    below[node, 0], below[node, 1] = left, right
    split = tree.first[right]
    spent = 1
    while left < inner or right < inner:
        spent += 1
        a, b, c, d = bridge[left, 0], bridge[left, 1], bridge[right, 0], bridge[right, 1]
        if a != b and _turn(x, y, a, b, c) > 0:
            left = below[left, 0]
        elif c != d and _turn(x, y, b, c, d) > 0:
            right = below[right, 1]
        elif a == b:
            right = below[right, 0]
        elif c == d or _crosses_left(x, y, a, b, c, d, split):
            left = below[left, 1]
        else:
            right = below[right, 0]
    bridge[node, 0], bridge[node, 1] = bridge[left, 0], bridge[right, 0]
    return spent


@kernel
def _crosses_left(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any, split: Any) -> Any:
    """Return whether the lines a b and c d cross to the left of the point ``split``; parallel ones count as such."""
    of_c, of_d = _turn(x, y, a, b, c), -_turn(x, y, a, b, d)
    if of_c + of_d == 0:
        return True
    across = of_c * (x[d] - x[split]) + of_d * (x[c] - x[split])
    if across != 0:
        return across < 0
    return of_c * (y[d] - y[split]) + of_d * (y[c] - y[split]) < 0


@kernel
def _hull_of(tree: Any, stack: Any, hull: Any) -> Any:
    """Write the upper hull, from the smallest point to the largest; return how many points it has."""
    inner, found, height = tree.standing.size // 2, 0, 1
    stack[0, 0], stack[0, 1], stack[0, 2] = tree.standing[1], 0, tree.x.size
    while height:
        height -= 1
        node, low, high = stack[height, 0], stack[height, 1], stack[height, 2]
        if node >= inner:
            hull[found] = tree.bridge[node, 0]
            found += 1
            continue
        left, right = tree.bridge[node, 0], tree.bridge[node, 1]
        if low < right and high > left:  # both sides: the right one waits
            stack[height, 0], stack[height, 1], stack[height, 2] = tree.below[node, 1], right, high
            height += 1
            stack[height, 0], stack[height, 1], stack[height, 2] = tree.below[node, 0], low, left
        else:
            side = 0 if high <= left else 1
            stack[height, 0], stack[height, 1], stack[height, 2] = tree.below[node, side], low, high
        height += 1
    return found


@kernel
def _delete(tree: Any, gone: Any) -> Any:
    """Delete points (ascending) and find the bridges above them anew; return how many nodes were read."""
    level = np.empty(gone.size, np.int64)
    for i in range(gone.size):
        level[i] = tree.standing.size // 2 + gone[i]
        tree.standing[level[i]] = -1
    size, spent = gone.size, gone.size
    while level[0] > 1:
        kept = 0
        for i in range(size):
            above = level[i] // 2
            if kept == 0 or level[kept - 1] != above:
                level[kept] = above
                kept += 1
        size = kept
        for i in range(size):
            spent += _bridged(tree, level[i])
    return spent
