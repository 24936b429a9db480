"""What the estimate is made of: the law of runs of 0, 1, 2, 4, .. iterations."""

from __future__ import annotations

import numpy as np
import pytest

from circuits.draws import stream_keys
from circuits.law import plain_law
from circuits.strategies import load_strategy
from circuits.strategies.counting import _estimate, _iterations, _shots, estimate_of


@pytest.mark.parametrize("n_marked", [5, 40, 200])
def test_what_the_law_expects_is_estimated_as_it_is(n_marked: int) -> None:
    """Hits as many as the law says of each level, to the next integer: the estimate is within a seventh."""
    search = load_strategy("counting").start(
        1024, np.array([1e-6]), stream_keys(np.random.SeedSequence(0), np.arange(1))
    )[0]
    search["level"] = 5
    for level in range(5):
        search["hits"][level] = round(_shots(level) * float(plain_law(1024, n_marked, _iterations(level))))
    centre, spread = _estimate(search)
    assert centre == pytest.approx(n_marked, rel=1 / 7)
    assert 0 < spread < n_marked
    estimate = estimate_of(search)
    assert estimate is not None
    assert estimate.low <= n_marked <= estimate.high
