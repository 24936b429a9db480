"""Search with certainty: the number of marked items is given, and no run fails."""

from __future__ import annotations

from typing import Any, final

from circuits.law import exact_plan
from circuits.strategies.state import ALL_FOUND, MATCHED, REFUTED, is_refuted, plain, request, stop
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Match the phases to what is left of the told number."""
    remaining = search.told - search.found
    if remaining <= 0:
        return stop(search, ALL_FOUND, 0.0)
    if is_refuted(search, outcome, 1.0):
        return stop(search, REFUTED, 1.0)
    iterations, phase = exact_plan(search.items, remaining)
    if iterations == 0:
        return plain(search, 0)
    return request(search, MATCHED, iterations, phase)


@kernel
def expected_exact(n_items: Any, n_marked: Any) -> Any:
    """Return the iterations that finding all of a known number takes with matched phases: no run fails.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
    """
    iterations = 0
    for remaining in range(1, n_marked + 1):
        iterations += exact_plan(n_items, remaining)[0]
    return iterations


@final
class Exact(Strategy):
    """Told k; every run measures a marked item with probability 1, its phases matched to k.

    About (pi/4) sum_j sqrt(m/j) calls in all ("Grover algorithm with zero theoretical failure rate", Long 2001; Hoyer
    2000; Brassard, Hoyer, Mosca, Tapp 2002, Theorem 4).
    """

    decide = staticmethod(decide)
    needs_count = True
    prediction_error = 0.0
    promise = "finds all in as many runs, given their number"
    source = "Long 2001; Hoyer 2000; Brassard, Hoyer, Mosca, Tapp 2002"

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        return float(expected_exact(n_items, n_marked))
