"""Compiled passes of ball dynamics: a range of rows (neurons) at a time, over the lists of :mod:`_skin_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_train.support.kernels import dot, kernel

_EPS = float(np.finfo(np.float64).eps)


@kernel
def look(
    lists: Any,
    threshold: Any,
    shift: Any,
    asked: Any,
    columns: Any,
    signs: Any,
    vectors: Any,
    first: Any,
    last: Any,
    outputs: Any,
    fired: Any,
    pulls: Any,
) -> Any:
    """Evaluate the entries of the asked columns for the rows first .. last - 1, now at ``vectors``, and add them up.

    Args:
        lists: their ``inner`` is written.
        threshold: b; an entry is active above it.
        shift: what an active entry's inner product is lowered by in the output.
        asked: (n,) which columns.
        columns: (n, d) where they are.
        signs: (m, K) output weights.
        vectors: (last - first, d).
        first: row.
        last: row.
        outputs: (n, K) out: the sums of these rows are added.
        fired: (n,) out: likewise active entries.
        pulls: (n, d) out: likewise a_r w_r over the active entries, if there is one output; (0, d) to leave it.

    Returns:
        Inner products evaluated.
    """
    evaluated = 0
    for r in range(first, last):
        begin = lists.start[r]
        end = begin + lists.size[r]
        vector = vectors[r - first]
        for e in range(begin, end):  # apart from the sums below: their branch cannot be foreseen
            j = lists.column[e]
            if asked[j]:
                lists.inner[e] = dot(vector, columns[j])
                evaluated += 1
        for e in range(begin, end):
            j = lists.column[e]
            value = lists.inner[e]
            if value > threshold and asked[j]:
                fired[j] += 1
                for k in range(signs.shape[1]):
                    outputs[j, k] += signs[r, k] * (value - shift)
                if pulls.size > 0:
                    factor = signs[r, 0]
                    for i in range(vector.size):
                        pulls[j, i] += factor * vectors[r - first, i]
    return evaluated


@kernel
def pull(
    lists: Any,
    threshold: Any,
    slope: Any,
    asked: Any,
    signs: Any,
    vectors: Any,
    first: Any,
    last: Any,
    gradient: Any,
) -> None:
    """Add sum_r (sum_k slope_jk a_rk) w_r over the active rows first .. last - 1 to ``gradient`` (n, d)."""
    for r in range(first, last):
        begin = lists.start[r]
        for e in range(begin, begin + lists.size[r]):
            j = lists.column[e]
            if asked[j] and lists.inner[e] > threshold:
                factor = 0.0
                for k in range(signs.shape[1]):
                    factor += signs[r, k] * slope[j, k]
                for i in range(vectors.shape[1]):
                    gradient[j, i] += factor * vectors[r - first, i]


@kernel
def active(lists: Any, threshold: Any, asked: Any, first: Any, last: Any) -> Any:
    """Return (rows with active entries, how many each, their columns, their inner products) of first .. last - 1."""
    room = 0
    for r in range(first, last):
        room += lists.size[r]
    rows, counts = np.empty(last - first, np.int64), np.empty(last - first, np.int64)
    columns, inner = np.empty(room, np.int64), np.empty(room)
    found = at = 0
    for r in range(first, last):
        begin, before = lists.start[r], at
        for e in range(begin, begin + lists.size[r]):
            if lists.inner[e] > threshold and asked[lists.column[e]]:
                columns[at] = lists.column[e]
                inner[at] = lists.inner[e]
                at += 1
        if at > before:
            rows[found], counts[found] = r, at - before
            found += 1
    return rows[:found].copy(), counts[:found].copy(), columns[:at].copy(), inner[:at].copy()


@kernel
def steps(
    lists: Any,
    rule: Any,
    signs: Any,
    slope: Any,
    rate: Any,
    directions: Any,
    norms: Any,
    rows: Any,
    indptr: Any,
    columns: Any,
    coefficients: Any,
    lengths: Any,
    first: Any,
    last: Any,
) -> None:
    """Write the coefficients of the step of ``rows[first:last]`` and bounds of its length, as stored.

    c_ri = -rate sum_k a_rk slope_ik; the step is sum_i c_ri directions_i.
    """
    step = np.empty(directions.shape[1])
    for place in range(first, last):
        r = rows[place]
        step[:] = 0.0
        weight = 0.0
        for at in range(indptr[place], indptr[place + 1]):
            i = columns[at]
            c = 0.0
            for k in range(signs.shape[1]):
                c += signs[r, k] * slope[i, k]
            c *= -rate
            coefficients[at] = c
            weight += abs(c) * norms[i]
            direction = directions[i]
            for j in range(step.size):
                step[j] += c * direction[j]
        terms = indptr[place + 1] - indptr[place] + 8
        length = np.sqrt(dot(step, step)) * (1 + (step.size + 8) * _EPS) + rule.speck
        norm = lists.reach[r] + lists.drift[r] + 2 * length + terms * weight
        lengths[place] = length + 2 * terms * _EPS * weight + rule.eps * norm + terms * rule.bank_speck
