"""The memory of a matrix (m, D), tile by tile: [ceil(m / 64)][D][64], in place of the rows of each tile.

The rows of a tile lie next to each other before and after, so that each tile is turned by itself. The last tile is as
wide as it has rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.tiles.vectors import TILE
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.kernels import kernel


class Matrix(NamedTuple):
    """A matrix (m, D) in tiles: row r, column c is ``numbers[64 t D + width c + r - 64 t]``, t = r // 64.

    Attributes:
        numbers: (m D,).
        bits: the same memory as unsigned integers.
        rows: m.
        columns: D.
    """

    numbers: FloatArray
    bits: Any
    rows: int
    columns: int


def matrix_over(array: FloatArray) -> Matrix:
    """Return the memory of a C-contiguous array (m, D) as a matrix in tiles."""
    numbers = array.reshape(-1)
    return Matrix(numbers, numbers.view(f"u{array.itemsize}"), *array.shape)


@kernel
def turn(matrix: Any, first: Any, last: Any) -> None:
    """Arrange the tiles in the range, whose memory holds rows, by columns."""
    d = matrix.columns
    room = np.empty(TILE * d, matrix.numbers.dtype)
    for tile in range(first, last):
        base = TILE * tile * d
        width = min(TILE, matrix.rows - TILE * tile)
        old = room[: width * d]
        old[:] = matrix.numbers[base : base + width * d]
        for low in range(0, width, 8):  # so few that rows whose lengths are powers of two share the cache
            high = min(low + 8, width)
            for c in range(d):
                for r in range(low, high):
                    matrix.numbers[base + width * c + r] = old[d * r + c]


@kernel
def turn_back(matrix: Any, first: Any, last: Any) -> None:
    """Arrange the tiles in the range, whose memory holds columns, by rows."""
    d = matrix.columns
    room = np.empty(TILE * d, matrix.numbers.dtype)
    for tile in range(first, last):
        base = TILE * tile * d
        width = min(TILE, matrix.rows - TILE * tile)
        old = room[: width * d]
        old[:] = matrix.numbers[base : base + width * d]
        for low in range(0, width, 8):
            high = min(low + 8, width)
            for c in range(d):
                for r in range(low, high):
                    matrix.numbers[base + d * r + c] = old[width * c + r]


@kernel
def gather(matrix: Any, rows: Any, first: Any, last: Any, out: Any) -> None:
    """Write the rows numbered in the range to out (len(rows), D)."""
    d = matrix.columns
    for k in range(first, last):
        tile = rows[k] // TILE
        width = min(TILE, matrix.rows - TILE * tile)
        at = TILE * tile * d + rows[k] - TILE * tile
        for c in range(d):
            out[k, c] = matrix.numbers[at + width * c]


@kernel
def scatter(matrix: Any, rows: Any, vectors: Any) -> None:
    """Write vectors (len(rows), D) to the rows."""
    d = matrix.columns
    for k in range(rows.size):
        tile = rows[k] // TILE
        width = min(TILE, matrix.rows - TILE * tile)
        at = TILE * tile * d + rows[k] - TILE * tile
        for c in range(d):
            matrix.numbers[at + width * c] = vectors[k, c]
