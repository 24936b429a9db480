"""Boyer, Brassard, Hoyer and Tapp's search with an unknown number of marked items, ended by a certificate."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any, final

import numpy as np

from circuits.draws import draw_uniform
from circuits.strategies.state import BBHT, MISS, certify, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.errors import ConfigError
from hybrid_train.support.kernels import kernel

PATIENCE = 2
"""Misses at a cap of at least sqrt(m) / 2 before a certificate is asked for: it costs several times such a run, and
all but nothing is lost when it comes too early, so the mean total cost is flat around this choice."""


@final
class Bbht(Strategy):
    """Each run draws its number of iterations uniformly below a cap, which grows by a factor after a miss.

    The cap starts over at one after a find: about 1.44 sqrt(m/k) iterations an item ("Tight bounds on quantum
    searching", Fortschr. Phys. 46, 493, 1998, Theorem 3). After misses near the largest cap sqrt(m) a certificate is
    asked for.

    Args:
        growth: factor of the cap, in (1, 4/3).

    Raises:
        ConfigError: the growth lies elsewhere.
    """

    code = BBHT
    promise = "misses any with probability at most delta"
    source = "Boyer, Brassard, Hoyer, Tapp 1998"

    def __init__(self, *, growth: float = 1.2) -> None:
        if not 1.0 < growth < 4.0 / 3.0:
            raise ConfigError(f"growth={growth}: must lie strictly between 1 and 4/3")
        self.growth = growth

    def prepare(self, searches: np.ndarray[Any, Any]) -> None:
        searches["growth"] = self.growth


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Grow the cap after a miss, start over after a find."""
    largest = sqrt(search.items)
    if outcome == MISS:
        if search.misses >= PATIENCE:
            search.misses = 0
            return certify(search)
        search.cap = min(search.growth * search.cap, largest)
    else:
        search.cap, search.misses = 1.0, 0
    search.misses += search.cap >= largest / 2.0
    return plain(search, int(draw_uniform(search) * ceil(search.cap)))
