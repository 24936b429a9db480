"""The adaptive strategy: what is known of the number of marked items decides every run."""

from __future__ import annotations

from math import cos, exp, pi, sqrt
from typing import Any, Literal, final

import numpy as np

from circuits.law import best_iterations_at
from circuits.strategies.decisions import empty_iterations
from circuits.strategies.ending import clear, end, end_costs
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.posterior import MISSES, begin, hypothetical, learn_certificate, learn_outcome
from circuits.strategies.state import BEGIN, MISS, ROBUST, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.errors import ConfigError
from hybrid_train.support.kernels import kernel

Prior = Literal["flat", "sparsity", "previous"]
PRIORS: tuple[Prior, ...] = ("flat", "sparsity", "previous")

SHARP = 0.12
"""Relative deviation of the angle below which a normal law stands for the posterior."""

SURE = 1e-2
"""Probability that nothing is left below which it is not asked what the end would cost."""

CURIOSITY = 1.0
"""What a run teaches, as the variance of its success over the hypotheses, counts this much beside its success."""

TEACHING = 0.3
"""The same where the end is weighed, as a share of what the end would cost."""

CAUTION = 0.35
"""What calls count where nothing is left, beside those where something is: below 1 the end is put off, which finds the
last item sooner and makes sure of it later. Both means are flat around this choice."""

DENSE = 0.7
"""Angle of 0.415 m items: of about m/2 runs of all lengths find about as many, so that a row of misses says little."""

UNPROBED = 2e-3
"""How probable it may be where the end begins that so many are left: a run without iterations looks for them."""

_RUNGS = 40
_RUNG = 1.5
"""Ratio of the lengths of runs that a plan goes on with."""

