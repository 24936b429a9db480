"""Compiled sorting of the pairs of one query, in time linear in their number."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_train.support.kernels import kernel


@kernel
def sort_pairs(
    keys: Any, values: Any, spare_keys: Any, spare_values: Any, bound: Any, out_keys: Any, out_values: Any
) -> None:
    """Write the pairs to ``out_*`` by ascending key, all keys distinct and below ``bound``; the inputs are scratch."""
    if keys.size <= 24:
        for i in range(keys.size):
            key, value = keys[i], values[i]
            j = i
            while j > 0 and out_keys[j - 1] > key:
                out_keys[j], out_values[j] = out_keys[j - 1], out_values[j - 1]
                j -= 1
            out_keys[j], out_values[j] = key, value
        return
    bits = 1
    while bound >> bits:
        bits += 1
    passes = (bits + 10) // 11
    width = (bits + passes - 1) // passes
    for turn in range(passes):
        last = turn == passes - 1
        to_keys, to_values = (out_keys, out_values) if last else (spare_keys, spare_values)
        _sort_by_digit(keys, values, turn * width, width, to_keys, to_values)
        if not last:
            keys, spare_keys = spare_keys, keys
            values, spare_values = spare_values, values


@kernel
def _sort_by_digit(keys: Any, values: Any, shift: Any, width: Any, to_keys: Any, to_values: Any) -> None:
    """Distribute the pairs stably by the digit of ``width`` bits at ``shift``."""
    mask = (1 << width) - 1
    at = np.zeros(mask + 1, np.int64)
    for key in keys:
        at[key >> shift & mask] += 1
    total = 0
    for digit in range(mask + 1):
        at[digit], total = total, total + at[digit]
    for i in range(keys.size):
        digit = keys[i] >> shift & mask
        to_keys[at[digit]] = keys[i]
        to_values[at[digit]] = values[i]
        at[digit] += 1
