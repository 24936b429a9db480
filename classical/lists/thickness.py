"""How wide a skin should be."""

from __future__ import annotations

import math

import numpy as np

from hybrid_train.finder.bank import Bank, Watched
from hybrid_train.finder.predicate import norm_bounds

FIRST_SKIN = 0.05
"""Skin before any drift was seen, in units of a typical coordinate of the listed vectors."""

SAMPLE = 4096
"""Listed vectors that show what is typical of all."""


def typical_coordinate(listed: Bank | Watched) -> float:
    """Return the size of a typical coordinate of a bank's vectors; 1 where that is zero or not finite."""
    sample = listed[: min(len(listed), SAMPLE)]
    typical = float(np.median(norm_bounds(sample))) / math.sqrt(listed.shape[1])
    return typical if 0 < typical < np.inf else 1.0


def first_skin(listed: Bank | Watched) -> float:
    """Return the skin for vectors that have not moved yet, from the size of a typical coordinate of theirs."""
    return FIRST_SKIN * typical_coordinate(listed)


def best_skin(step: float, density: float, columns: int, dimension: int) -> float:
    """Return the skin with the least estimated work per row and step.

    A skin s puts density * s more entries into a list, each touched at every step; a row is scanned again, for
    ``columns`` inner products, each time it drifts as far as its nearest unlisted column. With columns spread evenly
    beyond the skin that is (step * density) e^x E1(x) times per step, x = density * s. The minimum of
    s + a e^x E1(x), a = step * columns * price, is near a for small x and near sqrt(a / density) for large; the root of
    density s^2 + s = a returned here agrees with both. The price of an inner product in a scan is taken as
    1 + d / 8 entries touched.

    Args:
        step: mean length of a step of a row that moves.
        density: unlisted columns per unit of distance, near the threshold.
        columns: n.
        dimension: d.
    """
    root = balanced_skin(step * columns * (1 + dimension / 8), density)
    return min(root, columns / (4 * density))


def balanced_skin(work: float, density: float) -> float:
    """Return the positive root s of density s^2 + s = work, to rounding for any positive numbers.

    Args:
        work: of scans per unit of 1 / s, in entries touched.
        density: entries more for each unit of s.
    """
    if work == math.inf:
        return math.inf
    return 2 * work / (1 + math.hypot(1, 2 * math.sqrt(work) * math.sqrt(density)))
