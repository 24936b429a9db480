"""The warm strategy: start from last time's set, search for newcomers only."""

from __future__ import annotations

from typing import final

from circuits.strategies.adaptive import Adaptive, decide
from circuits.strategies.strategy import Strategy


@final
class Warm(Strategy):
    """Items the query had last time are verified classically, excluded, and only newcomers are searched for.

    One inner product for each old item, then the adaptive strategy on the rest, its prior centred on last time's
    newcomers, and the certificate: about sqrt(m flips) + 2 sqrt(m) calls instead of sqrt(mk).
    """

    decide = staticmethod(decide)
    remembers = True
    compared = True
    prediction_error = 0.4
    promise = "misses any with probability at most delta, whatever the last step's set"
    source = "Boyer, Brassard, Hoyer, Tapp 1998; Yoder, Low, Chuang 2014"
    prior = "previous"

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        """Return what :class:`.Adaptive` is expected to take for the newcomers."""
        return Adaptive().expected_iterations(n_items, n_marked, delta, known=known)
