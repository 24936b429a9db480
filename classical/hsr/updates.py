"""Compiled build and updates of the half-space-reporting tree: arrays in, arrays changed.

Arrays are copied element by element throughout: a slice assigned to a slice makes the compiler work for seconds.

Nodes come in sibling pairs (2i + 1, 2i + 2) below a root 0. A leaf keeps its points in a bucket, coordinate by
coordinate, so that a query tests them as vectors. The box of an inner node is always the union of its children's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel

ROOM = 0.125
"""How far points may wander from a leaf's first box, as a share of its longest side, before they change leaves."""

STALE = 3
"""A subtree is rebuilt when more than one in STALE of the points it was built with have come or gone. A child then
never holds more than 3/4 of its parent's points (those of a leaf apart), so the depth stays logarithmic."""


NODE = np.dtype(
    [(name, np.int64) for name in ("below", "parent", "axis", "count", "built", "churn")] + [("plane", np.float64)]
)
"""below: the first of two children, or ~bucket of a leaf (or, of an unused pair, the next one; 0 is none). parent: -1
for the root. axis, plane: points with coordinate[axis] >= plane descend to the second child. count: points below.
built: points when the subtree was last built. churn: points that came or went since."""

BUCKET = np.dtype([("owner", np.int64), ("writes", np.int64)])
"""owner: the leaf it belongs to (or, of an unused bucket, the next one; -1 is none). writes: points moved within it
since the leaf's box was last tight."""

STATE = np.dtype([(name, np.int64) for name in ("free_pair", "free_bucket", "free", "touched", "rebuilt", "sorted")])
"""free_pair, free_bucket: heads of the chains of unused ones. free: unused buckets (and pairs: a tree has one pair
fewer than leaves). touched: nodes read or written by updates. rebuilt: those of them that were made anew.
sorted: points that building went through, once on each level."""


class TreeArrays(NamedTuple):
    """The tree: L buckets of C slots, M = 2 L - 1 nodes, ids below I.

    Attributes:
        nodes: (M,) of NODE.
        box: (M, 2, d) lowest and highest coordinates below a node, exact; (inf, -inf) around nothing.
        vectors: (L, d, C) points, in the bank's own precision.
        ids: (L, C) whose they are; the first ``count`` slots are taken.
        buckets: (L,) of BUCKET.
        room: (L, 2, d) where a point may move without changing leaves.
        place: (I,) bucket * C + slot of each id, -1 for none.
        state: (1,) of STATE.
    """

    nodes: npt.NDArray[np.void]
    box: FloatArray
    vectors: FloatArray
    ids: IntArray
    buckets: npt.NDArray[np.void]
    room: FloatArray
    place: IntArray
    state: npt.NDArray[np.void]


def bare_tree(n_ids: int, dimension: int, leaf_size: int, dtype: np.dtype[Any]) -> TreeArrays:
    """Return what ``build`` starts from: a root without a bucket."""
    # A leaf is rebuilt, and so split, before its churn can overrun this.
    capacity = leaf_size + leaf_size // STALE + 1
    nodes = np.zeros(1, NODE)
    nodes["parent"] = -1
    state = np.zeros(1, STATE)
    state["free_bucket"] = -1
    return TreeArrays(
        nodes,
        box=np.empty((1, 2, dimension)),
        vectors=np.empty((0, dimension, capacity), dtype),
        ids=np.empty((0, capacity), np.int64),
        buckets=np.empty(0, BUCKET),
        room=np.empty((0, 2, dimension)),
        place=np.full(n_ids, -1),
        state=state,
    )


@kernel
def update(tree: Any, ids: Any, points: Any, leaving: Any, coming: Any, leaf_size: Any) -> Any:
    """Delete, insert or move points; return the tree.

    A point that moves within its leaf's room is overwritten; one that leaves it is deleted and inserted.

    Args:
        tree: TreeArrays.
        ids: (n,) distinct.
        points: (n, d) where the points are afterwards, of the tree's own precision; not read unless ``coming``.
        leaving: whether the ids have a place now that they lose.
        coming: whether they get one.
        leaf_size: points in a fresh leaf, at most.
    """
    for i in range(ids.size):
        if leaving and coming and _overwrite(tree, ids[i], points[i]):
            continue
        for attaching in (False, True):
            stale = -1
            if attaching and coming:
                stale = _attach(tree, ids[i], points[i])
            elif leaving and not attaching:
                stale = _detach(tree, ids[i])
            if stale >= 0:
                tree = _rebuild(tree, stale, leaf_size)
    return tree


@kernel
def _holds(box: Any, point: Any) -> Any:
    """Return whether the point lies in the closed box."""
    for j in range(point.size):
        if not box[0, j] <= point[j] <= box[1, j]:
            return False
    return True


@kernel
def _cover(box: Any, point: Any) -> Any:
    """Grow the box to hold the point; return whether it had to grow."""
    grew = False
    for j in range(point.size):
        if point[j] < box[0, j]:
            box[0, j] = point[j]
            grew = True
        if point[j] > box[1, j]:
            box[1, j] = point[j]
            grew = True
    return grew


