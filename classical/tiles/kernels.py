"""Compiled passes over a matrix in tiles: evaluate, pull back, move. Each range of tiles is a piece of work by itself.

A tile is run through in blocks of inputs that stay in the second-level cache; all vectors are done with a block before
the next one, which is fetched meanwhile. No sum depends on how the tiles are shared out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from classical.tiles.blocks import CROWD, add_block, block_after, block_ahead, bring, fetch, move_block, spread
from classical.tiles.vectors import TILE, add_products
from hybrid_train.finder.scan_kernels import not_below
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.kernels import kernel, sparse_dot


class Decision(NamedTuple):
    """How what fires is decided.

    Attributes:
        threshold: b.
        sizes: (J,) sum_c |q_jc| of each query, which times the largest weight that it meets bounds sum_c |p_c q_jc|.
        roundings: (J,) that bound times this bounds the error of an inner product.
        speck: which what vanishes below the normal numbers may add.
        limit: where sums above it may overflow, nothing is ruled out.
        eps: of the numbers.
        exact: whether every inner product is wanted as the shared predicate has it.
    """

    threshold: float
    sizes: FloatArray
    roundings: FloatArray
    speck: float
    limit: float
    eps: float
    exact: bool


@kernel
def move(matrix: Any, queries: Any, used: Any, pulls: Any, block: Any, first: Any, last: Any) -> None:
    """Add sum_j pull_jr q_j to the rows r of the tiles in the range.

    Args:
        matrix: (m, D) in tiles.
        queries: (J, D) lists.
        used: coordinates of theirs.
        pulls: (J, m) lists.
        block: tiles of inputs in a block.
        first: tile of outputs.
        last: behind the last of them.
    """
    inputs = used.starts.size - 1
    tops, room = np.zeros(TILE, matrix.bits.dtype), np.empty(TILE, matrix.numbers.dtype)
    for tile in range(first, last):
        for begin in range(0, inputs, block):
            end = min(begin + block, inputs)
            ahead = block_after(matrix, used, tile, begin, block, last, queries.starts.shape[0])
            bring(matrix, tile, used, begin, end, tops)
            move_block(matrix, tile, queries, pulls, begin, end, used, ahead, room)


@kernel
def evaluate(
    matrix: Any,
    queries: Any,
    used: Any,
    decision: Any,
    moved: Any,
    moved_used: Any,
    pulls: Any,
    block: Any,
    first: Any,
    last: Any,
    masks: Any,
) -> Any:
    """Say which neurons of the tiles in the range fire for which queries, after a move of the weights.

    Args:
        matrix: (m, D) in tiles.
        queries: (J, D) lists.
        used: coordinates of theirs.
        decision: what fires.
        moved: (J', D) lists, the queries of the move; none for no move.
        moved_used: coordinates of theirs.
        pulls: (J', m) lists, of the move.
        block: tiles of inputs in a block.
        first: tile of outputs.
        last: behind the last of them.
        masks: (J, tiles) uint64 out: bit r of tile t for neuron 64 t + r.

    Returns:
        The inner products of the pairs that fire, tile after tile and query after query.
    """
    inputs, size, before = used.starts.size - 1, queries.starts.shape[0], moved.starts.shape[0]
    sums, lanes = np.empty(TILE * size, matrix.numbers.dtype), np.empty(8)
    tops, room = np.empty(TILE, matrix.bits.dtype), np.empty(TILE, matrix.numbers.dtype)
    found, at = np.empty(2 * TILE * size), 0
    for tile in range(first, last):
        sums[:] = 0
        tops[:] = 0
        for begin in range(0, inputs, block):
            end = min(begin + block, inputs)
            ahead = block_after(matrix, used, tile, begin, block, last, before + size)
            if before:
                bring(matrix, tile, moved_used, begin, end, tops)
                move_block(matrix, tile, moved, pulls, begin, end, used, ahead, room)
            bring(matrix, tile, used, begin, end, tops)
            add_block(matrix, tile, queries, begin, end, sums, used, ahead, before)
        if at + TILE * size > found.size:
            wider = np.empty(2 * found.size + TILE * size)
            wider[:at] = found[:at]
            found = wider
        at = _decide(matrix, tile, queries, decision, sums, tops, lanes, masks, found, at)
    return found[:at].copy()


@kernel
def _decide(
    matrix: Any,
    tile: Any,
    queries: Any,
    decision: Any,
    sums: Any,
    tops: Any,
    lanes: Any,
    masks: Any,
    found: Any,
    at: Any,
) -> Any:
    """Write which neurons of a tile fire for each query and their inner products from ``found[at]`` on.

    Returns:
        Where the next ones go.
    """
    width, number = min(TILE, matrix.rows - TILE * tile), matrix.numbers.dtype.type
    every = ~np.uint64(0) >> np.uint64(TILE - width)
    threshold = decision.threshold
    highest = tops[:1]
    for r in range(1, TILE):
        highest[0] = max(highest[0], tops[r])
    top = np.float64(highest.view(matrix.numbers.dtype)[0])
    base, inputs = TILE * tile * matrix.columns, queries.starts.shape[1] - 1
    for j in range(queries.starts.shape[0]):
        begin, end = queries.starts[j, 0], queries.starts[j, inputs]
        largest = decision.sizes[j] * top
        room = largest * decision.roundings[j] + decision.speck if largest < decision.limit else np.inf
        low, high = threshold - room, threshold + room
        mask = not_below(sums, TILE * j, number(low - abs(low) * decision.eps)) & every
        kept = mask
        while mask:
            bit = mask & (~mask + np.uint64(1))
            mask ^= bit
            r = trailing_zeros(bit)
            value = np.float64(sums[TILE * j + r])
            if decision.exact or not value > high:
                value = sparse_dot(
                    matrix.numbers, base + r, width, queries.columns, queries.values, begin, end, matrix.columns, lanes
                )
            if value > threshold:
                found[at] = value
                at += 1
            else:
                kept ^= bit
        masks[j, tile] = kept
    return at


@kernel
def pull_back(matrix: Any, queries: Any, used: Any, errors: Any, block: Any, first: Any, last: Any, out: Any) -> None:
    """Add sum_r error_jr P_rc at the entries (j, c) of the queries in a range of tiles of inputs.

    Args:
        matrix: (m, D) P, in tiles.
        queries: (J, D) lists.
        used: coordinates of theirs.
        errors: (J, m) lists.
        block: tiles of inputs in a block.
        first: tile of inputs.
        last: behind the last of them.
        out: (nnz,) float64, at the entries of the queries.
    """
    tops, room = np.zeros(TILE, matrix.bits.dtype), np.empty(TILE, matrix.numbers.dtype)
    for begin in range(first, last, block):
        end = min(begin + block, last)
        for tile in range(errors.starts.shape[1] - 1):
            width = min(TILE, matrix.rows - TILE * tile)
            base = TILE * tile * matrix.columns - TILE * tile
            ahead = block_ahead(matrix, used, tile + 1, begin, end, queries.starts.shape[0])
            bring(matrix, tile, used, begin, end, tops)
            for j in range(queries.starts.shape[0]):
                low, high = queries.starts[j, begin], queries.starts[j, end]
                fetch(matrix, used, ahead, j)
                if width == TILE and errors.starts[j, tile + 1] - errors.starts[j, tile] >= CROWD:
                    spread(errors, j, tile, room)
                    add_products(matrix.numbers, base + TILE * tile, queries.columns, low, high, room, out)
                    continue
                for pair in range(errors.starts[j, tile], errors.starts[j, tile + 1]):
                    error, at = errors.values[pair], base + np.int64(errors.columns[pair])
                    if error != 0:
                        for k in range(low, high):
                            out[k] += error * matrix.numbers[at + width * np.int64(queries.columns[k])]


@kernel
def push(matrix: Any, queries: Any, used: Any, pairs: Any, block: Any, first: Any, last: Any, out: Any) -> None:
    """Write the inner products of queries with the neurons of the tiles in the range, at given pairs.

    Args:
        matrix: (m, D) in tiles.
        queries: (J, D) lists.
        used: coordinates of theirs.
        pairs: (J, m) lists; their values are not read.
        block: tiles of inputs in a block.
        first: tile of outputs.
        last: behind the last of them.
        out: (nnz,) float64, at the pairs.
    """
    inputs, size = used.starts.size - 1, queries.starts.shape[0]
    sums = np.empty(TILE * size, matrix.numbers.dtype)
    for tile in range(first, last):
        sums[:] = 0
        for begin in range(0, inputs, block):
            ahead = block_after(matrix, used, tile, begin, block, last, size)
            add_block(matrix, tile, queries, begin, min(begin + block, inputs), sums, used, ahead, 0)
        for j in range(size):
            for pair in range(pairs.starts[j, tile], pairs.starts[j, tile + 1]):
                out[pair] = sums[TILE * j + np.int64(pairs.columns[pair]) - TILE * tile]
