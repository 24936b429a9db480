"""What a search remembers, what it is told, and what it asks for: the small interface of every strategy.

A strategy is a compiled function ``decide(search, outcome)`` that returns a request (kind, iterations, parameter).
The finder and the simulation of counts call the very same functions, through
:mod:`circuits.strategies.decisions`.
"""

from __future__ import annotations

from math import floor, log, log1p, log2
from typing import Any

import numpy as np

from circuits.law import fixed_point_iterations
from hybrid_train.support.kernels import inlined, kernel

STOP, PLAIN, ROBUST, MATCHED, MONITORED = range(5)
"""Kinds of request: no more; plain iterations; fixed-point phases of a given ripple; one phase throughout; stages of
damped iterations, which the search itself holds."""

BEGIN, MISS, HIT, SPURIOUS, REPEAT = range(5)
"""Outcomes of a run: none yet; an item that neither counts nor is marked; a new verified item; one that the oracle
marks and verification rejects; a verified item that was found before and is still marked."""

RUNNING, CERTIFIED, ALL_SEEN, ALL_FOUND, REFUTED = range(5)
"""Why a search stopped."""

REASONS = ("still running", "certified", "all items seen", "all marked items found", "machine refuted")

HYPOTHESES = 256
LEVELS = 40
STAGES = 2
PLANS = 8

SEARCH = np.dtype(
    [
        ("strategy", np.int64),
        ("items", np.int64),
        ("delta", np.float64),
        ("key", np.uint64),
        ("told", np.int64),
        ("known", np.int64),
        ("found", np.int64),
        ("unmarks", np.int64),
        ("reason", np.int64),
        ("miss", np.float64),
        ("certificates", np.int64),
        ("certifying", np.int64),
        ("kind", np.int64),
        ("iterations", np.int64),
        ("parameter", np.float64),
        ("clears", np.int64),
        ("cleared", np.int64),
        ("growth", np.float64),
        ("cap", np.float64),
        ("doubt", np.float64),
        ("misses", np.int64),
        ("repeats", np.int64),
        ("level", np.int64),
        ("shots", np.int64),
        ("hits", np.int64, (LEVELS,)),
        ("centre", np.float64),
        ("spread", np.float64),
        ("flat", np.float64),
        ("tilt", np.float64),
        ("nodes", np.int64),
        ("single", np.int64),
        ("total", np.float64, (HYPOTHESES,)),
        ("weight", np.float64, (HYPOTHESES,)),
        ("theta", np.float64, (HYPOTHESES,)),
        ("blur", np.float64, (HYPOTHESES,)),
        ("first", np.float64),
        ("taken", np.int64),
        ("lengths", np.int64, (STAGES,)),
        ("dampings", np.float64, (STAGES,)),
        ("plan_lengths", np.int64, (PLANS, STAGES)),
        ("plan_dampings", np.float64, (PLANS, STAGES)),
    ],
    align=True,
)
"""One search.

    strategy    whose decision it follows, see :func:`circuits.strategies.decisions.code_of`
    items       m, the items searched
    delta       what the search may miss with in all
    key         counter of its random stream
    told        items marked at the start, for the strategies that must be told; -1 for all others
    known       items excluded before the search began (found by the last step, verified)
    found       items that the search has unmarked, or seen if it does not unmark
    unmarks     whether a found item is unmarked at once
    reason      why it stopped; RUNNING while it has not
    miss        the most probable it can be that stopping left a marked item behind
    certificates, certifying    how many were asked for; whether the last request was one
    kind, iterations, parameter     of the last run asked for
    clears      whether that run finds something with certainty if ``cleared`` + 1 items are left
    cleared     how many counts, 1 to this, such runs have ruled out since the last find
    growth, cap, misses, repeats    of the schedules that grow with every miss
    doubt       logarithm of the chance that a machine which may be trusted misses as often as the last runs did
    level, shots, hits              of the amplitude estimation
    centre, spread, flat, tilt      the prior over the marked items: a normal part, and the share of the flat one, of
                which K are as probable as K^-(1 + tilt)
    nodes, single, total, weight, theta, blur    the posterior: hypotheses on how many were marked at the start,
                whether they are consecutive integers, their probabilities, the angle of what remains under each, and
                the standard deviation of the angle over the numbers that a hypothesis stands for
    first       share of delta that the first certificate gets, see :func:`allotment`
    taken       iterations that were carried out of the last run: all, unless a monitored one ended before
    lengths, dampings               of the stages of the last monitored run
    plan_lengths, plan_dampings     of those that certify: the c-th certificate's in row c - 1
"""


FALSE_ALARM = 1e-9
"""The most probable it may be that a search calls a machine which may be trusted refuted."""

TRUSTED_SHARE = 0.1
"""A machine may be trusted whose runs succeed at least this often where the law says always: noise is no defect."""


