"""Reading the active sets off the lists of chunks, and comparing them with a scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from classical.dynamics.gram import rows as compiled
from classical.dynamics.gram.chunks import Chunk
from classical.dynamics.gram.layout import World
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit, audit
from hybrid_train.finder.bank import Bank, DenseBank, Ledger
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray

Pairs = tuple[IntArray, IntArray]

_BLOCK_NUMBERS = 1 << 24
"""Coordinates of weights audited at a time."""


def pairs_of(chunk: Chunk, world: World, bank: Bank, ledger: Ledger | None, columns: FloatArray) -> Pairs:
    """Return (columns, neurons) of the active pairs of a chunk, neuron after neuron."""
    listed = compiled.active(chunk.lists, world, 0)
    if chunk.resting is None or ledger is None:
        return listed[0], listed[1]
    resting = chunk.resting.active(world, bank, ledger, columns)
    found = np.concatenate([listed[0], resting[0]]), np.concatenate([listed[1], resting[1]])
    order = np.argsort(found[1], kind="stable")
    return found[0][order], found[1][order]


def sets_of(chunks: Sequence[Chunk], pairs: Callable[[Chunk], Pairs], n: int, asked: IntArray) -> ActiveSets:
    """Return the active sets of some examples for the neurons of some chunks, by example.

    Args:
        chunks: consecutive, at least one.
        pairs: :func:`pairs_of` the present step.
        n: number of examples.
        asked: (B,) the examples.

    Returns:
        The sets; neurons are counted from the first of the first chunk, and inner products are left out (NaN).
    """
    offset, width = chunks[0].first, chunks[-1].last - chunks[0].first
    place = np.full(n, -1)
    place[asked] = np.arange(len(asked))
    parts = [pairs(chunk) for chunk in chunks]
    examples, neurons = (np.concatenate(side) for side in zip(*parts, strict=True))
    wanted = place[examples] >= 0
    examples, neurons = place[examples[wanted]], neurons[wanted] - offset
    order = np.argsort(examples, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(examples, minlength=len(asked)))])
    return ActiveSets(indptr, neurons[order], np.full(len(neurons), np.nan), (n, width), asked)


def audit_of(
    chunks: Sequence[Chunk],
    pairs: Callable[[Chunk], Pairs],
    network: TwoLayerNetwork,
    examples: Bank,
    asked: IntArray,
) -> Audit:
    """Compare the sets of some examples with a scan, a block of neurons at a time."""
    weights = network.weights
    total = Audit(0, 0, 0)
    step = max(64, _BLOCK_NUMBERS // weights.shape[1])
    for chunk in chunks:
        reported = sets_of([chunk], pairs, len(examples), asked).by_point()
        for first in range(chunk.first, chunk.last, step):
            block = DenseBank(weights[first : min(first + step, chunk.last)], "weights")
            mine = _between(reported, first - chunk.first, len(block))
            total += audit(mine, block, examples, network.threshold, query_rows=asked)
    return total


def _between(sets: ActiveSets, first: int, count: int) -> ActiveSets:
    """Return the part of sets by point that belongs to ``count`` points from ``first`` on, counted from there."""
    begin, end = np.searchsorted(sets.rows, [first, first + count])
    pairs = slice(sets.indptr[begin], sets.indptr[end])
    indptr = sets.indptr[begin : end + 1] - sets.indptr[begin]
    rows = sets.rows[begin:end] - first
    return ActiveSets(indptr, sets.indices[pairs], sets.inner_products[pairs], (sets.shape[0], count), rows, "point")
