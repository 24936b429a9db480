"""Why the answers of the tree are complete: which boxes its half-spaces leave out."""

from __future__ import annotations

import numpy as np

from classical.hsr.updates import TreeArrays
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.proof import Proof
from hybrid_train.support.arrays import FloatArray, IntArray


def boxes_left_out(tree: TreeArrays, queries: FloatArray, threshold: float) -> Proof:
    """Return the largest boxes that lie outside of each query's half-space.

    A box does if its extreme corner does, by the deciding arithmetic itself: each of its multiplications and additions
    is monotone, rounding included, so no point in the box has a larger inner product.

    Args:
        tree: with points 0 .. N - 1.
        queries: (A, d) float64, C-contiguous.
        threshold: b.

    Returns:
        A proof with ``members`` (N,) the points in the order of the leaves; for each of B boxes ``ranges`` (B, 2) of
        members, ``low`` and ``high`` (B, d); and for each pair that is left out ``cut`` (K, 2), (place of the query
        among those asked, box), with ``bound`` (K,), the inner product of the extreme corner.
    """
    first = _first_members(tree)
    asking, node = np.arange(len(queries)), np.zeros(len(queries), np.int64)
    pairs: list[IntArray] = [np.empty((0, 2), np.int64)]
    bounds: list[FloatArray] = [np.empty(0)]
    while len(node):
        bound = _bounds(tree, node, queries, asking)
        out = bound <= threshold
        pairs.append(np.stack([asking[out], node[out]], axis=1))
        bounds.append(bound[out])
        inner = ~out & (tree.nodes["below"][node] > 0)
        below = tree.nodes["below"][node[inner]]
        node = np.concatenate([below, below + 1])
        asking = np.tile(asking[inner], 2)
    cut = np.concatenate(pairs)
    used, cut[:, 1] = np.unique(cut[:, 1], return_inverse=True)
    return Proof(
        "boxes",
        {
            "members": _members(tree, first),
            "ranges": np.stack([first[used], first[used] + tree.nodes["count"][used]], axis=1),
            "low": tree.box[used, 0],
            "high": tree.box[used, 1],
            "cut": cut,
            "bound": np.concatenate(bounds),
        },
    )


def _bounds(tree: TreeArrays, node: IntArray, queries: FloatArray, asking: IntArray) -> FloatArray:
    """Return the inner product of each box's extreme corner with its query; NaN or infinity where it overflows."""
    chosen = queries[asking]
    corners = np.where(chosen > 0, tree.box[node, 1], tree.box[node, 0])
    everyone = np.arange(len(node))
    bounds = inner_products(corners, chosen, everyone, everyone)
    return np.where(tree.nodes["count"][node] > 0, bounds, np.nan)


def _first_members(tree: TreeArrays) -> IntArray:
    """Return (M,) where the points below each node begin, leaf after leaf; what unused nodes have means nothing."""
    nodes, first = tree.nodes, np.zeros(len(tree.nodes), np.int64)
    level = np.zeros(1, np.int64)
    while len(level):
        level = level[nodes["below"][level] > 0]
        below = nodes["below"][level]
        first[below] = first[level]
        first[below + 1] = first[level] + nodes["count"][below]
        level = np.concatenate([below, below + 1])
    return first


def _members(tree: TreeArrays, first: IntArray) -> IntArray:
    """Return (N,) the points, leaf after leaf."""
    capacity = tree.ids.shape[1]
    bucket, slot = np.divmod(tree.place, capacity)
    members = np.empty(len(tree.place), np.int64)
    members[first[tree.buckets["owner"][bucket]] + slot] = np.arange(len(tree.place))
    return members