_AHEAD = 4
"""Rungs at which a plan may go on."""


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Begin, or go on."""
    if outcome == BEGIN:
        begin(search)
        return choose(search)
    return go_on(search, outcome)


@kernel
def go_on(search: Any, outcome: Any) -> Any:
    """Learn from the last run, then take the run that promises most for its calls."""
    learn_run(search, outcome)
    return choose(search)


@kernel
def learn_run(search: Any, outcome: Any) -> None:
    """Update on the last run, and rule out what it rules out."""
    clear(search, outcome == MISS)
    if search.kind == ROBUST:
        learn_certificate(search)
    else:
        learn_outcome(search, outcome)


@kernel
def choose(search: Any) -> Any:
    """Return the next run: of the end, if that costs least up to the next find or the end of the search."""
    left, mean, square, least, most = 0.0, 0.0, 0.0, np.inf, 0.0
    for i in range(search.nodes):
        weight = search.weight[i]
        if weight > 0.0 and search.total[i] > search.found:
            theta = search.theta[i]
            left += weight
            mean += weight * theta
            square += weight * theta * theta
            if weight > 1e-6:
                least, most = min(least, theta), max(most, theta)
    if most == 0.0 or search.misses >= MISSES:
        return end(search)
    mean /= left
    deviation = sqrt(max(0.0, square / left - mean * mean)) / mean
    if 1.0 - left >= SURE:
        return _look_ahead(search, least, most)
    if deviation < SHARP:
        return plain(search, _best_sharp(mean, deviation))
    return plain(search, _best_wide(search, left, least, most))


@kernel
def _best_sharp(theta: Any, deviation: Any) -> Any:
    """Return the j with the fewest calls for each find, for an angle with a small relative deviation."""
    best, least = 0, np.inf
    start = max(0, best_iterations_at(theta))
    for step in (-1, 1):
        iterations = start + (step > 0)
        while iterations >= 0:
            rotation = (2.0 * iterations + 1.0) * theta
            blurred = 0.5 - 0.5 * exp(-2.0 * (rotation * deviation) ** 2) * cos(2.0 * rotation)
            calls = (iterations + 1.0) / blurred
            if calls >= least and iterations != start:
                break
            if calls < least:
                best, least = iterations, calls
            iterations += step
    return best


@kernel
def _best_wide(search: Any, left: Any, least: Any, most: Any) -> Any:
    """Return the j with the fewest calls for each find, from a geometric ladder over what the hypotheses ask for."""
    best, fewest = 0, np.inf
    iterations = max(0, int(0.2 / most - 0.5))
    last = int(pi / (4.0 * least)) + 1
    while iterations <= last:
        success, square = 0.0, 0.0
        for i in range(search.nodes):
            if search.weight[i] > 0.0 and search.total[i] > search.found:
                chance = hypothetical(search, i, 2.0 * iterations + 1.0)
                success += search.weight[i] * chance
                square += search.weight[i] * chance * chance
        success, square = success / left, square / left
        calls = (iterations + 1.0) / (success + CURIOSITY * (square - success * success))
        if calls < fewest:
            best, fewest = iterations, calls
        iterations += 1 + int(0.12 * iterations)
    return best


@kernel
def _look_ahead(search: Any, least: Any, most: Any) -> Any:
    """Return the run with the fewest expected calls up to the next find or the end of the search.

    What follows a miss is taken to be a ladder of plain runs, entered where it is best, and then the end.
    """
    costs, rungs, n_rungs = _ladder(search, least, most)
    weights, total = np.empty(search.nodes), 0.0
    for i in range(search.nodes):
        weights[i] = search.weight[i] if search.total[i] > search.found else CAUTION * search.weight[i]
        total += weights[i]
    ended = _expected(weights, costs[n_rungs])
    best, fewest, missed = -1, ended, np.empty(search.nodes)
    iterations = max(0, int(0.2 / most - 0.5))
    last, entry = int(pi / (4.0 * least)) + 1, 0
    while iterations <= last:
        success, square = 0.0, 0.0
        for i in range(search.nodes):
            chance = hypothetical(search, i, 2.0 * iterations + 1.0)
            missed[i] = weights[i] * (1.0 - chance)
            success += weights[i] * chance
            square += weights[i] * chance * chance
        while entry < n_rungs and rungs[entry] < 0.7 * iterations:
            entry += 1
        calls = (iterations + 1.0) * total + _continued(missed, costs, entry, n_rungs)
        calls -= TEACHING * ended * (square - success * success / total)
        if calls < fewest:
            best, fewest = iterations, calls
        iterations += 1 + int(0.12 * iterations)
    if best >= 0:
        return plain(search, best)
    if search.cleared == 0 and _measured_at_once(search) > UNPROBED:
        return plain(search, 0)
    return end(search)


@kernel
def _measured_at_once(search: Any) -> Any:
    """Return the chance that so many are left that a run without iterations tends to measure one."""
    chance = 0.0
    for i in range(search.nodes):
        if search.theta[i] > DENSE and search.total[i] > search.found:
            chance += search.weight[i]
    return chance


@kernel
def _expected(weights: Any, costs: Any) -> Any:
    total = 0.0
    for i in range(weights.size):
        total += weights[i] * costs[i]
    return total


@kernel
def _ladder(search: Any, least: Any, most: Any) -> Any:
    """Return what a ladder costs from each rung on, under each hypothesis, the end last; its lengths; their number."""
    rungs, count, length = np.empty(_RUNGS, np.int64), 0, max(0, int(0.4 / most))
    last = 0.65 / least
    while length < last and count < _RUNGS:
        rungs[count] = length
        count += 1
        length = max(length + 1, int(_RUNG * length))
    costs = np.empty((count + 1, search.nodes))
    end_costs(search, costs[count])
    for rung in range(count - 1, -1, -1):
        for i in range(search.nodes):
            success = hypothetical(search, i, 2.0 * rungs[rung] + 1.0)
            costs[rung, i] = rungs[rung] + 1.0 + (1.0 - success) * costs[rung + 1, i]
    return costs, rungs, count


@kernel
def _continued(missed: Any, costs: Any, entry: Any, count: Any) -> Any:
    """Return the expected cost of going on: from the best of a few rungs on, or with the end."""
    least = _expected(missed, costs[count])
    for rung in range(entry, min(count, entry + _AHEAD)):
        least = min(least, _expected(missed, costs[rung]))
    return least


@final
class Adaptive(Strategy):
    """Keeps a posterior over the number of marked items; each run minimises (j + 1) / E p_j.

    The prior is flat in the logarithm, or centred on the sparsity lemma's m Q(b/||x||) (PRE Lemma 3.8) or on what the
    same query had last time, always mixed with the flat one. It decides how long a search takes, not what it may
    miss: that is left to the certificate, asked for once running on is likely to be in vain.

    Args:
        prior: "flat", "sparsity" or "previous".

    Raises:
        ConfigError: another prior.
    """

    decide = staticmethod(decide)
    compared = True
    prediction_error = 0.4
    promise = "misses any with probability at most delta, whatever the prior"
    source = "Boyer, Brassard, Hoyer, Tapp 1998; Yoder, Low, Chuang 2014"

    def __init__(self, *, prior: Prior = "flat") -> None:
        if prior not in PRIORS:
            raise ConfigError(f"prior={prior!r}: expected one of {', '.join(map(repr, PRIORS))}")
        self.prior = prior

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        """Return what a search that is told k takes, and what it takes to make sure that nothing is left.

        The latter is the search of an empty oracle with a flat prior, in which nothing is random. What it costs to find
        k out on the way is left out: nothing in the limit, the more the fewer items there are.
        """
        return float(expected_known_k(n_items, n_marked)[0]) + self.expected_end(n_items, n_marked, delta, known)

    def expected_end(self, n_items: int, n_marked: int, delta: float, known: int) -> float:
        """Return the iterations after the last find: none if every item has been seen then."""
        if known + n_marked >= n_items:
            return 0.0
        seen = known + n_marked
        return float(empty_iterations(Strategy.start(self, n_items, [delta], np.zeros(1, np.uint64), known=seen)))
