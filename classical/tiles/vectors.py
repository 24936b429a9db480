"""Vector instructions over a tile: 64 outputs at once, in registers while the active inputs are run through.

Written as vector instructions because LLVM would keep the sums in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

TILE = 64
"""Outputs of a tile."""

_LINE = 64
"""Bytes of a cache line."""


def _flat(array: Any, *numbers: Any) -> bool:
    one = isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"
    return one and array.dtype in numbers


def _accumulate(
    context: Any, builder: Any, signature: Any, args: Any, step: Callable[[Any, Any, Any], Any], out: int
) -> Any:
    """Run ``step`` (sum, weights of a column, its entry) over the columns first..last and write the sum to ``out``.

    The arguments begin with (numbers, start, columns, first, last); ``out`` is the place of the output and its offset
    among the rest.
    """
    element = context.get_data_type(signature.args[0].dtype)
    vector = ir.VectorType(element, TILE)
    aligned = context.get_abi_sizeof(element)

    def data(at: int) -> Any:
        return context.make_array(signature.args[at])(context, builder, args[at]).data

    def address(at: int, offset: Any) -> Any:
        return builder.bitcast(builder.gep(data(at), [offset]), vector.as_pointer())

    where = address(out, args[out + 1])
    total = cgutils.alloca_once(builder, vector)
    builder.store(builder.load(where, align=aligned), total)
    index = args[1].type
    columns, one, tile = data(2), ir.Constant(index, 1), ir.Constant(index, TILE)
    with cgutils.for_range_slice(builder, args[3], args[4], one, index) as (k, _):
        column = builder.sext(builder.load(builder.gep(columns, [k])), index)
        offset = builder.add(args[1], builder.mul(column, tile))
        weights = builder.load(address(0, offset), align=aligned)
        builder.store(step(builder.load(total), weights, k), total)
    builder.store(builder.load(total), where, align=aligned)
    return context.get_dummy_value()


@intrinsic  # type: ignore[untyped-decorator]
def add_columns(
    context: Any, numbers: Any, start: Any, columns: Any, first: Any, last: Any, factors: Any, out: Any, at: Any
) -> Any:
    """Add sum_k factors[k] numbers[start + 64 columns[k] + j] to out[at + j], j < 64, for first <= k < last in order.

    Reads and writes by pointer: needs 0 <= first, last <= min(columns.size, factors.size), 0 <= columns[k],
    start + 64 columns[k] + 64 <= numbers.size and 0 <= at <= out.size - 64, which is not checked.
    """
    if not (_flat(numbers, types.float32, types.float64) and _flat(columns, types.int32)):
        return None
    if not (_flat(factors, numbers.dtype) and _flat(out, numbers.dtype)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(context.get_data_type(signature.args[0].dtype), TILE)
        places = ir.VectorType(ir.IntType(32), TILE)
        given = context.make_array(signature.args[5])(context, builder, args[5]).data

        def step(total: Any, weights: Any, k: Any) -> Any:
            undefined = ir.Constant(vector, ir.Undefined)
            factor = builder.load(builder.gep(given, [k]))
            one = builder.insert_element(undefined, factor, ir.Constant(ir.IntType(32), 0))
            factors = builder.shuffle_vector(one, undefined, ir.Constant(places, [0] * TILE))
            return builder.fadd(total, builder.fmul(factors, weights))

        return _accumulate(context, builder, signature, args, step, 6)

    return types.void(numbers, types.intp, columns, types.intp, types.intp, factors, out, types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def raise_to_largest(
    context: Any, bits: Any, start: Any, columns: Any, first: Any, last: Any, out: Any, at: Any
) -> Any:
    """Raise out[at + j] to bits[start + 64 columns[k] + j] without the highest bit, for all k, where that is larger.

    Of the bits of floats, that is the largest magnitude: infinity is above all numbers and NaN above infinity.

    Reads and writes by pointer, under the conditions of :func:`add_columns`.
    """
    if not (_flat(bits, types.uint32, types.uint64) and _flat(columns, types.int32) and _flat(out, bits.dtype)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(signature.args[0].dtype)
        mask = ir.Constant(ir.VectorType(element, TILE), [(1 << (element.width - 1)) - 1] * TILE)

        def step(total: Any, weights: Any, k: Any) -> Any:
            del k
            size = builder.and_(weights, mask)
            return builder.select(builder.icmp_unsigned(">", size, total), size, total)

        return _accumulate(context, builder, signature, args, step, 5)

    return types.void(bits, types.intp, columns, types.intp, types.intp, out, types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def fetch_columns(context: Any, numbers: Any, start: Any, columns: Any, first: Any, last: Any) -> Any:
    """Ask for numbers[start + 64 columns[k] + j], j < 64, first <= k < last, to be brought to the second-level cache.

    Reads ``columns`` by pointer: needs 0 <= first and last <= columns.size, which is not checked.
    """
    if not (_flat(numbers, types.float32, types.float64) and _flat(columns, types.int32)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, places = (context.make_array(signature.args[at])(context, builder, args[at]).data for at in (0, 2))
        index, byte = args[1].type, ir.IntType(8)
        size = TILE * context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), flag, flag, flag])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        with cgutils.for_range_slice(builder, args[3], args[4], ir.Constant(index, 1), index) as (k, _):
            column = builder.sext(builder.load(builder.gep(places, [k])), index)
            offset = builder.add(args[1], builder.mul(column, ir.Constant(index, TILE)))
            address = builder.bitcast(builder.gep(data, [offset]), byte.as_pointer())
            for line in range(0, size, _LINE):
                where = builder.gep(address, [ir.Constant(index, line)])
                builder.call(fetch, [where, *(ir.Constant(flag, value) for value in (0, 2, 1))])
        return context.get_dummy_value()

    return types.void(numbers, types.intp, columns, types.intp, types.intp), codegen
