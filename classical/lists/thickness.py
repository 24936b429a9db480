"""How wide a skin should be."""

from __future__ import annotations

import numpy as np

from hybrid_train.finder.bank import Watched
from hybrid_train.finder.predicate import norm_bounds

_FIRST_SKIN = 0.05
"""Skin before any drift was seen, in units of a typical coordinate of the listed vectors."""


def first_skin(listed: Watched) -> float:
    """Return the skin for vectors that have not moved yet, from the size of a typical coordinate of theirs."""
    sample = listed[: min(len(listed), 4096)]
    typical = float(np.median(norm_bounds(sample))) / np.sqrt(listed.shape[1])
    return _FIRST_SKIN * (typical if 0 < typical < np.inf else 1.0)


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
    work = step * columns * (1 + dimension / 8)
    root = (np.sqrt(1 + 4 * work * density) - 1) / (2 * density)
    return float(min(root, columns / (4 * density)))
