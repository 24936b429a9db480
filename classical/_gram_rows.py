"""Rows whose vectors are at hand: evaluated, looked at again, or materialised from the ledger."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical._gram_layout import EPS
from hybrid_train.kernels import dot, inlined, kernel


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


@kernel
def add_motion(lists: Any, world: Any, neurons: Any, vectors: Any, columns: Any) -> None:
    """Add to the vectors of ``neurons`` their combinations of the columns, in ascending order of column."""
    rows, entries, ours = lists.rows, lists.entries, lists.rows["row"]
    signs, threshold = world.signs, world.threshold
    pulls, new = world.pulls, world.pulls[world.now % world.pulls.shape[0]]
    for k in range(neurons.size):
        neuron = neurons[k]
        r = np.searchsorted(ours, np.uint32(neuron))
        if r == ours.size or ours[r] != neuron:
            continue
        old = rows[r].since % pulls.shape[0]
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            j = entries[e].column
            factor = entries[e].gamma
            if entries[e].inner > threshold:
                total = 0.0
                for q in range(new.shape[1]):
                    total += signs[neuron, q] * (new[j, q] - pulls[old, j, q])
                factor += total
            if factor != 0.0:
                for i in range(vectors.shape[1]):
                    vectors[k, i] += factor * columns[j, i]


@kernel
def relist(lists: Any, world: Any, slots: Any, products: Any, skins: Any, counts: Any, gaps: Any) -> None:
    """Count the candidates of rows whose inner products with all columns are known, and measure the gap beyond them.

    An entry with a coefficient stays a candidate: the ledger is read from the lists.
    """
    rows, entries, norms, threshold = lists.rows, lists.entries, world.norms, world.threshold
    held = np.zeros(norms.size, np.bool_)
    for k in range(slots.size):
        begin = rows[slots[k]].start
        end = begin + np.int64(rows[slots[k]].size)
        for e in range(begin, end):
            held[entries[e].column] = entries[e].gamma != 0.0
        counts[k], gaps[k] = 0, np.inf
        for j in range(norms.size):
            distance = _distance(threshold, products[k, j], norms[j])
            if held[j] or not distance > skins[k]:
                counts[k] += 1
            else:
                gaps[k] = min(gaps[k], distance)
        for e in range(begin, end):
            held[entries[e].column] = False


@inlined
def _distance(threshold: Any, product: Any, norm: Any) -> Any:
    """Return a lower bound of the distance to a column's boundary, but for the rounding of the product."""
    if norm == 0:
        return np.inf if threshold >= 0 else -np.inf
    return (threshold - product) / norm - 8 * EPS * abs(threshold) / norm


@kernel
def rewrite(lists: Any, world: Any, slots: Any, products: Any, skins: Any, counts: Any, gaps: Any, used: Any) -> Any:
    """Write the lists that :func:`relist` counted, in place or from ``used`` on; return the end of the pool's use."""
    rows, entries, norms, threshold = lists.rows, lists.entries, world.norms, world.threshold
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
            if held[j] != 0.0 or not _distance(threshold, products[k, j], norms[j]) > skins[k]:
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
