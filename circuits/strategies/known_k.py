"""The reference strategy: the number of marked items is given."""

from __future__ import annotations

from typing import Any, final

from circuits.law import best_iterations, plain_law
from circuits.strategies.state import ALL_FOUND, REFUTED, is_refuted, plain, stop
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Take the best run for what is left of the told number."""
    remaining = search.told - search.found
    if remaining <= 0:
        return stop(search, ALL_FOUND, 0.0)
    iterations = best_iterations(search.items, remaining)
    if is_refuted(search, outcome, plain_law(search.items, remaining, iterations)):
        return stop(search, REFUTED, 1.0)
    return plain(search, iterations)


@kernel
def expected_known_k(n_items: Any, n_marked: Any) -> Any:
    """Return (iterations, runs) that finding all of a known number takes in the mean: the reference, exactly.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
    """
    iterations, runs = 0.0, 0.0
    for remaining in range(1, n_marked + 1):
        length = best_iterations(n_items, remaining)
        tries = 1.0 / plain_law(n_items, remaining, length)
        iterations += length * tries
        runs += tries
    return iterations, runs


@final
class KnownK(Strategy):
    """Told k; each run takes the j that minimises (j + 1) / p_j for the items still marked.

    About 1.38 sqrt(mk) calls in all. No training run knows k: this is what other strategies are measured against.
    """

    decide = staticmethod(decide)
    needs_count = True
    compared = True
    prediction_error = 0.0
    promise = "finds all, given their number"
    source = "Boyer, Brassard, Hoyer, Tapp 1998"

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        return float(expected_known_k(n_items, n_marked)[0])
