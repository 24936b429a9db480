"""Compiled passes of batch dynamics: from the lists of some examples to the neurons in them, evaluated and moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_train.support.kernels import dot, kernel

_EPS = float(np.finfo(np.float64).eps)


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
def look(
    threshold: Any,
    shift: Any,
    columns: Any,
    signs: Any,
    rows: Any,
    vectors: Any,
    indptr: Any,
    listed: Any,
    outputs: Any,
    fired: Any,
    counts: Any,
    index: Any,
    inner: Any,
) -> Any:
    """Evaluate listed pairs by the deciding inner product, and add up what is active.

    Args:
        threshold: b.
        shift: what an active pair's inner product is lowered by in the output.
        columns: (n, d) the examples.
        signs: (m, K) output weights.
        rows: (R,) the neurons.
        vectors: (R, d) where they are.
        indptr: (R + 1,) over ``listed``.
        listed: examples of each neuron.
        outputs: (n, K) changed: sum_r a_r (<w_r, x> - shift) is added in the order of the neurons.
        fired: (n,) changed: likewise the active pairs.
        counts: (R,) out: active pairs of each neuron.
        index: (P,) out: their examples, neuron after neuron.
        inner: (P,) out: their inner products.

    Returns:
        How many are active.
    """
    at = 0
    for k in range(rows.size):
        r, before = rows[k], at
        for e in range(indptr[k], indptr[k + 1]):
            j = listed[e]
            value = dot(vectors[k], columns[j])
            if value > threshold:
                index[at] = j
                inner[at] = value
                at += 1
                fired[j] += 1
                for q in range(signs.shape[1]):
                    outputs[j, q] += (value - shift) * signs[r, q]
        counts[k] = at - before
    return at


@kernel
def pull(
    signs: Any,
    slope: Any,
    rate: Any,
    norms: Any,
    gram: Any,
    rule: Any,
    lists: Any,
    rows: Any,
    indptr: Any,
    index: Any,
    coefficients: Any,
    lengths: Any,
    first: Any,
    last: Any,
) -> None:
    """Write the coefficients of the step of ``rows[first:last]`` and bounds of its length, as the bank stores it.

    Args:
        signs: (m, K) output weights.
        slope: (n, K) derivative of the loss in the outputs.
        rate: eta times the network's scale.
        norms: (n,) norm bounds of the directions.
        gram: (n, n) their inner products; (0, 0) to bound lengths by the triangle inequality.
        rule: of the certificates.
        lists: with ``reach`` and ``drift`` of each neuron.
        rows: (R,) the neurons.
        indptr: (R + 1,) over ``index``.
        index: active examples.
        coefficients: (P,) out: -rate sum_k a_rk slope_ik.
        lengths: (R,) out.
        first: of the rows to do.
        last: of the rows to do.
    """
    for k in range(first, last):
        r, begin, end = rows[k], indptr[k], indptr[k + 1]
        weight, square = 0.0, 0.0
        for u in range(begin, end):
            i = index[u]
            c = 0.0
            for q in range(signs.shape[1]):
                c += signs[r, q] * slope[i, q]
            c *= -rate
            coefficients[u] = c
            weight += abs(c) * norms[i]
            if gram.size > 0:
                cross = 0.0
                for v in range(begin, u):
                    cross += coefficients[v] * gram[i, index[v]]
                square += c * (2 * cross + c * gram[i, i])
        terms = end - begin + 8
        noise = (rule.rounding + 2 * terms * _EPS) * weight
        length = np.sqrt(max(square, 0.0) + noise * weight) if gram.size > 0 else weight * (1 + terms * _EPS)
        stored = rule.eps * (lists.reach[r] + lists.drift[r] + length + terms * weight) + terms * rule.bank_speck
        lengths[k] = (length + stored + rule.speck) * (1 + 16 * _EPS)


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
