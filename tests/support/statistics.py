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


def mean_is(sample: Any, mean: float, deviation: float, *, sees: float, tests: int = 1) -> bool:
    """Test of a mean by the normal law, for samples large enough for it and a standard deviation that is known.

    Args:
        sample: independent numbers.
        mean: what it should be.
        deviation: of one of them, or a bound of it.
        sees: by how much it would be off.
        tests: that share the false-alarm rate.
    """
    numbers = np.asarray(sample, np.float64).ravel()
    error, edge = deviation / math.sqrt(numbers.size), stats.norm.isf(FALSE_ALARM / (2 * tests))
    _strong_enough(stats.norm.sf(sees / error - edge), f"a mean that is off by {sees:g} of {numbers.size} numbers")
    return bool(abs(numbers.mean() - mean) <= edge * error)


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


def counts_are(counts: Any, shares: Any, *, sees: float, tests: int = 1) -> bool:
    """Chi-square test.

    Args:
        counts: (K,) of independent draws.
        shares: (K,) probabilities, of which each expects 5 or more.
        sees: Cohen's w = sqrt(sum (q - p)^2 / p), the size of a difference q - p.
        tests: that share the false-alarm rate.
    """
    found, expected = np.asarray(counts, np.float64), np.asarray(shares, np.float64) * np.sum(counts)
    if expected.min() < 5:
        raise TooWeakError(f"chi-square: {expected.min():g} expected in a cell; 5 at least")
    cells, edge = len(found) - 1, stats.chi2.isf(FALSE_ALARM / tests, len(found) - 1)
    unseen = stats.ncx2.cdf(edge, cells, found.sum() * sees**2)
    _strong_enough(unseen, f"counts that are off by w = {sees:g} in {found.sum():.0f} draws")
    return bool(((found - expected) ** 2 / expected).sum() <= edge)


def _strong_enough(unseen: float, what: str) -> None:
    if not unseen <= UNSEEN:
        raise TooWeakError(f"{what} would go unseen with probability {unseen:.2g}; {UNSEEN:g} at most: draw more")
