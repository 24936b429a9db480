"""A block of a tile, some of its inputs: fetched, brought to the cache, added to inner products, moved.

Compiled into the passes that go through all blocks, see :mod:`classical.tiles.kernels`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.tiles.vectors import TILE, add_columns, add_outer, fetch_columns, raise_to_largest
from hybrid_train.support.kernels import inlined

CROWD = 4
"""Neurons of a tile that fire for a query from which on it is faster to do all 64 by vectors."""


class Ahead(NamedTuple):
    """A block to be fetched while another is worked on, a share for each vector.

    Attributes:
        base: where its tile begins.
        first: of the coordinates in use.
        last: behind the last of them.
        share: of them for each vector.
    """

    base: int
    first: int
    last: int
    share: int


@inlined
def block_ahead(matrix: Any, used: Any, tile: Any, begin: Any, end: Any, vectors: Any) -> Any:
    """Return a block of a whole tile, to be fetched by so many vectors; nothing of one that is narrow or not there."""
    if TILE * (tile + 1) > matrix.rows:
        return Ahead(0, 0, 0, 0)
    first, last = used.starts[begin], used.starts[end]
    return Ahead(TILE * tile * matrix.columns, first, last, (last - first) // vectors + 1)


@inlined
def block_after(matrix: Any, used: Any, tile: Any, begin: Any, block: Any, last: Any, vectors: Any) -> Any:
    """Return the block that comes after this one, before tile ``last``."""
    inputs = used.starts.size - 1
    if begin + block < inputs:
        return block_ahead(matrix, used, tile, begin + block, min(begin + 2 * block, inputs), vectors)
    return block_ahead(matrix, used, tile + 1 if tile + 1 < last else matrix.rows, 0, min(block, inputs), vectors)


@inlined
def fetch(matrix: Any, used: Any, ahead: Any, vector: Any) -> None:
    """Ask for the share of a vector, numbered from 0."""
    first = ahead.first + ahead.share * vector
    if first < ahead.last:
        fetch_columns(matrix.numbers, ahead.base, used.columns, first, min(first + ahead.share, ahead.last))


@inlined
def bring(matrix: Any, tile: Any, used: Any, begin: Any, end: Any, tops: Any) -> None:
    """Read a block of a tile in order, which brings it to the cache, and raise ``tops`` (64,) to what it holds."""
    width = min(TILE, matrix.rows - TILE * tile)
    base = TILE * tile * matrix.columns
    if width == TILE:
        raise_to_largest(matrix.bits, base, used.columns, used.starts[begin], used.starts[end], tops, 0)
        return
    mask = ~(tops.dtype.type(1) << tops.dtype.type(8 * tops.itemsize - 1))
    for k in range(used.starts[begin], used.starts[end]):
        at = base + width * np.int64(used.columns[k])
        for r in range(width):
            tops[r] = max(tops[r], matrix.bits[at + r] & mask)


@inlined
def add_block(
    matrix: Any, tile: Any, queries: Any, begin: Any, end: Any, sums: Any, used: Any, ahead: Any, done: Any
) -> None:
    """Add what a block of a tile adds to the inner products (64 J,) of its neurons with the queries."""
    width = min(TILE, matrix.rows - TILE * tile)
    base = TILE * tile * matrix.columns
    for j in range(queries.starts.shape[0]):
        first, last = queries.starts[j, begin], queries.starts[j, end]
        fetch(matrix, used, ahead, done + j)
        if width == TILE:
            add_columns(matrix.numbers, base, queries.columns, first, last, queries.values, sums, TILE * j)
        else:
            for k in range(first, last):
                at = base + width * np.int64(queries.columns[k])
                for r in range(width):
                    sums[TILE * j + r] += queries.values[k] * matrix.numbers[at + r]


@inlined
def spread(lists: Any, j: Any, tile: Any, room: Any) -> None:
    """Write what vector j holds in a tile to ``room`` (64,), with zeros between."""
    room[:] = 0
    for pair in range(lists.starts[j, tile], lists.starts[j, tile + 1]):
        room[np.int64(lists.columns[pair]) - TILE * tile] = lists.values[pair]


@inlined
def move_block(
    matrix: Any, tile: Any, queries: Any, pulls: Any, begin: Any, end: Any, used: Any, ahead: Any, room: Any
) -> None:
    """Add pull_jr q_jc to a block of a tile, query after query; ``pulls`` lists the neurons that are pulled."""
    width = min(TILE, matrix.rows - TILE * tile)
    base = TILE * tile * matrix.columns - TILE * tile
    for j in range(queries.starts.shape[0]):
        first, last = queries.starts[j, begin], queries.starts[j, end]
        fetch(matrix, used, ahead, j)
        if width == TILE and pulls.starts[j, tile + 1] - pulls.starts[j, tile] >= CROWD:
            spread(pulls, j, tile, room)
            add_outer(matrix.numbers, base + TILE * tile, queries.columns, first, last, queries.values, room)
            continue
        for pair in range(pulls.starts[j, tile], pulls.starts[j, tile + 1]):
            pull, at = pulls.values[pair], base + np.int64(pulls.columns[pair])
            if pull != 0:
                for k in range(first, last):
                    matrix.numbers[at + width * np.int64(queries.columns[k])] += pull * queries.values[k]
