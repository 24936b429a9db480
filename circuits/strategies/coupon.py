"""Sampling with replacement: found items stay marked until a certificate is asked for."""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import Any, final

import numpy as np

from circuits.draws import draw_uniform
from circuits.strategies.bbht import PATIENCE, success_below
from circuits.strategies.state import MISS, REPEAT, certificate_calls, certify, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.kernels import kernel

_GROWTH = 1.2
_REPEATS = 2
"""Repeats in a row, per found item, that suggest that all have been seen: were one missing, exp(-2) would."""


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Steer the cap to where about every second run measures a marked item."""
    largest = sqrt(search.items)
    if outcome == MISS:
        search.cap = min(_GROWTH * search.cap, largest)
    else:
        search.cap, search.misses = max(1.0, search.cap / _GROWTH), 0
    search.repeats = search.repeats + 1 if outcome == REPEAT else search.repeats * (outcome == MISS)
    if search.misses >= PATIENCE or search.repeats >= _REPEATS * (search.found + 1):
        search.misses = search.repeats = 0
        return certify(search)
    search.misses += search.cap >= largest / 2.0
    return plain(search, int(draw_uniform(search) * ceil(search.cap)))


@final
class Coupon(Strategy):
    """Never unmarks: samples marked items again and again until only old ones come, as a coupon collector does.

    The price is a factor of about H_k / 2 over unmarking. The cap on run lengths grows after a miss and shrinks after
    a marked item. When repeats suggest that nothing is missing, the found items are unmarked and a certificate
    decides; if it finds something, the collection goes on among what is left.
    """

    decide = staticmethod(decide)
    unmarks = False
    promise = "misses any with probability at most delta"
    source = "Boyer, Brassard, Hoyer, Tapp 1998"

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        """Return about the mean: collection after collection, each of the items that the one before left in the mean.

        A certificate that comes too early finds one item and unmarks all that were seen; the rest are collected with a
        patience meant for all that was ever found. The caps are taken to have settled, and what is left to have its
        mean: a leading term, several times short where about half of very many items are marked. Runs
        succeed as often there whatever their cap, which wanders up to sqrt(m).
        """
        if n_items == 1 or known >= n_items:
            return 0.0
        whole, caps = known + n_marked == n_items, _caps(n_items)
        total, weight, marked, asked, cap = 0.0, 1.0, n_marked, 0, 0
        while weight > 1e-3 and marked:
            calls, chances, onward = _draws(n_items, marked, caps)
            settled = _settled(onward)
            ended, draws = _collected(marked, n_marked - marked, float(settled @ chances), whole)
            mean = float(settled @ calls)
            asked += 1
            total += weight * ((draws - 1.0) * mean + float(calls[cap]))
            total += weight * ended.sum() * float(certificate_calls(n_items, delta, float(asked)))
            cap = int(settled @ np.arange(len(caps)))
            left = ended[1:].sum()
            marked = round(float(ended @ np.arange(marked + 1)) / left) - 1 if left else 0
            weight *= left
        if whole or (n_marked and weight <= 1e-3):
            return total
        calls, _, _ = _draws(n_items, 0, caps)
        return total + weight * (float(calls[cap]) + float(certificate_calls(n_items, delta, asked + 1.0)))

    def call_correction(self, width: float, marked: float) -> float:
        """Return sqrt(k): a certificate is asked for whenever finds repeat, and so once for every few items."""
        return sqrt(marked)


@kernel
def _draws(n_items: Any, marked: Any, caps: Any) -> Any:
    """Follow what lies between one measurement of a marked item and the next, by the cap after the former.

    Returns:
        ((C,) iterations in the mean, (C,) chance that a certificate is asked for first, (C, C) chances of the cap after
        the next measurement).
    """
    size = caps.size
    calls, certificates, onward = np.zeros(size), np.zeros(size), np.zeros((size, size))
    for start in range(size):
        at, alive, misses = start, 1.0, 0
        while alive > 1e-12:
            misses += caps[at] >= sqrt(n_items) / 2.0
            choices = ceil(caps[at])
            success = success_below(n_items, marked, choices)
            calls[start] += alive * (choices - 1.0) / 2.0
            onward[start, max(at - 1, 0)] += alive * success
            alive *= 1.0 - success
            at = min(at + 1, size - 1)
            if misses >= PATIENCE:
                certificates[start] = alive
                break
    return calls, certificates, onward


def _settled(onward: FloatArray) -> FloatArray:
    """Return (C,) the chances of the caps after many draws."""
    chances = np.full(len(onward), 1.0 / len(onward))
    for _ in range(200):
        chances = chances @ onward + 1e-300
        chances /= chances.sum()
    return chances


def _caps(n_items: int) -> FloatArray:
    """Return (C,) the caps that there are, up to sqrt(m)."""
    largest = sqrt(n_items)
    steps = ceil(log(largest) / log(_GROWTH))
    return np.asarray(np.minimum(_GROWTH ** np.arange(steps + 1), largest))


def _collected(marked: int, before: int, certificates: float, whole: bool) -> tuple[FloatArray, float]:
    """Return (K + 1,) the chance that a collection ends with so many of K items unseen, and its draws in the mean.

    Args:
        marked: K.
        before: items found earlier, which make for more patience.
        certificates: chance of one before each draw.
        whole: whether the last item seen ends the search.
    """
    seen = np.arange(marked + 1)
    again = (1.0 - certificates) * seen / marked
    patience = _REPEATS * (before + seen + 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.where(again < 1.0, (1.0 - again**patience) / (1.0 - again), patience)
    onward = (1.0 - certificates) * (1.0 - seen / marked) * draws
    reached = np.concatenate([[1.0], np.cumprod(onward[:-1])])
    ended = reached * (1.0 - onward)
    if whole:
        draws[-1] = ended[-1] = 0.0
    return ended[::-1], float(reached @ draws)
