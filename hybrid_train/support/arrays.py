"""The kinds of arrays that everybody speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]


FloatArray = npt.NDArray[np.floating[Any]]

_LINE = 64
"""Bytes of a cache line, and of the widest vector register."""


def fixed(vectors: FloatArray) -> FloatArray:
    """Return vectors C-contiguous and not to be written to: kernels are compiled for one such kind alone."""
    view = np.ascontiguousarray(vectors).view()
    view.flags.writeable = False
    return view


def aligned_copy(array: FloatArray) -> FloatArray:
    """Return a C-contiguous copy that begins at a cache line, so that no vector register's worth lies on two."""
    room = np.empty(array.nbytes + _LINE, np.uint8)
    first = -room.ctypes.data % _LINE
    copy: FloatArray = room[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def distinct(numbers: IntArray) -> IntArray:
    """Return the distinct ones of (k,) integers, ascending.

    By sorting: NumPy's own ``unique`` hashes integers since 2.3, which takes many times as long.
    """
    ascending = np.sort(numbers)
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return ascending[new]
