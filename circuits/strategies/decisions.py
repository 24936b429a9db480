"""The one door to every strategy's decision, for the finder and for the simulation of counts alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from circuits.draws import draw_bits
from circuits.strategies.adaptive import decide as decide_adaptive
from circuits.strategies.bbht import decide as decide_bbht
from circuits.strategies.counting import decide as decide_counting
from circuits.strategies.coupon import decide as decide_coupon
from circuits.strategies.exact import decide as decide_exact
from circuits.strategies.fixed_point import decide as decide_fixed_point
from circuits.strategies.known_k import decide as decide_known_k
from circuits.strategies.state import (
    ALL_SEEN,
    BBHT,
    CERTIFIED,
    COUNTING,
    COUPON,
    EXACT,
    FIXED_POINT,
    HIT,
    KNOWN_K,
    MISS,
    SPURIOUS,
    plain,
    stop,
)
from hybrid_train.support.kernels import kernel


@kernel
def next_run(search: Any, outcome: Any) -> Any:
    """Tell a search the outcome of its last run (BEGIN before the first) and return what it asks for next.

    What all strategies share is here: the count of what was found, and the two ways to stop without being told how
    many items are marked, namely that a certificate found nothing, or that every item has been seen.

    Returns:
        (kind, iterations, parameter); see :mod:`circuits.strategies.state`.
    """
    if outcome in (HIT, SPURIOUS):
        search.found += 1
    if search.known + search.found >= search.items or (search.items == 1 and outcome == MISS):
        return stop(search, ALL_SEEN, 0.0)
    if search.certifying:
        search.certifying = 0
        if outcome == MISS:
            return stop(search, CERTIFIED, search.miss)
    if search.items == 1 and search.told < 0:
        return plain(search, 0)
    return _decide(search, outcome)


@kernel
def _decide(search: Any, outcome: Any) -> Any:
    if search.strategy == KNOWN_K:
        return decide_known_k(search, outcome)
    if search.strategy == EXACT:
        return decide_exact(search, outcome)
    return _decide_untold(search, outcome)


@kernel
def _decide_untold(search: Any, outcome: Any) -> Any:
    if search.strategy == BBHT:
        return decide_bbht(search, outcome)
    if search.strategy == COUPON:
        return decide_coupon(search, outcome)
    if search.strategy == FIXED_POINT:
        return decide_fixed_point(search, outcome)
    if search.strategy == COUNTING:
        return decide_counting(search, outcome)
    return decide_adaptive(search, outcome)


@kernel
def next_runs(searches: Any, pending: Any, outcomes: Any, kinds: Any, iterations: Any, parameters: Any) -> Any:
    """Step many searches: write each one's request, and return a fresh random key for each run."""
    seeds = np.empty(pending.size, np.uint64)
    for job in range(pending.size):
        search = searches[pending[job]]
        kinds[job], iterations[job], parameters[job] = next_run(search, outcomes[job])
        seeds[job] = draw_bits(search)
    return seeds
