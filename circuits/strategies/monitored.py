"""Searching with a measured ancilla: a run heralds what it finds, and certifies if it stays silent to its end."""

from __future__ import annotations

from math import exp, pi, sin
from typing import Any, final

import numpy as np

from circuits.law import best_iterations_at
from circuits.monitored_law import amplitudes, expected_duration
from circuits.strategies.adaptive import SHARP, SURE, choose, learn_run
from circuits.strategies.decisions import empty_iterations
from circuits.strategies.ending import end_costs
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.posterior import DEAD, MISSES, NEGLIGIBLE, begin, hypothetical, learn_likelihoods
from circuits.strategies.schedules import LEAST_ITEMS, certifying
from circuits.strategies.seeking import best_length, damped_start
from circuits.strategies.state import (
    BEGIN,
    MISS,
    MONITORED,
    PLANS,
    allotment,
    certify_monitored,
    monitored,
    plain,
    rounded_share,
)
from circuits.strategies.strategy import Searches, Strategy
from hybrid_train.support.kernels import kernel

FIRST = 0.6
"""Of delta, for the first certificate: later ones are not rare, for a run that certifies finds well too."""

CAUTION = 0.12
"""What calls count where nothing is left, beside those where something is: below 1 the end is put off, which finds the
last item sooner, and makes sure of it later, as in ``adaptive``."""

TILT = 0.6
"""Of the prior: more weight on few items, and on none, than that of ``adaptive``."""

PLAIN_PART = 0.39
"""Plain iterations at the start of a run times the angle that is expected: up to 45 degrees damping does not pay."""

DAMPING = 2.0
"""Damping after that in units of the angle: it holds the state there. Both together find an item of a known number in
0.643 sqrt(m/k) iterations, against 0.690 of the plain algorithm."""

