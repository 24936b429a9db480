"""Streams of random numbers go on, whatever is drawn from them."""

from __future__ import annotations

import numpy as np
from scipy import stats

from circuits.draws import STEP, draw_bits, draw_uniform, stream_keys
from tests.support.statistics import counts_agree, drawn_from


def test_every_draw_is_another_number() -> None:
    """The twin of independence is a stream that says every number twice."""
    search = np.zeros(1, [("key", np.uint64)])[0]
    numbers = np.array([(draw_uniform(search), draw_bits(search) * 2.0**-64) for _ in range(2000)]).ravel()
    with np.errstate(over="ignore"):
        assert search["key"] == np.uint64(4000) * STEP
    assert len(set(numbers.tolist())) == 4000
    assert drawn_from(numbers, stats.uniform.cdf, sees=0.09)
    assert not drawn_from(numbers**1.4, stats.uniform.cdf, sees=0.09)
    for drawn, independent in ((numbers, True), (np.repeat(numbers[:2000], 2), False)):
        quarters = (4 * drawn).astype(int)
        pairs = np.zeros((4, 4))
        np.add.at(pairs, (quarters[::2], quarters[1::2]), 1)
        assert counts_agree(pairs, sees=0.3) == independent


def test_streams_differ_by_row_call_and_seed() -> None:
    keys = [stream_keys(np.random.SeedSequence(seed), np.arange(50), call) for seed in (0, 1) for call in (0, 1)]
    assert len(set(np.concatenate(keys).tolist())) == 200
    assert np.array_equal(stream_keys(np.random.SeedSequence(0), [7, 3]), keys[0][[7, 3]])
