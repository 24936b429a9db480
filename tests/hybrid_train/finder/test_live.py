"""Points drawn only if they are active: the law of all points with the others left out, exactly.

Every statistical test has a broken twin that it sees.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from hybrid_train.errors import DataError
from hybrid_train.finder import live
from hybrid_train.finder.live import Draws, Sieve, distinct, live_points
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.parallel import threads
from tests.support.statistics import drawn_alike, drawn_from, mean_is, share_is

RATE = 40_000
LEANING = np.array([[1.0, 0.0, 0.0], [0.9, 0.3, 0.0], [0.2, 0.1, 2.0], [-0.5, 0.0, 0.1]])
"""Of several norms, two of them close to each other."""


def drawn(
    queries: FloatArray, threshold: float, *, seed: int = 0, rate: float = RATE, spread: float = 1.0
) -> FloatArray:
    known = distinct(queries, "queries")
    return live_points(Draws.of(rate, known, threshold, seed=seed, spread=spread, dtype=np.float64), known, threshold)


def patterns(points: FloatArray, queries: FloatArray, threshold: float) -> list[int]:
    """Return how many points are active for exactly each set of queries but the empty one."""
    active = points @ queries.T > threshold
    kinds = list(product((False, True), repeat=len(queries)))[1:]
    return [int((active == kind).all(axis=1).sum()) for kind in kinds]


def alike(found: list[int], among_all: list[int], times: int) -> bool:
    """Return whether counts may be of Poisson populations, of rate 1 and ``times``; those of few points are one count.

    Of so many points of both, the share of either is binomial.
    """
    pairs = np.array([found, among_all]).T
    rare = pairs.sum(axis=1) < 2000
    counted = [*pairs[~rare].tolist(), pairs[rare].sum(axis=0).tolist()]
    return all(
        share_is(few, few + many, 1 / (1 + times), sees=0.12, tests=len(counted))
        for few, many in counted
        if few + many >= 2000
    )


@pytest.mark.parametrize("threshold", [1.0, 2.2, 0.1, -0.3])
def test_every_set_of_queries_has_as_many_points_as_among_all(threshold: float) -> None:
    found = patterns(drawn(LEANING, threshold), LEANING, threshold)
    everything = np.random.default_rng(1).standard_normal((16 * RATE, 3))
    among_all = patterns(everything, LEANING, threshold)
    assert alike(found, among_all, 16)
    if threshold == 1.0:
        broken = [count if bin(at + 1).count("1") == 1 else int(0.85 * count) for at, count in enumerate(found)]
        assert not alike(broken, among_all, 16)


@pytest.mark.parametrize("threshold", [1.0, 0.1])
def test_points_lie_as_among_all(threshold: float) -> None:
    points = drawn(LEANING, threshold)
    everything = np.random.default_rng(1).standard_normal((8 * RATE, 3))
    active = everything[(everything @ LEANING.T > threshold).any(axis=1)]
    assert ((points @ LEANING.T > threshold).any(axis=1)).all()
    for direction in np.concatenate([LEANING, np.eye(3)]):
        assert drawn_alike(points @ direction, active @ direction, sees=0.06, tests=7)
    assert not drawn_alike(points @ LEANING[0] + 0.1, active @ LEANING[0], sees=0.06, tests=7)


def test_the_number_of_points_is_poisson() -> None:
    """The twin of its spread has as many, out of a fixed number."""
    counts = np.array([len(drawn(LEANING, 1.0, seed=seed, rate=100)) for seed in range(2500)])
    share = np.random.default_rng(2).standard_normal((1_000_000, 3)) @ LEANING.T > 1.0
    mean = 100 * share.any(axis=1).mean()  # itself known to a thousandth
    deviation = np.sqrt(mean + len(counts) * mean**2 * 1e-6)
    assert mean_is(counts, mean, deviation, sees=0.05 * mean, tests=2)
    assert not mean_is(1.05 * counts, mean, deviation, sees=0.05 * mean, tests=2)
    binomial = np.random.default_rng(3).binomial(100, mean / 100, len(counts))
    for numbers, poisson in ((counts, True), (binomial, False)):
        spread = (numbers - numbers.mean()) ** 2 / numbers.mean()  # of mean 1 and variance 2; a tenth for its skewness
        assert mean_is(spread, 1.0, 1.1 * np.sqrt(2 + 1 / mean), sees=0.3, tests=2) == poisson


def test_duplicates_and_the_order_of_the_queries_change_nothing() -> None:
    again = np.concatenate([LEANING[::-1], LEANING, LEANING[:1]])
    assert np.array_equal(drawn(again, 1.0), drawn(LEANING, 1.0))
    assert np.array_equal(distinct([[0.0, 1.0], [-0.0, 1.0]], "queries"), [[0.0, 1.0]])


def test_a_query_of_zeros_draws_nothing_and_one_among_others_does_no_harm() -> None:
    with_zero = np.concatenate([LEANING, np.zeros((1, 3))])
    assert alike(patterns(drawn(with_zero, 1.0), LEANING, 1.0), patterns(drawn(LEANING, 1.0, seed=9), LEANING, 1.0), 1)
    assert np.array_equal(drawn(np.zeros((1, 3)), 1.0), np.zeros((1, 3)))
    assert mean_is(len(drawn(np.zeros((1, 3)), -1.0)), RATE, RATE**0.5, sees=0.05 * RATE)


def test_extreme_norms_are_drawn_too() -> None:
    queries = np.array([[1e300, 0.0], [0.0, 1e-300]])
    points = drawn(queries, 1.0)
    assert (points[:, 0] > 0).all()
    assert share_is(len(points), 2 * RATE, 0.25, sees=0.03)  # a Poisson number is nearly as narrow


def test_the_far_tail_is_exact() -> None:
    threshold = 12.0
    rate = 2000 / float(ndtr(-threshold))
    points = drawn(np.array([[0.6, 0.8]]), threshold, rate=rate)
    along = points @ [0.6, 0.8]
    assert (along > threshold).all()
    shares = ndtr(-along) / ndtr(-threshold)
    assert drawn_from(shares, stats.uniform.cdf, sees=0.13, tests=2)
    assert not drawn_from(shares**1.6, stats.uniform.cdf, sees=0.13, tests=2)
    assert drawn_from(points @ [-0.8, 0.6], stats.norm.cdf, sees=0.13, tests=2)
    assert not drawn_from(points @ [-0.8, 0.6] + 0.4, stats.norm.cdf, sees=0.13, tests=2)


def test_a_spread_scales_the_points() -> None:
    assert np.allclose(drawn(LEANING, 0.25, spread=0.25), 0.25 * drawn(LEANING, 1.0))


def test_draws_can_be_made_again_one_by_one_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    known = distinct(LEANING, "queries")
    for threshold in (1.0, 0.1):
        draws = Draws.of(3000, known, threshold, seed=3, spread=1.0, dtype=np.float32)
        together = draws.points(np.arange(len(draws)))
        assert together.dtype == np.float32
        alone = [draws.points(np.array([number]))[0] for number in range(0, len(draws), 97)]
        assert np.array_equal(together[::97], alone)
        whole = live_points(draws, known, threshold)
        monkeypatch.setattr(live, "_BLOCK", 64)
        with threads(3):
            parts = list(Sieve(draws, known, threshold).kept())
        assert np.array_equal(np.concatenate([points for _, points in parts]), whole)
        assert np.array_equal(together[np.concatenate([numbers for numbers, _ in parts])], whole)


def test_with_a_negative_threshold_somebody_has_to_be_there() -> None:
    with pytest.raises(DataError, match=r"larger network\.width"):
        drawn(LEANING, -1.0, rate=1e-9)
