"""Boyer, Brassard, Hoyer and Tapp's search with an unknown number of marked items, ended by a certificate."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np

from circuits.search import Run, Search, Stop
from circuits.strategies.certificate import allotment, certificate_run

_PATIENCE = 2
"""Misses at a cap of at least sqrt(m) / 2 before a certificate is asked for: it costs several times such a run, and
all but nothing is lost when it comes too early, so the mean total cost is flat around this choice."""


def bbht(n_items: int, delta: float, generator: np.random.Generator, *, growth: float = 1.2) -> Search:
    """Find all marked items, their number unknown, missing any with probability at most delta.

    Each run draws its number of iterations uniformly below a cap, which grows by a factor after a miss and starts
    over at one after a find: about 1.44 sqrt(m/k) iterations an item ("Tight bounds on quantum searching", Fortschr.
    Phys. 46, 493, 1998, Theorem 3). After misses near the largest cap sqrt(m) a certificate is asked for.

    Args:
        n_items: m.
        delta: in (0, 1).
        generator: of this search.
        growth: factor of the cap, in (1, 4/3).
    """
    if n_items == 1:
        yield Run(0)
        return Stop("all items seen", 0.0)
    largest = sqrt(n_items)
    cap, misses, found, certificates = 1.0, 0, 0, 0
    while found < n_items:
        misses += cap >= largest / 2.0
        hit = yield Run(int(generator.random() * ceil(cap)))
        if not hit and misses >= _PATIENCE:
            certificates += 1
            allowed = allotment(delta, certificates)
            hit = yield certificate_run(n_items, allowed)
            if not hit:
                return Stop("certified", allowed)
        if hit:
            found, cap, misses = found + 1, 1.0, 0
        else:
            cap = min(growth * cap, largest)
    return Stop("all items seen", 0.0)
