"""A monitored run that certifies: what it finds on the way costs nothing beside what it takes to be sure.

Two stages: the first damps more strongly than is critical for a single item, which finds several in about the time of
a search that is told how many there are; the second a little less, until the chance that the whole run finds nothing
has fallen to its share for every number of marked items. In units of sqrt(m): about 3.4 iterations at a share of 1e-6,
against 3.80 of Yoder, Low and Chuang's fixed point alone. No schedule of damped iterations needs less than 3.2, by
descent on every damping of a run over 1024 items.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, log, sin, sqrt
from typing import Any

import numpy as np

from circuits.law import angle
from circuits.monitored_law import advanced, worst_silence
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import kernel

LEAST_ITEMS = 64
"""Of fewer items the angles of one and of several lie too far apart for two stages to serve all."""

EXACT = 16
"""Of up to so many items left the law is looked at one by one; of more, its bound."""

_REFERENCE = 1 << 20
"""Where shapes are sought: in units of the angle of a single item they are the same for any number of items."""

_STRONG = (2.2, 2.5, 2.8, 3.1, 3.5, 4.0)
_WEAK = (1.2, 1.4, 1.6, 1.8, 2.0, 2.2)
"""Dampings to try, in units of that angle: 2 damps a single item critically."""

_RATIO = 1.04
"""Of the lengths to try of the first stage."""

_LENGTHS = 50

_AROUND = 1.0 + 0.03 * np.arange(-3, 4)
_LONGER = 1.05
"""Where whole numbers of iterations make a run longer than this in units of its shape, other dampings are tried."""


@kernel
def covered(n_items: Any, lengths: Any, dampings: Any, share: Any) -> Any:
    """Return whether a run finds something but for its share, whatever number of items is marked.

    Up to EXACT items, and up to as many unmarked ones, by the law; for all numbers between by the bound of
    :func:`circuits.monitored_law.worst_silence`.

    Args:
        n_items: m.
        lengths: (2,) iterations of each stage.
        dampings: (2,) of each.
        share: allowed.
    """
    few, least = min(EXACT, n_items - 1), min(EXACT, n_items - 1) + 1
    for i in range(2 * few):
        theta = angle(n_items, i + 1 if i < few else n_items - (i - few) - 1)
        state = advanced(theta, dampings[0], lengths[0], cos(theta), sin(theta))
        if advanced(theta, dampings[1], lengths[1], state[0], state[1])[0] ** 2 > share:
            return False
    return 2 * least > n_items or worst_silence(angle(n_items, least), lengths, dampings) <= share


@kernel
def _shortest(n_items: Any, lengths: Any, dampings: Any, share: Any, most: Any) -> Any:
    """Write the least length of the second stage that covers; return the whole length, ``most`` if none is shorter."""
    step = max(1, int(0.004 * sqrt(n_items)))
    for last in range(1, max(2, most - lengths[0]), step):
        lengths[1] = last
        if covered(n_items, lengths, dampings, share):
            return lengths[0] + last
    return most


@kernel
def _sought(n_items: Any, share: Any, strong: Any, weak: Any, first: Any, lengths: Any, dampings: Any) -> Any:
    """Write the shortest run found; return its length.

    Args:
        n_items: m.
        share: of delta.
        strong: dampings of the first stage to try.
        weak: of the second.
        first: lengths of the first.
        lengths: (2,) for the best.
        dampings: (2,) likewise.
    """
    best = int(4.0 * -log(share) * sqrt(n_items))
    own, damping = np.empty(2, np.int64), np.empty(2)
    for one in strong:
        for other in weak:
            for length in first:
                damping[0], damping[1], own[0] = one, other, length
                total = _shortest(n_items, own, damping, share, best)
                if total < best:
                    best = total
                    lengths[:], dampings[:] = own, damping
    return best


@lru_cache(maxsize=256)
def _shape(share: float) -> tuple[FloatArray, FloatArray]:
    """Return (2,) lengths in units of one over the angle of a single item, and (2,) dampings in units of that angle."""
    single, lengths, dampings = float(angle(_REFERENCE, 1)), np.zeros(2, np.int64), np.zeros(2)
    strong, weak = single * np.array(_STRONG), single * np.array(_WEAK)
    scale = -log(share) / 13.8
    first = np.unique(np.array(0.6 * scale * _RATIO ** np.arange(_LENGTHS) / single, np.int64))
    _sought(_REFERENCE, share, strong, weak, first, lengths, dampings)
    return lengths * single, dampings / single


@lru_cache(maxsize=4096)
def certifying(n_items: int, share: float) -> tuple[IntArray, FloatArray]:
    """Return ((2,) lengths, (2,) dampings) of the stages of a run that certifies.

    Args:
        n_items: m, at least LEAST_ITEMS.
        share: the most probable it may be that it finds nothing, whatever number of items is marked.
    """
    single, (shape, damping) = float(angle(n_items, 1)), _shape(share)
    lengths, dampings = np.zeros(2, np.int64), np.zeros(2)
    first = np.unique(np.maximum(1, np.array(shape[0] / single * 1.01 ** np.arange(-12, 13), np.int64)))
    for around in (np.ones(1), _AROUND):
        strong, weak = single * damping[0] * around, single * damping[1] * around
        total = _sought(n_items, share, strong, weak, first, lengths, dampings)
        if total * single < _LONGER * shape.sum() + 3.0 * single:
            break
    return lengths, dampings
