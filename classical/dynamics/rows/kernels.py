"""The compiled step of row dynamics: move a row, look at the columns that are due, add up what fires.

Who calls these answers for the bounds: columns of a list lie in [0, n), rows in [0, m), and a list within the pool.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.dynamics.rows.layout import FIRES, LISTED, alarm_at, distance_of, margin_of, room_for
from classical.dynamics.rows.vectors import AT_ONCE, add_columns, products_into
from hybrid_train.support.kernels import dot, inlined, kernel

UP = 1 + 1e-12
"""What a computed length is multiplied with to be a bound."""


@inlined
def fill_up(room: Any, count: Any) -> Any:
    """Repeat the last of ``count`` columns, with a factor of 0, up to a multiple of eight; return that."""
    whole = -(-count // AT_ONCE) * AT_ONCE
    for k in range(count, whole):
        room.places[k] = room.places[count - 1]
        room.numbers[k] = 0
    return whole


@inlined
def factors(lists: Any, world: Any, pulls: Any, r: Any, room: Any) -> Any:
    """Gather the columns that fire for a row and the factors they move it by; return (how many, whether any is not 0).

    Args:
        lists: of the chunk.
        world: signs are read.
        pulls: (n, K) minus the derivative of the loss in the outputs, times rate and scale.
        r: the row, counted in the chunk.
        room: out: places and numbers.
    """
    places, numbers, signs, row = room.places, room.numbers, world.signs, lists.rows[r]
    columns, alarms, begin = lists.columns, lists.alarms, lists.begin[r]
    count = 0
    for e in range(begin, begin + lists.size[r]):
        places[count] = columns[e]
        count += alarms[e] == FIRES
    any_moves = False
    for k in range(count):
        factor = signs[row, 0] * pulls[places[k], 0]
        for out in range(1, signs.shape[1]):
            factor += signs[row, out] * pulls[places[k], out]
        numbers[k] = factor
        any_moves |= factor != 0
    return count, any_moves


@inlined
def combine(world: Any, room: Any, count: Any) -> None:
    """Write the combination of ``count`` columns to ``room.step``."""
    room.step[:] = 0
    for at in range(0, fill_up(room, count), AT_ONCE):
        add_columns(room.step, world.along, room.places, at, room.numbers)


@inlined
def moved(row: Any, room: Any) -> Any:
    """Add ``room.step`` to a row (d,) of the bank, copied to ``room.mine``; return a bound of the way it went.

    What counts is how the stored numbers changed, rounding included.
    """
    for k in range(row.size):
        before = row[k]
        row[k] = before + room.step[k]
        room.moved[k] = np.float64(row[k]) - np.float64(before)
        room.mine[k] = row[k]
    return np.sqrt(dot(room.moved, room.moved)) * UP + 1e-150


@inlined
def due(lists: Any, r: Any, room: Any) -> Any:
    """Gather the entries of a row that are due by now: those that fire, and those that may; return how many."""
    entries, places, columns, alarms = room.entries, room.places, lists.columns, lists.alarms
    until, begin = np.float32(lists.path[r] * (1 + 2.5e-7)), lists.begin[r]
    count = 0
    for e in range(begin, begin + lists.size[r]):
        entries[count], places[count] = e, columns[e]
        count += alarms[e] <= until
    return count


@kernel
def step(lists: Any, world: Any, pulls: Any, weights: Any, sums: Any, spent: Any) -> Any:
    """Move the listed rows that fire, look at what is due, and add up what fires; list rows whose gap is used up.

    Args:
        lists: of the chunk; changed.
        world: fixed.
        pulls: (n, K) see :func:`factors`.
        weights: (m, d) the bank; its rows move.
        sums: added to, but not for the rows that are spent.
        spent: (R,) out: these rows.

    Returns:
        (rows moved, rows spent, inner products evaluated, entries read).
    """
    room = room_for(world, weights.shape[1])
    moving, waiting, evaluated, touched = 0, 0, 0, 0
    for r in range(lists.rows.size):
        if lists.kind[r] != LISTED or lists.fired[r] == 0:
            continue
        row = lists.rows[r]
        vector = weights[row]
        count, moves = factors(lists, world, pulls, r, room)
        if moves:
            combine(world, room, count)
            moving += 1
            lists.path[r] += moved(vector, room)
        else:
            for k in range(vector.size):
                room.mine[k] = vector[k]
        lists.age[r] += 1
        touched += 2 * lists.size[r]
        if not lists.path[r] < lists.gap[r]:
            spent[waiting] = r
            waiting += 1
            continue
        count = due(lists, r, room)
        evaluated += count
        look(lists, world, r, vector, room, count, sums)
    return moving, waiting, evaluated, touched


@inlined
def look(lists: Any, world: Any, r: Any, vector: Any, room: Any, count: Any, sums: Any) -> None:
    """Evaluate the ``count`` entries in ``room`` for a row, decide them, set their alarms, and add up what fires."""
    for at in range(0, fill_up(room, count), AT_ONCE):
        products_into(room.mine, world.columns, room.places, at, room.numbers)
    places, entries, numbers, alarms = room.places, room.entries, room.numbers, lists.alarms
    norms, inverse, signs, rule = world.norms, world.inverse, world.signs, world.rule
    row, path = lists.rows[r], lists.path[r]
    norm = lists.norms[r] + path
    sure = rule.threshold + margin_of(rule, norm, rule.largest_norm)
    doubtful, fired = 0, 0
    for k in range(count):
        j, entry, value = places[k], entries[k], np.float64(numbers[k])
        distance = -np.inf
        if not value > sure:
            distance = distance_of(rule, value, margin_of(rule, norm, norms[j]), inverse[j])
        if distance < 0:
            alarms[entry] = FIRES
            places[fired], numbers[fired] = j, value
            fired += 1
        else:
            alarms[entry] = alarm_at(path, distance)
            entries[doubtful] = entry
            doubtful += distance == 0
    for k in range(doubtful):
        j = lists.columns[entries[k]]
        value = dot(vector, world.exact[j])
        if value > rule.threshold:
            alarms[entries[k]] = FIRES
            places[fired], numbers[fired] = j, value
            fired += 1
    lists.fired[r] = fired
    add_up(sums.outputs, sums.fired, signs, row, rule.shift, places, numbers, fired)


@inlined
def add_up(outputs: Any, counts: Any, signs: Any, row: Any, shift: Any, places: Any, values: Any, fired: Any) -> None:
    """Add the active pairs of a row with ``fired`` columns (places) and inner products (values) to the sums."""
    if signs.shape[1] == 1:
        sign = np.float64(signs[row, 0])
        for k in range(fired):
            counts[places[k]] += 1
            outputs[places[k], 0] += sign * (np.float64(values[k]) - shift)
        return
    for k in range(fired):
        j, excess = places[k], np.float64(values[k]) - shift
        counts[j] += 1
        for out in range(signs.shape[1]):
            outputs[j, out] += signs[row, out] * excess


@kernel
def spread(lists: Any, world: Any, vector: Any, sums: Any) -> None:
    """Add the product of the rows' part of the tangent kernel with a vector to ``sums.outputs``, listed rows only.

    Args:
        lists: of the chunk.
        world: fixed.
        vector: (n, K).
        sums: its outputs are added to.
    """
    room = room_for(world, world.exact.shape[1])
    signs = world.signs
    for r in range(lists.rows.size):
        if lists.kind[r] != LISTED or lists.fired[r] == 0:
            continue
        count, moves = factors(lists, world, vector, r, room)
        if not moves:
            continue
        combine(world, room, count)
        for at in range(0, fill_up(room, count), AT_ONCE):
            products_into(room.step, world.along, room.places, at, room.numbers)
        row = lists.rows[r]
        for k in range(count):
            for out in range(signs.shape[1]):
                sums.outputs[room.places[k], out] += signs[row, out] * np.float64(room.numbers[k])
