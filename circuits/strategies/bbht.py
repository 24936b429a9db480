"""Boyer, Brassard, Hoyer and Tapp's search with an unknown number of marked items, ended by a certificate."""

from __future__ import annotations

from math import ceil, sin, sqrt
from typing import Any, final

import numpy as np

from circuits.draws import draw_uniform
from circuits.law import angle
from circuits.strategies.state import MISS, certificate_calls, certify, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.errors import ConfigError
from hybrid_train.support.kernels import kernel

PATIENCE = 2
"""Misses at a cap of at least sqrt(m) / 2 before a certificate is asked for: it costs several times such a run, and
all but nothing is lost when it comes too early, so the mean total cost is flat around this choice."""


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


@kernel
def success_below(n_items: Any, n_marked: Any, choices: Any) -> Any:
    """Return the chance of a run whose length is uniform below M: 1/2 - sin(4 M theta) / (4 M sin(2 theta)).

    BBHT 1998, Lemma 2.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        choices: M.
    """
    if n_marked in (0, n_items):
        return 1.0 * (n_marked > 0)
    theta = angle(n_items, n_marked)
    return 0.5 - sin(4.0 * choices * theta) / (4.0 * choices * sin(2.0 * theta))


@kernel
def expected_bbht(n_items: Any, n_marked: Any, growth: Any, delta: Any, known: Any) -> Any:
    """Return the mean iterations of ``bbht``, certificates included, those that come too early among them.

    The chain of caps is followed item by item. Only the length of the later certificates is approximate: it is that of
    their mean number.

    Args:
        n_items: m.
        n_marked: k, 0 to m - ``known``.
        growth: of the cap.
        delta: what the search may miss with.
        known: items excluded beforehand.
    """
    largest, total, early = sqrt(n_items), 0.0, 0.0
    for found in range(n_marked + 1):
        if known + found >= n_items or n_items == 1:
            return total
        cap, alive, misses = 1.0, 1.0, 0
        while alive > 1e-9:
            misses += cap >= largest / 2.0
            choices = ceil(cap)
            total += alive * (choices - 1.0) / 2.0
            alive *= 1.0 - success_below(n_items, n_marked - found, choices)
            if misses >= PATIENCE:
                total += alive * certificate_calls(n_items, delta, 1.0 + early)
                early += alive
                break
            cap = min(growth * cap, largest)
    return total


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

    decide = staticmethod(decide)
    compared = True
    prediction_error = 0.05
    promise = "misses any with probability at most delta"
    source = "Boyer, Brassard, Hoyer, Tapp 1998"

    def __init__(self, *, growth: float = 1.2) -> None:
        if not 1.0 < growth < 4.0 / 3.0:
            raise ConfigError(f"growth={growth}: must lie strictly between 1 and 4/3")
        self.growth = growth

    def prepare(self, searches: np.ndarray[Any, Any]) -> None:
        searches["growth"] = self.growth

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        return float(expected_bbht(n_items, n_marked, self.growth, delta, known))
