"""Sparse vectors as tiles read them: active coordinates in ascending order, with the place where each 64 begin."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classical.tiles.vectors import TILE
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel


class Lists(NamedTuple):
    """Sparse vectors (J, D), their coordinates in tiles of 64.

    Attributes:
        starts: (J, ceil(D / 64) + 1): the entries of vector j in tile t are those from ``starts[j, t]`` to before
            ``starts[j, t + 1]``.
        columns: (nnz,) int32, ascending within a vector.
        values: (nnz,) float32 or float64.
    """

    starts: IntArray
    columns: npt.NDArray[np.int32]
    values: FloatArray

    @property
    def indptr(self) -> IntArray:
        """(J + 1,) where each vector begins, and the last one ends."""
        return np.append(self.starts[:, 0], len(self.columns))

    @property
    def counts(self) -> IntArray:
        """(J,) entries of each vector."""
        return np.asarray(self.starts[:, -1] - self.starts[:, 0])

    def with_values(self, values: FloatArray) -> Lists:
        """Return other numbers at the same places."""
        return Lists(self.starts, self.columns, values)


class Used(NamedTuple):
    """Coordinates at which some of the vectors is not zero.

    Attributes:
        starts: (ceil(D / 64) + 1,) as in :class:`Lists`.
        columns: int32, ascending.
    """

    starts: IntArray
    columns: npt.NDArray[np.int32]


def tiles_of(coordinates: int) -> int:
    """Return how many tiles so many coordinates make."""
    return -(-coordinates // TILE)


def lists_of(indptr: IntArray, columns: IntArray, values: FloatArray, dimension: int) -> Lists:
    """Return sparse vectors given in CSR form, ascending in each row."""
    starts = np.empty((len(indptr) - 1, tiles_of(dimension) + 1), np.int64)
    narrow = np.ascontiguousarray(columns, np.int32)
    _find_starts(np.ascontiguousarray(indptr, np.int64), narrow, starts)
    return Lists(starts, narrow, np.ascontiguousarray(values))


def lists_from(vectors: FloatArray) -> Lists:
    """Return vectors (J, D) as lists of what is not zero in them."""
    rows, columns = np.nonzero(vectors)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(vectors)))])
    return lists_of(indptr, columns, vectors[rows, columns], vectors.shape[1])


def used_by(lists: Lists, dimension: int) -> Used:
    """Return the coordinates, of so many, at which some of the vectors is not zero."""
    marks = np.zeros(dimension, np.bool_)
    marks[lists.columns] = True
    columns = np.flatnonzero(marks).astype(np.int32)
    edges = np.arange(tiles_of(dimension) + 1) * TILE
    return Used(np.searchsorted(columns, edges), columns)


def taken(lists: Lists, rows: IntArray) -> Lists:
    """Return the vectors of these rows."""
    first, counts = lists.starts[rows, 0], lists.counts[rows]
    begins = np.cumsum(counts) - counts
    entries = np.repeat(first - begins, counts) + np.arange(counts.sum())
    starts = lists.starts[rows] - (first - begins)[:, None]
    return Lists(starts, lists.columns[entries], lists.values[entries])


@kernel
def _find_starts(indptr: Any, columns: Any, starts: Any) -> None:
    for j in range(starts.shape[0]):
        k = indptr[j]
        for tile in range(starts.shape[1] - 1):
            while k < indptr[j + 1] and columns[k] < tile * 64:
                k += 1
            starts[j, tile] = k
        starts[j, starts.shape[1] - 1] = indptr[j + 1]


@kernel
def count(masks: Any, starts: Any) -> None:
    """Write where the entries of each tile begin in each vector, given which of its 64 coordinates are active."""
    at = 0
    for j in range(masks.shape[0]):
        for tile in range(masks.shape[1]):
            starts[j, tile] = at
            mask = masks[j, tile]
            while mask:
                mask &= mask - np.uint64(1)
                at += 1
        starts[j, masks.shape[1]] = at


@kernel
def place(masks: Any, found: Any, first: Any, last: Any, starts: Any, columns: Any, values: Any) -> None:
    """Write the entries of the tiles in the range to their places; ``found`` has them tile by tile."""
    at = 0
    for tile in range(first, last):
        for j in range(masks.shape[0]):
            mask, to, column = masks[j, tile], starts[j, tile], tile * 64
            while mask:
                if mask & np.uint64(1):
                    columns[to], values[to] = column, found[at]
                    to += 1
                    at += 1
                column += 1
                mask >>= np.uint64(1)
