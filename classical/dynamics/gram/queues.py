"""The alarms by which rows doze, and the queues that they sleep in.

Queues are radix heaps (Ahuja, Mehlhorn, Orlin, Tarjan, JACM 1990) on the ticks of clocks.
Clocks never go back, so an entry moves to a nearer bucket at most once for each bit of its tick.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe.numbers import leading_zeros

from classical.dynamics.gram.layout import BUCKETS, COMPANY
from classical.lists.lengths import EPS
from hybrid_train.support.kernels import inlined, kernel

_LAST_KEY = (1 << 62) - 1


@inlined
def _bucket(key: Any, tick: Any) -> Any:
    """Return the bucket of a queue at ``tick``: the place of the highest bit in which the key differs."""
    return 64 - np.int64(leading_zeros(np.uint64(key ^ tick)))


@inlined
def _enter(heads: Any, entries: Any, e: Any, queue: Any, bucket: Any) -> None:
    """Put entry e at the head of a bucket."""
    first = heads[queue, bucket]
    entries[e].following = first
    entries[e].previous = -2 - (BUCKETS * queue + bucket)
    if first >= 0:
        entries[first].previous = e
    heads[queue, bucket] = e


@inlined
def _leave(heads: Any, entries: Any, e: Any) -> None:
    """Take entry e out of the middle of its bucket, or from its head."""
    before, after = np.int64(entries[e].previous), entries[e].following
    if before >= 0:
        entries[before].following = after
    else:
        place = -2 - before
        heads[place // BUCKETS, place % BUCKETS] = after
    if after >= 0:
        entries[after].previous = before


@kernel
def sleep(lists: Any, world: Any, slots: Any, slack: Any) -> None:
    """Put rows that are in no queue to sleep; a row that does not fire never moves and needs no queue.

    Args:
        lists: the lists; ``whole`` says by which clocks each row sleeps.
        world: at the present step.
        slots: the rows.
        slack: (len(slots),) how far they can go.
    """
    rows, entries, heads = lists.rows, lists.entries, lists.heads
    ticks, clocks, unit, pace, threshold = world.ticks, world.clocks, world.unit, world.pace, world.threshold
    last = world.norms.size
    for k in range(slots.size):
        r = slots[k]
        begin, end = np.int64(rows[r].start), rows[r].start + np.int64(rows[r].size)
        fired, together = 0, 0.0
        for e in range(begin, end):
            if entries[e].inner > threshold:
                fired += 1
                together += pace[entries[e].column]
        for e in range(begin, end):
            if not entries[e].inner > threshold:
                continue
            queue, share = np.int64(entries[e].column), slack[k]
            if rows[r].whole:
                queue = last
            elif fired > 1:
                # in proportion to the pace, so that all of them wake at the same time; a tenth of it evenly
                share *= 0.1 / fired + 0.9 * (pace[queue] / together if together > 0 else 1 / fired)
            due, key = (clocks[queue] + share) / unit, ticks[queue]
            if due >= _LAST_KEY:
                key = np.int64(_LAST_KEY)
            elif due > key:
                key = np.int64(due)
            entries[e].key = key
            _enter(heads, entries, e, queue, _bucket(key, ticks[queue]))
            if rows[r].whole:
                break


@kernel
def wake(lists: Any, world: Any, before: Any, due: Any) -> Any:
    """Take the rows that are due out of the queues.

    Args:
        lists: the lists.
        world: at the present step.
        before: (n + 1,) ticks before this step; -1 for queues whose clock did not move.
        due: (N,) out: the rows.

    Returns:
        How many there are.
    """
    rows, entries, heads, ticks = lists.rows, lists.entries, lists.heads, world.ticks
    count = 0
    for queue in range(before.size):
        if before[queue] < 0:
            continue
        tick = ticks[queue]
        for bucket in range(_bucket(before[queue], tick) + 1):
            e = heads[queue, bucket]
            heads[queue, bucket] = -1
            while e >= 0:
                after = entries[e].following
                if entries[e].key > tick:
                    _enter(heads, entries, e, queue, _bucket(entries[e].key, tick))
                else:
                    r = entries[e].owner
                    entries[e].key = -1
                    due[count] = r
                    count += 1
                    for other in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
                        if entries[other].key >= 0:
                            _leave(heads, entries, other)
                            entries[other].key = -1
                e = after
    return count


@inlined
def _together(hands: Any, company: Any, r: Any) -> Any:
    """Return the sum of the clocks that row r dozes by, always rounded in the same way."""
    return hands[company[r, 0]] + hands[company[r, 1]]


@inlined
def _hands(world: Any) -> Any:
    """Return the clocks, and after them the one that never moves."""
    hands = np.zeros(world.norms.size + 3)
    hands[:-1] = world.clocks
    return hands


@kernel
def doze(lists: Any, world: Any, slots: Any, slack: Any) -> None:
    """Set the alarms of rows that are up to date; a row that does not fire never moves.

    Args:
        lists: the lists; ``whole`` says by which clocks each row dozes.
        world: at the present step.
        slots: the rows.
        slack: (len(slots),) how far they can go.
    """
    rows, entries, alarms, company, threshold = lists.rows, lists.entries, lists.alarms, lists.company, world.threshold
    hands, last = _hands(world), world.norms.size
    for k in range(slots.size):
        r = slots[k]
        fired = 0
        for place in range(COMPANY):
            company[r, place] = last + 2
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            if entries[e].inner > threshold:
                if fired < COMPANY:
                    company[r, fired] = entries[e].column
                fired += 1
        if rows[r].whole or fired > COMPANY:
            company[r, 0] = last if rows[r].whole else last + 1
            for place in range(1, COMPANY):
                company[r, place] = last + 2
        alarms[r] = _together(hands, company, r) + slack[k] if fired > 0 else np.inf


@kernel
def ring(lists: Any, world: Any, due: Any) -> Any:
    """Write the rows whose alarms are due to ``due`` (N,) and return how many there are."""
    alarms, company, hands = lists.alarms, lists.company, _hands(world)
    count = 0
    for r in range(alarms.size):
        due[count] = r
        count += not _together(hands, company, r) < alarms[r]
    return count


@kernel
def go_to_bed(lists: Any, world: Any) -> None:
    """Put every row that dozes to sleep, with what is left of its slack."""
    alarms, company, hands = lists.alarms, lists.company, _hands(world)
    slots, slack = np.arange(alarms.size), np.empty(alarms.size)
    for r in slots:
        slack[r] = alarms[r] - _together(hands, company, r)
    sleep(lists, world, slots, slack)


@kernel
def get_up(lists: Any, world: Any) -> None:
    """Empty the queues, and set the alarms of all rows by what is left of their slack."""
    rows, entries, alarms, company = lists.rows, lists.entries, lists.alarms, lists.company
    clocks, last = world.clocks, world.norms.size
    lists.heads[:] = -1
    for r in range(rows.size):
        fired, alarm, left = 0, 0.0, np.inf
        for place in range(COMPANY):
            company[r, place] = last + 2
        for e in range(rows[r].start, rows[r].start + np.int64(rows[r].size)):
            if entries[e].key >= 0:
                queue = last if rows[r].whole else np.int64(entries[e].column)
                until = entries[e].key * world.unit * (1 - 8 * EPS)
                alarm, left = alarm + until, min(left, until - clocks[queue])
                if fired < COMPANY:
                    company[r, fired] = queue
                fired += 1
                entries[e].key = -1
        alarms[r] = alarm if fired > 0 else np.inf
        if fired > COMPANY:  # no path is longer than that of the last clock
            for place in range(COMPANY):
                company[r, place] = last + 1 if place == 0 else last + 2
            alarms[r] = (clocks[last + 1] + left) * (1 - 8 * EPS)


@kernel
def repack(lists: Any, world: Any, other: Any) -> Any:
    """Copy all lists, in the order of the rows, to another pool, with every row asleep where it was; return its use.

    Args:
        lists: the lists.
        world: at the present step.
        other: the same rows and queues, with the other pool.
    """
    rows, entries, pool, heads, ticks = lists.rows, lists.entries, other.entries, other.heads, world.ticks
    heads[:] = -1
    at = 0
    for r in range(rows.size):
        begin = np.int64(rows[r].start)
        rows[r].start = at
        for e in range(begin, begin + np.int64(rows[r].size)):
            pool[at] = entries[e]
            if entries[e].key >= 0:
                queue = world.norms.size if rows[r].whole else np.int64(entries[e].column)
                _enter(heads, pool, at, queue, _bucket(entries[e].key, ticks[queue]))
            at += 1
    return at
