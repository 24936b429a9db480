"""Compiled passes of batch dynamics: from the lists of some examples to the neurons in them, evaluated and moved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classical.dynamics.layout import add_active, coefficient
from classical.lists.lengths import EPS, UP, combined, noise_of, root, stored
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, kernel


class Found(NamedTuple):
    """The active pairs of R neurons.

    Attributes:
        counts: (R,) of each neuron.
        examples: (P,) their examples, neuron after neuron.
        inner: (P,) their inner products.
    """

    counts: IntArray
    examples: IntArray
    inner: FloatArray


@kernel
def by_row(listed: Any, sizes: Any, examples: Any, seen: Any, slot: Any) -> Any:
    """Turn the lists of some examples into lists of the neurons in them.

    Args:
        listed: (P,) neurons, list after list.
        sizes: (B,) length of each list.
        examples: (B,) whose they are, ascending.
        seen: (m // 64 + 1,) uint64 scratch, zero; zero again at the end.
        slot: (m,) int32 scratch.

    Returns:
        (neurons ascending, indptr over them, (P,) examples of each, ascending).
    """
    one = np.uint64(1)
    for r in listed:
        seen[r >> 6] |= one << np.uint64(r & 63)
    rows = np.empty(listed.size, np.int64)
    found = 0
    for word in range(seen.size):
        bits = seen[word]
        r = word << 6
        while bits:
            if bits & one:
                rows[found] = r
                slot[r] = found
                found += 1
            bits >>= one
            r += 1
        seen[word] = 0
    indptr = np.zeros(found + 1, np.int64)
    for r in listed:
        indptr[slot[r] + 1] += 1
    for k in range(found):
        indptr[k + 1] += indptr[k]
    cursor = indptr[:-1].copy()
    index = np.empty(listed.size, np.int32)
    at = 0
    for place in range(sizes.size):
        for entry in range(at, at + sizes[place]):
            k = slot[listed[entry]]
            index[cursor[k]] = examples[place]
            cursor[k] += 1
        at += sizes[place]
    return rows[:found], indptr, index


@kernel
def look(reading: Any, rows: Any, vectors: Any, indptr: Any, listed: Any, sums: Any, found: Any) -> Any:
    """Evaluate listed pairs by the deciding inner product, and add up what is active.

    Args:
        reading: of the examples.
        rows: (R,) the neurons.
        vectors: (R, d) where they are.
        indptr: (R + 1,) over ``listed``.
        listed: examples of each neuron.
        sums: changed: active pairs are added in the order of the neurons.
        found: out: the active pairs.

    Returns:
        How many are active.
    """
    columns, threshold, at = reading.columns, reading.threshold, 0
    for k in range(rows.size):
        r, before = rows[k], at
        for e in range(indptr[k], indptr[k + 1]):
            j = listed[e]
            value = dot(vectors[k], columns[j])
            if value > threshold:
                found.examples[at] = j
                found.inner[at] = value
                at += 1
                add_active(sums, reading, r, j, value)
        found.counts[k] = at - before
    return at


@kernel
def step(lists: Any, rule: Any, pull: Any, gram: Any, steps: Any, lengths: Any, first: Any, last: Any) -> None:
    """Write the coefficients of the step of ``steps.rows[first:last]`` and bounds of its length, as the bank stores it.

    Args:
        lists: with ``reach`` and ``drift`` of each row.
        rule: of the certificates.
        pull: what draws the rows.
        gram: (n, n) inner products of the directions; (0, 0) to bound lengths by the triangle inequality.
        steps: the active pairs; their coefficients are written.
        lengths: (R,) out.
        first: of the rows to do.
        last: of the rows to do.
    """
    columns, coefficients = steps.columns, steps.coefficients
    for k in range(first, last):
        r, begin, end = steps.rows[k], steps.indptr[k], steps.indptr[k + 1]
        for u in range(begin, end):
            coefficients[u] = coefficient(pull, r, columns[u])
        square, weight = combined(columns, coefficients, begin, end, gram, pull.norms)
        terms = end - begin + 8
        noise = noise_of(rule.rounding, terms, weight)
        length = root(square, noise, weight) if gram.size > 0 else weight * (1 + terms * EPS)
        lost = stored(rule, lists.reach[r] + lists.drift[r] + length, terms, weight)
        lengths[k] = (length + lost + rule.speck) * UP


@kernel
def by_column(rows: Any, counts: Any, index: Any, n: Any) -> Any:
    """Turn packed lists of rows into lists of columns; return (indptr, rows of each column, as ascending as given)."""
    indptr = np.zeros(n + 1, np.int64)
    for j in index:
        indptr[j + 1] += 1
    for j in range(n):
        indptr[j + 1] += indptr[j]
    cursor = indptr[:-1].copy()
    listed = np.empty(index.size, np.int32)
    at = 0
    for k in range(rows.size):
        for entry in range(at, at + counts[k]):
            j = index[entry]
            listed[cursor[j]] = rows[k]
            cursor[j] += 1
        at += counts[k]
    return indptr, listed


@kernel
def unknown(known: Any, rows: Any, counts: Any, index: Any) -> Any:
    """Keep of packed lists what is not known, and take note of it; return how much that is.

    Args:
        known: (m, n // 64 + 1) a bit for every pair.
        rows: (R,) the rows of the lists.
        counts: (R,) their lengths; changed.
        index: (P,) columns, list after list; those kept are moved to the front.
    """
    one = np.uint64(1)
    at = kept = 0
    for k in range(rows.size):
        bits, before = known[rows[k]], kept
        for entry in range(at, at + counts[k]):
            j = index[entry]
            bit = one << np.uint64(j & 63)
            if not bits[j >> 6] & bit:
                bits[j >> 6] |= bit
                index[kept] = j
                kept += 1
        at += counts[k]
        counts[k] = kept - before
    return kept


@kernel
def merged(left: Any, right: Any) -> Any:
    """Return two ascending lists that have nothing in common as one."""
    both = np.empty(left.size + right.size, np.int32)
    a = b = 0
    for at in range(both.size):
        if b == right.size or (a < left.size and left[a] < right[b]):
            both[at] = left[a]
            a += 1
        else:
            both[at] = right[b]
            b += 1
    return both
