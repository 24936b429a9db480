"""The reference strategy: the number of marked items is given."""

from __future__ import annotations

import numpy as np

from circuits.law import best_iterations
from circuits.search import Run, Search, Stop


def known_k(n_items: int, delta: float, generator: np.random.Generator, *, n_marked: int) -> Search:
    """Find all of a known number of marked items; misses nothing.

    Each run takes the j that minimises (j + 1) / p_j for the items still marked: about 1.38 sqrt(mk) calls in all.
    No training run knows k, so this is what other strategies are measured against.

    Args:
        n_items: m.
        delta: not used; nothing is missed.
        generator: not used; the run lengths are not random.
        n_marked: k.
    """
    remaining = n_marked
    while remaining:
        remaining -= yield Run(best_iterations(n_items, remaining))
    return Stop("all marked items found", 0.0)
