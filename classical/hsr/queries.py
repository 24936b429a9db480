"""Compiled queries of the half-space-reporting tree: a block of queries descends together, so a box is read once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.lists.sorting import sort_pairs
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, kernel

_BLOCK = 64
"""Queries that descend together: enough to share the reading of a leaf."""

_PAIRS = 1024
"""(Leaf, query) pairs that are collected before the points in them are looked at."""

_LANES = 8
"""Shorter vectors are summed by ``hybrid_train.support.kernels.dot`` one term after the other, longer ones in lanes."""


class Margin(NamedTuple):
    """What rounding may do to an inner product <p, q>, however it is summed: slope * sum |p_j q_j| + offset.

    Sums of terms beyond ``safe`` may overflow on the way, whatever the result.
    """

    slope: float
    offset: float
    safe: float


class _Block(NamedTuple):
    """Queries that descend together, and what they have found.

    Attributes:
        queries: (n, d) float64.
        sums: (n,) sum of |coordinates|.
        found: (n,) points found so far.
        claimed: (n,) the most that may have been found when all collected leaves are tested.
        ids: (n, K) whose they are, ``found`` of each row taken.
        values: (n, K) their inner products.
    """

    queries: FloatArray
    sums: FloatArray
    found: IntArray
    claimed: IntArray
    ids: IntArray
    values: FloatArray


class _Walk(NamedTuple):
    """Where a walk is.

    Attributes:
        asking: the queries still interested at each depth, one depth after the other: j for one whose boundary may
            cross the box, ~j for one whose half-space holds it whole.
        starts: (D,) where those of each depth start.
        stops: (D,) and stop.
        leaves: (_PAIRS,) leaves to be tested, collected on the way.
        codes: (_PAIRS,) for which query, j or ~j.
        at: (3,) the node to look at next, its depth, and how many pairs are collected.
        spent: (2,) box bounds evaluated; points tested or reported.
    """

    asking: IntArray
    starts: IntArray
    stops: IntArray
    leaves: IntArray
    codes: IntArray
    at: IntArray
    spent: IntArray


class Scratch(NamedTuple):
    """Room to work in, kept from call to call: fresh memory costs more than what is written to it.

    Attributes:
        found_ids: (n, K) see ``_Block``.
        found_values: (n, K) likewise.
        sorting_ids: (K,) for sorting one query's pairs.
        sorting_values: (K,) likewise.
        ids: (T,) the answer: ids, query after query.
        values: (T,) their inner products.
    """

    found_ids: IntArray
    found_values: FloatArray
    sorting_ids: IntArray
    sorting_values: FloatArray
    ids: IntArray
    values: FloatArray


def fresh_scratch() -> Scratch:
    """Return room for nothing yet."""
    ids, values = np.empty(0, np.int64), np.empty(0)
    return Scratch(np.empty((0, 0), np.int64), np.empty((0, 0)), ids, values, ids, values)


@kernel
def report(tree: Any, queries: Any, threshold: Any, margin: Any, scratch: Any) -> Any:
    """Report the half-space of every query.

    Args:
        tree: TreeArrays.
        queries: (Q, d) float64, C-contiguous.
        threshold: b.
        margin: of rounding.
        scratch: from ``fresh_scratch`` or the last call.

    Returns:
        (Q,) active points of each query; (box bounds evaluated, points tested or reported); and the scratch, whose
        ``ids``, ascending within a query, and ``values`` begin with the answer.
    """
    n = queries.shape[0]
    counts, sums, spent = np.zeros(n, np.int64), np.zeros(n), np.zeros(2, np.int64)
    for j in range(n):
        for k in range(queries.shape[1]):
            sums[j] += abs(queries[j, k])
    if scratch.found_ids.shape[0] < min(n, _BLOCK):
        scratch = _scratch(scratch, min(n, _BLOCK), max(scratch.found_ids.shape[1], 4 * tree.ids.shape[1]), 0)
    at = 0
    for first in range(0, n, _BLOCK):
        part = slice(first, first + _BLOCK)
        ids, values = scratch.found_ids, scratch.found_values
        block = _Block(queries[part], sums[part], counts[part], counts[part].copy(), ids, values)
        block = _descend(tree, block, threshold, margin, spent)
        needed, width = at + block.found.sum(), block.ids.shape[1]
        if needed > scratch.ids.size or width > scratch.found_ids.shape[1]:
            scratch = _scratch(scratch, 0, 0, needed)
            ids, values = np.empty(width, np.int64), np.empty(width)
            scratch = Scratch(block.ids, block.values, ids, values, scratch.ids, scratch.values)
        for j in range(block.found.size):
            size = block.found[j]
            sort_pairs(
                block.ids[j, :size],
                block.values[j, :size],
                scratch.sorting_ids[:size],
                scratch.sorting_values[:size],
                tree.place.size,
                scratch.ids[at : at + size],
                scratch.values[at : at + size],
            )
            at += size
    return counts, spent, scratch


@kernel
def _scratch(scratch: Any, rows: Any, width: Any, total: Any) -> Any:
    """Return scratch with room for so much at least, and the same answer."""
    ids, values = scratch.ids, scratch.values
    if total > ids.size:
        ids, values = _longer(ids, max(total, 2 * ids.size)), _longer(values, max(total, 2 * values.size))
    if not rows:
        return Scratch(
            scratch.found_ids, scratch.found_values, scratch.sorting_ids, scratch.sorting_values, ids, values
        )
    found = np.empty((rows, width), np.int64), np.empty((rows, width))
    return Scratch(found[0], found[1], np.empty(width, np.int64), np.empty(width), ids, values)


@kernel
def _descend(tree: Any, block: Any, threshold: Any, margin: Any, spent: Any) -> Any:
    """Walk the tree with a block of queries; return the block with what they report.

    The walk and the tests are functions of their own, called for thousands of pairs at a time: counting references
    to arrays, as a call does, takes longer than a bound.
    """
    n = block.found.size
    levels, pairs, at = np.empty(64, np.int64), np.empty(max(_PAIRS, n), np.int64), np.zeros(3, np.int64)
    walk = _Walk(np.empty(64 * n, np.int64), levels, levels.copy(), pairs, pairs.copy(), at, spent)
    walk.starts[0], walk.stops[0] = 0, n
    for j in range(n):
        walk.asking[j] = j
    ended = False
    while not ended:
        ended = _walk(tree, block, walk, threshold, margin)
        needed = block.claimed.max()
        if needed > block.ids.shape[1]:
            ids, values = _wider(block.ids, block.found, needed), _wider(block.values, block.found, needed)
            block = _Block(block.queries, block.sums, block.found, block.claimed, ids, values)
        if tree.box.shape[2] < _LANES:
            _test_short(tree, block, walk, threshold)
        else:
            _test_long(tree, block, walk, threshold, margin)
        for j in range(n):
            block.claimed[j] = block.found[j]
        depth, walk.at[2] = walk.at[1], 0
        asking = _longer(walk.asking, max(walk.asking.size, 2 * walk.stops[depth]))
        longer = max(walk.starts.size, 2 * depth + 2)
        starts, stops = _longer(walk.starts, longer), _longer(walk.stops, longer)
        walk = _Walk(asking, starts, stops, walk.leaves, walk.codes, walk.at, spent)
    return block


@kernel
def _walk(tree: Any, block: Any, walk: Any, threshold: Any, margin: Any) -> Any:
    """Walk on and collect the leaves to be tested; return False before a node for which there is no room, else True.

    The inner product of a short vector in a box is computed by the same multiplications and additions, in the same
    order, as that of the box's extreme corner, and each of them is monotone, rounding included. So the corner's
    computed value bounds every computed value below it with no margin. NaN (an overflow on the way) decides nothing.
    """
    asking, starts, stops, leaves, codes = walk.asking, walk.starts, walk.stops, walk.leaves, walk.codes
    nodes, box, d, queries = tree.nodes, tree.box, tree.box.shape[2], block.queries
    index, depth, pairs = walk.at
    while True:
        start, stop, kept = starts[depth], stops[depth], stops[depth]
        count, below = nodes[index].count, nodes[index].below
        if pairs + stop - start > leaves.size or 2 * stop - start > asking.size or depth + 1 == starts.size:
            walk.at[0], walk.at[1], walk.at[2] = index, depth, pairs
            return False
        reach = _reach(box, index) if d >= _LANES else 0.0
        for i in range(start, stop if count else start):
            code = asking[i]
            if code >= 0:
                walk.spent[0] += 1
                low, high = 0.0, 0.0
                for k in range(d):
                    one, other = box[index, 0, k] * queries[code, k], box[index, 1, k] * queries[code, k]
                    low += one if one < other else other
                    high += other if one < other else one
                cut = threshold if d < _LANES else _lowered(threshold, reach, block.sums[code], margin)
                if high <= cut:
                    continue
                if low > threshold:
                    code = ~code
            if below >= 0:
                asking[kept] = code
                kept += 1
            else:
                leaves[pairs], codes[pairs] = index, code
                pairs += 1
                block.claimed[max(code, ~code)] += count
                walk.spent[1] += count
        if kept > stop:
            index = below
            depth += 1
            starts[depth], stops[depth] = stop, kept
            continue
        while index % 2 == 0 and index > 0:
            index = nodes[index].parent
            depth -= 1
        if index == 0:
            walk.at[2] = pairs
            return True
        index += 1


@kernel
def _test_short(tree: Any, block: Any, walk: Any, threshold: Any) -> None:
    """Report the active points of the collected pairs, for vectors shorter than a block of lanes.

    All slots of a bucket are summed at once. The additions are those of ``hybrid_train.support.kernels.dot``, in its
    order, so the sums are the deciding inner products.
    """
    nodes, vectors, ids, d = tree.nodes, tree.vectors, tree.ids, tree.vectors.shape[1]
    queries, found, to_ids, to_values = block.queries, block.found, block.ids, block.values
    values = np.empty(ids.shape[1])
    for pair in range(walk.at[2]):
        leaf, j = walk.leaves[pair], max(walk.codes[pair], ~walk.codes[pair])
        bucket, size = ~nodes[leaf].below, nodes[leaf].count
        for slot in range(size):
            values[slot] = 0.0
        for k in range(0, d - 1, 2):
            x, y = queries[j, k], queries[j, k + 1]
            for slot in range(size):
                values[slot] = values[slot] + vectors[bucket, k, slot] * x + vectors[bucket, k + 1, slot] * y
        if d % 2:
            x = queries[j, d - 1]
            for slot in range(size):
                values[slot] += vectors[bucket, d - 1, slot] * x
        end = np.uint64(found[j])
        for slot in range(size):  # a branch would be predicted wrong too often
            value = values[slot]
            to_ids[j, end] = ids[bucket, slot]
            to_values[j, end] = value
            end += np.uint64(value > threshold)
        found[j] = end


@kernel
def _test_long(tree: Any, block: Any, walk: Any, threshold: Any, margin: Any) -> None:
    """Report the active points of the collected pairs, for vectors whose deciding inner products are summed in lanes.

    The inner products of a bucket are first summed coordinate by coordinate, all slots at once, in the bank's own
    precision. Those not below the threshold by more than the rounding margin, and all slots where the box lies in the
    half-space, go to the shared predicate.
    """
    nodes, vectors, ids, d = tree.nodes, tree.vectors, tree.ids, tree.vectors.shape[1]
    queries, found = block.queries, block.found
    coarse, slots = np.empty(ids.shape[1], vectors.dtype), np.empty(ids.shape[1], np.int64)
    rounded, cut = np.empty(d, vectors.dtype), np.empty(1, vectors.dtype)
    point, query = np.empty(d), np.empty(d)
    last, reach = -1, 0.0
    for pair in range(walk.at[2]):
        leaf, code = walk.leaves[pair], walk.codes[pair]
        j = max(code, ~code)
        bucket, size = ~nodes[leaf].below, nodes[leaf].count
        if leaf != last:
            last, reach = leaf, _reach(tree.box, leaf)
        for k in range(d):
            query[k] = rounded[k] = queries[j, k]
        cut[0] = -np.inf if code < 0 else _lowered(threshold, reach, block.sums[j], margin)
        for slot in range(size):
            coarse[slot] = 0.0
        for k in range(0, d - 1, 2):
            x, y = rounded[k], rounded[k + 1]
            for slot in range(size):
                coarse[slot] = coarse[slot] + vectors[bucket, k, slot] * x + vectors[bucket, k + 1, slot] * y
        if d % 2:
            x = rounded[d - 1]
            for slot in range(size):
                coarse[slot] += vectors[bucket, d - 1, slot] * x
        chosen = np.uint64(0)
        for slot in range(size):
            slots[chosen] = slot
            chosen += np.uint64(not coarse[slot] < cut[0])
        end = found[j]
        for i in range(np.int64(chosen)):
            slot = slots[i]
            for k in range(d):
                point[k] = vectors[bucket, k, slot]
            value = dot(point, query)
            if value > threshold:
                block.ids[j, end] = ids[bucket, slot]
                block.values[j, end] = value
                end += 1
        found[j] = end


@kernel
def _reach(box: Any, index: Any) -> Any:
    """Return the largest |coordinate| in a box."""
    reach = 0.0
    for k in range(box.shape[2]):
        reach = max(reach, abs(box[index, 0, k]), abs(box[index, 1, k]))
    return reach


@kernel
def _lowered(threshold: Any, reach: Any, total: Any, margin: Any) -> Any:
    """Return below what a computed inner product is surely not active.

    Rounding q and the result to the precision computed in is allowed for.

    Args:
        threshold: b.
        reach: bounds |p_j|.
        total: bounds sum |q_j|.
        margin: of the precision computed in.
    """
    largest = reach * total
    if not (largest < margin.safe and total < margin.safe):
        return -np.inf
    return threshold - (margin.slope * (largest + abs(threshold)) + margin.offset * (1.0 + reach))


@kernel
def _wider(rows: Any, taken: Any, needed: Any) -> Any:
    """Return the rows, of which row j is filled up to taken[j], with space for ``needed`` or more."""
    wider = np.empty((rows.shape[0], max(needed, 2 * rows.shape[1])), rows.dtype)
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
