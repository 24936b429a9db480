"""How this project compiles: one typed door to Numba, and the one inner product everybody shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from hybrid_train.support.compile_cache import KernelCache

F = TypeVar("F", bound=Callable[..., Any])

_LANES = 8


def kernel(function: F) -> F:
    """Compile ``function`` with Numba: kept on disk, free of the GIL, IEEE arithmetic (no reassociation).

    What is kept is compiled again as soon as any kernel, record or constant it may be made of is edited, see
    :mod:`hybrid_train.support.compile_cache`. Kernels must not call each other in a circle: they would not load.
    """
    return _compiled(function)


def inlined(function: F) -> F:
    """Compile ``function`` into every kernel that calls it.

    A call hands over arrays by counted reference, which takes longer than a few dozen operations do.
    """
    return _compiled(function, inline="always")


def _compiled(function: F, **options: Any) -> F:
    numpys: dict[str, Any] = {"nogil": True, "fastmath": False, "error_model": "numpy"}
    compiled = numba.njit(no_cfunc_wrapper=True, **numpys, **options)(function)  # nobody calls kernels from C
    compiled._cache = KernelCache(function)
    kept: F = compiled
    return kept


@intrinsic  # type: ignore[untyped-decorator]
def lane_dot(context: Any, p: Any, q: Any, size: Any) -> Any:
    """Sum p[i] * q[i] over the whole blocks of eight, in eight float64 lanes folded 8 -> 4 -> 2 -> 1.

    Written as vector instructions because LLVM may not reorder a float sum on its own: this way the sum is both
    vectorised and the same to the last bit on every processor.

    Reads p[i] and q[i] by pointer for i below size - size % 8: needs 0 <= size <= min(p.size, q.size), not checked.
    """
    for array in (p, q):
        if not (isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"):
            return None
        if array.dtype not in (types.float32, types.float64):
            return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        double = ir.DoubleType()
        vector = ir.VectorType(double, _LANES)
        lane = ir.IntType(32)

        def data(kind: Any, value: Any) -> tuple[Any, Any]:
            return context.make_array(kind)(context, builder, value).data, context.get_data_type(kind.dtype)

        def load(pointer: Any, element: Any, offset: Any) -> Any:
            address = builder.bitcast(builder.gep(pointer, [offset]), ir.VectorType(element, _LANES).as_pointer())
            single = isinstance(element, ir.FloatType)
            loaded = builder.load(address, align=4 if single else 8)
            return builder.fpext(loaded, vector) if single else loaded

        left, right = data(signature.args[0], args[0]), data(signature.args[1], args[1])
        size = args[2]
        total = cgutils.alloca_once(builder, vector)
        builder.store(ir.Constant(vector, [0.0] * _LANES), total)
        with cgutils.for_range(builder, builder.sdiv(size, ir.Constant(size.type, _LANES))) as loop:
            offset = builder.mul(loop.index, ir.Constant(size.type, _LANES))
            product = builder.fmul(load(*left, offset), load(*right, offset))
            builder.store(builder.fadd(builder.load(total), product), total)
        folded = builder.load(total)
        width = _LANES
        while width > 1:
            width //= 2
            undefined = ir.Constant(folded.type, ir.Undefined)
            halves = [
                builder.shuffle_vector(
                    folded, undefined, ir.Constant(ir.VectorType(lane, width), list(range(start, start + width)))
                )
                for start in (0, width)
            ]
            folded = builder.fadd(*halves)
        return builder.extract_element(folded, ir.Constant(lane, 0))

    return types.float64(p, q, types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(context: Any, array: Any, place: Any) -> Any:
    """Have the cache line at which element ``place`` of a one-dimensional C-contiguous array begins brought near.

    A hint that changes no result: whoever visits places in no order the processor could guess waits for memory
    otherwise, once for each. The place may lie outside the array.
    """
    if not (isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.bitcast(builder.gep(data, [args[1]]), byte)
        hint = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag]), "llvm.prefetch.p0i8"
        )
        builder.call(hint, [address, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.none(array, types.intp), codegen


@inlined
def dot(p: Any, q: Any) -> Any:
    """Return <p, q> in float64, summed in one fixed order: the project's only inner product that decides.

    The value depends on nothing but the two vectors, it is symmetric in them, and it is the same on every machine.
    Both have d numbers; were one longer, its rest would not be read.
    """
    size = min(p.shape[0], q.shape[0])
    tail = 0.0
    for i in range(size - size % 8, size):
        tail += numba.float64(p[i]) * numba.float64(q[i])
    return lane_dot(p, q, size) + tail


@inlined
def sparse_dot(
    p: Any, start: Any, stride: Any, columns: Any, factors: Any, first: Any, last: Any, size: Any, lanes: Any
) -> Any:
    """Return :func:`dot` of two vectors of ``size`` numbers, to the last bit, from the places where one is not zero.

    A finite number times zero changes no lane: each begins at +0, and no sum that it may hold is -0.

    Args:
        p: flat; number c of the one vector is p[start + stride c], which must be finite for every c.
        start: of the vector.
        stride: from one of its numbers to the next.
        columns: c of the other's numbers, ascending; it is 0 at all other places.
        factors: those numbers.
        first: the entry of columns and factors that counts first.
        last: behind the last of them.
        size: d.
        lanes: (8,) float64, overwritten.
    """
    for lane in range(8):
        lanes[lane] = 0.0
    body, k, tail = size - size % 8, first, 0.0
    while k < last and columns[k] < body:
        c = numba.int64(columns[k])
        lanes[c % 8] += numba.float64(p[start + stride * c]) * numba.float64(factors[k])
        k += 1
    while k < last:
        tail += numba.float64(p[start + stride * numba.int64(columns[k])]) * numba.float64(factors[k])
        k += 1
    even = (lanes[0] + lanes[4]) + (lanes[2] + lanes[6])
    odd = (lanes[1] + lanes[5]) + (lanes[3] + lanes[7])
    return even + odd + tail
