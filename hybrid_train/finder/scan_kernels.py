"""Compiled parts of the scan: which inner products of a block may pass, what they are exactly, where they belong."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.cpython.unsafe.numbers import trailing_zeros
from numba.extending import intrinsic

from hybrid_train.support.kernels import dot, inlined, kernel

WORD = 64
"""Columns that are compared at once."""


@intrinsic  # type: ignore[untyped-decorator]
def not_below(context: Any, row: Any, start: Any, cut: Any) -> Any:
    """Return a uint64 whose bit j tells that row[start + j] is not below the cut; NaN is not.

    Written as vector instructions because LLVM does not find this one: a compare and a move of the mask.

    Reads row[start] to row[start + 63] by pointer: needs 0 <= start and start + 64 <= row.size, which is not checked.
    """
    if not (isinstance(row, types.Array) and row.ndim == 1 and row.layout == "C" and row.dtype == cut):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(signature.args[0].dtype)
        vector = ir.VectorType(element, WORD)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        address = builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer())
        loaded = builder.load(address, align=4 if isinstance(element, ir.FloatType) else 8)
        undefined = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(undefined, args[2], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WORD), [0] * WORD)
        cuts = builder.shuffle_vector(first, undefined, zeros)
        return builder.bitcast(builder.fcmp_unordered(">=", loaded, cuts), ir.IntType(WORD))

    return types.uint64(row, types.intp, cut), codegen


@intrinsic  # type: ignore[untyped-decorator]
def ones(context: Any, mask: Any) -> Any:
    """Return how many bits of a uint64 are set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.intp(types.uint64), codegen


@inlined
def open_columns(row: Any, start: Any, cut: Any) -> Any:
    """Return :func:`not_below` of the up to 64 columns from ``start`` that the row has: never reads past its end."""
    if start + WORD <= row.size:
        return not_below(row, start, cut)
    if row.size >= WORD:
        return not_below(row, row.size - WORD, cut) >> np.uint64(start + WORD - row.size)
    mask = np.uint64(0)
    for j in range(row.size - start):
        if not row[start + j] < cut:
            mask |= np.uint64(1) << np.uint64(j)
    return mask


@kernel
def largest(bits: Any) -> Any:
    """Return the largest entry of a flat array of unsigned integers without their highest bit.

    Of the bits of floats, that is the largest magnitude: infinity is above all numbers and NaN above infinity.
    """
    mask = ~(bits.dtype.type(1) << bits.dtype.type(8 * bits.itemsize - 1))
    top = bits.dtype.type(0)
    for i in range(bits.size):
        entry = bits[i] & mask
        top = entry if entry > top else top
    return top


@kernel
def multiply(queries: Any, coordinates: Any, out: Any) -> None:
    """Write the inner products of queries (Q, d) with points (N, d), given as ``coordinates`` (d, N), to out (Q, N).

    Faster than a library's product where d is small.
    """
    d, n = coordinates.shape
    for i in range(queries.shape[0]):
        row = out[i]
        a = queries[i, 0]
        if d % 2:
            one = coordinates[0]
            for j in range(n):
                row[j] = a * one[j]
        else:
            b = queries[i, 1]
            one, two = coordinates[0], coordinates[1]
            for j in range(n):
                row[j] = a * one[j] + b * two[j]
        for k in range(2 - d % 2, d, 2):
            a, b = queries[i, k], queries[i, k + 1]
            one, two = coordinates[k], coordinates[k + 1]
            for j in range(n):
                row[j] += a * one[j] + b * two[j]


@kernel
def decide(products: Any, cuts: Any, points: Any, queries: Any, start: Any, threshold: Any) -> Any:
    """Decide the pairs of a block that its rough inner products leave open.

    Args:
        products: (Q, W) float32 or float64, row by row, N <= W (any W; a multiple of 64 is fastest); columns past the
            points are not read as answers, and nothing past column W is read at all.
        cuts: (Q,) likewise: what lies below was found not to be active.
        points: (N, d) of the block, N <= W.
        queries: (Q, d) of the block.
        start: id of the first point.
        threshold: b.

    Returns:
        (counts (Q,), point ids, inner products, pairs left open): the active pairs, query after query.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    n_queries, n_points = queries.shape[0], points.shape[0]
    if products.shape[0] < n_queries or products.shape[1] < n_points or cuts.size < n_queries:
        raise ValueError("products and cuts do not cover the block")
    if points.shape[1] != queries.shape[1]:
        raise ValueError("points and queries differ in dimension")
    words = -(-n_points // WORD)
    spare = words * WORD - n_points
    masks = np.empty((n_queries, words), np.uint64)
    opened = 0
    for i in range(n_queries):
        row, cut = products[i], cuts[i]
        for word in range(words):
            mask = open_columns(row, word * WORD, cut)
            masks[i, word] = mask
            opened += ones(mask)
        if spare:
            extra = masks[i, words - 1]
            masks[i, words - 1] = extra & (~np.uint64(0) >> np.uint64(spare))
            opened -= ones(extra) - ones(masks[i, words - 1])
    counts = np.empty(n_queries, np.int64)
    ids = np.empty(opened, np.int64)
    values = np.empty(opened)
    at = 0
    for i in range(n_queries):
        before = at
        for word in range(words):
            mask = masks[i, word]
            while mask:
                j = WORD * word + np.int64(trailing_zeros(mask))
                mask &= mask - np.uint64(1)
                value = dot(points[j], queries[i])
                ids[at] = start + j
                values[at] = value
                at += value > threshold
        counts[i] = at - before
    return counts, ids[:at], values[:at], opened


@kernel
def put(counts: Any, ids: Any, values: Any, starts: Any, all_ids: Any, all_values: Any) -> None:
    """Copy the pairs that :func:`decide` found to their places: those of query i from ``starts[i]`` on."""
    at = 0
    for i in range(counts.size):
        to = starts[i]
        for k in range(counts[i]):
            all_ids[to + k] = ids[at + k]
            all_values[to + k] = values[at + k]
        at += counts[i]
