"""The reference strategy: the number of marked items is given."""

from __future__ import annotations

from typing import Any, final

from circuits.law import best_iterations
from circuits.strategies.state import ALL_FOUND, KNOWN_K, plain, stop
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel


@final
class KnownK(Strategy):
    """Told k; each run takes the j that minimises (j + 1) / p_j for the items still marked.

    About 1.38 sqrt(mk) calls in all. No training run knows k: this is what other strategies are measured against.
    """

    code = KNOWN_K
    needs_count = True
    promise = "finds all, given their number"
    source = "Boyer, Brassard, Hoyer, Tapp 1998"


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Take the best run for what is left of the told number."""
    remaining = search.told - search.found
    if remaining <= 0:
        return stop(search, ALL_FOUND, 0.0)
    return plain(search, best_iterations(search.items, remaining))
