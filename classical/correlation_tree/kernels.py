"""Compiled passes over the max-trees of the correlation-tree finder: arrays in, arrays changed.

The trees lie in one array, one row for each query, level after level, leaves first. Node j of a level is the largest of
the nodes j F to j F + F - 1 of the level below, F the fan-out. A leaf is the inner product of the query with a point.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel

LANES = 8
"""Partial sums of the shared inner product, see :func:`hybrid_train.support.kernels.dot`."""

BLOCK = 64
"""Points multiplied with a query side by side."""


class Trees(NamedTuple):
    """The max-trees of all queries.

    Attributes:
        heap: (Q, nodes).
        begin: (levels,) where each level starts in a row.
        size: (levels,) how many nodes it has.
        fanout: F.
    """

    heap: FloatArray
    begin: IntArray
    size: IntArray
    fanout: int


class Stale(NamedTuple):
    """Inner nodes to recompute, the same ones in every tree.

    Attributes:
        nodes: counted within their level; level 1 first.
        ends: (levels,) where those of each level end in ``nodes``; 0 for the leaves.
    """

    nodes: IntArray
    ends: IntArray


@kernel
def _transpose(vectors: Any, start: Any, count: Any, block: Any) -> None:
    """Write ``vectors[start:start + count]`` into the columns of ``block`` (d, BLOCK), the rest of it zero."""
    if count < BLOCK:
        block[:] = 0.0
    for b in range(count):
        for i in range(vectors.shape[1]):
            block[i, b] = vectors[start + b, i]


@kernel
def _multiply(block: Any, query: Any, lanes: Any, out: Any) -> None:
    """Write the inner products of the columns of ``block`` (d, BLOCK) with a query, equal to ``dot`` to the last bit.

    ``dot`` sums eight lanes apart, folds them in a tree and adds the tail. Here every lane of every column is summed in
    the same order, and the processor's vectors run over the columns: no folding across a vector, whatever d is.
    """
    whole = query.size - query.size % LANES
    paired = whole - whole % (2 * LANES)
    lanes[:] = 0.0
    for start in range(0, paired, 2 * LANES):
        for i in range(LANES):
            first, second, total = start + i, start + i + LANES, lanes[i]
            factor, line = query[first], block[first]
            other_factor, other_line = query[second], block[second]
            for b in range(BLOCK):
                total[b] = (total[b] + factor * line[b]) + other_factor * other_line[b]
    for i in range(whole - paired):
        factor, line, total = query[paired + i], block[paired + i], lanes[i]
        for b in range(BLOCK):
            total[b] += factor * line[b]
    out[:] = 0.0
    for i in range(whole, query.size):
        factor, line = query[i], block[i]
        for b in range(BLOCK):
            out[b] += factor * line[b]
    for b in range(BLOCK):
        even = (lanes[0, b] + lanes[4, b]) + (lanes[2, b] + lanes[6, b])
        odd = (lanes[1, b] + lanes[5, b]) + (lanes[3, b] + lanes[7, b])
        out[b] = (even + odd) + out[b]


@kernel
def correlate(
    heap: Any,
    queries: Any,
    query_ids: Any,
    points: Any,
    point_ids: Any,
    query_range: Any,
    point_range: Any,
) -> None:
    """Write the leaves of the pairs of a range of ``query_ids`` and a range of ``point_ids``.

    Args:
        heap: (Q, nodes) the trees; NaN becomes -infinity, which is no more active.
        queries: (s, d) float64, the vectors of ``query_ids``.
        query_ids: (s,) trees to write to.
        points: (k, d) the vectors of ``point_ids``.
        point_ids: (k,) leaves to write.
        query_range: (first, last) of the s.
        point_range: (first, last) of the k.
    """
    block = np.zeros((points.shape[1], BLOCK))
    lanes, products = np.empty((LANES, BLOCK)), np.empty(BLOCK)
    for start in range(point_range[0], point_range[1], BLOCK):
        count = min(BLOCK, point_range[1] - start)
        _transpose(points, start, count, block)
        for k in range(query_range[0], query_range[1]):
            _multiply(block, queries[k], lanes, products)
            tree = heap[query_ids[k]]
            for b in range(count):
                value = products[b]
                tree[point_ids[start + b]] = -np.inf if np.isnan(value) else value


@kernel
def _largest(values: Any, first: Any, last: Any) -> Any:
    """Return the largest of ``values[first:last]``; there is no NaN among them."""
    largest = values[first]
    for i in range(first + 1, last):
        value = values[i]
        # max() would look for NaN, at ten times the cost
        largest = value if value > largest else largest
    return largest


@kernel
def repair(trees: Any, query_ids: Any, stale: Any, first: Any, last: Any) -> None:
    """Recompute the Stale nodes of the Trees of ``query_ids[first:last]``, each level once."""
    heap, begin, size, fanout = trees
    nodes, ends = stale
    for k in range(first, last):
        tree = heap[query_ids[k]]
        for level in range(1, begin.size):
            below = begin[level - 1]
            for at in range(ends[level - 1], ends[level]):
                node = nodes[at]
                start = below + node * fanout
                end = below + min((node + 1) * fanout, size[level - 1])
                tree[begin[level] + node] = _largest(tree, start, end)


@kernel
def _above(nodes: Any, start: Any, end: Any, threshold: Any, out: Any, values: Any, used: Any) -> Any:
    """Append those of ``start`` to before ``end`` whose entry of ``nodes`` is above the threshold; return the new end.

    Without a branch, which the processor could not foresee.
    """
    for node in range(start, end):
        value = nodes[node]
        out[used] = node
        values[used] = value
        used += value > threshold
    return used


@kernel
def report(trees: Any, threshold: Any, query_ids: Any, first: Any, last: Any) -> Any:
    """Descend the Trees of ``query_ids[first:last]`` where a node is above the threshold, level by level.

    Returns:
        (leaves above the threshold per tree, their indices in ascending order, their values, nodes compared).
    """
    heap, begin, size, fanout = trees
    top = begin.size - 1
    room = max(size[1] if top > 0 else 1, 1024)
    here, below, tops = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    indices, values = np.empty(1024, np.int64), np.empty(1024)
    counts = np.empty(last - first, np.int64)
    used = 0
    visited = 0
    for k in range(first, last):
        tree = heap[query_ids[k]]
        width = int(tree[begin[top]] > threshold)
        here[0] = 0
        visited += 1
        for level in range(top - 1, 0, -1):
            nodes = tree[begin[level] : begin[level] + size[level]]
            found = 0
            for i in range(width):
                start, end = here[i] * fanout, min((here[i] + 1) * fanout, size[level])
                visited += end - start
                found = _above(nodes, start, end, threshold, below, tops, found)
            here, below = below, here
            width = found
        if used + width * fanout > indices.size:
            more = 2 * (used + width * fanout)
            indices, values = _grown(indices, used, more), _grown(values, used, more)
        before = used
        for i in range(width):
            start, end = here[i] * fanout, min((here[i] + 1) * fanout, size[0])
            if top > 0:
                visited += end - start
            used = _above(tree, start, end, threshold, indices, values, used)
        counts[k - first] = used - before
    return counts, indices[:used].copy(), values[:used].copy(), visited


@kernel
def _grown(array: Any, used: Any, size: Any) -> Any:
    """Return a longer array that begins with the first ``used`` entries."""
    larger = np.empty(size, array.dtype)
    larger[:used] = array[:used]
    return larger