HOLD = 2.5
"""For how long, in units of one over the damping."""


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Begin, or learn from the last run; then take the run that promises most for its calls."""
    if outcome == BEGIN:
        begin(search)
    elif search.kind == MONITORED:
        _learn(search, outcome)
    else:
        learn_run(search, outcome)
    if search.plan_lengths[0, 0] == 0 or search.cleared > 0 or search.misses >= MISSES:
        return choose(search)  # too few items, or in the midst of ruling counts out
    return _choose(search)


@kernel
def _learn(search: Any, outcome: Any) -> None:
    """Update on a monitored run: on its silence, or on when a marked item was measured.

    Of a hypothesis that stands for many numbers only the mean over the turns of the rotation is known.
    """
    likelihoods, time = np.empty(search.nodes), search.taken
    damping = search.dampings[1] if time > search.lengths[0] else search.dampings[0]
    heralds = 1.0 - exp(-4.0 * damping)
    for i in range(search.nodes):
        theta = search.theta[i]
        if outcome == MISS:
            likelihoods[i] = amplitudes(theta, search.lengths, search.dampings, time)[0] ** 2
            continue
        unmarked, marked = amplitudes(theta, search.lengths, search.dampings, time - 1)
        middle, blur = 0.5 * (unmarked * unmarked + marked * marked), 2.0 * time * search.blur[i]
        likelihoods[i] = heralds * (middle + exp(-2.0 * blur * blur) * (marked * marked - middle))
        if time == search.iterations:
            likelihoods[i] += amplitudes(theta, search.lengths, search.dampings, time)[1] ** 2
        if theta == 0.0:
            likelihoods[i] = 0.0
    learn_likelihoods(search, outcome != MISS, likelihoods)


@kernel
def _choose(search: Any) -> Any:
    """Return the next run: what ``adaptive`` would take, one for an angle that is known well, or what is cheapest."""
    left, mean, square = 0.0, 0.0, 0.0
    for i in range(search.nodes):
        if search.total[i] > search.found:
            left += search.weight[i]
            mean += search.weight[i] * search.theta[i]
            square += search.weight[i] * search.theta[i] ** 2
    if left > 1.0 - SURE:
        mean /= left
        if square / left - mean * mean < (SHARP * mean) ** 2:
            return _targeted(search, mean)
    if left > 1.0 - SURE or left < DEAD or search.certificates >= PLANS - 1:
        return choose(search)
    return _certify_or_search(search)


@kernel
def _targeted(search: Any, theta: Any) -> Any:
    """Return the run with the fewest calls for each find, for an angle that is known well: monitored or plain."""
    iterations = best_iterations_at(theta)
    calls = (iterations + 1.0) / sin((2.0 * iterations + 1.0) * theta) ** 2
    damping = min(1.0, DAMPING * theta)
    lengths = np.array([int(PLAIN_PART / theta), int(HOLD / damping) + 1])
    if expected_duration(theta, lengths, np.array([0.0, damping])) + 1.0 < calls:
        return monitored(search, lengths[0], lengths[1], damping)
    return plain(search, iterations)


@kernel
def _certify_or_search(search: Any) -> Any:
    """Return the run with the fewest expected calls up to the next find or the end of the search.

    That is a run, plain or monitored, and the best end after it, or an end at once: by a monitored run, or as
    ``adaptive`` ends.
    """
    ends, after, ended, certified, least = np.empty(search.nodes), np.empty(search.nodes), 0.0, 0.0, 0.5 * pi
    end_costs(search, ends)
    plan = search.certificates
    lengths, dampings = search.plan_lengths[plan], search.plan_dampings[plan]
    longer = search.plan_lengths[plan + 1].sum() - lengths.sum()
    for i in range(search.nodes):
        weight = search.weight[i] if search.total[i] >= search.found else 0.0
        after[i] = expected_duration(search.theta[i], lengths, dampings) + 1.0 if weight > 0.0 else 0.0
        if search.theta[i] > 0.0:
            after[i] += longer  # a find voids this certificate, and the next one takes longer
        else:
            after[i], ends[i] = CAUTION * after[i], CAUTION * ends[i]
        ended += weight * ends[i]
        certified += weight * after[i]
        if weight > NEGLIGIBLE and search.theta[i] > 0.0:
            least = min(least, search.theta[i])
    if ended < certified:
        return choose(search)
    best, fewest, iterations = -1, certified, 0
    while iterations <= int(0.25 * pi / least) + 1:
        calls = iterations + 1.0
        for i in range(search.nodes):
            if search.weight[i] > 0.0:
                missed = 1.0 - hypothetical(search, i, 2.0 * iterations + 1.0)
                calls += search.weight[i] * missed * after[i]
        if calls < fewest:
            best, fewest = iterations, calls
        iterations += 1 + int(0.12 * iterations)
    before, damping = damped_start(search)
    length, calls = best_length(search, before, damping, after, CAUTION)
    if calls < fewest:
        return monitored(search, before, length, damping)
    return plain(search, best) if best >= 0 else certify_monitored(search)


@final
class Monitored(Strategy):
    """Measures an ancilla in every iteration where that pays: it heralds a find, and its silence certifies.

    The posterior is that of ``adaptive``, its prior tilted towards few items. While something may be left, and the
    number is not known well, each run is the row of plain and then damped iterations with the fewest calls up to the
    next find or the end of the search, and ends where going on promises less than a certificate. That is a run of about
    3.5 sqrt(m) damped iterations, which finds what is left, or certifies if it is silent throughout. Where the number
    is known well, a run holds the state at 45 degrees. It needs a machine that measures in the midst of a circuit and
    decides by it. Of fewer than 64 items it searches as ``adaptive`` does.
    """

    decide = staticmethod(decide)
    monitors = True
    first_share = FIRST
    tilt = TILT
    prediction_error = 0.4
    promise = "misses any with probability at most delta"
    source = "Mizel 2009; Tulsi, Grover, Patel 2006; Yoder, Low, Chuang 2014"

    def prepare(self, searches: Searches) -> None:
        n_items = int(searches["items"][0]) if len(searches) else 0
        if n_items < LEAST_ITEMS:
            return
        deltas, rows = np.unique(searches["delta"], return_inverse=True)
        for plan in range(PLANS):
            shares = [float(rounded_share(allotment(delta, plan + 1, FIRST))) for delta in deltas.tolist()]
            stages = [certifying(n_items, share) for share in shares]
            searches["plan_lengths"][:, plan] = np.array([one[0] for one in stages])[rows]
            searches["plan_dampings"][:, plan] = np.array([one[1] for one in stages])[rows]

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        """Return what a search that is told k takes, and what it takes to make sure that nothing is left."""
        found = known + n_marked
        calls = float(expected_known_k(n_items, n_marked)[0])
        if found >= n_items:
            return calls
        return calls + empty_iterations(self.start(n_items, [delta], np.zeros(1, np.uint64), known=found))