@kernel
def _store(tree: Any, bucket: Any, slot: Any, point_id: Any, point: Any) -> None:
    for j in range(point.size):
        tree.vectors[bucket, j, slot] = point[j]
    tree.ids[bucket, slot] = point_id
    tree.place[point_id] = bucket * tree.ids.shape[1] + slot


@kernel
def _attach(tree: Any, point_id: Any, point: Any) -> Any:
    """Descend the split planes to a leaf and add the point there; return the highest node now stale, or -1."""
    index, stale = 0, -1
    while True:
        node = tree.nodes[index]
        tree.state[0].touched += 1
        _cover(tree.box[index], point)
        node.count += 1
        node.churn += 1
        if stale < 0 and STALE * node.churn > node.built:
            stale = index
        if node.below < 0:
            _store(tree, ~node.below, node.count - 1, point_id, point)
            return stale
        index = node.below + (point[node.axis] >= node.plane)


@kernel
def _detach(tree: Any, point_id: Any) -> Any:
    """Take the point out of its bucket; return the highest node now stale, or -1. Boxes stay until a rebuild."""
    capacity = tree.ids.shape[1]
    bucket, slot = tree.place[point_id] // capacity, tree.place[point_id] % capacity
    index = tree.buckets[bucket].owner
    last = tree.nodes[index].count - 1
    for j in range(tree.vectors.shape[1]):
        tree.vectors[bucket, j, slot] = tree.vectors[bucket, j, last]
    tree.ids[bucket, slot] = tree.ids[bucket, last]
    tree.place[tree.ids[bucket, slot]] = bucket * capacity + slot
    tree.place[point_id] = -1
    stale = -1
    while index >= 0:
        node = tree.nodes[index]
        tree.state[0].touched += 1
        node.count -= 1
        node.churn += 1
        if STALE * node.churn > node.built:
            stale = index
        index = node.parent
    return stale


@kernel
def _overwrite(tree: Any, point_id: Any, point: Any) -> Any:
    """Move a point within its bucket and return True, or return False where it leaves the room around it.

    The leaf's box is made tight again after as many moves as it has points.
    """
    capacity = tree.ids.shape[1]
    bucket, slot = tree.place[point_id] // capacity, tree.place[point_id] % capacity
    if not _holds(tree.room[bucket], point):
        return False
    for j in range(point.size):
        tree.vectors[bucket, j, slot] = point[j]
    tree.state[0].touched += 1
    index = tree.buckets[bucket].owner
    tree.buckets[bucket].writes += 1
    if tree.buckets[bucket].writes >= tree.nodes[index].count:
        _refit(tree, index)
        return True
    while index >= 0 and _cover(tree.box[index], point):
        tree.state[0].touched += 1
        index = tree.nodes[index].parent
    return True


@kernel
def _refit(tree: Any, leaf: Any) -> None:
    """Make a leaf's box tight again, and those above it."""
    bucket, size = ~tree.nodes[leaf].below, tree.nodes[leaf].count
    tree.buckets[bucket].writes = 0
    for j in range(tree.box.shape[2]):
        low, high = np.inf, -np.inf
        for slot in range(size):
            x = tree.vectors[bucket, j, slot]
            low = min(low, x)
            high = max(high, x)
        tree.box[leaf, 0, j] = low
        tree.box[leaf, 1, j] = high
    _tighten_above(tree, leaf)


@kernel
def _tighten_above(tree: Any, index: Any) -> None:
    """Make the boxes above a node the unions of their children's again, as far as they change."""
    index = tree.nodes[index].parent
    while index >= 0:
        tree.state[0].touched += 1
        changed = False
        first = tree.nodes[index].below
        for j in range(tree.box.shape[2]):
            low = min(tree.box[first, 0, j], tree.box[first + 1, 0, j])
            high = max(tree.box[first, 1, j], tree.box[first + 1, 1, j])
            changed |= low != tree.box[index, 0, j] or high != tree.box[index, 1, j]
            tree.box[index, 0, j] = low
            tree.box[index, 1, j] = high
        if not changed:
            return
        index = tree.nodes[index].parent


@kernel
def _rebuild(tree: Any, top: Any, leaf_size: Any) -> Any:
    """Build the subtree under ``top`` anew over the points it holds; return the tree."""
    points = np.empty((tree.nodes[top].count, tree.box.shape[2]), tree.vectors.dtype)
    ids = np.empty(points.shape[0], np.int64)
    taken = 0
    index = top
    state = tree.state[0]
    while True:
        state.touched += 1
        if tree.nodes[index].below >= 0:
            index = tree.nodes[index].below
            continue
        bucket = ~tree.nodes[index].below
        for slot in range(tree.nodes[index].count):
            for j in range(points.shape[1]):
                points[taken, j] = tree.vectors[bucket, j, slot]
            ids[taken] = tree.ids[bucket, slot]
            taken += 1
        tree.buckets[bucket].owner = state.free_bucket
        state.free_bucket = bucket
        state.free += 1
        while index != top and index % 2 == 0:
            parent = tree.nodes[index].parent
            tree.nodes[index - 1].below = state.free_pair
            state.free_pair = index - 1
            index = parent
        if index == top:
            tree = build(tree, top, points, ids, leaf_size)
            _tighten_above(tree, top)
            return tree
        index += 1


