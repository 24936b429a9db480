"""Compiled passes over the hash tables of the LSH finder: arrays in, arrays changed.

A table is sorted: the points of a bucket stand side by side, in ascending order. A point that leaves its bucket is
struck out where it stands (p becomes ~p) and chained to its new one in a side list; a table whose side list is full is
sorted again. Each point is live exactly once in each table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hybrid_train.support.kernels import dot, kernel

SIDE_SHARE = 16
"""A side list has room for one in so many points."""


class Tables(NamedTuple):
    """L tables with 2^K buckets of N points.

    Attributes:
        code: (L, N) the bucket of each point.
        start: (L, 2^K + 1) where each bucket's run in ``entry`` starts.
        entry: (L, N) points by bucket, ~p for one that has left.
        head: (L, 2^K) first link of each bucket's chain, -1 for none.
        link: (L, room) the next link of a chain, -1 at its end.
        item: (L, room) the point of a link, -1 for one that has left.
        used: (L,) links in use or struck out.
    """

    code: npt.NDArray[np.uint16]
    start: npt.NDArray[np.int32]
    entry: npt.NDArray[np.int32]
    head: npt.NDArray[np.int32]
    link: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    used: npt.NDArray[np.int32]


def bare_tables(tables: int, bits: int, n_points: int) -> Tables:
    """Return tables of that size, to be filled by :func:`sort_tables`."""
    room = side_room(n_points)
    return Tables(
        code=np.empty((tables, n_points), np.uint16),
        start=np.empty((tables, (1 << bits) + 1), np.int32),
        entry=np.empty((tables, n_points), np.int32),
        head=np.empty((tables, 1 << bits), np.int32),
        link=np.empty((tables, room), np.int32),
        item=np.empty((tables, room), np.int32),
        used=np.zeros(tables, np.int32),
    )


def side_room(n_points: int) -> int:
    """Return how many links a table has."""
    return n_points // SIDE_SHARE + 16


@kernel
def pack(products: Any, bits: Any, codes: Any) -> None:
    """Write the codes (n, L) of the signs of ``products`` (n, L K); zero counts as negative."""
    for row in range(codes.shape[0]):
        at = 0
        for table in range(codes.shape[1]):
            code = 0
            for _ in range(bits):
                code = 2 * code + (products[row, at] > 0)
                at += 1
            codes[row, table] = code


@kernel
def _sort(tables: Any, t: Any) -> None:
    """Sort the points of a table by bucket, and empty its side list."""
    code, start, entry = tables.code[t], tables.start[t], tables.entry[t]
    start[:] = 0
    for p in range(code.size):
        start[code[p] + 1] += 1
    for bucket in range(1, start.size):
        start[bucket] += start[bucket - 1]
    place = start[:-1].copy()
    for p in range(code.size):
        bucket = code[p]
        entry[place[bucket]] = p
        place[bucket] += 1
    tables.head[t] = -1
    tables.used[t] = 0


@kernel
def sort_tables(tables: Any, first: Any, last: Any) -> None:
    """Fill the tables ``first`` to before ``last`` from their codes."""
    for t in range(first, last):
        _sort(tables, t)


@kernel
def _position(tables: Any, t: Any, bucket: Any, p: Any) -> Any:
    """Return where p stands in the sorted run of a bucket, live or struck out; -1 if it does not."""
    entry = tables.entry[t]
    low, high = tables.start[t, bucket], tables.start[t, bucket + 1]
    while low < high:
        middle = (low + high) // 2
        found = entry[middle]
        if found < 0:
            found = ~found
        if found == p:
            return middle
        if found < p:
            low = middle + 1
        else:
            high = middle
    return -1


@kernel
def _leave(tables: Any, t: Any, bucket: Any, p: Any) -> None:
    at = _position(tables, t, bucket, p)
    if at >= 0 and tables.entry[t, at] >= 0:
        tables.entry[t, at] = ~p
        return
    link = tables.head[t, bucket]
    while tables.item[t, link] != p:
        link = tables.link[t, link]
    tables.item[t, link] = -1


@kernel
def _enter(tables: Any, t: Any, bucket: Any, p: Any) -> None:
    at = _position(tables, t, bucket, p)
    if at >= 0:
        tables.entry[t, at] = p
        return
    link = tables.used[t]
    tables.used[t] = link + 1
    tables.item[t, link] = p
    tables.link[t, link] = tables.head[t, bucket]
    tables.head[t, bucket] = link


@kernel
def move(tables: Any, rows: Any, codes: Any, first: Any, last: Any) -> None:
    """Put the points ``rows`` into the buckets ``codes`` (L, len(rows)) of the tables ``first`` to before ``last``."""
    for t in range(first, last):
        changed = 0
        for k in range(rows.size):
            changed += codes[t, k] != tables.code[t, rows[k]]
        if tables.used[t] + changed > tables.item.shape[1]:
            for k in range(rows.size):
                tables.code[t, rows[k]] = codes[t, k]
            _sort(tables, t)
            continue
        for k in range(rows.size):
            p, bucket = rows[k], codes[t, k]
            if bucket != tables.code[t, p]:
                _leave(tables, t, tables.code[t, p], p)
                _enter(tables, t, bucket, p)
                tables.code[t, p] = bucket


@kernel
def _gather(tables: Any, codes: Any, stamp: Any, serial: Any, candidates: Any) -> Any:
    """Write the points that share a bucket with ``codes`` (L,) to ``candidates``, each once.

    Returns:
        (how many there are, live bucket entries read).
    """
    found = 0
    read = 0
    for t in range(codes.size):
        bucket = codes[t]
        for at in range(tables.start[t, bucket], tables.start[t, bucket + 1]):
            p = tables.entry[t, at]
            if p < 0:
                continue
            read += 1
            if stamp[p] != serial:
                stamp[p] = serial
                candidates[found] = p
                found += 1
        link = tables.head[t, bucket]
        while link >= 0:
            p = tables.item[t, link]
            link = tables.link[t, link]
            if p < 0:
                continue
            read += 1
            if stamp[p] != serial:
                stamp[p] = serial
                candidates[found] = p
                found += 1
    return found, read


@kernel
def answer(tables: Any, points: Any, queries: Any, codes: Any, threshold: Any, first: Any, last: Any) -> Any:
    """Look up and verify the candidates of the queries ``first`` to before ``last``.

    Args:
        tables: of the points.
        points: (N, d).
        queries: (s, d).
        codes: (s, L) the buckets of the queries.
        threshold: b.
        first: of the s queries.
        last: one after the last.

    Returns:
        (active points per query, their indices in ascending order, their inner products, candidates verified, live
        bucket entries read).
    """
    stamp = np.zeros(points.shape[0], np.int32)
    candidates = np.empty(points.shape[0], np.int32)
    counts = np.zeros(last - first, np.int64)
    indices, values = np.empty(1024, np.int64), np.empty(1024)
    used = verified = read = 0
    for k in range(first, last):
        found, entries = _gather(tables, codes[k], stamp, k - first + 1, candidates)
        read += entries
        verified += found
        active = candidates[:found]
        products = np.empty(found)
        count = 0
        for c in range(found):
            value = dot(points[candidates[c]], queries[k])
            if value > threshold:
                active[count] = candidates[c]
                products[count] = value
                count += 1
        if used + count > indices.size:
            indices, values = _grown(indices, used, 2 * (used + count)), _grown(values, used, 2 * (used + count))
        order = np.argsort(active[:count])
        for c in range(count):
            indices[used + c] = active[order[c]]
            values[used + c] = products[order[c]]
        used += count
        counts[k - first] = count
    return counts, indices[:used].copy(), values[:used].copy(), verified, read


@kernel
def _grown(array: Any, used: Any, size: Any) -> Any:
    """Return a longer array that begins with the first ``used`` entries."""
    larger = np.empty(size, array.dtype)
    larger[:used] = array[:used]
    return larger
