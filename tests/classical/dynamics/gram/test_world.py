"""The geometry that Gram dynamics begin with."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.dynamics.gram.world import longest_combination


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 20), d=st.integers(1, 6))
def test_no_combination_is_longer_than_its_bound(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) * rng.integers(0, 2, (n, 1))
    x = x[rng.integers(0, n, n)] if seed % 3 == 0 else x
    bound = longest_combination(x @ x.T)
    for c in rng.standard_normal((20, n)):
        assert np.linalg.norm(c @ x) <= bound * np.linalg.norm(c)
    assert longest_combination(np.array([[np.inf]])) == np.inf