@kernel
def build(tree: Any, top: Any, points: Any, ids: Any, leaf_size: Any) -> Any:
    """Make ``top``, a node without bucket or children, the root of a balanced tree over the points; return the tree.

    A node is split across the longest side of its points' box, in two parts that fill their leaves evenly.
    """
    leaves = max(1, -(-ids.size // leaf_size))
    if tree.state[0].free < leaves:
        tree = _grown(tree, max(leaves - tree.state[0].free, tree.buckets.size // 2))
    order = np.arange(ids.size)
    keys = np.empty(ids.size)
    waiting, height = np.empty((64, 3), np.int64), 1
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = top, 0, ids.size
    while height:
        height -= 1
        index, start, stop = waiting[height, 0], waiting[height, 1], waiting[height, 2]
        part = order[start:stop]
        node = tree.nodes[index]
        node.count = node.built = part.size
        node.churn = 0
        tree.state[0].touched += 1
        tree.state[0].rebuilt += 1
        tree.state[0].sorted += part.size
        for j in range(points.shape[1]):
            tree.box[index, 0, j] = np.inf
            tree.box[index, 1, j] = -np.inf
        for i in part:
            _cover(tree.box[index], points[i])
        leaves = -(-part.size // leaf_size)
        if leaves <= 1:
            _fill(tree, index, points, ids, part)
            continue
        node.axis = _longest_side(tree.box[index])
        half = part.size * (leaves // 2) // leaves
        for i in range(part.size):
            keys[start + i] = points[part[i], node.axis]
        _select(keys[start:stop], part, half)
        node.plane = keys[start + half]
        node.below = first = tree.state[0].free_pair
        tree.state[0].free_pair = tree.nodes[first].below
        tree.nodes[first].parent = tree.nodes[first + 1].parent = index
        for child, low, high in ((first + 1, start + half, stop), (first, start, start + half)):
            waiting[height, 0], waiting[height, 1], waiting[height, 2] = child, low, high
            height += 1
    return tree


@kernel
def _longest_side(box: Any) -> Any:
    axis = 0
    for j in range(1, box.shape[1]):
        if box[1, j] - box[0, j] > box[1, axis] - box[0, axis]:
            axis = j
    return axis


@kernel
def _fill(tree: Any, leaf: Any, points: Any, ids: Any, chosen: Any) -> None:
    """Give a leaf a bucket with the chosen points, and room around them."""
    bucket = tree.state[0].free_bucket
    tree.state[0].free_bucket = tree.buckets[bucket].owner
    tree.state[0].free -= 1
    tree.nodes[leaf].below = ~bucket
    tree.buckets[bucket].owner = leaf
    tree.buckets[bucket].writes = 0
    for slot in range(chosen.size):
        _store(tree, bucket, slot, ids[chosen[slot]], points[chosen[slot]])
    box = tree.box[leaf]
    axis = _longest_side(box)
    margin = ROOM * (box[1, axis] - box[0, axis])
    for j in range(box.shape[1]):
        tree.room[bucket, 0, j] = box[0, j] - margin
        tree.room[bucket, 1, j] = box[1, j] + margin


@kernel
def _select(keys: Any, order: Any, k: Any) -> None:
    """Permute both so that keys[:k] <= keys[k] <= keys[k + 1:] (Hoare's selection)."""
    low, high = 0, keys.size - 1
    while low < high:
        a, b, c = keys[low], keys[(low + high) // 2], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            return


@kernel
def _grown(tree: Any, more: Any) -> Any:
    """Return the tree in arrays for ``more`` buckets more, chained so that the first is used first."""
    before = tree.buckets.size
    size = before + more
    nodes = _longer(tree.nodes, 2 * size - 1)
    buckets = _longer(tree.buckets, size)
    state = tree.state[0]
    for bucket in range(size - 1, before - 1, -1):
        buckets[bucket].owner = state.free_bucket
        state.free_bucket = bucket
        if bucket:
            nodes[2 * bucket - 1].below = state.free_pair
            state.free_pair = 2 * bucket - 1
    state.free += more
    return TreeArrays(
        nodes,
        _longer(tree.box, 2 * size - 1),
        _longer(tree.vectors, size),
        _longer(tree.ids, size),
        buckets,
        _longer(tree.room, size),
        tree.place,
        tree.state,
    )


@kernel
def _longer(array: Any, length: Any) -> Any:
    longer = np.empty((length, *array.shape[1:]), array.dtype)
    old, new = array.reshape(-1), longer.reshape(-1)
    for at in range(old.size):
        new[at] = old[at]
    return longer
