"""Compiled loops over active pairs of two neighbouring layers: work in proportion to |S_l| |S_{l-1}|.

Pairs come neuron by neuron, so that the weights of a neuron are read once for all queries it fired for.
"""

from __future__ import annotations

from typing import Any

from hybrid_train.support.kernels import kernel


@kernel
def pull_back(
    first: Any, last: Any, indptr: Any, queries: Any, factors: Any, points: Any, at_indptr: Any, at: Any, out: Any
) -> None:
    """Add, for the queries from the first to before the last, sum_r factor_rj points[r, c] at each column c of theirs.

    Args:
        first: of the queries.
        last: behind the last of them.
        indptr: (m + 1,) pairs of each neuron.
        queries: (pairs,) j, ascending within a neuron.
        factors: (pairs,).
        points: (m, D).
        at_indptr: (J + 1,) columns of each query.
        at: its columns.
        out: as ``at``.
    """
    for r in range(indptr.size - 1):
        point = points[r]
        for pair in range(indptr[r], indptr[r + 1]):
            j = queries[pair]
            if j < first:
                continue
            if j >= last:
                break
            factor = factors[pair]
            for k in range(at_indptr[j], at_indptr[j + 1]):
                out[k] += factor * point[at[k]]


@kernel
def push_forward(
    first: Any, last: Any, indptr: Any, queries: Any, points: Any, at_indptr: Any, at: Any, values: Any, out: Any
) -> None:
    """Add sum_c points[r, c] values_jc, over the columns c of query j, at each pair of the neurons in the range."""
    for r in range(first, last):
        point = points[r]
        for pair in range(indptr[r], indptr[r + 1]):
            j = queries[pair]
            total = 0.0
            for k in range(at_indptr[j], at_indptr[j + 1]):
                total += point[at[k]] * values[k]
            out[pair] += total


@kernel
def combine(
    first: Any, last: Any, indptr: Any, queries: Any, factors: Any, at_indptr: Any, at: Any, values: Any, out: Any
) -> None:
    """Add sum_j factor_rj values_jc to out[r, c] for the neurons in the range."""
    for r in range(first, last):
        row = out[r]
        for pair in range(indptr[r], indptr[r + 1]):
            j = queries[pair]
            factor = factors[pair]
            for k in range(at_indptr[j], at_indptr[j + 1]):
                row[at[k]] += factor * values[k]
