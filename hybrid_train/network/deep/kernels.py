"""Compiled loops over active pairs of two neighbouring layers: work in proportion to |S_l| |S_{l-1}|.

Pairs come neuron by neuron, so that the weights of a neuron are read once for all queries it fired for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel


class Pairs(NamedTuple):
    """Which neuron fired for which query, neuron by neuron.

    Attributes:
        indptr: (m + 1,) pairs of each neuron.
        queries: (pairs,) j, ascending within a neuron.
    """

    indptr: IntArray
    queries: IntArray


class Support(NamedTuple):
    """Where queries (J, D) are not zero.

    Attributes:
        indptr: (J + 1,) entries of each query.
        columns: (entries,) below D.
    """

    indptr: IntArray
    columns: IntArray


class Entries(NamedTuple):
    """Queries (J, D), or what else is zero where they are.

    Attributes:
        indptr: (J + 1,) entries of each query.
        columns: (entries,) below D.
        values: (entries,).
    """

    indptr: IntArray
    columns: IntArray
    values: FloatArray


@kernel
def pull_back(first: Any, last: Any, pairs: Any, factors: Any, points: Any, support: Any, out: Any) -> None:
    """Add, for the queries from the first to before the last, sum_r factor_rj points[r, c] at each column c of theirs.

    Args:
        first: of the queries.
        last: behind the last of them.
        pairs: Pairs of m neurons and J queries.
        factors: (pairs,).
        points: (m, D).
        support: Support of the queries.
        out: as its columns.
    """
    for r in range(pairs.indptr.size - 1):
        point = points[r]
        for pair in range(pairs.indptr[r], pairs.indptr[r + 1]):
            j = pairs.queries[pair]
            if j < first:
                continue
            if j >= last:
                break
            factor = factors[pair]
            for k in range(support.indptr[j], support.indptr[j + 1]):
                out[k] += factor * point[support.columns[k]]


@kernel
def push_forward(first: Any, last: Any, pairs: Any, points: Any, given: Any, out: Any) -> None:
    """Add sum_c points[r, c] given_jc, over the entries of query j, to (pairs,) out at the pairs of these neurons.

    ``points`` is (m, D), ``given`` Entries.
    """
    for r in range(first, last):
        point = points[r]
        for pair in range(pairs.indptr[r], pairs.indptr[r + 1]):
            j = pairs.queries[pair]
            total = 0.0
            for k in range(given.indptr[j], given.indptr[j + 1]):
                total += point[given.columns[k]] * given.values[k]
            out[pair] += total


@kernel
def combine(first: Any, last: Any, pairs: Any, factors: Any, given: Any, out: Any) -> None:
    """Add sum_j factor_rj given_jc to out[r, c], (m, D), for the neurons in the range; ``given`` is Entries."""
    for r in range(first, last):
        row = out[r]
        for pair in range(pairs.indptr[r], pairs.indptr[r + 1]):
            j = pairs.queries[pair]
            factor = factors[pair]
            for k in range(given.indptr[j], given.indptr[j + 1]):
                row[given.columns[k]] += factor * given.values[k]
