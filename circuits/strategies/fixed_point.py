"""Fixed-point search throughout: runs that no number of marked items makes too long."""

from __future__ import annotations

from typing import Any, final

from circuits.law import fixed_point_iterations
from circuits.strategies.state import FIXED_POINT, MISS, ROBUST, certify
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel

RIPPLE = 0.25
_GROWTH = 1.5
_SHRINKAGE = 0.9
_PATIENCE = 2


@final
class FixedPoint(Strategy):
    """Yoder, Low and Chuang's phases in every run: no run is too long, so the length grows and never shrinks.

    A run of l iterations succeeds with probability at least 3/4 if l is long enough for the items still marked, and
    these only become fewer. Every iteration takes two uses of the bit oracle. After misses at the length that serves
    a single marked item comes the certificate, the same run with a smaller ripple ("Fixed-point quantum search with
    an optimal number of queries", PRL 113, 210501, 2014).
    """

    code = FIXED_POINT
    promise = "misses any with probability at most delta"
    source = "Yoder, Low, Chuang 2014"


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
    return ROBUST, int(search.cap), RIPPLE
