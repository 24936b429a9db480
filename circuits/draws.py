"""Random numbers for compiled code: counter-based streams, so that the order of work cannot change a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.support.kernels import kernel

KeyArray = npt.NDArray[np.uint64]

STEP = np.uint64(0x9E3779B97F4A7C15)
"""What a stream's counter moves by: the golden ratio of 2^64."""


@kernel
def mixed(counter: Any) -> Any:
    """Return 64 random bits for a counter: SplitMix64 (Steele, Lea, Flood 2014)."""
    once = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    twice = (once ^ (once >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return twice ^ (twice >> np.uint64(31))


@kernel
def uniform(counter: Any) -> Any:
    """Return a number in [0, 1) for a counter."""
    return (mixed(counter) >> np.uint64(11)) * 2.0**-53


@kernel
def draw_bits(search: Any) -> Any:
    """Return the next 64 random bits of one search's stream."""
    search.key += STEP
    return mixed(search.key)


@kernel
def draw_uniform(search: Any) -> Any:
    """Return the next number in [0, 1) of one search's stream."""
    search.key += STEP
    return uniform(search.key)


def stream_keys(seed: np.random.SeedSequence, rows: npt.ArrayLike, call: int = 0) -> KeyArray:
    """Return the start of a stream of its own for each row and call.

    Args:
        seed: of all of them.
        rows: (S,) non-negative integers.
        call: likewise.

    Returns:
        (S,) keys; equal arguments give equal keys.
    """
    first, second = seed.generate_state(2, np.uint64)
    numbers = np.asarray(rows).astype(np.uint64)
    keys: KeyArray = _stream_keys(np.uint64(first), np.uint64(second), numbers, np.uint64(call))
    return keys


@kernel
def _stream_keys(first: Any, second: Any, rows: Any, call: Any) -> Any:
    keys = np.empty(rows.size, np.uint64)
    for at in range(rows.size):
        row_bits = mixed(first ^ mixed(rows[at] + STEP))
        keys[at] = mixed(row_bits + (second ^ mixed(call + STEP)))
    return keys
