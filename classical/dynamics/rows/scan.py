"""Compiled scans of row dynamics: who fires for whom out of a block of products, and who comes near."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classical.dynamics.rows.kernels import add_up
from classical.dynamics.rows.layout import BROAD, FIRES, LISTED, alarm_at, distance_of, margin_of
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, inlined, kernel


class Block(NamedTuple):
    """Rows to be scanned.

    Attributes:
        products: (B, n) their inner products with all columns, rounded by no more than the world says.
        vectors: (B, d) as stored.
        rows: (B,) int64, in the bank.
        norms: (B,) bounds of their norms.
        paces: (B,) how far they go in a step.
    """

    products: FloatArray
    vectors: FloatArray
    rows: IntArray
    norms: FloatArray
    paces: FloatArray


class Found(NamedTuple):
    """What a scan of B rows found: their lists, one after the other.

    Attributes:
        kind: (B,) uint8, LISTED or BROAD.
        size: (B,) int64 columns listed; all that fire, for a broad row.
        fired: (B,) int64 of them fire.
        gap: (B,) float64 no other column fires before the row went so far.
        columns: (B n,) int32, ascending for a row.
        alarms: (B n,) float32.
    """

    kind: npt.NDArray[np.uint8]
    size: IntArray
    fired: IntArray
    gap: FloatArray
    columns: npt.NDArray[np.int32]
    alarms: npt.NDArray[np.float32]


def found_for(rows: int, n: int) -> Found:
    """Return room for what a scan of so many rows against n columns may find."""
    whole = np.empty(rows, np.int64), np.empty(rows, np.int64)
    entries = np.empty(rows * n, np.int32), np.empty(rows * n, np.float32)
    return Found(np.empty(rows, np.uint8), *whole, np.empty(rows), *entries)


@kernel
def candidates(products: Any, cuts: Any, out: Any) -> Any:
    """Write which rows (B,) of products (B, n) are not below their cut everywhere (NaN is not); return how many."""
    count = 0
    for i in range(products.shape[0]):
        row, cut = products[i], cuts[i]
        hit = False
        for j in range(row.size):
            hit |= not (row[j] < cut)
        out[count] = i
        count += hit
    return count


@inlined
def best_skin(skins: Any, entry: Any, scan: Any, distances: Any, count: Any) -> Any:
    """Return the skin of least price for a row.

    Every listed column is compared with its alarm in every step, and the row is scanned as often as its skin is spent.

    Args:
        skins: to choose from.
        entry: price of a listed column in a step.
        scan: price of a scan, times the length of a step.
        distances: of the columns; below 0 of those that fire.
        count: how many there are.
    """
    best, least = skins[0], np.inf
    for s in range(skins.size):
        listed = 0
        for k in range(count):
            listed += (distances[k] >= 0) & (distances[k] < skins[s])
        price = entry * listed + scan / skins[s]
        if price < least:
            best, least = skins[s], price
    return best


@kernel
def relist(block: Any, which: Any, world: Any, sums: Any, found: Any) -> Any:
    """List anew the columns of rows of a block, and add up what fires.

    Args:
        block: see :class:`Block`.
        which: (C,) which of the B rows to look at.
        world: fixed.
        sums: added to.
        found: out, for the rows that are looked at.

    Returns:
        Entries written.
    """
    n = block.products.shape[1]
    near, distances, values = np.empty(n, np.int32), np.empty(n), np.empty(n)
    places, widest, rule = np.empty(n, np.int32), world.skins[world.skins.size - 1], world.rule
    columns, alarms = found.columns, found.alarms
    used = 0
    for c in range(which.size):
        i = which[c]
        norm = block.norms[i]
        count, fired = come_near(block, i, world, near, distances, values, places)
        broad = fired > world.broad * n
        skin = 0.0 if broad else best_skin(world.skins, world.entry, world.scan * block.paces[i], distances, count)
        gap = np.inf if broad else widest * (1 - 1e-9) - 2 * rule.rounding * norm
        begin = used
        for k in range(count):
            if distances[k] < skin:
                columns[used] = near[k]
                alarms[used] = FIRES if distances[k] < 0 else alarm_at(0.0, distances[k])
                used += 1
            elif not broad:
                gap = min(gap, distances[k])
        found.fired[c], found.kind[c] = fired, BROAD if broad else LISTED
        found.gap[c], found.size[c] = gap, used - begin
        add_up(sums.outputs, sums.fired, world.signs, block.rows[i], rule.shift, places, values, fired)
    return used


@inlined
def come_near(block: Any, i: Any, world: Any, near: Any, distances: Any, values: Any, places: Any) -> Any:
    """Write the columns within the widest skin of row i, their distances, and who fires; return how many of both.

    The distance of a column that fires is minus infinity; of one that does not, by the predicate alone, it is 0.

    Args:
        block: of rows.
        i: one of them.
        world: fixed.
        near: (n,) out: columns.
        distances: (n,) out.
        values: (n,) out: inner products of those that fire,
        places: (n,) out: which are these columns.
    """
    row, norm, rule = block.products[i], block.norms[i], world.rule
    norms, inverse, threshold = world.norms, world.inverse, rule.threshold
    widest = world.skins[world.skins.size - 1]
    sure = threshold + margin_of(rule, norm, rule.largest_norm)
    far = sure < np.inf  # else rounding is not bounded
    count = 0
    for j in range(row.size):
        near[count] = j
        count += not (far & ((threshold - row[j]) * inverse[j] >= widest))  # the gap leaves room for rounding
    fired, doubtful = 0, False
    for k in range(count):
        j = near[k]
        value = np.float64(row[j])
        distances[k] = -np.inf
        if not value > sure:
            distances[k] = distance_of(rule, value, margin_of(rule, norm, norms[j]), inverse[j])
            doubtful |= distances[k] == 0
        places[fired], values[fired] = j, value
        fired += distances[k] < 0
    if doubtful:
        for k in range(count):
            if distances[k] == 0:
                value = dot(block.vectors[i], world.exact[near[k]])
                if value > threshold:
                    distances[k] = -np.inf
                    places[fired], values[fired] = near[k], value
                    fired += 1
    return count, fired


@kernel
def place(lists: Any, slots: Any, found: Any, used: Any) -> Any:
    """Put what a scan found into the lists of ``slots``: where they were, or at the end of the pool; return its end.

    The pool has room for all of it: ``used`` and the sizes of those that outgrow theirs, half as much again and eight.
    """
    at = 0
    for c in range(slots.size):
        r, size = slots[c], found.size[c]
        if size > lists.room[r]:
            lists.begin[r], lists.room[r] = used, size + size // 2 + 8
            used += lists.room[r]
        begin = lists.begin[r]
        for k in range(size):
            lists.columns[begin + k] = found.columns[at + k]
            lists.alarms[begin + k] = found.alarms[at + k]
        at += size
        lists.kind[r], lists.size[r], lists.fired[r], lists.gap[r] = found.kind[c], size, found.fired[c], found.gap[c]
        lists.path[r], lists.age[r] = 0.0, 0
    return used


@kernel
def repack(lists: Any, begin: Any, columns: Any, alarms: Any) -> None:
    """Copy the entries of every row to ``begin`` of another pool."""
    for r in range(lists.rows.size):
        for k in range(lists.size[r]):
            columns[begin[r] + k] = lists.columns[lists.begin[r] + k]
            alarms[begin[r] + k] = lists.alarms[lists.begin[r] + k]
