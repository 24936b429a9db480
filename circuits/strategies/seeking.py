"""The monitored run that finds soonest what is left: plain iterations, then damped ones, both by the posterior.

Of all rows of iterations, each with a damping of its own, the best for a posterior takes 0 to 3 % less than the best of
this shape (`benchmarks/first_find.py`): a damping near the critical one of the fewest items that are likely, held from
some iteration on.
"""

from __future__ import annotations

from math import cos, exp, inf, sin
from typing import Any

import numpy as np

from circuits.monitored_law import advanced, endless_duration
from circuits.strategies.posterior import NEGLIGIBLE
from hybrid_train.support.kernels import kernel

_LATEST = 0.45
"""Plain iterations at the start to try, at most, times the least angle that is likely: 45 degrees are 0.39."""

_WEAKEST = 1.0
_STRONGEST = 4.0
_RATIO = 1.25
"""Dampings to try: from the least angle that is likely to a multiple of the largest; twice an angle is critical."""

_MOST = 2.0
"""No damping to try is more: silence leaves a fiftieth of the marked amplitude then."""

_BRIEFEST = 0.15
_LONGER = 1.35
_LONGEST = 15.0
"""Damped iterations to try, in units of one over the damping."""


@kernel
def damped_start(search: Any) -> Any:
    """Return (plain iterations, damping) with which something is heralded soonest, if anything is left."""
    likely, least, most = _likely(search)
    best, plain, damping, iterations = inf, 0, 0.0, 0
    squares = np.empty((search.nodes, 3))
    while iterations <= int(_LATEST / least):
        left = 0.0
        for i in likely:
            left += search.weight[i]
            squares[i, 0], squares[i, 1], squares[i, 2] = _squares(search, i, iterations)
        tried = min(_WEAKEST * least, _MOST)
        while tried <= min(_STRONGEST * most, _MOST):
            calls = iterations * left
            for i in likely:
                own = endless_duration(search.theta[i], tried, squares[i, 0], squares[i, 1], squares[i, 2])
                calls += search.weight[i] * own
                if calls >= best:
                    break
            if calls < best:
                best, plain, damping = calls, iterations, tried
            tried *= _RATIO
        iterations += 1 + int(0.12 * iterations)
    return plain, damping


@kernel
def _likely(search: Any) -> Any:
    """Return the hypotheses under which something is left, but for negligible ones, and the range of their angles."""
    chosen, count, least, most = np.empty(search.nodes, np.int64), 0, inf, 0.0
    for i in range(search.nodes):
        if search.total[i] > search.found and search.weight[i] > NEGLIGIBLE:
            chosen[count] = i
            count += 1
            least, most = min(least, search.theta[i]), max(most, search.theta[i])
    return chosen[:count], least, most


@kernel
def _squares(search: Any, i: Any, iterations: Any) -> Any:
    """Return the means of a^2, a b and b^2 after plain iterations, over the numbers that a hypothesis stands for."""
    rotation = 2.0 * iterations + 1.0
    sharp, turned = 0.5 * exp(-2.0 * (rotation * search.blur[i]) ** 2), 2.0 * rotation * search.theta[i]
    return 0.5 + sharp * cos(turned), sharp * sin(turned), 0.5 - sharp * cos(turned)


@kernel
def best_length(search: Any, plain: Any, damping: Any, after: Any, empty: Any) -> Any:
    """Return (damped iterations, expected calls) of a run that ends where what follows it promises more.

    Args:
        search: as it is now.
        plain: iterations before the damped ones.
        damping: mu.
        after: (nodes,) calls after a run that finds nothing, under each hypothesis.
        empty: what a call of the run counts where nothing is left.
    """
    best, fewest, length = 0, inf, _BRIEFEST / damping
    while length < _LONGEST / damping:
        calls = 1.0
        for i in range(search.nodes):
            if search.weight[i] == 0.0 or search.total[i] < search.found:
                continue
            if search.theta[i] == 0.0:
                calls += search.weight[i] * (empty * (plain + int(length)) + after[i])
                continue
            damped, missed = _ended(search, i, plain, int(length), damping)
            calls += search.weight[i] * (plain + damped + missed * after[i])
            if calls >= fewest:
                break
        if calls < fewest:
            best, fewest = int(length), calls
        length *= _LONGER
    return best, fewest


@kernel
def _ended(search: Any, i: Any, plain: Any, length: Any, damping: Any) -> Any:
    """Return (mean damped iterations, chance that a run finds nothing) under a hypothesis."""
    theta = search.theta[i]
    unmarked, both, marked = _squares(search, i, plain)
    a, c = advanced(theta, damping, length, 1.0, 0.0)
    b, d = advanced(theta, damping, length, 0.0, 1.0)
    last = a * a * unmarked + 2.0 * a * b * both + b * b * marked
    cross = a * c * unmarked + (a * d + b * c) * both + b * d * marked
    end = c * c * unmarked + 2.0 * c * d * both + d * d * marked
    whole = endless_duration(theta, damping, unmarked, both, marked)
    return whole - endless_duration(theta, damping, last, cross, end), last
