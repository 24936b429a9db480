"""Rows whose vectors are at hand: evaluated, looked at again, or materialised from the ledger."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.lists.lengths import EPS
from hybrid_train.support.kernels import dot, inlined, kernel


@kernel
def evaluate(lists: Any, slots: Any, vectors: Any, columns: Any, first: Any, last: Any) -> Any:
    """Evaluate the lists of ``slots[first:last]``, up to date and at ``vectors``, by the deciding inner product.

    Returns:
        (inner products evaluated, largest deviation from the followed ones).
    """
    rows, entries = lists.rows, lists.entries
    evaluated, deviation = 0, 0.0
    for k in range(first, last):
        begin = rows[slots[k]].start
        for e in range(begin, begin + np.int64(rows[slots[k]].size)):
            value = dot(vectors[k], columns[entries[e].column])
            deviation = max(deviation, abs(value - entries[e].inner))
            entries[e].inner = value
            evaluated += 1
    return evaluated, deviation


@kernel
def firing_rows(lists: Any, world: Any, first: Any, last: Any) -> Any:
    """Return those of the rows from the first to before the last that fire."""
    rows, entries, threshold = lists.rows, lists.entries, world.threshold
    slots = np.empty(last - first, np.int64)
    count = 0
    for r in range(first, last):
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            if entries[e].inner > threshold:
                slots[count] = r
                count += 1
                break
    return slots[:count]


@kernel
def refresh(lists: Any, world: Any, totals: Any, slots: Any, vectors: Any, columns: Any) -> Any:
    """Evaluate rows that are up to date and sleep on; the totals follow.

    Returns:
        (inner products evaluated, largest deviation from the followed ones, firing entries that were not what
        was certified: 0 unless there is a bug).
    """
    rows, entries = lists.rows, lists.entries
    signs, sums, threshold = world.signs, totals.outputs, world.threshold
    evaluated, deviation, broken = 0, 0.0, 0
    for k in range(slots.size):
        r = slots[k]
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            j = entries[e].column
            before, value = entries[e].inner, dot(vectors[k], columns[j])
            deviation = max(deviation, abs(value - before))
            broken += (value > threshold) != (before > threshold)
            if value > threshold:
                for q in range(sums.shape[1]):
                    sums[j, q] += signs[np.int64(rows[r].row), q] * (value - before)
            entries[e].inner = value
            evaluated += 1
    return evaluated, deviation, broken


@inlined
def _search(ours: Any, neuron: Any, guess: Any) -> Any:
    """Return the first place in ``ours``, which ascends, of a number not below ``neuron``; near ``guess`` is fast."""
    low, high, stride = 0, ours.size, 1
    if guess < ours.size and np.int64(ours[guess]) < neuron:
        low = guess + 1
        while low + stride < ours.size and np.int64(ours[low + stride]) < neuron:
            low += stride + 1
            stride *= 2
        high = min(low + stride, ours.size)
    while low < high:
        middle = (low + high) // 2
        if np.int64(ours[middle]) < neuron:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def add_motion(lists: Any, world: Any, neurons: Any, vectors: Any, columns: Any) -> None:
    """Add to the vectors of ``neurons`` their combinations of the columns, in ascending order of column."""
    rows, entries, ours = lists.rows, lists.entries, lists.rows["row"]
    signs, threshold, pulls, now = world.signs, world.threshold, world.pulls, world.now % world.pulls.shape[0]
    r = 0
    for k in range(neurons.size):
        neuron = np.int64(neurons[k])
        r = _search(ours, neuron, r)
        if r == ours.size or np.int64(ours[r]) != neuron:
            continue
        old = rows[r].since % pulls.shape[0]
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            j = entries[e].column
            factor = entries[e].gamma
            if entries[e].inner > threshold:
                factor += _latest(signs, pulls, neuron, j, old, now)
            if factor != 0.0:
                for i in range(vectors.shape[1]):
                    vectors[k, i] += factor * columns[j, i]


@inlined
def _latest(signs: Any, pulls: Any, neuron: Any, j: Any, old: Any, now: Any) -> Any:
    """Return what a coefficient of a row that fires for column j gained between two places in the window of pulls."""
    total = 0.0
    for q in range(signs.shape[1]):
        total += signs[neuron, q] * (pulls[now, j, q] - pulls[old, j, q])
    return total


@kernel
def carry(lists: Any, world: Any, array: Any, columns: Any) -> None:
    """Add what :func:`add_motion` adds to all rows of ``array``, the bank: in float64, rounded at the end."""
    rows, entries, signs, threshold = lists.rows, lists.entries, world.signs, world.threshold
    pulls, now = world.pulls, world.now % world.pulls.shape[0]
    vector = np.empty(array.shape[1])
    for r in range(rows.size):
        neuron, old, still = np.int64(rows[r].row), rows[r].since % pulls.shape[0], True
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            j = entries[e].column
            factor = entries[e].gamma
            if entries[e].inner > threshold:
                factor += _latest(signs, pulls, neuron, j, old, now)
            if factor == 0.0:
                continue
            if still:
                for i in range(vector.size):
                    vector[i] = array[neuron, i]
                still = False
            for i in range(vector.size):
                vector[i] += factor * columns[j, i]
        if not still:
            for i in range(vector.size):
                array[neuron, i] = vector[i]


@kernel
def credit(lists: Any, world: Any, slots: Any, sets: Any) -> None:
    """Give rows that fired for the same columns from the first step on the coefficients that are theirs.

    Bit j mod 64 of word j div 64 of ``sets`` (len(slots), words), zero before, is set for each column j of theirs.
    """
    rows, entries, signs, threshold = lists.rows, lists.entries, world.signs, world.threshold
    pulls = world.pulls[world.now % world.pulls.shape[0]]
    for k in range(slots.size):
        r = slots[k]
        neuron = np.int64(rows[r].row)
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            if entries[e].inner > threshold:
                j, total = np.int64(entries[e].column), 0.0
                sets[k, j // 64] |= np.uint64(1) << np.uint64(j % 64)
                for q in range(signs.shape[1]):
                    total += signs[neuron, q] * pulls[j, q]
                entries[e].gamma = total


@kernel
def own(lists: Any) -> None:
    """Tell all entries which slot is theirs."""
    rows, entries = lists.rows, lists.entries
    for r in range(rows.size):
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            entries[e].owner = r


@kernel
def relist(lists: Any, world: Any, slots: Any, products: Any, skins: Any, counts: Any, gaps: Any) -> None:
    """Count the candidates of rows whose inner products with all columns are known, and measure the gap beyond them.

    An entry with a coefficient stays a candidate: the ledger is read from the lists.
    """
    rows, entries, norms, inverse = lists.rows, lists.entries, world.norms, world.inverse
    edge = _edge(world.threshold)
    held = np.zeros(norms.size, np.bool_)
    for k in range(slots.size):
        begin = rows[slots[k]].start
        end = begin + np.int64(rows[slots[k]].size)
        for e in range(begin, end):
            held[entries[e].column] = entries[e].gamma != 0.0
        counts[k], gaps[k] = 0, np.inf
        for j in range(norms.size):
            distance = _distance(edge, products[k, j], norms[j], inverse[j])
            if held[j] or not distance > skins[k]:
                counts[k] += 1
            else:
                gaps[k] = min(gaps[k], distance)
        for e in range(begin, end):
            held[entries[e].column] = False


@inlined
def _edge(threshold: Any) -> Any:
    """Return b, less what its difference from an inner product may lose."""
    return threshold - 8 * EPS * abs(threshold)


@inlined
def _distance(edge: Any, product: Any, norm: Any, inverse: Any) -> Any:
    """Return a lower bound of the distance to a column's boundary, but for the product's and relative rounding."""
    if norm == 0:
        return np.inf if edge >= 0 else -np.inf
    return (edge - product) * inverse


@kernel
def rewrite(lists: Any, world: Any, slots: Any, products: Any, skins: Any, counts: Any, gaps: Any, used: Any) -> Any:
    """Write the lists that :func:`relist` counted, in place or from ``used`` on; return the end of the pool's use."""
    rows, entries, norms, inverse = lists.rows, lists.entries, world.norms, world.inverse
    edge = _edge(world.threshold)
    held = np.zeros(norms.size)
    for k in range(slots.size):
        r = slots[k]
        begin = np.int64(rows[r].start)
        end = begin + np.int64(rows[r].size)
        for e in range(begin, end):
            held[entries[e].column] = entries[e].gamma
        at = begin
        if counts[k] > end - begin:
            at = used
            used += counts[k]
        rows[r].start, rows[r].size = at, counts[k]
        for j in range(norms.size):
            if held[j] != 0.0 or not _distance(edge, products[k, j], norms[j], inverse[j]) > skins[k]:
                entries[at].column = j
                entries[at].inner = products[k, j]
                entries[at].gamma = held[j]
                entries[at].owner = r
                entries[at].key = -1
                at += 1
            held[j] = 0.0
        rows[r].drift = 0.0
        rows[r].gap = gaps[k] * (1 - 3e-7)
    return used


@kernel
def active(lists: Any, world: Any, first: Any) -> Any:
    """Return (columns, rows counted from ``first``) of all active pairs, row after row."""
    rows, entries, threshold = lists.rows, lists.entries, world.threshold
    total = 0
    for r in range(rows.size):
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            total += entries[e].inner > threshold
    columns, neurons = np.empty(total, np.int64), np.empty(total, np.int64)
    at = 0
    for r in range(rows.size):
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            if entries[e].inner > threshold:
                columns[at] = entries[e].column
                neurons[at] = np.int64(rows[r].row) - first
                at += 1
    return columns, neurons
