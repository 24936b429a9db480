"""How an adversary asks for the examples under attack."""

from __future__ import annotations

import numpy as np

from hybrid_train.support.arrays import IntArray
from hybrid_train.training.dynamics import Dynamics


def asked_rows(dynamics: Dynamics, rows: IntArray) -> IntArray | None:
    """Return what to evaluate for ``rows``: None, which is cheapest, if they are all examples in their order."""
    n = len(dynamics.examples)
    return None if len(rows) == n and np.array_equal(rows, np.arange(n)) else rows
