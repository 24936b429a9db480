"""The adaptive strategy: what is known of the number of marked items decides every run."""

from __future__ import annotations

from math import cos, exp, pi, sqrt
from typing import Any, Literal, final

import numpy as np

from circuits.law import best_iterations_at
from circuits.strategies.decisions import empty_iterations
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.posterior import MISSES, begin, hypothetical, learn_certificate, learn_outcome
from circuits.strategies.state import BEGIN, certificate_iterations, certify, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.errors import ConfigError
from hybrid_train.support.kernels import kernel

Prior = Literal["flat", "sparsity", "previous"]
PRIORS: tuple[Prior, ...] = ("flat", "sparsity", "previous")

SHARP = 0.12
"""Relative deviation of the angle below which a normal law stands for the posterior."""

EAGERNESS = 0.03
"""How readily a certificate is asked for: it is when what it would waste, were something left, is below this share
of what another run would waste, were nothing left. The mean total cost is flat around this choice."""

CURIOSITY = 1.0
"""What a run teaches, as the variance of its success over the hypotheses, counts this much beside its success."""


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Learn from the last run, then take the run that promises most for its calls."""
    if outcome == BEGIN:
        begin(search)
    elif search.iterations < 0:
        learn_certificate(search)
    else:
        learn_outcome(search, outcome)
    return choose(search)


@kernel
def choose(search: Any) -> Any:
    """Return the best plain run, or a certificate if nothing is likely to be left."""
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
        search.iterations = -1
        return certify(search)
    mean /= left
    deviation = sqrt(max(0.0, square / left - mean * mean)) / mean
    if deviation < SHARP:
        iterations, calls = _best_sharp(mean, deviation)
    else:
        iterations, calls = _best_wide(search, left, least, most)
    if left * certificate_iterations(search) < EAGERNESS * (1.0 - left) * calls:
        search.iterations = -1
        return certify(search)
    return plain(search, iterations)


@kernel
def _best_sharp(theta: Any, deviation: Any) -> Any:
    """Return (j, calls for each find) for an angle with a small relative deviation."""
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
    return best, least


@kernel
def _best_wide(search: Any, left: Any, least: Any, most: Any) -> Any:
    """Return (j, calls for each find), j from a geometric ladder over all that the hypotheses ask for."""
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
    return best, fewest


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
    prediction_error = 0.3
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
        return float(empty_iterations(Strategy.start(self, n_items, [delta], np.zeros(1, np.uint64), known=known)))
