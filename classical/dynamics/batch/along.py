"""Compiled passes over many examples at a time: by the lists of the neurons, a few neurons and a few examples at once.

Examples are counted among all n; what is not asked for is passed over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from classical.dynamics.batch.bits import WORD, positions, set_bit
from classical.dynamics.batch.kernels import AHEAD
from classical.dynamics.rows.kernels import add_up
from classical.dynamics.rows.layout import margin_of
from classical.dynamics.rows.vectors import AT_ONCE, fetch_ahead, products_into
from hybrid_train.finder.scan_kernels import not_below
from hybrid_train.support.kernels import dot, inlined, kernel

TILE = 64
"""Rows that are looked at together where there are many examples."""


@inlined
def word_products(vector: Any, columns: Any, listed: Any, base: Any, places: Any, numbers: Any) -> Any:
    """Write where the bits of a word are and their columns' inner products with a row; return how many there are.

    Args:
        vector: (D,) the row.
        columns: (n, D).
        listed: the word, not 0.
        base: the column of its first bit.
        places: (72,) out: columns.
        numbers: (64,) out: inner products.
    """
    count = 0
    while listed:
        places[count] = base + np.int64(trailing_zeros(listed))
        listed &= listed - np.uint64(1)
        count += 1
    for k in range(count, -(-count // AT_ONCE) * AT_ONCE):
        places[k] = places[count - 1]
    for at in range(0, count, AT_ONCE):
        products_into(vector, columns, places, at, numbers)
    return count


@kernel
def look_along(lists: Any, slots: Any, known: Any, asked: Any, world: Any, weights: Any, sums: Any, fires: Any) -> Any:
    """Do what :func:`classical.dynamics.batch.kernels.look` does for many examples, by the lists of the rows.

    Args:
        lists: of the chunk.
        slots: (S,) of the rows to look at, ascending.
        known: (R, words(n)) the lists.
        asked: (words(n),) which examples.
        world: of all n examples.
        weights: (m, d) the bank.
        sums: of the examples; added to in the order of the neurons.
        fires: (R, words(n)) out, zero before: the active pairs.

    Returns:
        Inner products evaluated.
    """
    columns, exact, signs = world.columns, world.exact, world.signs
    outputs, fired = sums.outputs, sums.fired
    rule, threshold, shift = world.rule, world.rule.threshold, world.rule.shift
    rows, norms, ways = lists.rows, lists.norms, lists.way
    dimension, one, evaluated = weights.shape[1], np.uint64(1), 0
    mine = np.zeros((TILE, columns.shape[1]), columns.dtype)
    places, numbers = np.empty(WORD + AT_ONCE, np.int32), np.zeros(WORD, columns.dtype)
    highs, cuts = np.empty(TILE), np.empty(TILE, columns.dtype)
    for first in range(0, slots.size, TILE):
        last = min(slots.size, first + TILE)
        for at in range(first, last):
            if at + AHEAD < slots.size:
                fetch_ahead(weights, rows[slots[at + AHEAD]])
            slot, vector = slots[at], mine[at - first]
            r = rows[slot]
            for k in range(dimension):
                vector[k] = weights[r, k]
            margin = margin_of(rule, norms[slot] + ways[slot], rule.largest_norm)
            low, highs[at - first] = threshold - margin, threshold + margin
            cuts[at - first] = columns.dtype.type(low - abs(low) * rule.rounding)
        for group in range(asked.size):  # a few examples and a few rows at a time stay in the first-level cache
            for at in range(first, last):
                slot = slots[at]
                listed = known[slot, group] & asked[group]
                if listed == 0:
                    continue
                count = word_products(mine[at - first], columns, listed, WORD * group, places, numbers)
                evaluated += count
                cut, high = cuts[at - first], highs[at - first]
                bits = not_below(numbers, 0, cut) & (~np.uint64(0) >> np.uint64(WORD - count))
                firing = np.uint64(0)
                while bits:
                    e = np.int64(trailing_zeros(bits))
                    bits &= bits - one
                    j, value = np.int64(places[e]), np.float64(numbers[e])
                    r = rows[slot]
                    if not value > high:
                        value = dot(weights[r], exact[j])
                        if not value > threshold:
                            continue
                    fired[j] += 1
                    for out in range(signs.shape[1]):
                        outputs[j, out] += signs[r, out] * (value - shift)
                    firing |= one << np.uint64(j & 63)
                fires[slot, group] = firing
    return evaluated


@kernel
def pull(rows: Any, fires: Any, signs: Any, slope: Any, weights: Any, gradient: Any) -> None:
    """Add sum_r (sum_k slope_jk a_rk) w_r over the active pairs to ``gradient`` (n, D), D at least d."""
    dimension, one = weights.shape[1], np.uint64(1)
    for first in range(0, rows.size, TILE):
        last = min(rows.size, first + TILE)
        for slot in range(last, min(rows.size, last + TILE)):
            fetch_ahead(weights, rows[slot])
        for group in range(fires.shape[1]):
            for slot in range(first, last):
                bits, r = fires[slot, group], rows[slot]
                while bits:
                    j = WORD * group + np.int64(trailing_zeros(bits))
                    bits &= bits - one
                    factor = signs[r, 0] * slope[j, 0]
                    for out in range(1, signs.shape[1]):
                        factor += signs[r, out] * slope[j, out]
                    scaled = gradient.dtype.type(factor)
                    for i in range(dimension):
                        gradient[j, i] += scaled * weights[r, i]


@kernel
def look_along_plainly(lists: Any, known: Any, asked: Any, world: Any, weights: Any, sums: Any, fires: Any) -> Any:
    """Do what :func:`look_along` does by the deciding inner product alone."""
    places = np.empty(WORD * known.shape[1], np.int64)
    firing, values = np.empty(places.size, np.int64), np.empty(places.size)
    rows, line, evaluated = lists.rows, np.empty(known.shape[1], np.uint64), 0
    for slot in range(rows.size):
        for group in range(line.size):
            line[group] = known[slot, group] & asked[group]
        count, active, vector = positions(line, places), 0, weights[rows[slot]]
        evaluated += count
        for k in range(count):
            value = dot(vector, world.exact[places[k]])
            if value > world.rule.threshold:
                firing[active], values[active] = places[k], value
                active += 1
                set_bit(fires[slot], places[k])
        add_up(sums.outputs, sums.fired, world.signs, rows[slot], world.rule.shift, firing, values, active)
    return evaluated
