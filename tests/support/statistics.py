"""Random assertions with a stated false-alarm rate and a stated effect that they see.

Each helper returns whether the data are plausible: right ones are found implausible with probability 1e-9 at most,
shared out over ``tests`` of them; an effect of the size ``sees`` escapes with probability 1e-3 at most, or the test is
refused as too weak. A test that uses one has a broken twin beside it that must come out implausible.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-9
"""How likely a right sample is called wrong, by all tests of one assertion together."""

UNSEEN = 1e-3
"""How likely an effect of the stated size is not seen."""


class TooWeakError(AssertionError):
    """There are too few samples to see the effect that a test says it sees."""


def share_is(hits: int, trials: int, share: float, *, sees: float, tests: int = 1) -> bool:
    """Exact binomial test, of both sides.

    Args:
        hits: of the trials.
        trials: independent ones.
        share: what it should be.
        sees: by how much it would be off.
        tests: that share the false-alarm rate.
    """
    level = FALSE_ALARM / (2 * tests)
    most, least = stats.binom.isf(level, trials, share), stats.binom.ppf(level, trials, share)
    unseen = []
    if share + sees <= 1:
        unseen.append(stats.binom.cdf(most, trials, share + sees))
    if share - sees >= 0:
        unseen.append(stats.binom.sf(least - 1, trials, share - sees))
    _strong_enough(max(unseen, default=1.0), f"a share of {share:g} that is off by {sees:g} in {trials} trials")
    return bool(min(stats.binom.cdf(hits, trials, share), stats.binom.sf(hits - 1, trials, share)) >= level)


def share_is_at_most(hits: int, trials: int, share: float, *, sees: float, tests: int = 1) -> bool:
    """Exact binomial test, of one side.

    Args:
        hits: of the trials.
        trials: independent ones.
        share: which it should not be above.
        sees: by how much it would be above.
        tests: that share the false-alarm rate.
    """
    level = FALSE_ALARM / tests
    most = stats.binom.isf(level, trials, share)
    unseen = stats.binom.cdf(most, trials, share + sees)
    _strong_enough(unseen, f"a share that is above {share:g} by {sees:g} in {trials} trials")
    return bool(stats.binom.sf(hits - 1, trials, share) >= level)


def mean_is(
    sample: Any, mean: float, deviation: float | None = None, *, sees: float, within: float = 0.0, tests: int = 1
) -> bool:
    """Test of a mean, for samples large enough for the normal law of their mean.

    Args:
        sample: independent numbers.
        mean: what it should be.
        deviation: of one of them, or a bound of it; None estimates it from the sample (Student's t).
        sees: by how much it would be off.
        within: by how much it may be off, where what it should be is an approximation.
        tests: that share the false-alarm rate.
    """
    numbers, error, edge = _mean(sample, deviation, FALSE_ALARM / (2 * tests))
    _strong_enough(_escapes(sees - within, error, edge), f"a mean that is off by {sees:g} of {numbers.size} numbers")
    return bool(abs(numbers.mean() - mean) <= within + edge * error)


def mean_is_at_most(sample: Any, most: float, *, sees: float, tests: int = 1) -> bool:
    """Student's test of one side, for samples large enough for the normal law of their mean.

    Args:
        sample: independent numbers.
        most: which their mean should not be above.
        sees: by how much it would be above.
        tests: that share the false-alarm rate.
    """
    numbers, error, edge = _mean(sample, None, FALSE_ALARM / tests)
    _strong_enough(_escapes(sees, error, edge), f"a mean that is above by {sees:g} of {numbers.size} numbers")
    return bool(numbers.mean() - most <= edge * error)


def means_agree(first: Any, second: Any, *, sees: float, tests: int = 1) -> bool:
    """Test of two means by the normal law, for samples large enough for it.

    Args:
        first: independent numbers.
        second: others.
        sees: by how much the means would differ.
        tests: that share the false-alarm rate.
    """
    level = FALSE_ALARM / (2 * tests)
    (left, one, edge), (right, other, also) = _mean(first, None, level), _mean(second, None, level)
    error, edge = math.hypot(one, other), max(edge, also)  # fewer degrees of freedom than Welch's: a higher edge
    _strong_enough(_escapes(sees, error, edge), f"means {sees:g} apart of {left.size} and {right.size} numbers")
    return bool(abs(left.mean() - right.mean()) <= edge * error)


def _mean(sample: Any, deviation: float | None, level: float) -> tuple[Any, float, float]:
    """Return the numbers, the standard error of their mean, and how many of them are exceeded with that probability."""
    numbers = np.asarray(sample, np.float64).ravel()
    if deviation is not None:
        return numbers, deviation / math.sqrt(numbers.size), float(stats.norm.isf(level))
    return numbers, float(stats.sem(numbers)), float(stats.t.isf(level, numbers.size - 1))


def _escapes(effect: float, error: float, edge: float) -> float:
    """Return how likely an effect stays below an edge of so many standard errors."""
    return float(stats.norm.sf(effect / error - edge)) if error > 0 else float(effect <= 0)


def drawn_from(sample: Any, law: Callable[[Any], Any], *, sees: float, tests: int = 1) -> bool:
    """Kolmogorov-Smirnov test.

    Args:
        sample: independent numbers.
        law: their distribution function.
        sees: at which largest distance of the distribution functions.
        tests: that share the false-alarm rate.
    """
    numbers = np.asarray(sample, np.float64).ravel()
    room = sees - stats.kstwo.isf(FALSE_ALARM / tests, numbers.size)
    unseen = (
        2 * math.exp(-2 * numbers.size * room**2) if room > 0 else 1.0
    )  # Dvoretzky, Kiefer, Wolfowitz; Massart 1990
    _strong_enough(unseen, f"a distribution at a distance of {sees:g} by {numbers.size} numbers")
    return bool(stats.kstest(numbers, law).pvalue >= FALSE_ALARM / tests)


def drawn_alike(first: Any, second: Any, *, sees: float, tests: int = 1) -> bool:
    """Kolmogorov-Smirnov test of two samples.

    Args:
        first: independent numbers.
        second: others.
        sees: at which largest distance of their distribution functions.
        tests: that share the false-alarm rate.
    """
    sizes = len(first), len(second)
    edge = math.sqrt(math.log(2 * tests / FALSE_ALARM) / 2 * (1 / sizes[0] + 1 / sizes[1]))
    # the distance that is left is shared out so that either sample uses it up as seldom (Massart 1990)
    room = (sees - edge) / sum(size**-0.5 for size in sizes)
    unseen = 4 * math.exp(-2 * room**2) if room > 0 else 1.0
    _strong_enough(unseen, f"distributions at a distance of {sees:g} by {sizes[0]} and {sizes[1]} numbers")
    return bool(stats.ks_2samp(first, second, method="asymp").statistic <= edge)


def counts_are(counts: Any, shares: Any, *, sees: float, tests: int = 1) -> bool:
    """Chi-square test.

    Args:
        counts: (K,) of independent draws.
        shares: (K,) probabilities, of which each expects 5 or more.
        sees: Cohen's w = sqrt(sum (q - p)^2 / p), the size of a difference q - p.
        tests: that share the false-alarm rate.
    """
    found = np.asarray(counts, np.float64)
    return _chi_square(found, np.asarray(shares, np.float64) * found.sum(), len(found) - 1, sees, tests)


def counts_agree(table: Any, *, sees: float, tests: int = 1) -> bool:
    """Chi-square test that rows and columns are independent: samples of one law, or pairs that know of no other.

    Args:
        table: (R, C) counts of independent draws, of which each cell expects 5 or more.
        sees: Cohen's w = sqrt(sum (q - p)^2 / p) over the cells, p the products of the margins of the shares q.
        tests: that share the false-alarm rate.
    """
    found = np.asarray(table, np.float64)
    expected = np.outer(found.sum(axis=1), found.sum(axis=0)) / found.sum()
    return _chi_square(found, expected, (found.shape[0] - 1) * (found.shape[1] - 1), sees, tests)


def _chi_square(found: Any, expected: Any, freedom: int, sees: float, tests: int) -> bool:
    if expected.min() < 5:
        raise TooWeakError(f"chi-square: {expected.min():g} expected in a cell; 5 at least")
    edge = stats.chi2.isf(FALSE_ALARM / tests, freedom)
    unseen = stats.ncx2.cdf(edge, freedom, found.sum() * sees**2)
    _strong_enough(unseen, f"counts that are off by w = {sees:g} in {found.sum():.0f} draws")
    return bool(((found - expected) ** 2 / expected).sum() <= edge)


def _strong_enough(unseen: float, what: str) -> None:
    if not unseen <= UNSEEN:
        raise TooWeakError(f"{what} would go unseen with probability {unseen:.2g}; {UNSEEN:g} at most: draw more")
