"""Search with certainty: the number of marked items is given, and no run fails."""

from __future__ import annotations

from typing import Any, final

from circuits.law import exact_plan
from circuits.strategies.state import ALL_FOUND, EXACT, MATCHED, PLAIN, stop
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel


@final
class Exact(Strategy):
    """Told k; every run measures a marked item with probability 1, its phases matched to k.

    About (pi/4) sum_j sqrt(m/j) calls in all ("Grover algorithm with zero theoretical failure rate", Long 2001; Hoyer
    2000; Brassard, Hoyer, Mosca, Tapp 2002, Theorem 4).
    """

    code = EXACT
    needs_count = True
    promise = "finds all in as many runs, given their number"
    source = "Long 2001; Hoyer 2000; Brassard, Hoyer, Mosca, Tapp 2002"


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Match the phases to what is left of the told number."""
    remaining = search.told - search.found
    if remaining <= 0:
        return stop(search, ALL_FOUND, 0.0)
    iterations, phase = exact_plan(search.items, remaining)
    if iterations == 0:
        return PLAIN, 0, 0.0
    return MATCHED, iterations, phase
