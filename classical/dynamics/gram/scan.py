"""Compiled scans for Gram dynamics: which rows fire, and which columns come near them.

Lengths are distances in the rows' space, as in :mod:`classical.lists.kernels`: <w, x_j> = b - t ||x_j|| at distance t
from the boundary of column j. The columns are handed in at unit length, so an inner product minus b / ||x_j|| is minus
that distance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, kernel

WORD = 32
"""Columns in one word of a mask."""


class Sieve(NamedTuple):
    """What a block of B rows against n columns comes to.

    Attributes:
        masks: (W, B) uint32: bit j of word w tells that column 32 w + j is not far (NaN is not).
        top: (B,) float32: minus the distance of the nearest column of all.
        beyond: (B,) float32: minus the distance of the nearest far column.
    """

    masks: IntArray
    top: FloatArray
    beyond: FloatArray


class Near(NamedTuple):
    """Rows of a block that fire, and what is near them.

    Attributes:
        rows: (B,) the rows, counted in the block.
        sizes: (B,) near columns of each.
        column: (B n,) those columns, row after row.
        inner: (B n,) their inner products.
    """

    rows: IntArray
    sizes: IntArray
    column: IntArray
    inner: FloatArray


@kernel
def sift(products: Any, offsets: Any, room: Any, sieve: Any) -> None:
    """Divide the columns of a block of B rows into near and far ones.

    Args:
        products: (n, B) float32 inner products of the rows with the columns at unit length.
        offsets: (n,) float32 b / ||x_j||.
        room: (B,) float32: a column is far when it is farther than this from the row.
        sieve: out.
    """
    masks, top, beyond = sieve.masks, sieve.top, sieve.beyond
    top[:] = -np.inf
    beyond[:] = -np.inf
    masks[:] = np.uint32(0)
    for j in range(products.shape[0]):
        word = masks[j // WORD]
        bit = np.uint32(1) << np.uint32(j % WORD)
        row, offset = products[j], offsets[j]
        for r in range(row.size):
            depth = row[r] - offset
            far = depth < -room[r]
            word[r] |= np.uint32(0) if far else bit
            top[r] = depth if depth > top[r] else top[r]
            beyond[r] = depth if far & (depth > beyond[r]) else beyond[r]


@kernel
def extract(vectors: Any, columns: Any, threshold: Any, sieve: Any, doubt: Any, near: Any) -> Any:
    """Evaluate the near columns of the rows of a block; keep the rows for which one of them fires.

    Args:
        vectors: (B, d) the rows.
        columns: (n, d) the columns.
        threshold: b.
        sieve: as :func:`sift` wrote it.
        doubt: (B,) float32 error of a distance; infinite where nothing is known.
        near: out: the rows kept, with their near columns.

    Returns:
        (rows kept, their near columns, inner products evaluated).
    """
    masks, top, column, inner = sieve.masks, sieve.top, near.column, near.inner
    kept, used, evaluated = 0, 0, 0
    for r in range(vectors.shape[0]):
        if top[r] < -doubt[r]:
            continue
        at = used
        fires = False
        for word in range(masks.shape[0]):
            mask = masks[word, r]
            while mask:
                j = WORD * word + np.int64(trailing_zeros(mask))
                mask &= mask - np.uint32(1)
                value = dot(vectors[r], columns[j])
                column[at] = j
                inner[at] = value
                fires |= value > threshold
                at += 1
        evaluated += at - used
        if fires:
            near.rows[kept] = r
            near.sizes[kept] = at - used
            kept += 1
            used = at
    return kept, used, evaluated