@inlined
def unmarks_now(search: Any) -> Any:
    """Return whether what a search finds is unmarked at once, by its strategy or since it certifies; else later."""
    return search.unmarks | search.certifying


@kernel
def unmarking(searches: Any, rows: Any) -> Any:
    """Return (len(rows),) :func:`unmarks_now` of these searches."""
    now = np.empty(rows.size, np.bool_)
    for at in range(rows.size):
        now[at] = unmarks_now(searches[rows[at]]) != 0
    return now


@kernel
def rounded_share(miss_probability: Any) -> Any:
    """Round down by at most a quarter of a factor two, so that searches with about the same share use one circuit."""
    return 2.0 ** (floor(4.0 * log2(miss_probability)) / 4.0)


FIRST_SHARE = 0.9
"""Of delta, for the first certificate: nearly all searches end with it."""


@kernel
def allotment(delta: Any, attempt: Any, first: Any = FIRST_SHARE) -> Any:
    """Return the share of the c-th certificate of a search: 0.9 delta, then 0.1 delta / (c (c - 1)).

    A search misses something if some certificate finds nothing though something is left. The c-th does so with its
    share at most, whatever came before, and 0.9 + 0.1 sum over c >= 2 of 1 / (c (c - 1)) = 1: delta in all.

    Args:
        delta: what the search may miss with.
        attempt: c.
        first: in the place of 0.9.
    """
    if attempt < 2:
        return first * delta
    return (1.0 - first) * delta / (attempt * (attempt - 1.0))


@kernel
def certificate_calls(n_items: Any, delta: Any, attempt: Any) -> Any:
    """Return the iterations of the c-th certificate over m items: the last one of most searches is the first.

    Args:
        n_items: m.
        delta: what the search may miss with.
        attempt: c; a mean over searches may lie between whole numbers.
    """
    whole = int(attempt)
    first = fixed_point_iterations(n_items, rounded_share(allotment(delta, whole)))
    following = fixed_point_iterations(n_items, rounded_share(allotment(delta, whole + 1.0)))
    return first + (attempt - whole) * (following - first)


@kernel
def request(search: Any, kind: Any, iterations: Any, parameter: Any) -> Any:
    """Ask for a run, and remember it; who carries it out says if it ended before."""
    search.kind, search.iterations, search.parameter, search.clears = kind, iterations, parameter, 0
    search.taken = iterations
    return kind, iterations, parameter


@kernel
def plain(search: Any, iterations: Any) -> Any:
    """Ask for a plain run."""
    return request(search, PLAIN, iterations, 0.0)


@kernel
def monitored(search: Any, plain_length: Any, length: Any, damping: Any) -> Any:
    """Ask for a monitored run: plain iterations, then damped ones."""
    search.lengths[0], search.dampings[0] = plain_length, 0.0
    search.lengths[1], search.dampings[1] = length, damping
    return request(search, MONITORED, plain_length + length, 0.0)


@kernel
def certify_monitored(search: Any) -> Any:
    """Ask for a monitored run that certifies, the next of the plans."""
    plan = search.certificates
    search.certificates += 1
    search.certifying = 1
    search.miss = rounded_share(allotment(search.delta, search.certificates, search.first))
    total = 0
    for stage in range(STAGES):
        search.lengths[stage] = search.plan_lengths[plan, stage]
        search.dampings[stage] = search.plan_dampings[plan, stage]
        total += search.lengths[stage]
    return request(search, MONITORED, total, 0.0)


@kernel
def certify(search: Any) -> Any:
    """Ask for a certificate: one fixed-point run that finds something, if anything is left, but for its share."""
    search.certificates += 1
    search.certifying = 1
    search.miss = rounded_share(allotment(search.delta, search.certificates, search.first))
    iterations = fixed_point_iterations(search.items / (1.0 + search.cleared), search.miss)
    return request(search, ROBUST, iterations, search.miss)


@kernel
def stop(search: Any, reason: Any, miss_probability: Any) -> Any:
    """End the search."""
    search.reason = reason
    search.miss = miss_probability
    return STOP, 0, 0.0


@kernel
def is_refuted(search: Any, outcome: Any, success: Any) -> Any:
    """Return whether the last misses in a row are too many for any machine that may be trusted.

    A search that is told what is left ends with the last find, so a machine that never gives it would never end. The
    chance of a miss is at most 1 - TRUSTED_SHARE * success, so that one find of the told number is called off by
    mistake with probability FALSE_ALARM / told at most, and the search with FALSE_ALARM.

    Args:
        search: told how many items are marked.
        outcome: of the last run.
        success: the chance that the run to come, and the missed ones before it, measure a marked item.
    """
    if outcome != MISS:
        search.doubt = 0.0
        return False
    search.doubt += log1p(-TRUSTED_SHARE * success)
    return search.doubt < log(FALSE_ALARM / search.told)
