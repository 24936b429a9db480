"""Sets of pairs as bits: by neuron where a neuron is scanned, by example where a batch asks for its neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from hybrid_train.support.arrays import IntArray
from hybrid_train.support.kernels import inlined, kernel

WORD = 64
"""Bits of a word."""


def words(count: int) -> int:
    """Return how many words hold so many bits."""
    return -(-count // WORD)


def first_bits(count: int) -> IntArray:
    """Return words whose first ``count`` bits are set."""
    places = np.arange(WORD * words(count)) < count
    return np.packbits(places, bitorder="little").view(np.uint64)


@inlined
def transpose(lines: Any) -> None:
    """Transpose 64 words of 64 bits: bit k of word i and bit i of word k change places.

    The blocks off the diagonal change places, halves first (Warren, Hacker's Delight, 2nd edition, section 7-3).
    """
    width = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while width > 0:
        shift = np.uint64(width)
        for first in range(0, 64, 2 * width):
            for i in range(first, first + width):
                change = ((lines[i] >> shift) ^ lines[i + width]) & mask
                lines[i] ^= change << shift
                lines[i + width] ^= change
        width //= 2
        mask ^= mask << np.uint64(width)


@inlined
def positions(line: Any, out: Any) -> Any:
    """Write the places of the bits set in words (W,), ascending, to ``out``; return how many there are."""
    count = 0
    for word in range(line.size):
        bits = line[word]
        while bits:
            out[count] = WORD * word + np.int64(trailing_zeros(bits))
            bits &= bits - np.uint64(1)
            count += 1
    return count


@inlined
def set_bit(line: Any, place: Any) -> None:
    """Set a bit of words (W,)."""
    line[place >> 6] |= np.uint64(1) << np.uint64(place & 63)


@kernel
def by_example(known: Any, near: Any) -> None:
    """Write the transpose of known (R, words(n)) to near (64 words(n), words(R))."""
    lines = np.empty(WORD, np.uint64)
    rows = known.shape[0]
    for block in range(near.shape[1]):
        for word in range(known.shape[1]):
            for k in range(WORD):
                r = WORD * block + k
                lines[k] = known[r, word] if r < rows else np.uint64(0)
            transpose(lines)
            for k in range(WORD):
                near[WORD * word + k, block] = lines[k]


@kernel
def replace(known: Any, near: Any, slots: Any, fresh: Any) -> None:
    """Put the words ``fresh`` (S, W) in the place of the rows ``slots`` of known, and likewise in its transpose."""
    for s in range(slots.size):
        r = slots[s]
        one, block = np.uint64(1) << np.uint64(r & 63), r >> 6
        for word in range(fresh.shape[1]):
            change = known[r, word] ^ fresh[s, word]
            known[r, word] = fresh[s, word]
            while change:
                near[WORD * word + np.int64(trailing_zeros(change)), block] ^= one
                change &= change - np.uint64(1)


@kernel
def put_examples(near: Any, begin: Any, examples: Any, listed: Any) -> None:
    """Put listed (R, words(B)), of the rows from ``begin`` on, a multiple of 64, into lists by example.

    Args:
        near: (64 words(n), words) the lists.
        begin: the first row.
        examples: (B,) of the batch.
        listed: which of them are listed for each row.
    """
    lines = np.empty(WORD, np.uint64)
    for first in range(0, listed.shape[0], WORD):
        for group in range(listed.shape[1]):
            for k in range(WORD):
                lines[k] = listed[first + k, group] if first + k < listed.shape[0] else np.uint64(0)
            transpose(lines)
            for k in range(min(WORD, examples.size - WORD * group)):
                near[examples[WORD * group + k], (begin + first) >> 6] = lines[k]


@kernel
def count(lines: Any) -> Any:
    """Return how many bits are set in words (R, W)."""
    total = 0
    for r in range(lines.shape[0]):
        for word in range(lines.shape[1]):
            bits = lines[r, word]
            while bits:
                bits &= bits - np.uint64(1)
                total += 1
    return total


@kernel
def pairs(lines: Any) -> Any:
    """Return (rows with bits, how many each has, the places of all of them) of words (R, W)."""
    total, full = 0, 0
    for r in range(lines.shape[0]):
        before = total
        for word in range(lines.shape[1]):
            bits = lines[r, word]
            while bits:
                bits &= bits - np.uint64(1)
                total += 1
        full += total > before
    rows, counts, places = np.empty(full, np.int64), np.empty(full, np.int64), np.empty(total, np.int64)
    at, found = 0, 0
    for r in range(lines.shape[0]):
        many = positions(lines[r], places[at:])
        if many:
            rows[found], counts[found] = r, many
            found += 1
            at += many
    return rows, counts, places
