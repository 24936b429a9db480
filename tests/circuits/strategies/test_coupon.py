"""When a collection of coupons is taken for complete."""

from __future__ import annotations

import numpy as np

from circuits.draws import stream_keys
from circuits.strategies import load_strategy
from circuits.strategies.coupon import decide
from circuits.strategies.state import BEGIN, PLAIN, REPEAT, ROBUST


def test_a_certificate_is_asked_for_after_twice_as_many_repeats_as_there_are_items() -> None:
    """Three were seen, one more may be missing: seven repeats in a row leave it likely, the eighth does not."""
    search = load_strategy("coupon").start(
        1024, np.array([1e-6]), stream_keys(np.random.SeedSequence(0), np.arange(1))
    )[0]
    decide(search, BEGIN)
    search["found"] = 3
    assert [int(decide(search, REPEAT)[0]) for _ in range(8)] == [PLAIN] * 7 + [ROBUST]
