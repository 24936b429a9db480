"""Searches played out on the law alone: what finding all marked items costs, for any number of items.

Only how many items are marked matters to the cost, not which, so a search over 2^30 items with millions of them
marked takes seconds. Every decision is taken by the code the finder runs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from circuits.draws import STEP, KeyArray, draw_bits, draw_uniform, uniform
from circuits.law import fixed_point_law, matched_law, plain_law
from circuits.monitored_law import measured_within, monitored_end
from circuits.strategies.decisions import Decision, decision_of, next_run, next_run_of, specialised
from circuits.strategies.state import BEGIN, HIT, MATCHED, MISS, MONITORED, PLAIN, REPEAT, STOP, unmarks_now
from circuits.strategies.strategy import Expectation, Searches, Strategy
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.kernels import kernel
from hybrid_train.support.parallel import in_threads

PLAYED = np.dtype(
    [
        ("oracle_calls", np.int64),
        ("bit_oracle_uses", np.int64),
        ("runs", np.int64),
        ("mid_measurements", np.int64),
        ("until_last_hit", np.int64),
        ("certificate_calls", np.int64),
        ("missed", np.int64),
        ("reason", np.int64),
        ("miss_probability", np.float64),
    ],
    align=True,
)
"""One search played out.

    oracle_calls        Grover iterations
    bit_oracle_uses     uses of the bit oracle: two an iteration where the phases are not pi
    runs                circuit executions, each with a measurement and a verification
    mid_measurements    of the ancilla of monitored runs, one a damped iteration
    until_last_hit      oracle calls and verifications up to and including the last item found
    certificate_calls   those of the oracle calls that went into certificates
    missed              marked items not found
    reason              code of why it stopped
    miss_probability    the most probable it was that something was missed
"""

Played = np.ndarray[Any, Any]


def play(searches: Searches, n_marked: Any) -> Played:
    """Play searches to their end, each against the closed-form law.

    Args:
        searches: (S,) of one strategy, that have not begun; they are at their end afterwards.
        n_marked: (S,) items each oracle marks, known ones not counted.

    Returns:
        (S,) records of :data:`PLAYED`.
    """
    played = np.zeros(len(searches), PLAYED)
    if not len(searches):
        return played
    player = _player(decision_of(searches))
    marked = np.ascontiguousarray(np.broadcast_to(n_marked, len(searches)), np.int64)

    def share(first: int, last: int) -> None:
        player(searches[first:last], marked[first:last], played[first:last])

    in_threads(share, len(searches), 2)
    return played


def start_and_play(
    strategy: Strategy,
    n_items: int,
    deltas: npt.ArrayLike,
    keys: KeyArray,
    n_marked: IntArray,
    *,
    known: npt.ArrayLike = 0,
    expectation: Expectation | None = None,
) -> Played:
    """Start searches of a strategy and play them to their end.

    Args:
        strategy: whose searches.
        n_items: m.
        deltas: (S,) or one for all, the probability that a search may miss something.
        keys: (S,) of their random streams.
        n_marked: (S,) items to be found.
        known: (S,) or one for all, items excluded beforehand.
        expectation: of ``n_marked``, for a strategy that remembers the last time; the others do without.

    Returns:
        (S,) records of :data:`PLAYED`.
    """
    expected = expectation if strategy.remembers else None
    shares = np.broadcast_to(np.asarray(deltas, np.float64), len(keys))
    searches = strategy.start(n_items, shares, keys, n_marked=n_marked, known=known, expectation=expected)
    return play(searches, n_marked)


@cache
def _player(decision: Decision) -> Any:
    one = specialised(_play_one, decision, next_run=next_run_of(decision))
    return specialised(_play, decision, _play_one=one)


def _play(searches: Any, marked: Any, played: Any) -> None:
    for at in range(searches.size):
        _play_one(searches[at], marked[at], played[at])


def _play_one(search: Any, marked: Any, played: Any) -> None:
    """Play one search; items found and still marked are set aside while a strategy does not unmark."""
    outcome, aside, total = BEGIN, 0, marked
    while True:
        kind, iterations, parameter = next_run(search, outcome)
        if kind == STOP:
            break
        if aside and unmarks_now(search):
            marked, aside = marked - aside, 0
        counter = draw_bits(search) + STEP
        if kind == MONITORED:
            iterations, hit = monitored_end(search.items, marked, search.lengths, search.dampings, uniform(counter))
            search.taken = iterations
            played.mid_measurements += measured_within(search.lengths, search.dampings, iterations)
        else:
            hit = marked > 0 and uniform(counter) < law(search.items, marked, kind, iterations, parameter)
        played.oracle_calls += iterations
        played.bit_oracle_uses += iterations if kind in (PLAIN, MONITORED) else 2 * iterations
        played.certificate_calls += iterations if search.certifying else 0
        played.runs += 1
        if not hit:
            outcome = MISS
            continue
        if aside and draw_uniform(search) * marked < aside:
            outcome = REPEAT
            continue
        outcome = HIT
        if unmarks_now(search):
            marked -= 1
        else:
            aside += 1
        total -= 1
        played.until_last_hit = played.oracle_calls + played.runs
    played.missed = total
    played.reason = search.reason
    played.miss_probability = search.miss


@kernel
def law(n_items: Any, n_marked: Any, kind: Any, iterations: Any, parameter: Any) -> Any:
    """Return the chance that a requested run measures a marked item."""
    if n_marked == n_items:
        return 1.0
    if kind == PLAIN:
        return plain_law(n_items, n_marked, iterations)
    if kind == MATCHED:
        return matched_law(n_items, n_marked, iterations, parameter)
    return fixed_point_law(n_items, n_marked, iterations, parameter)
