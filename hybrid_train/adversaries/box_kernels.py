"""The farthest point of a box on a sphere: which coordinates leave the ends of their intervals that the pull likes.

Where the corner of the box that a linear function likes best lies inside the sphere, coordinates have to go to the ends
that are farther from zero until the norm is right. Each of them costs some of the function's value and gains some of
the squared norm; at most one of them stops on the way (two that do could move on against each other). The least cost is
a knapsack problem with one divisible item, solved by branch and bound: the bound lets every item be divided, which
never costs more, since the cost of a part of the way is concave in what it gains.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.kernels import kernel

STAYS, GOES, STOPS = 0, 1, 2


class Items(NamedTuple):
    """Coordinates that gain some of the squared norm, cheapest first.

    Attributes:
        gains: (k,) of the squared norm, positive, if one goes all the way.
        prices: (k,) cost of going all the way over the gain.
        gained: (k + 1,) sums of the gains before each.
        costs: (k + 1,) sums of the costs before each.
        missing: squared norm to gain.
    """

    gains: FloatArray
    prices: FloatArray
    gained: FloatArray
    costs: FloatArray
    missing: float


@kernel
def part_cost(pull: Any, end: Any, corner: Any, gain: Any) -> Any:
    """Return what a coordinate costs that has gained so much of the squared norm on its way from its end."""
    place = np.sqrt(end * end + gain)
    return abs(pull * ((place if corner > 0 else -place) - end))


@kernel
def _bound(at: Any, rest: Any, spent: Any, part: Any, items: Any) -> Any:
    """Return the least cost of the squared norm that is missing if the items from ``at`` on could be divided."""
    gained, costs = items.gained, items.costs
    if part >= 0:
        take = min(items.gains[part], rest)
        spent += items.prices[part] * take
        rest -= take
    if rest <= 0.0:
        return spent
    target = gained[at] + rest
    low, high = at, items.gains.size
    while low < high:
        middle = (low + high) // 2
        if gained[middle + 1] <= target:
            low = middle + 1
        else:
            high = middle
    if low == items.gains.size:
        short = target - gained[low]
        return spent + costs[low] - costs[at] if short <= 1e-9 * items.missing else np.inf
    return spent + costs[low] - costs[at] + (target - gained[low]) * items.prices[low]


@kernel
def choose(pulls: Any, ends: Any, corners: Any, gains: Any, prices: Any, missing: Any, nodes: Any, best: Any) -> Any:
    """Write what each coordinate does, STAYS, GOES or STOPS, at the least cost; return whether that is proved.

    Args:
        pulls: (k,) of coordinates that gain something, by ascending price.
        ends: (k,) where each begins.
        corners: (k,) where each may go.
        gains: (k,) of the squared norm, positive, if it goes all the way.
        prices: (k,) cost of going all the way over the gain.
        missing: squared norm to gain, positive, at most the sum of the gains.
        nodes: so many branches are looked at, at most.
        best: (k,) int8, written.
    """
    k = gains.size
    gained, costs = np.zeros(k + 1), np.zeros(k + 1)
    for j in range(k):
        gained[j + 1] = gained[j] + gains[j]
        costs[j + 1] = costs[j] + gains[j] * prices[j]
    items = Items(gains, prices, gained, costs, missing)
    now, turn, parts = np.zeros(k, np.int8), np.zeros(k + 1, np.int8), np.full(k + 1, -1, np.int64)
    needs, spents = np.zeros(k + 1), np.zeros(k + 1)
    needs[0], least, depth, seen = missing, np.inf, 0, 0
    while depth >= 0:
        need, spent, part = needs[depth], spents[depth], parts[depth]
        if turn[depth] == 0:
            seen += 1
            total = np.inf
            if need <= 0.0:
                total = spent if part < 0 else np.inf
            elif part >= 0 and need <= gains[part]:
                total = spent + part_cost(pulls[part], ends[part], corners[part], need)
            elif depth == k and part < 0 and need <= 1e-9 * missing:
                total = spent
            if total < least:
                least = total
                best[:depth], best[depth:] = now[:depth], STAYS
            leaf = need <= 0.0 or depth == k
            if leaf or _bound(depth, need, spent, part, items) >= least * (1 - 1e-13):
                depth -= 1
                continue
            if seen > nodes and least < np.inf:
                return False
        turn[depth] += 1
        if turn[depth] > 3:
            depth -= 1
            continue
        goes, stops = turn[depth] == 1, turn[depth] == 2
        if (goes and gains[depth] > need) or (stops and part >= 0):
            continue
        now[depth] = GOES if goes else (STOPS if stops else STAYS)
        needs[depth + 1] = need - gains[depth] if goes else need
        spents[depth + 1] = spent + gains[depth] * prices[depth] if goes else spent
        parts[depth + 1] = depth if stops else part
        depth += 1
        turn[depth] = 0
    return True
