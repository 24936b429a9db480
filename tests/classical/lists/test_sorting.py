from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.lists.sorting import sort_pairs


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3000), st.sampled_from([1 << 12, 1 << 23, 1 << 40]), st.integers(0, 2**32 - 1))
def test_pairs_are_sorted_by_key(n: int, bound: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = rng.permutation(np.unique(rng.integers(0, bound, size=n)))
    values = rng.normal(size=len(keys))
    expected = np.argsort(keys)
    out = np.empty_like(keys), np.empty_like(values)
    sort_pairs(keys.copy(), values.copy(), np.empty_like(keys), np.empty_like(values), bound, *out)
    np.testing.assert_array_equal(out[0], keys[expected])
    np.testing.assert_array_equal(out[1], values[expected])
