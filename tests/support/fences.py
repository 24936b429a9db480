"""Blocks for every array of a process, NumPy's and the kernels' own, that touch a page nobody may read or write.

``install()`` comes before any kernel is loaded: what is loaded earlier keeps the allocator that it found.

    end:    [header][...... block][fence]     what reads or writes past its end dies at once
    start:  [header][fence][block ......]     what reads or writes before its start does

Blocks are filled with 0xFF (NaN, -1), so that what is read before it is written changes results. A block that ends at a
fence is aligned to its size alone: to 4 bytes where it holds an odd number of float32.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, ClassVar

import numba
import numpy as np
from llvmlite import binding, ir
from numba.core import types
from numba.core.registry import cpu_target
from numba.core.runtime import _nrt_python, rtsys
from numba.extending import intrinsic

_PAGE = mmap.PAGESIZE
_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_DATA, _SIZE = 24, 32  # bytes into Numba's record of an allocation, struct MemInfo
_SET_HANDLER = 304  # of PyDataMem_SetHandler in NumPy's table of C functions
_KEPT: list[Any] = []

_address = ctypes.c_size_t  # Numba computes with these
_libc = ctypes.CDLL(None)


def _foreign(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(result, *arguments)((name, _libc))


_map = _foreign("mmap", _address, _address, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_size_t)
_unmap = _foreign("munmap", ctypes.c_int, _address, ctypes.c_size_t)
_protect = _foreign("mprotect", ctypes.c_int, _address, ctypes.c_size_t, ctypes.c_int)
_fill = _foreign("memset", _address, _address, ctypes.c_int, ctypes.c_size_t)
_copy = _foreign("memcpy", _address, _address, _address, ctypes.c_size_t)
_new_record = ctypes.CFUNCTYPE(_address, ctypes.c_size_t, _address)(_nrt_python.c_helpers["MemInfo_alloc_dtor"])


def _compiled(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    decorator: Callable[[Callable[..., Any]], Any] = numba.njit(signature)
    return decorator


def _callable_from_c(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    decorator: Callable[[Callable[..., Any]], Any] = numba.cfunc(signature)
    return decorator


@intrinsic  # type: ignore[untyped-decorator]
def _load(context: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], ir.IntType(64).as_pointer()))

    return types.uintp(types.uintp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _store(context: Any, address: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], builder.inttoptr(args[0], ir.IntType(64).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp), codegen


def install(*, before: bool = False) -> None:
    """Give every array from now on a block that ends at a fence, or one that starts at one."""
    take, give, size_of = _blocks(before)
    _fence_kernels(take, give)
    _fence_numpy(take, give, size_of)


def _blocks(before: bool) -> tuple[Any, Any, Any]:
    """Return what maps a block of so many bytes (address 0: none left), what unmaps one, and what tells its bytes."""
    page, one, none = np.uint64(_PAGE), np.uint64(1), np.uint64(0)
    in_page = ~np.uint64(_PAGE - 1)
    from_base = np.uint64((2 if before else 1) * _PAGE)
    failed = ~none

    @_compiled(types.uintp(types.uintp))
    def take(size: Any) -> Any:
        room = (max(size, one) + page - one) & in_page
        total = room + page + page
        base = np.uint64(_map(none, total, _READ_WRITE, _PRIVATE, -1, none))
        if base == failed:
            return none
        _store(base, total)
        _store(base + np.uint64(8), size)
        block = base + from_base
        fence = base + page
        if not before:
            block += room - max(size, one)
            fence += room
        if _protect(fence, page, 0) != 0:
            return none
        _fill(block, 255, size)
        return block

    @_compiled(types.void(types.uintp))
    def give(block: Any) -> None:
        base = (block & in_page) - from_base
        _unmap(base, _load(base))

    @_compiled(types.uintp(types.uintp))
    def size_of(block: Any) -> Any:
        return _load((block & in_page) - from_base + np.uint64(8))

    return take, give, size_of


def _fence_kernels(take: Any, give: Any) -> None:
    """Replace what compiled kernels call for a new array: Numba keeps the record of it, the numbers are in a block."""
    data, size_at, least = np.uint64(_DATA), np.uint64(_SIZE), np.uint64(8)

    @_callable_from_c(types.void(types.uintp, types.uintp, types.uintp))
    def destroy(block: Any, size: Any, info: Any) -> None:
        give(block)

    destructor = np.uint64(destroy.address)

    @_callable_from_c(types.uintp(types.uintp, types.uint32))
    def allocate(size: Any, align: Any) -> Any:
        block = take(size)
        if block == np.uint64(0):
            return block
        record = np.uint64(_new_record(least, destructor))
        _store(record + data, block)
        _store(record + size_at, size)
        return record

    _KEPT.extend((destroy, allocate))
    rtsys.initialize(cpu_target.target_context)
    binding.add_symbol("NRT_MemInfo_alloc_aligned", allocate.address)


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler, version 1."""

    _fields_: ClassVar[Sequence[Any]] = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        *((name, ctypes.c_void_p) for name in ("context", "malloc", "calloc", "realloc", "free")),
    )


def _fence_numpy(take: Any, give: Any, size_of: Any) -> None:
    """Make blocks the memory of NumPy's arrays, in this thread: other threads start with NumPy's own."""
    word = types.uintp

    @_callable_from_c(word(word, word))
    def malloc(context: Any, size: Any) -> Any:
        return take(size)

    @_callable_from_c(word(word, word, word))
    def calloc(context: Any, count: Any, size: Any) -> Any:
        block = take(count * size)
        if block:
            _fill(block, 0, count * size)
        return block

    @_callable_from_c(word(word, word, word))
    def realloc(context: Any, old: Any, size: Any) -> Any:
        block = take(size)
        if old and block:
            _copy(block, old, min(size, size_of(old)))
            give(old)
        return block

    @_callable_from_c(types.void(word, word, word))
    def free(context: Any, block: Any, size: Any) -> None:
        if block:
            give(block)

    functions = (malloc, calloc, realloc, free)
    handler = _Handler(b"fenced", 1, None, *(function.address for function in functions))
    _KEPT.extend((*functions, handler))
    python = ctypes.pythonapi
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    python.PyCapsule_New.restype = ctypes.py_object
    python.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    table = python.PyCapsule_GetPointer(import_module("numpy._core._multiarray_umath")._ARRAY_API, None)
    functions_of_numpy = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(functions_of_numpy[_SET_HANDLER])
    _KEPT.append(set_handler(python.PyCapsule_New(ctypes.addressof(handler), b"mem_handler", None)))
