"""Compiled queries of the half-space-reporting tree: a block of queries descends together, so a box is read once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybrid_train.active_sets import FloatArray, IntArray
from hybrid_train.kernels import dot, kernel

_BLOCK = 64
"""Queries that descend together: enough to share the reading of a leaf."""

_SAFE = float(np.finfo(np.float64).max) / 4
"""Sums of terms beyond this may overflow on the way, whatever the result."""


class _Block(NamedTuple):
    """Queries that descend together, and what they have found.

    Attributes:
        queries: (n, d) float64.
        sums: (n,) sum of |coordinates|.
        found: (n,) points found so far.
        ids: (n, K) whose they are, ``found`` of each row taken.
        values: (n, K) their inner products.
        spent: (2,) box bounds evaluated; points tested or reported.
    """

    queries: FloatArray
    sums: FloatArray
    found: IntArray
    ids: IntArray
    values: FloatArray
    spent: IntArray


class _Scratch(NamedTuple):
    """Room to work in: (d,) corners of a box or a point, (C,) values of a bucket and slots chosen from it."""

    top: FloatArray
    bottom: FloatArray
    coarse: FloatArray
    slots: IntArray


@kernel
def report(tree: Any, queries: Any, threshold: Any, slope: Any, offset: Any) -> Any:
    """Report the half-space of every query.

    Args:
        tree: TreeArrays.
        queries: (Q, d) float64, C-contiguous.
        threshold: b.
        slope: with ``offset``, the rounding margin slope * sum |p_j q_j| + offset of an inner product.
        offset: see ``slope``.

    Returns:
        (Q,) active points of each query; their ids, ascending within a query; their inner products; and
        (box bounds evaluated, points tested or reported).
    """
    n, d = queries.shape
    capacity = tree.ids.shape[1]
    counts = np.zeros(n, np.int64)
    ids, values = np.empty(0, np.int64), np.empty(0)
    sorting_ids, sorting_values = np.empty(0, np.int64), np.empty(0)
    found_ids, found_values = np.empty((_BLOCK, 4 * capacity), np.int64), np.empty((_BLOCK, 4 * capacity))
    spent = np.zeros(2, np.int64)
    scratch = _Scratch(np.empty(d), np.empty(d), np.empty(capacity), np.empty(capacity, np.int64))
    sums = np.zeros(n)
    for j in range(n):
        for k in range(d):
            sums[j] += abs(queries[j, k])
    at = 0
    for first in range(0, n, _BLOCK):
        part = slice(first, first + _BLOCK)
        block = _Block(queries[part], sums[part], counts[part], found_ids, found_values, spent)
        block = _descend(tree, block, threshold, slope, offset, scratch)
        found_ids, found_values = block.ids, block.values
        needed = at + block.found.sum()
        if needed > ids.size:
            ids = _longer(ids, max(needed, 2 * ids.size))
            values = _longer(values, ids.size)
        if sorting_ids.size < found_ids.shape[1]:
            sorting_ids, sorting_values = np.empty(found_ids.shape[1], np.int64), np.empty(found_ids.shape[1])
        for j in range(block.found.size):
            size = block.found[j]
            _sort_pairs(
                found_ids[j, :size],
                found_values[j, :size],
                sorting_ids[:size],
                sorting_values[:size],
                tree.place.size,
                ids[at : at + size],
                values[at : at + size],
            )
            at += size
    return counts, ids[:at], values[:at], spent


@kernel
def _descend(tree: Any, block: Any, threshold: Any, slope: Any, offset: Any, scratch: Any) -> Any:
    """Walk the tree with a block of queries; return the block with what they report.

    At each depth ``asking`` lists the queries still interested: j for one whose boundary may cross the box, ~j for
    one whose half-space holds it whole.
    """
    asking = np.empty(32 * block.found.size, np.int64)
    starts, stops = np.empty(64, np.int64), np.empty(64, np.int64)
    starts[0], stops[0] = 0, block.found.size
    for j in range(block.found.size):
        asking[j] = j
    index, depth = 0, 0
    while True:
        node = tree.nodes[index]
        start, stop = starts[depth], stops[depth]
        if 2 * stop - start > asking.size:
            asking = _longer(asking, 2 * asking.size)
        kept = stop
        if node.count > 0:
            kept = _filter(tree.box[index], node.below >= 0, block, threshold, asking, start, stop, scratch)
        if kept > stop and node.below >= 0:
            index = node.below
            depth += 1
            if depth == starts.size:
                starts, stops = _longer(starts, 2 * depth), _longer(stops, 2 * depth)
            starts[depth], stops[depth] = stop, kept
            continue
        if kept > stop:
            block = _roomy(block, asking[stop:kept], node.count)
            _test(tree, index, block, asking[stop:kept], threshold, slope, offset, scratch)
        while index % 2 == 0 and index > 0:
            index = tree.nodes[index].parent
            depth -= 1
        if index == 0:
            return block
        index += 1


@kernel
def _filter(box: Any, inner: Any, block: Any, threshold: Any, asking: Any, start: Any, stop: Any, scratch: Any) -> Any:
    """Write the queries that have business below this box to ``asking[stop:]``; return where they end.

    The inner product of a point in the box is computed by the same multiplications and additions, in the same order,
    as that of the box's extreme corner, and each of them is monotone, rounding included. So the corner's computed
    value bounds every computed value below it with no margin; NaN (an overflow on the way) decides nothing.
    """
    kept = stop
    top, bottom = scratch.top, scratch.bottom
    for i in range(start, stop):
        j = asking[i]
        if j >= 0:
            q = block.queries[j]
            for k in range(q.size):
                low, high = box[0, k], box[1, k]
                top[k] = high if q[k] > 0 else low
                bottom[k] = low if q[k] > 0 else high
            block.spent[0] += 1
            if dot(top, q) <= threshold:
                continue
            # Testing a leaf costs no more inner products than reporting it whole.
            if inner and dot(bottom, q) > threshold:
                j = ~j
        asking[kept] = j
        kept += 1
    return kept


@kernel
def _test(tree: Any, leaf: Any, block: Any, asking: Any, threshold: Any, slope: Any, offset: Any, scratch: Any) -> None:
    """Report the leaf's active points for the asking queries.

    The inner products of a bucket are first summed coordinate by coordinate, all slots at once. Those not below the
    threshold by more than the rounding margin, and all slots where the box lies in the half-space, go to the shared
    predicate.
    """
    bucket, size = ~tree.nodes[leaf].below, tree.nodes[leaf].count
    vectors, ids = tree.vectors[bucket], tree.ids[bucket]
    point, coarse, slots = scratch.top, scratch.coarse, scratch.slots
    reach = _reach(tree.box[leaf])
    block.spent[1] += size * asking.size
    for code in asking:
        j = max(code, ~code)
        q = block.queries[j]
        if code == j:
            largest = reach * block.sums[j]
            cut = threshold - (slope * largest + offset) if largest < _SAFE else -np.inf
            chosen = _choose(vectors, size, q, cut, coarse, slots)
        else:
            chosen = size
            for slot in range(size):
                slots[slot] = slot
        at = block.found[j]
        for i in range(chosen):
            slot = slots[i]
            for k in range(q.size):
                point[k] = vectors[k, slot]
            value = dot(point, q)
            if value > threshold:
                block.ids[j, at] = ids[slot]
                block.values[j, at] = value
                at += 1
        block.found[j] = at


@kernel
def _reach(box: Any) -> Any:
    """Return the largest |coordinate| in the box."""
    reach = 0.0
    for k in range(box.shape[1]):
        reach = max(reach, abs(box[0, k]), abs(box[1, k]))
    return reach


@kernel
def _choose(vectors: Any, size: Any, q: Any, cut: Any, coarse: Any, slots: Any) -> Any:
    """Write the slots whose inner product with q is not below ``cut``; return how many. NaN is not below."""
    for slot in range(size):
        coarse[slot] = vectors[0, slot] * q[0]
    for k in range(1, q.size):
        factor = q[k]
        for slot in range(size):
            coarse[slot] += vectors[k, slot] * factor
    chosen = 0
    for slot in range(size):
        if not coarse[slot] < cut:
            slots[chosen] = slot
            chosen += 1
    return chosen


@kernel
def _roomy(block: Any, asking: Any, size: Any) -> Any:
    """Return the block with space for ``size`` more points of each asking query."""
    for code in asking:
        if block.found[max(code, ~code)] + size > block.ids.shape[1]:
            ids = _wider(block.ids, block.found)
            values = _wider(block.values, block.found)
            block = _Block(block.queries, block.sums, block.found, ids, values, block.spent)
    return block


@kernel
def _sort_pairs(
    keys: Any, values: Any, spare_keys: Any, spare_values: Any, bound: Any, out_keys: Any, out_values: Any
) -> None:
    """Write the pairs to ``out_*`` by ascending key, all keys distinct and below ``bound``; the inputs are scratch."""
    if keys.size <= 24:
        for i in range(keys.size):
            key, value = keys[i], values[i]
            j = i
            while j > 0 and out_keys[j - 1] > key:
                out_keys[j], out_values[j] = out_keys[j - 1], out_values[j - 1]
                j -= 1
            out_keys[j], out_values[j] = key, value
        return
    bits = 1
    while bound >> bits:
        bits += 1
    passes = (bits + 10) // 11
    width = (bits + passes - 1) // passes
    for turn in range(passes):
        last = turn == passes - 1
        to_keys, to_values = (out_keys, out_values) if last else (spare_keys, spare_values)
        _sort_by_digit(keys, values, turn * width, width, to_keys, to_values)
        if not last:
            keys, spare_keys = spare_keys, keys
            values, spare_values = spare_values, values


@kernel
def _sort_by_digit(keys: Any, values: Any, shift: Any, width: Any, to_keys: Any, to_values: Any) -> None:
    """Distribute the pairs stably by the digit of ``width`` bits at ``shift``."""
    mask = (1 << width) - 1
    at = np.zeros(mask + 1, np.int64)
    for key in keys:
        at[key >> shift & mask] += 1
    total = 0
    for digit in range(mask + 1):
        at[digit], total = total, total + at[digit]
    for i in range(keys.size):
        digit = keys[i] >> shift & mask
        to_keys[at[digit]] = keys[i]
        to_values[at[digit]] = values[i]
        at[digit] += 1


@kernel
def _wider(rows: Any, taken: Any) -> Any:
    """Return the rows, of which row j is filled up to taken[j], with twice the space."""
    wider = np.empty((rows.shape[0], 2 * rows.shape[1]), rows.dtype)
    for j in range(taken.size):
        for i in range(taken[j]):
            wider[j, i] = rows[j, i]
    return wider


@kernel
def _longer(array: Any, length: Any) -> Any:
    longer = np.empty(length, array.dtype)
    for i in range(array.size):
        longer[i] = array[i]
    return longer
