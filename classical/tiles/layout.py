"""The memory of a matrix (m, D), tile by tile: [ceil(m / 64)][D][64], in place of the rows of each tile.

The rows of a tile lie next to each other before and after, so that each tile is turned by itself. The last tile is as
wide as it has rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.tiles.vectors import TILE, turn_square
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
def transpose(source: Any, start: Any, stride: Any, rows: Any, columns: Any, out: Any, at: Any, pitch: Any) -> None:
    """Write source[start + stride r + c] to out[at + pitch c + r] for r < rows, c < columns.

    Squares go through registers, by pointer: start + stride (rows - 1) + columns is at most source.size, and
    at + pitch (columns - 1) + rows at most out.size.
    """
    side = 64 // source.itemsize
    whole_rows, whole_columns = rows - rows % side, columns - columns % side
    for c in range(0, whole_columns, side):
        for r in range(0, whole_rows, side):
            turn_square(source, start + stride * r + c, stride, out, at + pitch * c + r, pitch)
    for r in range(rows):
        for c in range(whole_columns if r < whole_rows else 0, columns):
            out[at + pitch * c + r] = source[start + stride * r + c]


@kernel
def turn(matrix: Any, first: Any, last: Any) -> None:
    """Arrange the tiles in the range, whose memory holds rows, by columns."""
    d = matrix.columns
    room = np.empty(TILE * d, matrix.numbers.dtype)
    for tile in range(first, last):
        base = TILE * tile * d
        width = min(TILE, matrix.rows - TILE * tile)
        room[: width * d] = matrix.numbers[base : base + width * d]
        transpose(room, 0, d, width, d, matrix.numbers, base, width)


@kernel
def turn_back(matrix: Any, first: Any, last: Any) -> None:
    """Arrange the tiles in the range, whose memory holds columns, by rows."""
    d = matrix.columns
    room = np.empty(TILE * d, matrix.numbers.dtype)
    for tile in range(first, last):
        base = TILE * tile * d
        width = min(TILE, matrix.rows - TILE * tile)
        room[: width * d] = matrix.numbers[base : base + width * d]
        transpose(room, 0, width, d, width, matrix.numbers, base, d)


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
