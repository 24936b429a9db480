"""A step of Gram dynamics: the outputs move by the kernel, rows wake, are followed, and sleep again."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.dynamics.gram.layout import COMPANY, SPENT, STALE
from classical.dynamics.gram.queues import doze, ring, sleep, wake
from classical.lists.lengths import EPS, UP, noise_of, root
from hybrid_train.support.kernels import inlined, kernel, prefetch

_UP_SINGLE = 1 + 3e-7

_SOON, _LINES = 6, 4
"""Rows ahead of the one at hand that are brought near, and their entries."""

_SHY = 1 - 1e-6
"""Part of its slack that a row sleeps through: as it goes, its doubt grows by far less than 1e-6 of its path."""


@kernel
def push(world: Any, totals: Any, columns: Any, pulls: Any) -> None:
    """Move the outputs by the kernel of the rows that fire: f_i += sum_j G_ij O_ij . pull_j over some columns j."""
    sums, overlaps, gram = totals.outputs, totals.overlaps, world.gram
    outputs = sums.shape[1]
    for i in range(sums.shape[0]):
        for k in range(outputs):
            total = 0.0
            for c in range(columns.size):
                j = columns[c]
                change = 0.0
                for q in range(outputs):
                    change += overlaps[i * outputs + k, j * outputs + q] * pulls[c, q]
                total += change * gram[i, j]
            sums[i, k] += total


@kernel
def moving(lists: Any, world: Any, pulled: Any) -> Any:
    """Return how many rows fire for a column that is pulled."""
    rows, entries, threshold = lists.rows, lists.entries, world.threshold
    bits = np.uint64(0)
    for j in range(pulled.size):
        if pulled[j]:
            bits |= np.uint64(1) << np.uint64(j % 64)
    count = 0
    if pulled.size <= 64:
        for folded in lists.folded:
            count += (folded & bits) != 0
        return count
    for r in range(rows.size):
        if lists.folded[r] & bits:
            for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
                if entries[e].inner > threshold and pulled[entries[e].column]:
                    count += 1
                    break
    return count


@inlined
def _doubt(rounding: Any, steps: Any, speck: Any, reach: Any, path: Any, size: Any, drift: Any) -> Any:
    """Return a bound of |followed - deciding inner product| / ||x|| for a row with a list of this size.

    Following and materialising lose a rounding per step, per entry and per term; the last clock bounds every
    entry's path.
    """
    factor = 2 * rounding + (steps + 4 * size + 16) * EPS
    return factor * (reach + drift + size * path) * UP + speck


@kernel
def catch_up(lists: Any, world: Any, totals: Any, slots: Any, changed: Any) -> Any:
    """Bring rows to the present; those whose firing entries are no longer the same are taken out of the totals.

    Whether the firing entries of ``slots`` changed goes to ``changed``. Arrays stand in variables of their own: handed
    on row by row they would be counted by all threads in the same places.

    Returns:
        The entries touched.
    """
    rows, entries, gram, signs, threshold = lists.rows, lists.entries, world.gram, world.signs, world.threshold
    touched, pulls, norms, sums, overlaps = 0, world.pulls, world.norms, totals.outputs, totals.overlaps
    counts, base, rounding, speck = totals.fired, world.base, world.rounding, world.speck
    outputs, window, present = sums.shape[1], pulls.shape[0], world.now % pulls.shape[0]
    new, firing, amount, flat = pulls[present], np.empty(norms.size, np.int64), np.empty(norms.size), signs.ravel()
    for k in range(slots.size):
        _bring_near(rows, entries, flat, slots, k, outputs)
        r = slots[k]
        begin, neuron, old = rows[r].start, np.int64(rows[r].row), rows[r].since - world.now + present
        old += window if old < 0 else 0
        end = begin + np.int64(rows[r].size)
        touched += end - begin
        fired, weight = 0, 0.0
        for e in range(begin, end):
            if entries[e].inner > threshold:
                j, total = entries[e].column, 0.0
                for q in range(outputs):
                    total += signs[neuron, q] * (new[j, q] - pulls[old, j, q])
                firing[fired], amount[fired] = e, total
                weight += abs(total) * norms[j]
                fired += 1
        rows[r].since, changed[k] = world.now, False
        if weight == 0.0:
            continue
        square, at, differs = 0.0, 0, False
        for e in range(begin, end):
            j = entries[e].column
            change = 0.0
            for u in range(fired):
                change += amount[u] * gram[entries[firing[u]].column, j]
            before, after = entries[e].inner > threshold, entries[e].inner + change
            entries[e].inner = after
            differs |= before != (after > threshold)
            if before:
                square += amount[at] * change
                entries[e].gamma += amount[at]
                at += 1
                for q in range(outputs if world.direct else 0):
                    sums[j, q] += signs[neuron, q] * change
        step = root(square, noise_of(rounding, fired + 8, weight), weight) + speck
        # overflow hides how far the row went
        rows[r].drift = (rows[r].drift + step) * _UP_SINGLE if square < np.inf else np.inf
        if differs:
            changed[k] = True
            _take_out(entries, signs, firing, fired, neuron, base, sums, counts, overlaps)
    return touched


@inlined
def _bring_near(rows: Any, entries: Any, flat: Any, slots: Any, k: Any, outputs: Any) -> None:
    """Have the rows that come after number k brought near, which may lie anywhere in memory."""
    if k + 2 * _SOON < slots.size:
        prefetch(rows, slots[k + 2 * _SOON])
        soon = slots[k + _SOON]
        prefetch(flat, outputs * np.int64(rows[soon].row))
        for e in range(rows[soon].start, rows[soon].start + min(np.int64(rows[soon].size), _LINES)):
            prefetch(entries, e)


@inlined
def _take_out(
    entries: Any,
    signs: Any,
    firing: Any,
    fired: Any,
    neuron: Any,
    base: Any,
    sums: Any,
    counts: Any,
    overlaps: Any,
) -> None:
    """Take a row with these firing entries out of the totals."""
    outputs = sums.shape[1]
    counts[counts.size - 1] -= 1
    for u in range(fired):
        i, excess = np.int64(entries[firing[u]].column), entries[firing[u]].inner - base
        counts[i] -= 1
        for k in range(outputs):
            factor = -np.float64(signs[neuron, k])
            sums[i, k] += factor * excess
            for v in range(fired if overlaps.size else 0):
                j = np.int64(entries[firing[v]].column) * outputs
                for q in range(outputs):
                    overlaps[i * outputs + k, j + q] += factor * signs[neuron, q]


@kernel
def tally(lists: Any, world: Any, totals: Any, slots: Any, sign: Any) -> None:
    """Add rows to the totals as their inner products say (sign 1), or take them away (-1)."""
    rows, entries = lists.rows, lists.entries
    threshold, base, signs = world.threshold, world.base, world.signs
    sums, overlaps, counts = totals.outputs, totals.overlaps, totals.fired
    outputs, paired, folded = sums.shape[1], overlaps.size > 0, lists.folded
    firing = np.empty(world.norms.size, np.int64)
    for slot in slots:
        neuron = np.int64(rows[slot].row)
        fired, bits = 0, np.uint64(0)
        for e in range(rows[slot].start, rows[slot].start + np.int64(rows[slot].size)):
            if entries[e].inner > threshold:
                i = np.int64(entries[e].column)
                bits |= np.uint64(1) << np.uint64(i % 64)
                firing[fired] = i * outputs
                fired += 1
                counts[i] += sign
                for k in range(outputs):
                    sums[i, k] += sign * (signs[neuron, k] * (entries[e].inner - base))
        folded[slot] = bits
        counts[counts.size - 1] += sign * (fired > 0)
        if not paired:
            continue
        for u in range(fired):
            for k in range(outputs):
                factor = sign * np.float64(signs[neuron, k])
                for v in range(fired):
                    for q in range(outputs):
                        overlaps[firing[u] + k, firing[v] + q] += factor * signs[neuron, q]


@kernel
def rate(lists: Any, world: Any, slots: Any, slack: Any, needs: Any) -> None:
    """Say of rows that are up to date how far they can go before anything changes, and what they need.

    A row that goes by clock n can go in any direction; one that goes by the clocks of its columns comes no nearer to
    the boundary of column i than |<x_i, x_j>| / ||x_j|| per unit of path, for the worst of its columns j; and where it
    dozes by clock n + 1, than the sum of that over its columns.

    Args:
        lists: the lists; ``whole`` is set: by which clocks each row's path is to be bounded.
        world: at the present step.
        slots: the rows.
        slack: (len(slots),) out: the distance; not positive if there is no telling.
        needs: (len(slots),) out: SPENT if a column outside the list might fire, else STALE if an inner product is too
            near b to tell, else 0.
    """
    rows, entries, norms, threshold = lists.rows, lists.entries, world.norms, world.threshold
    reach, path, pace, gram = world.reach, world.clocks[norms.size + 1], world.pace, world.gram
    inverse, grain, crowd = world.inverse, world.grain, COMPANY if world.awake else norms.size
    firing, rounding, steps, underflow = np.empty(norms.size, np.int64), world.rounding, world.steps, world.speck
    speck, tolerated = 4 * EPS * abs(threshold), world.accuracy * reach
    for k in range(slots.size):
        r = slots[k]
        went = np.float64(rows[r].drift)
        doubt = _doubt(rounding, steps, underflow, reach, path, np.int64(rows[r].size), went)
        left = rows[r].gap - went - doubt
        spent, doubtful = not went + doubt < rows[r].gap, not doubt <= tolerated
        begin, end = np.int64(rows[r].start), rows[r].start + np.int64(rows[r].size)
        fired, together = 0, 0.0
        for e in range(begin, end):
            if entries[e].inner > threshold:
                firing[fired] = entries[e].column
                together += pace[firing[fired]]
                fired += 1
        if fired > crowd:
            together = fired * pace[norms.size + 1]
        whole = fired > 1 and together > pace[norms.size]
        rows[r].whole = whole
        by_last = fired > crowd and not whole
        if by_last:
            left /= fired
        for e in range(begin, end):
            i = np.int64(entries[e].column)
            if norms[i] > 0:
                margin = abs(entries[e].inner - threshold) - speck - doubt * norms[i]
                doubtful |= not margin > 0
                approach = norms[i] if whole else grain * norms[i] * (fired if by_last else 1)
                if not whole and grain < 1:
                    total = 0.0
                    for u in range(fired):
                        cross = abs(gram[i, firing[u]]) * inverse[firing[u]]
                        total = total + cross if by_last else max(total, cross)
                    approach = max(approach, total)
                left = min(left, margin / approach)
        slack[k] = left * _SHY
        needs[k] = SPENT if spent else (STALE if doubtful else 0)


@kernel
def _lie_down(lists: Any, world: Any, slots: Any, slack: Any) -> None:
    """Let rows that are up to date doze or sleep, as everybody does, until they may have gone their slack."""
    if not world.awake:
        sleep(lists, world, slots, slack)
    elif not world.direct:
        doze(lists, world, slots, slack)


@kernel
def visit(lists: Any, world: Any, totals: Any, before: Any, due: Any) -> Any:
    """Bring every row that is due to the present; let those that need no vectors sleep again.

    Args:
        lists: the lists.
        world: at the present step.
        totals: changed by what the rows do; rows that need their vectors are taken out.
        before: as for :func:`wake`.
        due: (N,) scratch; its beginning is left with the rows that need their vectors, those that are spent first.

    Returns:
        (rows woken, entries touched, rows that need their vectors, rows that are spent).
    """
    woken = due.size
    if world.direct:
        due[:] = np.arange(woken)
    elif world.awake:
        woken = ring(lists, world, due)
    else:
        woken = wake(lists, world, before, due)
    if woken == 0:
        return 0, 0, 0, 0
    slots = due[:woken]
    if not world.awake:
        slots.sort()
    changed, needs = np.empty(woken, np.bool_), np.empty(woken, np.uint8)
    slack = np.empty(woken)
    touched = catch_up(lists, world, totals, slots, changed)
    rate(lists, world, slots, slack, needs)
    tally(lists, world, totals, slots[changed & (needs == 0)], 1)
    tally(lists, world, totals, slots[~changed & (needs != 0)], -1)
    _lie_down(lists, world, slots[needs == 0], slack[needs == 0])
    spent, stale = slots[needs == SPENT], slots[needs == STALE]
    due[: spent.size] = spent
    due[spent.size : spent.size + stale.size] = stale
    return woken, touched, spent.size + stale.size, spent.size


@kernel
def settle(lists: Any, world: Any, totals: Any, slots: Any) -> None:
    """Add rows to the totals as their inner products say, and let them sleep or doze."""
    tally(lists, world, totals, slots, 1)
    if not world.direct:
        slack, needs = np.empty(slots.size), np.empty(slots.size, np.uint8)
        rate(lists, world, slots, slack, needs)
        _lie_down(lists, world, slots, slack)
