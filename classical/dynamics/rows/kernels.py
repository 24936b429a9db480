"""The compiled step of row dynamics: move a row, look at the columns that are due, add up what fires.

Who calls these answers for the bounds: columns of a list lie in [0, n), rows in [0, m), and a list within the pool.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.dynamics.rows.layout import FIRES, LISTED, alarm_at, margin_of, room_for
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
    signs = world.signs[lists.rows[r]]
    begin = lists.begin[r]
    count = 0
    for e in range(begin, begin + lists.size[r]):
        room.places[count] = lists.columns[e]
        count += lists.alarms[e] == FIRES
    any_moves = False
    for k in range(count):
        j = room.places[k]
        factor = signs[0] * pulls[j, 0]
        for out in range(1, signs.size):
            factor += signs[out] * pulls[j, out]
        room.numbers[k] = factor
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
    until = np.float32(lists.path[r] * (1 + 2.5e-7))
    begin = lists.begin[r]
    count = 0
    for e in range(begin, begin + lists.size[r]):
        room.entries[count] = e
        room.places[count] = lists.columns[e]
        count += lists.alarms[e] <= until
    return count


@inlined
def distance_of(world: Any, norm: Any, j: Any, value: Any) -> Any:
    """Return a bound from below of the distance of a column; minus infinity if it fires for certain.

    Where the bound is not above 0 (NaN is not) nothing is certain: the deciding inner product has to be looked at.
    """
    margin = margin_of(world, norm, j)
    if value > world.threshold + margin:
        return -np.inf
    distance = (world.threshold - value - margin) * world.inverse[j]
    return distance if distance > 0 else 0.0


@inlined
def sure_of(world: Any, norm: Any) -> Any:
    """Return an inner product above which every column fires for a row of this norm."""
    largest = norm * world.largest_norm
    margin = world.rounding * largest + world.speck * (1 + norm + world.largest_norm)
    return world.threshold + margin if largest < world.largest else np.inf


@inlined
def add_up(sums: Any, world: Any, signs: Any, j: Any, value: Any) -> None:
    """Add an active pair of column j and a row of these output weights (K,) to the sums."""
    sums.fired[j] += 1
    if signs.size == 1:
        sums.outputs[j, 0] += signs[0] * (value - world.shift)
    else:
        for k in range(signs.size):
            sums.outputs[j, k] += signs[k] * (value - world.shift)


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
    signs, path = world.signs[lists.rows[r]], lists.path[r]
    norm = lists.norms[r] + path
    sure = sure_of(world, norm)
    doubtful, fired = 0, 0
    for k in range(count):
        j, entry = room.places[k], room.entries[k]
        value = np.float64(room.numbers[k])
        distance = -np.inf if value > sure else distance_of(world, norm, j, value)
        if distance < 0:
            lists.alarms[entry] = FIRES
            add_up(sums, world, signs, j, value)
            fired += 1
        else:
            lists.alarms[entry] = alarm_at(path, distance)
            room.entries[doubtful] = entry
            doubtful += distance == 0
    for k in range(doubtful):
        entry = room.entries[k]
        j = lists.columns[entry]
        value = dot(vector, world.exact[j])
        if value > world.threshold:
            lists.alarms[entry] = FIRES
            add_up(sums, world, signs, j, value)
            fired += 1
    lists.fired[r] = fired


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
