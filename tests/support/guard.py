"""Arrays that touch a page nobody may read: a kernel that reads beside them dies at once."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np

_PAGE = mmap.PAGESIZE
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_KEPT: list[mmap.mmap] = []


def guarded(array: np.ndarray, *, before: bool = False) -> np.ndarray:
    """Return a C-ordered copy that ends where an unreadable page begins, or begins where one ends."""
    size = array.nbytes
    pages = max(1, -(-size // _PAGE))
    room = mmap.mmap(-1, (pages + 2) * _PAGE)
    _KEPT.append(room)  # never unmapped: a copy that is still used must not outlive its pages
    address = ctypes.addressof(ctypes.c_char.from_buffer(room))
    for page in (address, address + (pages + 1) * _PAGE):
        if _LIBC.mprotect(page, _PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    offset = _PAGE if before else (pages + 1) * _PAGE - size
    copy = np.frombuffer(room, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    return copy
