"""Vector code of one row against several columns at a time, so that the row is read once for all of them.

Arrays are padded to whole blocks of :data:`LANES` numbers by zeros. How the sums are rounded depends on the processor
(whether it fuses a product and a sum), within what :func:`hybrid_train.finder.predicate.rounding_margin` covers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LANES = 16
"""Numbers in a block: one register of the widest processors in single precision, two in double."""

AT_ONCE = 8
"""Columns that are read side by side."""


_LINE = 64
"""Bytes of a line of the cache."""


def padded(dimension: int) -> int:
    """Return the length of a row of so many coordinates in whole blocks."""
    return -(-dimension // LANES) * LANES


def _fits(row: Any, columns: Any, places: Any) -> bool:
    """Return whether the types are a row and (n, D) columns of the same floats, and int32 places."""
    arrays = all(isinstance(one, types.Array) and one.layout == "C" for one in (row, columns, places))
    if not arrays or (row.ndim, columns.ndim, places.ndim) != (1, 2, 1):
        return False
    return row.dtype == columns.dtype and row.dtype in (types.float32, types.float64) and places.dtype == types.int32


class _Code:
    """Writes the code of an intrinsic of (row, columns, places, at, ...): blocks, addresses, sums."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.builder = builder
        row, columns, places = (context.make_array(signature.args[i])(context, builder, args[i]) for i in range(3))
        self.element = context.get_data_type(signature.args[0].dtype)
        self.single = isinstance(self.element, ir.FloatType)
        self.vector = ir.VectorType(self.element, LANES)
        self.size = cgutils.unpack_tuple(builder, row.shape, 1)[0]
        self.index = self.size.type
        self.row = row.data
        starts = [builder.add(args[3], ir.Constant(args[3].type, lane)) for lane in range(AT_ONCE)]
        where = [builder.load(builder.gep(places.data, [start])) for start in starts]
        self.columns = [
            builder.gep(columns.data, [builder.mul(builder.sext(one, self.index), self.size)]) for one in where
        ]
        name = f"llvm.fmuladd.v{LANES}f{32 if self.single else 64}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        self._fused = cgutils.get_or_insert_function(builder.module, kind, name)

    def blocks(self) -> Any:
        return cgutils.for_range(self.builder, self.builder.sdiv(self.size, ir.Constant(self.index, LANES)))

    def offset(self, block: Any) -> Any:
        return self.builder.mul(block, ir.Constant(self.index, LANES))

    def address(self, base: Any, offset: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(base, [offset]), self.vector.as_pointer())

    def load(self, base: Any, offset: Any) -> Any:
        return self.builder.load(self.address(base, offset), align=4 if self.single else 8)

    def store(self, value: Any, base: Any, offset: Any) -> None:
        self.builder.store(value, self.address(base, offset), align=4 if self.single else 8)

    def multiply_add(self, left: Any, right: Any, to: Any) -> Any:
        return self.builder.call(self._fused, [left, right, to])

    def everywhere(self, scalar: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        return self.shuffled(first, undefined, [0] * LANES)

    def shuffled(self, left: Any, right: Any, lanes: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        return self.builder.shuffle_vector(left, right, mask)

    def folded(self, sums: list[Any]) -> Any:
        """Return one vector of AT_ONCE numbers: the sum of the lanes of each vector."""
        width = LANES
        while len(sums) > 1:
            # two vectors of `width` lanes become one: the halves of one besides the halves of the other
            runs = LANES // width
            half = width // 2
            low: list[int] = []
            high: list[int] = []
            for side in (0, LANES):
                for run in range(runs):
                    start = side + run * width
                    low += range(start, start + half)
                    high += range(start + half, start + width)
            sums = [
                self.builder.fadd(self.shuffled(*pair, low), self.shuffled(*pair, high))
                for pair in zip(sums[::2], sums[1::2], strict=True)
            ]
            width = half
        total = sums[0]
        while width > 1:  # each run of `width` lanes belongs to one column
            lanes = range(0, AT_ONCE * width, width)
            half = width // 2
            low = [lane + k for lane in lanes for k in range(half)]
            high = [lane + k for lane in lanes for k in range(half, width)]
            total = self.builder.fadd(self.shuffled(total, total, low), self.shuffled(total, total, high))
            width = half
        return total


@intrinsic  # type: ignore[untyped-decorator]
def products_into(context: Any, row: Any, columns: Any, places: Any, at: Any, out: Any) -> Any:
    """Write the inner products of a row with the eight columns ``places[at]`` to ``places[at + 7]`` to ``out[at ...]``.

    Reads by pointer, not checked: needs row.size == columns.shape[1], a multiple of LANES, 0 <= at, at + 8 <=
    places.size and out.size, and 0 <= places[at + k] < len(columns).
    """
    if not _fits(row, columns, places) or not isinstance(out, types.Array) or out.dtype != row.dtype:
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Code(context, builder, signature, args)
        zero = ir.Constant(code.vector, [0.0] * LANES)
        sums = [cgutils.alloca_once(builder, code.vector) for _ in range(AT_ONCE)]
        for one in sums:
            builder.store(zero, one)
        with code.blocks() as loop:
            offset = code.offset(loop.index)
            mine = code.load(code.row, offset)
            for one, column in zip(sums, code.columns, strict=True):
                builder.store(code.multiply_add(mine, code.load(column, offset), builder.load(one)), one)
        total = code.folded([builder.load(one) for one in sums])
        to = context.make_array(signature.args[4])(context, builder, args[4]).data
        place = builder.bitcast(builder.gep(to, [args[3]]), total.type.as_pointer())
        builder.store(total, place, align=4 if code.single else 8)
        return context.get_dummy_value()

    return types.void(row, columns, places, types.intp, out), codegen


@intrinsic  # type: ignore[untyped-decorator]
def add_columns(context: Any, row: Any, columns: Any, places: Any, at: Any, factors: Any) -> Any:
    """Add the eight columns ``places[at]`` to ``places[at + 7]`` to a row, each times its factor, in this order.

    Reads and writes by pointer as :func:`products_into`; ``factors`` (of the row's type) from ``at`` to ``at + 7``.
    """
    if not _fits(row, columns, places) or not isinstance(factors, types.Array) or factors.dtype != row.dtype:
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Code(context, builder, signature, args)
        numbers = context.make_array(signature.args[4])(context, builder, args[4]).data
        starts = [builder.add(args[3], ir.Constant(args[3].type, lane)) for lane in range(AT_ONCE)]
        scales = [code.everywhere(builder.load(builder.gep(numbers, [start]))) for start in starts]
        with code.blocks() as loop:
            offset = code.offset(loop.index)
            sums = code.load(code.row, offset)
            for scale, column in zip(scales, code.columns, strict=True):
                sums = code.multiply_add(scale, code.load(column, offset), sums)
            code.store(sums, code.row, offset)
        return context.get_dummy_value()

    return types.void(row, columns, places, types.intp, factors), codegen


@intrinsic  # type: ignore[untyped-decorator]
def fetch_ahead(context: Any, rows: Any, place: Any) -> Any:
    """Ask for the row ``place`` of (N, d) numbers to be brought into the cache, while something else is worked on.

    Reads nothing: needs 0 <= place < len(rows), which is not checked.
    """
    if not (isinstance(rows, types.Array) and rows.layout == "C" and rows.ndim == 2):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        size = cgutils.unpack_tuple(builder, array.shape, 2)[1]
        begin = builder.gep(array.data, [builder.mul(args[1], size)])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        line = _LINE // context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        step = ir.Constant(size.type, line)
        lines = builder.sdiv(builder.add(size, ir.Constant(size.type, line - 1)), step)
        with cgutils.for_range(builder, lines) as loop:
            address = builder.bitcast(builder.gep(begin, [builder.mul(loop.index, step)]), byte)
            builder.call(fetch, [address, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(rows, types.intp), codegen
