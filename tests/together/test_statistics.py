"""The helpers of random tests keep what they state: rare false alarms, effects that are seen, weak tests refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from tests.support.statistics import (
    FALSE_ALARM,
    TooWeakError,
    counts_agree,
    counts_are,
    drawn_alike,
    drawn_from,
    mean_is,
    mean_is_at_most,
    means_agree,
    share_is,
    share_is_at_most,
)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_the_false_alarm_rate_of_shares_is_what_it_says(share: float) -> None:
    trials = 2000
    alarms = [hits for hits in range(trials + 1) if not share_is(hits, trials, share, sees=0.12)]
    assert stats.binom.pmf(alarms, trials, share).sum() <= FALSE_ALARM
    assert {0, trials} <= set(alarms)


@pytest.mark.parametrize(("share", "trials"), [(0.05, 2000), (1e-6, 1500)])
def test_the_false_alarm_rate_of_upper_bounds_is_what_it_says(share: float, trials: int) -> None:
    alarms = [hits for hits in range(trials + 1) if not share_is_at_most(hits, trials, share, sees=0.06)]
    assert stats.binom.sf(min(alarms) - 1, trials, share) <= FALSE_ALARM
    assert alarms == list(range(min(alarms), trials + 1))


def test_right_samples_pass_and_broken_twins_do_not() -> None:
    rng = np.random.default_rng(0)
    normal, uniform, cells = rng.standard_normal(20_000), rng.random(20_000), rng.integers(8, size=20_000)
    even = np.full(8, 1 / 8)
    assert mean_is(normal, 0.0, 1.0, sees=0.07)
    assert not mean_is(normal + 0.07, 0.0, 1.0, sees=0.07)
    assert mean_is(normal, 0.05, sees=0.12, within=0.05)
    assert not mean_is(normal + 0.12, 0.0, sees=0.12, within=0.05)
    assert mean_is_at_most(normal, 0.0, sees=0.07)
    assert mean_is_at_most(normal - 1.0, 0.0, sees=0.07)
    assert not mean_is_at_most(normal + 0.07, 0.0, sees=0.07)
    assert means_agree(normal[:9000], normal[9000:], sees=0.14)
    assert not means_agree(normal[:9000], normal[9000:] - 0.14, sees=0.14)
    assert drawn_alike(uniform[:9000], uniform[9000:], sees=0.1)
    assert not drawn_alike(uniform[:9000], uniform[9000:] ** 1.5, sees=0.1)
    assert drawn_from(uniform, stats.uniform.cdf, sees=0.05)
    assert not drawn_from(uniform**1.2, stats.uniform.cdf, sees=0.05)
    assert counts_are(np.bincount(cells, minlength=8), even, sees=0.08)
    biased = np.where(rng.random(20_000) < 0.05, 0, cells)
    assert not counts_are(np.bincount(biased, minlength=8), even, sees=0.08)
    pairs = np.zeros((8, 8))
    np.add.at(pairs, (cells[::2], cells[1::2]), 1)
    assert counts_agree(pairs, sees=0.15)
    assert not counts_agree(pairs + np.diag(pairs.sum(axis=1)) * 0.07, sees=0.15)
    assert share_is_at_most(int((uniform < 0.3).sum()), 20_000, 0.3, sees=0.04)
    assert not share_is_at_most(int((uniform < 0.34).sum()), 20_000, 0.3, sees=0.04)
    assert share_is(int((uniform < 0.3).sum()), 20_000, 0.3, sees=0.04)
    assert not share_is(int((uniform < 0.34).sum()), 20_000, 0.3, sees=0.04)


def test_what_could_not_be_seen_is_refused() -> None:
    weak: list[Callable[[], bool]] = [
        lambda: share_is(30, 100, 0.3, sees=0.1),
        lambda: share_is_at_most(30, 100, 0.3, sees=0.1),
        lambda: mean_is(np.zeros(100), 0.0, 1.0, sees=0.5),
        lambda: mean_is(np.arange(100.0), 49.5, sees=20.0, within=3.0),
        lambda: mean_is_at_most(np.arange(100.0), 49.5, sees=20.0),
        lambda: means_agree(np.arange(100.0), np.arange(100.0), sees=30.0),
        lambda: drawn_alike(np.linspace(0, 1, 400), np.linspace(0, 1, 400), sees=0.2),
        lambda: counts_agree([[50, 50], [50, 50]], sees=0.3),
        lambda: counts_agree([[50, 50], [1, 1]], sees=3.0),
        lambda: drawn_from(np.linspace(0, 1, 100), stats.uniform.cdf, sees=0.1),
        lambda: counts_are([50, 50], [0.5, 0.5], sees=0.3),
        lambda: counts_are([50, 2], [0.98, 0.02], sees=3.0),
    ]
    for test in weak:
        with pytest.raises(TooWeakError):
            test()


def test_numbers_that_are_all_the_same_have_that_mean() -> None:
    assert mean_is(np.full(9, 2.0), 2.0, sees=0.1)
    assert mean_is(np.full(9, 2.0), 2.5, sees=0.6, within=0.5)
    assert not mean_is(np.full(9, 2.0), 2.1, sees=0.1)
    with pytest.raises(TooWeakError):
        mean_is(np.full(9, 2.0), 2.0, sees=0.5, within=0.5)


def test_several_tests_share_the_rate() -> None:
    hits = next(k for k in range(500, 1001) if not share_is(k, 1000, 0.5, sees=0.2))
    assert share_is(hits, 1000, 0.5, sees=0.2, tests=1000)
