"""Fixed-point search throughout: runs that no number of marked items makes too long."""

from __future__ import annotations

from math import exp, log
from typing import Any, final

import numpy as np

from circuits.law import fixed_point_iterations, fixed_point_law
from circuits.strategies.state import MISS, ROBUST, certificate_calls, certify, request
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel

RIPPLE = 0.25
_GROWTH = 1.5
_SHRINKAGE = 0.9
_PATIENCE = 2

_NODES = 192
"""Of the grid of lengths on which the mean is followed."""

_STAGES = 256
"""Beyond about so many items left, the next (1/_STAGES)-th of them is taken to cost as much each as this one."""


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Lengthen the run after a miss."""
    longest = fixed_point_iterations(search.items, RIPPLE)
    if outcome == MISS:
        if search.misses >= _PATIENCE:
            search.misses = 0
            return certify(search)
        search.cap = min(_GROWTH * search.cap + 1.0, float(longest))
    else:
        search.cap, search.misses = _SHRINKAGE * search.cap, 0
    search.misses += search.cap >= longest
    return request(search, ROBUST, int(search.cap), RIPPLE)


@kernel
def _spread(chances: Any, cap: Any, weight: Any, step: Any) -> None:
    """Put a weight on the two nodes beside a length; node i stands for exp(i step) - 1."""
    place = min(log(cap + 1.0) / step, chances.size - 1.0)
    low = min(int(place), chances.size - 2)
    chances[low] += weight * (low + 1.0 - place)
    chances[low + 1] += weight * (place - low)


@kernel
def _find_next(n_items: Any, remaining: Any, chances: Any, step: Any) -> Any:
    """Follow all lengths up to the next find.

    Args:
        n_items: m.
        remaining: items still marked.
        chances: (N,) of the lengths to begin with; afterwards, of those after the find.
        step: of the grid.

    Returns:
        (iterations, chance that a certificate was asked for first).
    """
    longest = fixed_point_iterations(n_items, RIPPLE)
    caps, misses = np.empty(chances.size), np.empty(chances.size)
    for i in range(chances.size):
        caps[i] = exp(i * step) - 1.0
        misses[i] = 1.0
        if remaining == n_items:
            misses[i] = 0.0
        elif remaining:
            low = int(caps[i] + 1e-9)
            share = caps[i] - low  # a node stands for lengths around its own
            here = fixed_point_law(n_items, remaining, low, RIPPLE)
            above = fixed_point_law(n_items, remaining, low + 1, RIPPLE)
            misses[i] = 1.0 - (1.0 - share) * here - share * above
    alive, after, last, total, asked = chances.copy(), np.zeros(chances.size), 0.0, 0.0, 0.0
    while alive.sum() + last > 1e-6:
        following, waiting = np.zeros(chances.size), last
        last = 0.0
        for i in range(chances.size):
            if alive[i] > 0.0:
                total += alive[i] * caps[i]
                _spread(after, _SHRINKAGE * caps[i], alive[i] * (1.0 - misses[i]), step)
                if i == chances.size - 1:
                    last += alive[i] * misses[i]
                else:
                    _spread(following, min(_GROWTH * caps[i] + 1.0, float(longest)), alive[i] * misses[i], step)
        total += waiting * longest  # the second run at the full length
        _spread(after, _SHRINKAGE * longest, waiting, step)
        asked += waiting * misses[-1]
        alive = following
    chances[:] = after
    return total, asked


@kernel
def expected_fixed_point(n_items: Any, n_marked: Any, delta: Any, known: Any) -> Any:
    """Return the mean iterations, certificates included: the chances of all lengths, followed find by find.

    Lengths lie on a grid, even in their logarithm; where very many items are left, only every so many are followed.

    Args:
        n_items: m.
        n_marked: k, 0 to m - ``known``.
        delta: what the search may miss with.
        known: items excluded beforehand.
    """
    if n_items == 1 or known >= n_items:
        return 0.0
    step = log(fixed_point_iterations(n_items, RIPPLE) + 1.0) / (_NODES - 1.0)
    chances = np.zeros(_NODES)
    chances[0] = 1.0
    total, early, remaining = 0.0, 0.0, n_marked
    while remaining > 0 or known + n_marked < n_items:
        calls, asked = _find_next(n_items, remaining, chances, step)
        together = max(1, min(remaining // _STAGES, remaining))
        calls += asked * certificate_calls(n_items, delta, 1.0 + early)
        total += together * calls
        early += together * asked
        if remaining == 0:
            break
        remaining -= together
    return total


@final
class FixedPoint(Strategy):
    """Yoder, Low and Chuang's phases in every run: no run is too long, so the length grows and never shrinks.

    A run of l iterations succeeds with probability at least 3/4 if l is long enough for the items still marked, and
    these only become fewer. Every iteration takes two uses of the bit oracle. After misses at the length that serves
    a single marked item comes the certificate, the same run with a smaller ripple ("Fixed-point quantum search with
    an optimal number of queries", PRL 113, 210501, 2014).
    """

    decide = staticmethod(decide)
    prediction_error = 0.2
    promise = "misses any with probability at most delta"
    source = "Yoder, Low, Chuang 2014"

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        return float(expected_fixed_point(n_items, n_marked, delta, known))
