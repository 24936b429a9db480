"""The one door to every strategy's decision, for the finder and for the simulation of counts alike.

Everything that asks a strategy is written once, about a ``decide`` that stands in for the strategy's own, and is
compiled for each strategy anew: the decision is compiled into it, and no list of strategies is kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from circuits.draws import draw_bits
from circuits.strategies.state import ALL_SEEN, BEGIN, CERTIFIED, HIT, MISS, SPURIOUS, STOP, plain, stop
from hybrid_train.errors import InvariantError
from hybrid_train.support.kernels import kernel

Decision = Callable[[Any, Any], Any]
"""A compiled ``decide(search, outcome)`` that returns a request, see :mod:`circuits.strategies.state`."""

_DECISIONS: list[Decision] = []


def code_of(decision: Decision) -> int:
    """Return the number by which searches name their decision, in this process."""
    if decision not in _DECISIONS:
        _DECISIONS.append(decision)
    return _DECISIONS.index(decision)


def decision_of(searches: Any) -> Decision:
    """Return the decision of searches that one strategy has started."""
    return _DECISIONS[int(searches["strategy"][0])]


def specialised(template: Callable[..., Any], decision: Decision, **names: Any) -> Any:
    """Return a kernel: ``template`` compiled with ``names`` in place of the globals of these names.

    Each is kept on disk under a name of its own.

    Args:
        template: a function that is not compiled.
        decision: the kernel is for.
        names: the kernels it calls for ``decide``, ``next_run`` and so on.
    """
    label = f"{decision.__module__}.{decision.__name__}".replace(".", "_")
    own = FunctionType(template.__code__, template.__globals__ | names, f"{template.__name__}_{label}")
    own.__qualname__, own.__module__ = own.__name__, template.__module__
    return kernel(own)


def decide(search: Any, outcome: Any) -> Any:
    """Stand in for the decision of a strategy."""
    raise InvariantError("decide: this kernel is to be specialised first")


def next_run(search: Any, outcome: Any) -> Any:
    """Tell a search the outcome of its last run (BEGIN before the first) and return what it asks for next.

    What all strategies share is here: the count of what was found, and the two ways to stop without being told how
    many items are marked, namely that a certificate found nothing, or that every item has been seen.

    Returns:
        (kind, iterations, parameter); see :mod:`circuits.strategies.state`.
    """
    if outcome in (HIT, SPURIOUS):
        search.found += 1
    if search.known + search.found >= search.items or (search.items == 1 and outcome == MISS):
        return stop(search, ALL_SEEN, 0.0)
    if search.certifying:
        search.certifying = 0
        if outcome == MISS:
            return stop(search, CERTIFIED, search.miss)
    if search.items == 1 and search.told < 0:
        return plain(search, 0)
    return decide(search, outcome)


def _step(searches: Any, pending: Any, outcomes: Any, kinds: Any, iterations: Any, parameters: Any) -> Any:
    seeds = np.empty(pending.size, np.uint64)
    for job in range(pending.size):
        search = searches[pending[job]]
        kinds[job], iterations[job], parameters[job] = next_run(search, outcomes[job])
        seeds[job] = draw_bits(search)
    return seeds


def _empty(searches: Any) -> Any:
    """Return the iterations up to the stop of a search that never finds anything."""
    search, outcome, total = searches[0], BEGIN, 0
    while True:
        kind, iterations, _ = next_run(search, outcome)
        if kind == STOP:
            return total
        total += iterations
        outcome = MISS


@cache
def next_run_of(decision: Decision) -> Any:
    """Return :func:`next_run` for one strategy's decision."""
    return specialised(next_run, decision, decide=decision)


@cache
def _stepper(decision: Decision) -> Any:
    return specialised(_step, decision, next_run=next_run_of(decision))


@cache
def _empty_search(decision: Decision) -> Any:
    return specialised(_empty, decision, next_run=next_run_of(decision))


def next_runs(searches: Any, pending: Any, outcomes: Any, kinds: Any, iterations: Any, parameters: Any) -> Any:
    """Step searches of one strategy: write each one's request, and return a fresh random key for each run."""
    return _stepper(decision_of(searches))(searches, pending, outcomes, kinds, iterations, parameters)


def empty_iterations(searches: Any) -> int:
    """Return the iterations that the first of these searches takes if nothing is marked; it is at its end then."""
    return int(_empty_search(decision_of(searches))(searches))
