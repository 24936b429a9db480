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


def _repeated(builder: Any, vector: Any, number: Any) -> Any:
    """Return a vector that holds a number in all places."""
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), TILE), [0] * TILE))


def _for_columns(context: Any, builder: Any, signature: Any, args: Any, work: Callable[[Any, Any], None]) -> Any:
    """Do ``work`` (k, where the weights of column k stand) for first <= k < last.

    The arguments begin with (numbers, start, columns, first, last).
    """
    vector = ir.VectorType(context.get_data_type(signature.args[0].dtype), TILE)
    numbers, columns = (context.make_array(signature.args[at])(context, builder, args[at]).data for at in (0, 2))
    index = args[1].type
    with cgutils.for_range_slice(builder, args[3], args[4], ir.Constant(index, 1), index) as (k, _):
        column = builder.sext(builder.load(builder.gep(columns, [k])), index)
        offset = builder.add(args[1], builder.mul(column, ir.Constant(index, TILE)))
        work(k, builder.bitcast(builder.gep(numbers, [offset]), vector.as_pointer()))
    return context.get_dummy_value()


def _accumulate(
    context: Any, builder: Any, signature: Any, args: Any, step: Callable[[Any, Any, Any], Any], out: int
) -> Any:
    """Run ``step`` (sum, weights of a column, k) over the columns and write the sum to the output.

    The arguments are those of :func:`_for_columns`; the output is argument ``out``, its offset the next.
    """
    element = context.get_data_type(signature.args[0].dtype)
    vector, aligned = ir.VectorType(element, TILE), context.get_abi_sizeof(element)
    sums = context.make_array(signature.args[out])(context, builder, args[out]).data
    where = builder.bitcast(builder.gep(sums, [args[out + 1]]), vector.as_pointer())
    total = cgutils.alloca_once(builder, vector)
    builder.store(builder.load(where, align=aligned), total)

    def work(k: Any, weights: Any) -> None:
        builder.store(step(builder.load(total), builder.load(weights, align=aligned), k), total)

    done = _for_columns(context, builder, signature, args, work)
    builder.store(builder.load(total), where, align=aligned)
    return done


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
        given = context.make_array(signature.args[5])(context, builder, args[5]).data

        def step(total: Any, weights: Any, k: Any) -> Any:
            factor = _repeated(builder, vector, builder.load(builder.gep(given, [k])))
            return builder.fadd(total, builder.fmul(factor, weights))

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
def add_outer(
    context: Any, numbers: Any, start: Any, columns: Any, first: Any, last: Any, factors: Any, pulls: Any
) -> Any:
    """Add factors[k] pulls[j] to numbers[start + 64 columns[k] + j], j < 64, for first <= k < last.

    Reads and writes by pointer, under the conditions of :func:`add_columns`; ``pulls`` has 64 numbers.
    """
    if not (_flat(numbers, types.float32, types.float64) and _flat(columns, types.int32)):
        return None
    if not (_flat(factors, numbers.dtype) and _flat(pulls, numbers.dtype)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(signature.args[0].dtype)
        vector, aligned = ir.VectorType(element, TILE), context.get_abi_sizeof(element)
        given, pulled = (context.make_array(signature.args[at])(context, builder, args[at]).data for at in (5, 6))
        pull = builder.load(builder.bitcast(pulled, vector.as_pointer()), align=aligned)

        def work(k: Any, weights: Any) -> None:
            step = builder.fmul(_repeated(builder, vector, builder.load(builder.gep(given, [k]))), pull)
            builder.store(builder.fadd(builder.load(weights, align=aligned), step), weights, align=aligned)

        return _for_columns(context, builder, signature, args, work)

    return types.void(numbers, types.intp, columns, types.intp, types.intp, factors, pulls), codegen


@intrinsic  # type: ignore[untyped-decorator]
def add_products(
    context: Any, numbers: Any, start: Any, columns: Any, first: Any, last: Any, errors: Any, out: Any
) -> Any:
    """Add sum_j errors[j] numbers[start + 64 columns[k] + j] to out[k], for first <= k < last.

    The 64 products are folded 64 -> 32 -> .. -> 1, in the dtype of the numbers; ``out`` is float64.

    Reads and writes by pointer, under the conditions of :func:`add_columns`; ``errors`` has 64 numbers, and
    last <= out.size.
    """
    if not (_flat(numbers, types.float32, types.float64) and _flat(columns, types.int32)):
        return None
    if not (_flat(errors, numbers.dtype) and _flat(out, types.float64)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(signature.args[0].dtype)
        vector, aligned = ir.VectorType(element, TILE), context.get_abi_sizeof(element)
        given, sums = (context.make_array(signature.args[at])(context, builder, args[at]).data for at in (5, 6))
        error = builder.load(builder.bitcast(given, vector.as_pointer()), align=aligned)

        def work(k: Any, weights: Any) -> None:
            folded, width = builder.fmul(builder.load(weights, align=aligned), error), TILE
            while width > 1:
                width //= 2
                undefined, places = ir.Constant(folded.type, ir.Undefined), ir.VectorType(ir.IntType(32), width)
                halves = [
                    builder.shuffle_vector(folded, undefined, ir.Constant(places, list(range(low, low + width))))
                    for low in (0, width)
                ]
                folded = builder.fadd(*halves)
            total = builder.extract_element(folded, ir.Constant(ir.IntType(32), 0))
            if isinstance(element, ir.FloatType):
                total = builder.fpext(total, ir.DoubleType())
            where = builder.gep(sums, [k])
            builder.store(builder.fadd(builder.load(where), total), where)

        return _for_columns(context, builder, signature, args, work)

    return types.void(numbers, types.intp, columns, types.intp, types.intp, errors, out), codegen


@intrinsic  # type: ignore[untyped-decorator]
def fetch_columns(context: Any, numbers: Any, start: Any, columns: Any, first: Any, last: Any) -> Any:
    """Ask for numbers[start + 64 columns[k] + j], j < 64, first <= k < last, to be brought to the second-level cache.

    Reads ``columns`` by pointer: needs 0 <= first and last <= columns.size, which is not checked.
    """
    if not (_flat(numbers, types.float32, types.float64) and _flat(columns, types.int32)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        size = TILE * context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))

        def work(k: Any, weights: Any) -> None:
            del k
            address = builder.bitcast(weights, byte)
            for line in range(0, size, _LINE):
                where = builder.gep(address, [ir.Constant(args[1].type, line)])
                builder.call(fetch, [where, *(ir.Constant(flag, value) for value in (0, 2, 1))])

        return _for_columns(context, builder, signature, args, work)

    return types.void(numbers, types.intp, columns, types.intp, types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def turn_square(context: Any, source: Any, start: Any, stride: Any, out: Any, at: Any, pitch: Any) -> Any:
    """Write source[start + stride i + j] to out[at + pitch j + i] for i, j < L, as many as fill a cache line.

    L is 16 for float32 and 8 for float64. Reads and writes by pointer: needs 0 <= start, stride, at, pitch,
    start + stride (L - 1) + L <= source.size and at + pitch (L - 1) + L <= out.size, which is not checked.
    """
    if not (_flat(source, types.float32, types.float64) and _flat(out, source.dtype)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(element)
        side, index, lane = _LINE // size, args[1].type, ir.IntType(32)
        vector = ir.VectorType(element, side)

        def place(number: int, first: int) -> Any:
            array = context.make_array(signature.args[number])(context, builder, args[number]).data
            offset = builder.add(args[number + 1], builder.mul(args[number + 2], ir.Constant(index, first)))
            return builder.bitcast(builder.gep(array, [offset]), vector.as_pointer())

        rows = [builder.load(place(0, i), align=size) for i in range(side)]
        half = side // 2
        while half:  # swap the off-diagonal blocks of this size
            upper = [j + side - half if j & half else j for j in range(side)]
            lower = [j + side if j & half else j + half for j in range(side)]
            for i in (i for i in range(side) if not i & half):
                pair = rows[i], rows[i + half]
                for row, lanes in ((i, upper), (i + half, lower)):
                    rows[row] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(lane, side), lanes))
            half //= 2
        for j, row in enumerate(rows):
            builder.store(row, place(3, j), align=size)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, out, types.intp, types.intp), codegen
