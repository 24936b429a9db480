"""Sampling with replacement: found items stay marked until a certificate is asked for."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any, final

from circuits.draws import draw_uniform
from circuits.strategies.bbht import PATIENCE
from circuits.strategies.state import COUPON, MISS, REPEAT, certify, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.support.kernels import kernel

_GROWTH = 1.2
_REPEATS = 2
"""Repeats in a row, per found item, that suggest that all have been seen: were one missing, exp(-2) would."""


@final
class Coupon(Strategy):
    """Never unmarks: samples marked items again and again until only old ones come, as a coupon collector does.

    The price is a factor of about H_k / 2 over unmarking. The cap on run lengths grows after a miss and shrinks after
    a marked item. When repeats suggest that nothing is missing, the found items are unmarked and a certificate
    decides; if it finds something, the collection goes on among what is left.
    """

    code = COUPON
    unmarks = False
    promise = "misses any with probability at most delta"
    source = "Boyer, Brassard, Hoyer, Tapp 1998"


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
