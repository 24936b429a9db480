"""Compiled passes of ball dynamics: a range of rows (neurons) at a time, over :class:`classical.lists.layout.Lists`."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.dynamics.layout import add_active, coefficient
from classical.lists.lengths import EPS, noise_of, stored
from hybrid_train.support.kernels import dot, kernel


@kernel
def look(lists: Any, reading: Any, asked: Any, vectors: Any, first: Any, last: Any, sums: Any, pulls: Any) -> Any:
    """Evaluate the entries of the asked columns for the rows first .. last - 1, now at ``vectors``, and add them up.

    Args:
        lists: their ``inner`` is written.
        reading: of the examples where they are.
        asked: (n,) which columns.
        vectors: (last - first, d).
        first: row.
        last: row.
        sums: out: those of these rows are added.
        pulls: (n, d) out: likewise a_r w_r over the active entries, if there is one output; (0, d) to leave it.

    Returns:
        Inner products evaluated.
    """
    columns, signs, threshold = reading.columns, reading.signs, reading.threshold
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
                add_active(sums, reading, r, j, value)
                if pulls.size > 0:
                    factor = signs[r, 0]
                    for i in range(vector.size):
                        pulls[j, i] += factor * vectors[r - first, i]
    return evaluated


@kernel
def pull(lists: Any, reading: Any, slope: Any, asked: Any, vectors: Any, first: Any, last: Any, gradient: Any) -> None:
    """Add sum_r (sum_k slope_jk a_rk) w_r over the active rows first .. last - 1 to ``gradient`` (n, d)."""
    signs, threshold = reading.signs, reading.threshold
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
def step(lists: Any, rule: Any, pull: Any, directions: Any, steps: Any, lengths: Any, first: Any, last: Any) -> None:
    """Write the coefficients of the step of ``steps.rows[first:last]`` and bounds of its length, as stored.

    Args:
        lists: with ``reach`` and ``drift`` of each row.
        rule: of the certificates.
        pull: what draws the rows.
        directions: (n, d) the step is sum_i c_ri directions_i.
        steps: the active pairs; their coefficients are written.
        lengths: (R,) out.
        first: of the rows to do.
        last: of the rows to do.
    """
    sum_ = np.empty(directions.shape[1])
    for k in range(first, last):
        r = steps.rows[k]
        sum_[:] = 0.0
        weight = 0.0
        for at in range(steps.indptr[k], steps.indptr[k + 1]):
            i = steps.columns[at]
            c = coefficient(pull, r, i)
            steps.coefficients[at] = c
            weight += abs(c) * pull.norms[i]
            direction = directions[i]
            for j in range(sum_.size):
                sum_[j] += c * direction[j]
        terms = steps.indptr[k + 1] - steps.indptr[k] + 8
        length = np.sqrt(dot(sum_, sum_)) * (1 + (sum_.size + 8) * EPS) + rule.speck
        lost = stored(rule, lists.reach[r] + lists.drift[r] + 2 * length, terms, weight)
        lengths[k] = length + noise_of(0.0, terms, weight) + lost
