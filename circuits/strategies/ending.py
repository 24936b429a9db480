"""How a search makes sure that nothing is left: runs that rule single counts out for certain, then one for all others.

A run with matched phases for r marked items finds something with certainty if exactly r are left (Long 2001; Hoyer
2000), so its miss rules r out. After r = 1, .., K the last run has to find something only if more than K are left:
sum over r <= K of (pi/4) sqrt(m/r), and the certificate for m / (K + 1) items in the place of m. Best K and
total / sqrt(m) at a miss probability of 1e-3, 1e-6, 1e-9, 1e-12: 2.07 (0), 3.47 (1), 4.53 (2), 5.42 (3), against 2.07,
3.80, 5.53, 7.25 of the fixed point alone. Any find voids what was ruled out.

The promise: a search ends with a certificate that finds nothing. If r >= 1 items are left then, either r <= K, and the
run matched to r, made since the last find and hence with the same r, would have found one; or r > K, and the last run
misses with its share at most (:func:`circuits.strategies.state.allotment`), whatever came before. The shares of all
certificates of a search sum to delta.
"""

from __future__ import annotations

from typing import Any

from circuits.law import exact_plan, fixed_point_iterations, matched_miss
from circuits.strategies.state import CERTIFIED, MATCHED, allotment, certify, plain, request, rounded_share, stop
from hybrid_train.support.kernels import kernel

_MOST_CLEARED = 64


@kernel
def counts_to_clear(search: Any) -> Any:
    """Return the K with which the end takes the fewest iterations and measurements."""
    most = search.items - search.known - search.found
    share = rounded_share(allotment(search.delta, search.certificates + 1, search.first))
    best, least, spent = search.cleared, 1e300, 0.0
    for count in range(search.cleared, min(most, search.cleared + _MOST_CLEARED) + 1):
        if count > search.cleared:
            spent += exact_plan(search.items, count)[0] + 1.0
        if spent >= least:
            break
        total = spent
        if count < most:
            total += fixed_point_iterations(search.items / (count + 1.0), share) + 1.0
        if total < least:
            best, least = count, total
    return best


@kernel
def end(search: Any) -> Any:
    """Ask for the next run of the end, or stop if every count has been ruled out."""
    most = search.items - search.known - search.found
    count = counts_to_clear(search)
    if search.cleared >= most:
        return stop(search, CERTIFIED, 0.0)
    if search.cleared >= count:
        return certify(search)
    iterations, phase = exact_plan(search.items, search.cleared + 1)
    asked = plain(search, 0) if iterations == 0 else request(search, MATCHED, iterations, phase)
    search.clears = 1
    return asked


@kernel
def clear(search: Any, missed: Any) -> None:
    """Rule out what the last run rules out; a find voids all."""
    search.cleared = search.cleared + search.clears if missed else 0
    search.clears = 0


@kernel
def end_costs(search: Any, costs: Any) -> None:
    """Write what the end costs up to the next find or its own end, under each hypothesis.

    Args:
        search: as it is now.
        costs: (nodes,) iterations and measurements.
    """
    most = search.items - search.known - search.found
    count = counts_to_clear(search)
    share = rounded_share(allotment(search.delta, search.certificates + 1, search.first))
    iterations = fixed_point_iterations(search.items / (count + 1.0), share)
    for i in range(search.nodes):
        theta, cost, alive = search.theta[i], 0.0, 1.0
        for cleared in range(search.cleared + 1, count + 1):
            length, phase = exact_plan(search.items, cleared)
            cost += alive * (length + 1.0)
            alive *= matched_miss(theta, length, phase)
        if count < most:
            cost += alive * (iterations + 1.0)
        costs[i] = cost
