"""Counting first: maximum-likelihood amplitude estimation, then a search that trusts it."""

from __future__ import annotations

from math import log, pi, sin, sqrt
from typing import Any, final

import numpy as np
from scipy.special import xlogy
from scipy.stats import binom

from circuits.law import plain_law
from circuits.strategies.adaptive import Adaptive, choose, go_on
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.posterior import begin
from circuits.strategies.state import BEGIN, LEVELS, MISS, plain
from circuits.strategies.strategy import Estimate, Searches, Strategy
from hybrid_train.support.kernels import kernel

_SHOTS = 24
_FIRST_SHOTS = 4
"""Runs without iterations tell next to nothing unless every second item is marked."""

_FINER = 2
"""Levels after the first that is sensitive to the count: each halves the error."""

_GRID = 768

_LIKELIHOOD_RATIO = 3.32
"""By which the logarithm of the likelihood may fall in the interval: half the quantile of chi-square at 99 %.

At 95 % it held in 90 % of searches only: the levels end when they have seen enough. So it holds in 96 % or more.
"""


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Estimate until the levels suffice, then search."""
    if search.unmarks:
        return go_on(search, outcome)
    if outcome != BEGIN:
        search.shots += 1
        search.hits[search.level] += outcome != MISS
    if search.shots == _shots(search.level):
        if search.repeats or search.hits[search.level] > search.shots // 3:
            search.repeats += 1
        search.level += 1
        search.shots = 0
    enough = search.repeats > _FINER or search.level == LEVELS
    if enough or _iterations(search.level) > pi / 4.0 * sqrt(search.items):
        search.unmarks = 1
        search.centre, search.spread = _estimate(search)
        search.flat = 0.1
        begin(search)
        return choose(search)
    return plain(search, _iterations(search.level))


@kernel
def _shots(level: Any) -> Any:
    return _FIRST_SHOTS if level == 0 else _SHOTS


@kernel
def _iterations(level: Any) -> Any:
    return 0 if level == 0 else 1 << (level - 1)


@kernel
def _estimate(search: Any) -> Any:
    """Return the most likely number of marked items and about how far off it may be."""
    best, highest, finest = 0.0, -np.inf, 1.0
    for node in range(_GRID):
        theta = 0.5 * pi * search.items ** (-0.5 * node / (_GRID - 1.0))
        likelihood = 0.0
        for level in range(search.level):
            finest = 2.0 * _iterations(level) + 1.0
            success = min(max(sin(finest * theta) ** 2, 1e-9), 1.0 - 1e-9)
            hits = search.hits[level]
            likelihood += hits * log(success) + (_shots(level) - hits) * log(1.0 - success)
        if likelihood > highest:
            best, highest = theta, likelihood
    error = 1.0 / (2.0 * finest * sqrt(float(_SHOTS))) + best * log(search.items + 1.0) / _GRID
    return search.items * sin(best) ** 2, 2.0 * search.items * sin(best) * error + 1.0


def estimate_of(search: Any) -> Estimate | None:
    """Return what a search has estimated, from the measurements before its first unmarking; None if it made none.

    Whole numbers are looked at one by one up to a few thousand, and beyond at even steps of their logarithm.
    """
    items, levels = int(search["items"]), np.arange(int(search["level"]) + 1)
    shots = np.array([_shots(level) for level in levels[:-1]] + [int(search["shots"])], np.float64)
    if not shots.any():
        return None
    most = items - int(search["known"])
    marked = np.unique(np.concatenate([np.arange(min(most, _GRID) + 1), np.geomspace(1, max(most, 1), 16 * _GRID)]))
    marked = np.unique(np.round(marked[marked <= most]))
    rotations = np.array([2.0 * _iterations(level) + 1.0 for level in levels])
    chances = np.sin(rotations[:, None] * np.arcsin(np.sqrt(marked / items))) ** 2
    hits = search["hits"][: len(levels)].astype(np.float64)[:, None]
    likelihood = (xlogy(hits, chances) + xlogy(shots[:, None] - hits, 1.0 - chances)).sum(axis=0)
    likely = marked[likelihood >= likelihood.max() - _LIKELIHOOD_RATIO]
    return Estimate(int(marked[likelihood.argmax()]), int(likely[0]), int(likely[-1]))


@final
class Counting(Strategy):
    """Estimates the number of marked items from runs of 0, 1, 2, 4, ... iterations, then searches.

    Only uncontrolled Grover runs are needed ("Amplitude estimation without phase estimation", Suzuki, Uno, Raymond,
    Tanaka, Onodera, Yamamoto 2020). Found items stay marked meanwhile. The search that follows is the adaptive one
    with a prior around the estimate, and ends with its certificate. The estimate costs more than it saves: that is
    what this strategy is here to show.
    """

    decide = staticmethod(decide)
    prediction_error = 0.2
    unmarks = False
    promise = "misses any with probability at most delta, whatever the estimate"
    source = "Suzuki, Uno, Raymond, Tanaka, Onodera, Yamamoto 2020"

    def estimates(self, searches: Searches) -> list[Estimate | None]:
        return [estimate_of(search) for search in searches]

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        """Return the mean of the estimate, and what :class:`.Adaptive` takes for the items that it has not met."""
        if n_items == 1 or known >= n_items:
            return 0.0
        whole = known + n_marked == n_items  # the last item met ends the search
        calls, met, level = 0.0, 0.0, 0
        going = np.array([1.0, *[0.0] * _FINER])  # chances that so many levels were repeats, and the next one begins
        while level < LEVELS and _iterations(level) <= pi / 4.0 * sqrt(n_items) and going.sum() > 1e-9:
            chance = float(plain_law(n_items, n_marked, _iterations(level)))
            for _ in range(_shots(level)):
                calls += going.sum() * _iterations(level) * (1.0 - whole * _all_met(n_marked, met))
                met += going.sum() * chance
            sensitive = float(binom.sf(_shots(level) // 3, _shots(level), chance))
            going = np.array([going[0] * (1.0 - sensitive), going[0] * sensitive, *going[1:-1]])
            level += 1
        left = round(n_marked * (1.0 - 1.0 / n_marked) ** met) if n_marked else 0
        end = Adaptive().expected_end(n_items, n_marked, delta, known)
        return calls + float(expected_known_k(n_items, left)[0]) + end


def _all_met(n_marked: int, draws: float) -> float:
    """Return about the chance that so many draws with replacement have met all marked items."""
    return float((1.0 - (1.0 - 1.0 / n_marked) ** draws) ** n_marked) if n_marked else 1.0
