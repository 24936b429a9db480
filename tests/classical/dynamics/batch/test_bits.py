"""Bits of pairs: what is set by neuron is set by example."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from classical.dynamics.batch import bits


def packed(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Flags (R, n) as words (R, words(n))."""
    rows, n = flags.shape
    whole = np.zeros((rows, bits.WORD * bits.words(n)), bool)
    whole[:, :n] = flags
    return np.packbits(whole, axis=1, bitorder="little").view(np.uint64)


@pytest.mark.parametrize(("rows", "n"), [(1, 1), (64, 64), (70, 3), (5, 130), (129, 200)])
def test_the_transpose_follows_what_is_replaced(rows: int, n: int) -> None:
    draw = np.random.default_rng(rows)
    flags = draw.random((rows, n)) < 0.3
    known = packed(flags)
    near = np.empty((bits.WORD * known.shape[1], bits.words(rows)), np.uint64)
    bits.by_example(known, near)
    assert np.array_equal(near[:n], packed(flags.T))
    slots = np.unique(draw.integers(rows, size=3))
    flags[slots] = draw.random((len(slots), n)) < 0.5
    bits.replace(known, near, slots, packed(flags[slots]))
    assert np.array_equal(known, packed(flags))
    assert np.array_equal(near[:n], packed(flags.T))
    assert bits.count(known) == flags.sum()


def test_pairs_are_told_row_by_row() -> None:
    flags = np.random.default_rng(0).random((90, 150)) < 0.01
    rows, counts, places = bits.pairs(packed(flags))
    assert np.array_equal(rows, np.flatnonzero(flags.any(axis=1)))
    assert np.array_equal(counts, flags.sum(axis=1)[rows])
    assert np.array_equal(places, np.nonzero(flags)[1])
