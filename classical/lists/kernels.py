"""Compiled passes over neighbour lists, as :mod:`classical.lists.layout` lays them out: arrays in, arrays changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.lists.layout import SETTLED, SPENT, STALE
from classical.lists.lengths import EPS, UP, combined, noise_of, root, stored
from hybrid_train.support.kernels import dot, kernel


@kernel
def _is_spent(lists: Any, rule: Any, r: Any) -> Any:
    """Return whether a column outside the list of row r might be active now (NaN and infinity count as yes).

    With p0, q0 where the pair was scanned, <p, q> - <p0, q0> = <p - p0, q> + <p0, q - q0>, at most
    ||q0|| (drift + (reach + drift) sway).
    """
    norm = lists.reach[r] + lists.drift[r]
    sway = norm * rule.sway
    need = (lists.drift[r] + sway + rule.rounding * (norm + sway) + rule.speck) * UP
    return not (need < lists.gap[r] and norm < rule.ceiling)


@kernel
def follow(lists: Any, rule: Any, steps: Any, gram: Any, norms: Any, first: Any, last: Any) -> Any:
    """Move ``steps.rows[first:last]`` in Gram space.

    <p + sum_i c_i q_i, q_j> = <p, q_j> + sum_i c_i G_ij, and the step's length is the root of c^T G c. Bounds of the
    rounding of G, of this arithmetic and of the bank's own addition go with them.

    Args:
        lists: changed.
        rule: of the certificates.
        steps: how the rows move.
        gram: (n, n) inner products of the columns.
        norms: (n,) their norm bounds.
        first: of the rows to do.
        last: of the rows to do.

    Returns:
        (list entries touched, sum of the step lengths).
    """
    touched = 0
    path = 0.0
    columns, coefficients = steps.columns, steps.coefficients
    doubt_at_least = rule.speck + 4 * EPS * abs(rule.threshold)
    for k in range(first, last):
        r = steps.rows[k]
        begin, end = steps.indptr[k], steps.indptr[k + 1]
        square, weight = combined(columns, coefficients, begin, end, gram, norms)
        terms = end - begin + 8
        noise = noise_of(rule.rounding, terms, weight)
        step = root(square, noise, weight) * UP
        lost = stored(rule, lists.reach[r] + lists.drift[r] + step, terms, weight)
        drift = (lists.drift[r] + step + lost + rule.speck) * UP
        norm = lists.reach[r] + drift
        error = (lists.error[r] + noise + lost + EPS * norm + rule.speck) * UP
        doubt = (error + 2 * rule.rounding * norm) * UP
        doubtful = not doubt <= rule.accuracy * (lists.reach[r] - drift)
        start, size = lists.start[r], lists.size[r]
        fired = 0
        for e in range(start, start + size):
            j = lists.column[e]
            change = 0.0
            for u in range(begin, end):
                change += coefficients[u] * gram[columns[u], j]
            value = lists.inner[e] + change
            lists.inner[e] = value
            fired += value > rule.threshold
            doubtful |= not abs(value - rule.threshold) > doubt * norms[j] + doubt_at_least
        lists.drift[r] = drift
        lists.error[r] = error
        lists.fired[r] = fired
        if _is_spent(lists, rule, r):
            lists.todo[r] = SPENT
        elif doubtful and lists.todo[r] == SETTLED:
            lists.todo[r] = STALE
        touched += size
        path += step
    return touched, path


@kernel
def advance(lists: Any, rule: Any, rows: Any, lengths: Any) -> None:
    """Take note that rows moved by at most these lengths, in directions unknown: their lists are stale or spent."""
    for k in range(rows.size):
        r = rows[k]
        lists.drift[r] = (lists.drift[r] + lengths[k]) * UP
        if _is_spent(lists, rule, r):
            lists.todo[r] = SPENT
        elif lists.todo[r] == SETTLED:
            lists.todo[r] = STALE


@kernel
def columns_moved(lists: Any, rule: Any, moved: Any, first: Any, last: Any) -> Any:
    """Mark the rows that a motion of the columns concerns; return how many are spent."""
    spent = 0
    for r in range(first, last):
        if lists.todo[r] == SPENT or _is_spent(lists, rule, r):
            lists.todo[r] = SPENT
            spent += 1
        elif lists.todo[r] == SETTLED:
            for e in range(lists.start[r], lists.start[r] + lists.size[r]):
                if moved[lists.column[e]]:
                    lists.todo[r] = STALE
                    break
    return spent


@kernel
def followed(lists: Any, first: Any, last: Any) -> None:
    """Mark the rows of a range whose entries were followed as stale."""
    for r in range(first, last):
        if lists.todo[r] == SETTLED and lists.error[r] > 0:
            lists.todo[r] = STALE


@kernel
def evaluate(
    lists: Any, threshold: Any, rows: Any, vectors: Any, columns: Any, compare: Any, first: Any, last: Any
) -> Any:
    """Evaluate the lists of ``rows[first:last]``, now at ``vectors[first:last]``, by the deciding inner product.

    Returns:
        (inner products evaluated, largest deviation found in entries that had been followed; 0 unless ``compare``).
    """
    evaluated = 0
    deviation = 0.0
    for k in range(first, last):
        r = rows[k]
        start, size = lists.start[r], lists.size[r]
        compared = compare and lists.error[r] > 0
        fired = 0
        for e in range(start, start + size):
            value = dot(vectors[k], columns[lists.column[e]])
            if compared:
                deviation = max(deviation, abs(value - lists.inner[e]))
            lists.inner[e] = value
            fired += value > threshold
        lists.fired[r] = fired
        lists.error[r] = 0.0
        lists.todo[r] = SETTLED
        evaluated += size
    return evaluated, deviation


@kernel
def measure(products: Any, margins: Any, reach: Any, skin: Any, listed: Any, counts: Any, gap: Any) -> None:
    """Divide the columns of a block of B rows into candidates and those farther than the skin.

    Args:
        products: (n, B) inner products, by any arithmetic.
        margins: what is allowed for in a distance.
        reach: (B,) norm bounds of the rows.
        skin: (B,) how far a candidate may be.
        listed: (n, B) out: whether a pair is a candidate.
        counts: (B,) out: how many there are.
        gap: (B,) out: lower bound of the distance of the nearest other column; infinity if there is none.
    """
    threshold, rounding, limit = margins.threshold, margins.rounding, margins.limit
    counts[:] = 0
    gap[:] = np.inf
    for j in range(products.shape[0]):
        inverse, norm, allow = 1 / margins.scale[j], margins.scale[j], margins.offset[j]
        for r in range(products.shape[1]):
            distance = (threshold - products[j, r]) * inverse - allow - rounding * reach[r]
            far = (distance > skin[r]) & (reach[r] * norm < limit)
            listed[j, r] = not far
            counts[r] += not far
            gap[r] = distance if far & (distance < gap[r]) else gap[r]


@kernel
def collect(listed: Any, counts: Any, index: Any) -> None:
    """Write the candidates of a block, row after row, to ``index``."""
    cursor = np.empty(counts.size, np.int64)
    at = 0
    for r in range(counts.size):
        cursor[r] = at
        at += counts[r]
    for j in range(listed.shape[0]):
        for r in range(listed.shape[1]):
            if listed[j, r]:
                index[cursor[r]] = j
                cursor[r] += 1


@kernel
def write(lists: Any, rows: Any, index: Any) -> None:
    """Copy packed candidates to the places the lists of ``rows`` now have."""
    at = 0
    for r in rows:
        start, size = lists.start[r], lists.size[r]
        lists.column[start : start + size] = index[at : at + size]
        at += size


@kernel
def repack(lists: Any, index: Any, value: Any) -> Any:
    """Copy all lists, in the order of the rows, to another pool; return the number of entries."""
    at = 0
    for r in range(lists.start.size):
        start, size = lists.start[r], lists.size[r]
        index[at : at + size] = lists.column[start : start + size]
        value[at : at + size] = lists.inner[start : start + size]
        lists.start[r] = at
        at += size
    return at


@kernel
def occupied(fired: Any) -> Any:
    """Return (rows with active entries, indptr over them)."""
    rows = np.empty(fired.size, np.int64)
    indptr = np.empty(fired.size + 1, np.int64)
    indptr[0] = 0
    found = 0
    for r in range(fired.size):
        rows[found] = r
        indptr[found + 1] = indptr[found] + fired[r]
        found += fired[r] > 0
    return rows[:found], indptr[: found + 1]


@kernel
def report(lists: Any, threshold: Any, rows: Any, indptr: Any, indices: Any, values: Any, first: Any, last: Any) -> Any:
    """Write the active entries of ``rows[first:last]`` where ``indptr`` says; return the entries read."""
    touched = 0
    for k in range(first, last):
        r = rows[k]
        at = indptr[k]
        if indptr[k + 1] > at:
            start, size = lists.start[r], lists.size[r]
            touched += size
            for e in range(start, start + size):
                if lists.inner[e] > threshold:
                    indices[at] = lists.column[e]
                    values[at] = lists.inner[e]
                    at += 1
    return touched


@kernel
def report_columns(lists: Any, threshold: Any, columns: Any, n_columns: Any) -> Any:
    """Return (indptr, rows, inner products, entries read): the active rows of the given columns, in that order."""
    slot = np.full(n_columns, -1, np.int64)
    for k in range(columns.size):
        slot[columns[k]] = k
    indptr = np.zeros(columns.size + 1, np.int64)
    touched = 0
    for r in range(lists.start.size):
        if lists.fired[r] > 0:
            start, size = lists.start[r], lists.size[r]
            touched += size
            for e in range(start, start + size):
                k = slot[lists.column[e]]
                indptr[k + 1] += k >= 0 and lists.inner[e] > threshold
    indptr = np.cumsum(indptr)
    indices = np.empty(indptr[-1], np.int64)
    values = np.empty(indptr[-1])
    cursor = indptr[:-1].copy()
    for r in range(lists.start.size):
        if lists.fired[r] > 0:
            for e in range(lists.start[r], lists.start[r] + lists.size[r]):
                k = slot[lists.column[e]]
                if k >= 0 and lists.inner[e] > threshold:
                    indices[cursor[k]] = r
                    values[cursor[k]] = lists.inner[e]
                    cursor[k] += 1
    return indptr, indices, values, touched
