"""Compiled products of neurons with examples that are a multiple of one vector, but for a few numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classical.tiles.layout import transpose
from classical.tiles.vectors import TILE, add_columns
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import inlined, kernel

_NEAR = 4 * float(np.finfo(np.float64).eps)
"""Relative distance up to which two numbers count as one: what scaling a row and shifting a column may round."""


class Sparse(NamedTuple):
    """Examples x_j = own_j common + s_j, the s_j sparse; the numbers are all of one type.

    Attributes:
        begins: (C,) int64, where the entries of s_j begin, and
        ends: (C,) int64, where they end.
        columns: int32, ascending within an example.
        values: of the entries.
        own: (C,).
        common: (d,).
    """

    begins: IntArray
    ends: IntArray
    columns: npt.NDArray[np.int32]
    values: FloatArray
    own: FloatArray
    common: FloatArray


@inlined
def _apart(number: Any, shift: Any) -> Any:
    """Say whether a number is another one than ``shift``, but for what rounding may have made of it."""
    return abs(number - shift) > _NEAR * (abs(number) + abs(shift))


@kernel
def count_apart(examples: Any, own: Any, common: Any, counts: Any) -> None:
    """Write how many numbers of each example (n, d) are other than own_j common."""
    for j in range(examples.shape[0]):
        found = 0
        for c in range(examples.shape[1]):
            found += _apart(examples[j, c], own[j] * common[c])
        counts[j] = found


@kernel
def take_apart(examples: Any, sparse: Any) -> None:
    """Write the entries, for which there is room, of examples (n, d) float64.

    ``sparse.own`` and ``sparse.common`` are float64 too.
    """
    for j in range(examples.shape[0]):
        at = sparse.begins[j]
        for c in range(examples.shape[1]):
            shift = sparse.own[j] * sparse.common[c]
            if _apart(examples[j, c], shift):
                sparse.columns[at], sparse.values[at] = c, examples[j, c] - shift
                at += 1


@kernel
def turn_round(sparse: Any, out: Any) -> None:
    """Write the entries coordinate by coordinate: those of the transpose common_c own + (s_1c, s_2c, ..).

    Args:
        sparse: C examples.
        out: d of them, with room for as many entries, one after another.
    """
    ends, count = out.ends, sparse.own.size
    ends[:] = 0
    for j in range(count):
        for e in range(sparse.begins[j], sparse.ends[j]):
            ends[sparse.columns[e]] += 1
    total = 0
    for c in range(ends.size):
        out.begins[c], total = total, total + ends[c]
        ends[c] = out.begins[c]
    for j in range(count):
        for e in range(sparse.begins[j], sparse.ends[j]):
            place = ends[sparse.columns[e]]
            out.columns[place], out.values[place] = j, sparse.values[e]
            ends[sparse.columns[e]] = place + 1


@inlined
def _room(size: Any, like: Any) -> Any:
    """Return scratch of the type of ``like`` that begins at a cache line."""
    room = np.empty(size + 64 // like.itemsize, like.dtype)
    skipped = -room.ctypes.data % 64 // like.itemsize
    return room[skipped : skipped + size]


@kernel
def multiply(rows: Any, d: Any, sparse: Any, products: Any) -> None:
    """Write the inner products of some rows with examples.

    64 rows are brought to lie coordinate by coordinate; their sums stay in registers while the entries of an example
    are run through.

    Args:
        rows: (R d,) one after another.
        d: coordinates.
        sparse: C examples of d coordinates, of the type of the rows.
        products: (R C,) out, the rows one after another.
    """
    many, count = rows.size // d, sparse.own.size
    tile, sums, base = _room(TILE * d, rows), _room(TILE * count, rows), _room(TILE, rows)
    tile[:] = 0
    for first in range(0, many, TILE):
        width = min(TILE, many - first)
        transpose(rows, first * d, d, width, d, tile, 0, TILE)
        base[:] = 0
        for c in range(d):
            for r in range(TILE):
                base[r] += sparse.common[c] * tile[TILE * c + r]
        for j in range(count):
            for r in range(TILE):
                sums[TILE * j + r] = sparse.own[j] * base[r]
            add_columns(tile, 0, sparse.columns, sparse.begins[j], sparse.ends[j], sparse.values, sums, TILE * j)
        transpose(sums, 0, TILE, count, width, products, first * count, count)
