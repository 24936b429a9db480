"""Compiled passes of batch dynamics: look at the neurons that may fire for a batch, and move those that do.

Examples are counted within the batch: the world they are given holds those alone, B of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from classical.dynamics.batch.bits import WORD, positions, set_bit, transpose
from classical.dynamics.rows.kernels import UP, add_up
from classical.dynamics.rows.layout import margin_of, room_for
from classical.dynamics.rows.vectors import AT_ONCE, add_columns, fetch_ahead, products_into
from hybrid_train.finder.scan_kernels import open_columns
from hybrid_train.support.kernels import dot, inlined, kernel

_MANY = 24
"""Numbers that make it worth to compare 64 at once."""


AHEAD = 16
"""Rows that are asked for before they are moved."""


@inlined
def any_bits(line: Any) -> Any:
    """Return whether a bit is set in words (W,)."""
    some = np.uint64(0)
    for word in range(line.size):
        some |= line[word]
    return some != 0


@inlined
def open_numbers(numbers: Any, start: Any, count: Any, cut: Any) -> Any:
    """Return a word of which of the numbers from ``start`` on, of ``count`` in all, are not below the cut."""
    bits = np.uint64(0)
    for k in range(start, min(count, start + _MANY)):
        bits |= np.uint64(not numbers[k] < cut) << np.uint64(k - start)
    if count > start + _MANY:
        bits = open_columns(numbers, start, cut) & (~np.uint64(0) >> np.uint64(max(0, start + WORD - count)))
    return bits


@inlined
def factors(signs: Any, r: Any, slope: Any, rate: Any, places: Any, numbers: Any, count: Any) -> Any:
    """Write what ``count`` columns move row r by to ``numbers``; return whether any is not 0."""
    any_moves = False
    for k in range(count):
        pull = signs[r, 0] * slope[places[k], 0]
        for out in range(1, signs.shape[1]):
            pull += signs[r, out] * slope[places[k], out]
        numbers[k] = pull * -rate
        any_moves |= pull != 0
    return any_moves


@inlined
def read(near: Any, block: Any, examples: Any, lines: Any, masks: Any) -> None:
    """Write which examples of a batch are listed for 64 rows to masks (64, words(B)).

    Args:
        near: (n, words(R)) a bit for each row, by example.
        block: which word of it.
        examples: (B,) of the batch.
        lines: (64,) scratch.
        masks: out.
    """
    for group in range(masks.shape[1]):
        first = WORD * group
        many = min(WORD, examples.size - first)
        some = np.uint64(0)
        for k in range(many):
            lines[k] = near[examples[first + k], block]
            some |= lines[k]
        lines[many:] = np.uint64(0)
        if some:
            transpose(lines)
        for k in range(WORD):
            masks[k, group] = lines[k]


@kernel
def sift(lists: Any, slots: Any, products: Any, world: Any, weights: Any, asked: Any, sums: Any, fires: Any) -> None:
    """Decide a block of pairs whose inner products are given, and add up what fires.

    Args:
        lists: of the chunk.
        slots: (R,) of the block's rows.
        products: (R, C) rounded by no more than the world says, 64 words(B) columns; those past B are not heeded.
        world: of the batch.
        weights: (m, d) the bank.
        asked: (words(B),) which examples count.
        sums: of the batch; added to in the order of the neurons.
        fires: (R, words(B)) of the chunk, out: the active pairs of these rows.
    """
    flat, stride = products.reshape(-1), products.shape[1]
    exact, signs, outputs, fired = world.exact, world.signs, sums.outputs, sums.fired
    rule, threshold, shift = world.rule, world.rule.threshold, world.rule.shift
    rows, norms, ways = lists.rows, lists.norms, lists.way
    one = np.uint64(1)
    for i in range(products.shape[0]):
        slot = slots[i]
        r = rows[slot]
        margin = margin_of(rule, norms[slot] + ways[slot], rule.largest_norm)
        low, high = threshold - margin, threshold + margin
        cut = flat.dtype.type(low - abs(low) * rule.rounding)
        for group in range(asked.size):
            bits = open_columns(flat, i * stride + WORD * group, cut) & asked[group]
            fires_now = bits
            while bits:
                j = WORD * group + np.int64(trailing_zeros(bits))
                bit = bits & (~bits + one)
                bits ^= bit
                value = np.float64(flat[i * stride + j])
                if not value > high:
                    value = dot(weights[r], exact[j])
                    if not value > threshold:
                        fires_now ^= bit
                        continue
                fired[j] += 1
                for out in range(signs.shape[1]):
                    outputs[j, out] += signs[r, out] * (value - shift)
            fires[slot, group] = fires_now


@kernel
def list_near(lists: Any, slots: Any, products: Any, world: Any, listed: Any) -> None:
    """List the examples of a block of pairs whose inner products are given, as far as the rows' lists are to hold.

    A row that is ``way`` from its anchor now, and ``gap`` at most later, has gone no further than both in between.

    Args:
        lists: of the chunk.
        slots: (R,) of the block's rows.
        products: as :func:`sift` takes them.
        world: of the batch.
        listed: (R, words(B)) out.
    """
    rule, kind, count = world.rule, products.dtype, world.inverse.size
    gaps, norms, ways = lists.gap, lists.norms, lists.way
    inverse, above = np.empty(count, kind), np.zeros(products.shape[1], kind)
    for j in range(count):
        inverse[j] = world.inverse[j]
    for i in range(products.shape[0]):
        slot, row = slots[i], products[i]
        norm, room = norms[slot] + ways[slot], (gaps[slot] + ways[slot]) * (1 + 1e-6)
        low = rule.threshold - margin_of(rule, norm + room, rule.largest_norm)
        base, cut = kind.type(low - abs(low) * rule.rounding), kind.type(-room)
        for j in range(count):
            above[j] = (row[j] - base) * inverse[j]
        for group in range(listed.shape[1]):
            listed[i, group] = open_columns(above, WORD * group, cut)


@kernel
def look(lists: Any, near: Any, examples: Any, world: Any, weights: Any, sums: Any, fires: Any) -> Any:
    """Evaluate the listed pairs of a batch, decide them, and add up what fires; broad rows are left out.

    Arrays stand in variables of its own: records that are handed on are counted array by array.

    Args:
        lists: of the chunk.
        near: (n, words(R)) the lists by example.
        examples: (B,) of the batch, among the n.
        world: of these examples.
        weights: (m, d) the bank.
        sums: of the batch; added to in the order of the neurons.
        fires: (R, words(B)) out, zero before: the active pairs.

    Returns:
        Inner products evaluated.
    """
    room, rows, norms, ways = room_for(world, weights.shape[1]), lists.rows, lists.norms, lists.way
    mine, places, numbers = room.mine, room.places, room.numbers
    columns, exact, signs = world.columns, world.exact, world.signs
    outputs, fired = sums.outputs, sums.fired
    rule, threshold, shift = world.rule, world.rule.threshold, world.rule.shift
    masks, lines = np.empty((WORD, fires.shape[1]), np.uint64), np.empty(WORD, np.uint64)
    broad, one, evaluated = lists.broad, np.uint64(1), 0
    for first in range(0, rows.size, WORD):
        read(near, first >> 6, examples, lines, masks)
        last = min(rows.size, first + WORD)
        for slot in range(first, last):
            if slot + AHEAD < last and any_bits(masks[slot + AHEAD - first]):
                fetch_ahead(weights, rows[slot + AHEAD])
            count = positions(masks[slot - first], places)
            if count == 0 or broad[slot]:
                continue
            evaluated += count
            r = rows[slot]
            for k in range(weights.shape[1]):
                mine[k] = weights[r, k]
            places[count : count + AT_ONCE] = places[count - 1]
            for at in range(0, count, AT_ONCE):
                products_into(mine, columns, places, at, numbers)
            margin = margin_of(rule, norms[slot] + ways[slot], rule.largest_norm)
            low, high = threshold - margin, threshold + margin
            cut = numbers.dtype.type(low - abs(low) * rule.rounding)
            for start in range(0, count, WORD):
                bits = open_numbers(numbers, start, count, cut)
                while bits:
                    e = start + np.int64(trailing_zeros(bits))
                    bits &= bits - one
                    j, value = np.int64(places[e]), np.float64(numbers[e])
                    if not value > high:
                        value = dot(weights[r], exact[j])
                        if not value > threshold:
                            continue
                    fired[j] += 1
                    for out in range(signs.shape[1]):
                        outputs[j, out] += signs[r, out] * (value - shift)
                    fires[slot, j >> 6] |= one << np.uint64(j & 63)
    return evaluated


@kernel
def look_plainly(lists: Any, near: Any, examples: Any, world: Any, weights: Any, sums: Any, fires: Any) -> Any:
    """Do what :func:`look` does by the deciding inner product alone."""
    places, rows = np.arange(examples.size), lists.rows
    firing, values = np.empty(examples.size, np.int64), np.empty(examples.size)
    listed = near.shape[1] > 0
    masks, lines = np.empty((WORD, fires.shape[1]), np.uint64), np.empty(WORD, np.uint64)
    count, evaluated = examples.size, 0
    for first in range(0, rows.size, WORD):
        if listed:
            read(near, first >> 6, examples, lines, masks)
        for slot in range(first, min(rows.size, first + WORD)):
            if listed:
                count = positions(masks[slot - first], places)
            evaluated += count
            vector, active = weights[rows[slot]], 0
            for k in range(count):
                value = dot(vector, world.exact[places[k]])
                if value > world.rule.threshold:
                    firing[active], values[active] = places[k], value
                    active += 1
                    set_bit(fires[slot], places[k])
            add_up(sums.outputs, sums.fired, world.signs, rows[slot], world.rule.shift, firing, values, active)
    return evaluated


@kernel
def step(lists: Any, world: Any, slope: Any, rate: Any, weights: Any, plain: Any, fires: Any, spent: Any) -> Any:
    """Move the rows that fire.

    Args:
        lists: of the chunk; those of a row hold until it is ``gap`` away from its anchor.
        world: of the batch.
        slope: (B, K) derivative of the loss in the outputs.
        rate: eta times the network's scale.
        weights: (m, d) the bank; its rows move.
        plain: add column after column, each rounded, as a bank does.
        fires: (R, words(B)) the active pairs.
        spent: (R,) out: rows whose lists may not hold any more, by the length of their way.

    Returns:
        (rows moved, rows that may be spent).
    """
    room = room_for(world, weights.shape[1])
    places, numbers, change = room.places, room.numbers, room.step
    rows, gaps, norms, ways = lists.rows, lists.gap, lists.norms, lists.way
    along, signs, dimension, rule = world.along, world.signs, weights.shape[1], world.rule
    moving, waiting, spacing = 0, 0, rule.rounding / (2 * (dimension + 8))
    for slot in range(rows.size):
        if slot + AHEAD < rows.size and any_bits(fires[slot + AHEAD]):
            fetch_ahead(weights, rows[slot + AHEAD])
        count = positions(fires[slot], places)
        if count == 0:
            continue
        r = rows[slot]
        if not factors(signs, r, slope, rate, places, numbers, count):
            continue
        moving += 1
        length = 0.0
        for k in range(count):
            length += abs(np.float64(numbers[k]))
        length *= rule.largest_norm
        if plain:
            for k in range(count):
                factor, j = numbers[k], places[k]
                for i in range(dimension):
                    weights[r, i] += factor * along[j, i]
        else:
            places[count : count + AT_ONCE], numbers[count : count + AT_ONCE] = places[count - 1], 0
            change[:] = 0
            for at in range(0, count, AT_ONCE):
                add_columns(change, along, places, at, numbers)
            for i in range(dimension):
                weights[r, i] += change[i]
        # each column may round the whole row, which is on its way then
        norm = norms[slot] + ways[slot] + length
        ways[slot] = (ways[slot] + length + (count + 8) * spacing * norm) * UP + 1e-150
        if gaps.size and not within(ways[slot], gaps[slot], norms[slot] + ways[slot], rule):
            spent[waiting] = slot
            waiting += 1
    return moving, waiting


@inlined
def within(way: Any, gap: Any, norm: Any, rule: Any) -> Any:
    """Return whether the list of a row of this norm holds so far from its anchor; NaN is not.

    <w, x> <= <anchor, x> + ||w - anchor|| ||x||, and rounding on top.
    """
    return way + rule.rounding * norm < gap and norm * rule.largest_norm < rule.largest


@kernel
def still_spent(lists: Any, rule: Any, weights: Any, spent: Any) -> Any:
    """Put those of the rows ``spent`` first that are too far from their anchors, however long their way was.

    What counts is the distance, which becomes the way.

    Returns:
        How many these are.
    """
    anchors, moved, waiting = lists.anchors, np.empty(weights.shape[1]), 0
    for k in range(spent.size):
        slot = spent[k]
        vector, anchor = weights[lists.rows[slot]], anchors[slot]
        for i in range(moved.size):
            moved[i] = np.float64(vector[i]) - np.float64(anchor[i])
        way = np.sqrt(dot(moved, moved)) * UP + 1e-150
        lists.way[slot] = way
        if not within(way, lists.gap[slot], lists.norms[slot] + way, rule):
            spent[waiting] = slot
            waiting += 1
    return waiting
