"""What a search believes about how many items were marked at its start: a posterior on a grid that follows it.

Hypotheses are whole numbers K of items marked at the start, found ones included. A run with j iterations that
measures a marked item multiplies the probability of K by sin^2((2j + 1) theta(K - found)), another run by the rest.
The grid is logarithmic at first and becomes finer around what is probable, down to consecutive integers.
"""

from __future__ import annotations

from math import cos, erf, exp, log, log1p, sin, sqrt
from typing import Any

import numpy as np

from circuits.law import angle, matched_miss
from circuits.strategies.state import HIT, HYPOTHESES, MATCHED, SPURIOUS
from hybrid_train.support.kernels import kernel

NEGLIGIBLE = 1e-6
"""Probability that a refined grid may leave out at each end; it costs time if the truth is there, never a guarantee."""


SURPRISE = 1e-3
"""A certificate that succeeds against odds as long as this refutes the posterior."""

ODDS = -9.2
"""Logarithm of the probability below which a row of misses refutes the posterior: it had dropped what is the case."""

MISSES = 24
"""As many misses in a row ask for a certificate, whatever is believed."""


DEAD = 1e-12
"""Probability below which a hypothesis is dropped for good."""

EVEN = 40
"""Hypotheses of an even grid: one peak is all there is to resolve then. A logarithmic one has to tell the counts apart
at which a run that is too long by far happens to succeed."""

NEGLIGIBLE_BLUR = 0.03
"""Radians."""

TILT = 0.2
"""Of most strategies: the flat law is that of K^-(1 + tilt), here a little below flat in log K, since few items leave
less to make up for."""


@kernel
def _flat(tilt: Any, low: Any, high: Any) -> Any:
    return (low + 1.0) ** -tilt - (high + 1.0) ** -tilt


@kernel
def begin(search: Any) -> None:
    """Set the prior: a share that is flat in log K, the rest normal around what is expected."""
    most = search.items - search.known
    nodes = np.empty(HYPOTHESES)
    wide = HYPOTHESES
    if search.flat < 1.0:
        wide = HYPOTHESES // 2
        low = max(0.0, search.centre - 4.0 * search.spread)
        high = min(float(most), search.centre + 4.0 * search.spread)
        for i in range(wide, HYPOTHESES):
            nodes[i] = round(low + (high - low) * (i - wide) / (HYPOTHESES - 1.0 - wide))
    for i in range(wide):
        nodes[i] = round(exp(log1p(most) * i / (wide - 1.0)) - 1.0)
    _place(search, np.sort(nodes))
    for i in range(search.nodes):
        low, high = _cell(search, i)
        flat = _flat(search.tilt, low, high) / _flat(search.tilt, -0.5, most + 0.5)
        peak = 0.0
        if search.flat < 1.0:
            scale = sqrt(2.0) * search.spread
            peak = 0.5 * (erf((high - search.centre) / scale) - erf((low - search.centre) / scale))
        search.weight[i] = search.flat * flat + (1.0 - search.flat) * peak + 1e-300
    _normalise(search)
    turn(search)


@kernel
def begin_anew(search: Any) -> None:
    """Forget what was believed, since it has been refuted: flat in log of what remains, of which there is some."""
    most = search.items - search.known - search.found
    nodes = np.empty(HYPOTHESES)
    for i in range(HYPOTHESES):
        nodes[i] = search.found + round(exp(log1p(most) * i / (HYPOTHESES - 1.0)) - 1.0)
    _place(search, nodes)
    for i in range(search.nodes):
        low, high = _cell(search, i)
        search.weight[i] = _flat(search.tilt, low - search.found, high - search.found)
    _normalise(search)
    _aim(search)


@kernel
def hypothetical(search: Any, i: Any, rotation: Any) -> Any:
    """Return the chance of a marked item under one hypothesis, averaged over the numbers it stands for.

    A long run turns the angles of neighbouring numbers far apart: what it does at the middle one alone would say
    nothing about the others.
    """
    blur = rotation * search.blur[i]
    if blur < NEGLIGIBLE_BLUR:
        return sin(rotation * search.theta[i]) ** 2
    return 0.5 - 0.5 * exp(-2.0 * blur * blur) * cos(2.0 * rotation * search.theta[i])


@kernel
def success_of(search: Any, i: Any) -> Any:
    """Return the chance of a marked item in the last run, plain or with matched phases, under one hypothesis."""
    if search.kind == MATCHED:
        return 1.0 - matched_miss(search.theta[i], search.iterations, search.parameter)
    return hypothetical(search, i, 2.0 * search.iterations + 1.0)


@kernel
def learn(search: Any, marked: Any) -> Any:
    """Update on a run: ``marked`` says whether it measured a marked item.

    ``search.found`` counts that item already; the angles are still those of before.

    Returns:
        How probable that was.
    """
    likelihoods = np.empty(search.nodes)
    for i in range(search.nodes):
        if search.weight[i] > 0.0:
            success = success_of(search, i)
            likelihoods[i] = success if marked else 1.0 - success
    return weigh(search, likelihoods)


@kernel
def weigh(search: Any, likelihoods: Any) -> Any:
    """Multiply what was believed by (nodes,) likelihoods; return how probable the outcome was."""
    total = 0.0
    for i in range(search.nodes):
        if search.weight[i] == 0.0:
            continue
        search.weight[i] *= likelihoods[i]
        if search.weight[i] < DEAD:
            search.weight[i] = 0.0
        total += search.weight[i]
    if total > 0.0:
        for i in range(search.nodes):
            search.weight[i] /= total
    else:
        begin_anew(search)
    return total


@kernel
def turn(search: Any) -> None:
    """Follow ``search.found``: new angles, and nothing left of hypotheses it exceeds; refine the grid if it pays."""
    live, total, largest = 0, 0.0, 0.0
    for i in range(search.nodes):
        remaining = search.total[i] - search.found
        if remaining < 0.0:
            search.weight[i] = 0.0
        elif search.weight[i] > 0.0:
            _aim_at(search, i, remaining)
            total += search.weight[i]
            largest = max(largest, search.weight[i])
    if total <= 0.0:
        begin_anew(search)
        return
    if search.single:
        return
    for i in range(search.nodes):
        live += search.weight[i] > 1e-4 * largest
    if 3 * live < search.nodes:
        _refine(search)


@kernel
def _refine(search: Any) -> None:
    """Lay the grid afresh over what is probable: even in K, or in log of what remains if that spans a wide range."""
    first, last, below, above = 0, search.nodes - 1, search.weight[0], search.weight[search.nodes - 1]
    while below < NEGLIGIBLE and first < last:
        first += 1
        below += search.weight[first]
    while above < NEGLIGIBLE and last > first:
        last -= 1
        above += search.weight[last]
    low = max(search.total[max(first - 1, 0)], float(search.found))
    high = search.total[min(last + 1, search.nodes - 1)]
    ratio = log((high - search.found + 1.0) / (low - search.found + 1.0))
    nodes = np.empty(HYPOTHESES if ratio > 1.0 else EVEN)
    for i in range(nodes.size):
        share = i / (nodes.size - 1.0)
        if high - low < nodes.size:
            nodes[i] = min(low + i, high)
        elif ratio > 1.0:
            nodes[i] = round((low - search.found + 1.0) * exp(ratio * share) - 1.0) + search.found
        else:
            nodes[i] = round(low + (high - low) * share)
    old, density, count = search.total.copy(), np.empty(HYPOTHESES), search.nodes
    for i in range(count):
        left, right = _cell(search, i)
        density[i] = log(search.weight[i] / (right - left) + 1e-300)
    _place(search, nodes)
    at = 0
    for i in range(search.nodes):
        while at < count - 2 and old[at + 1] < search.total[i]:
            at += 1
        value = density[at]
        if at + 1 < count:
            value += (density[at + 1] - density[at]) * (search.total[i] - old[at]) / (old[at + 1] - old[at])
        left, right = _cell(search, i)
        search.weight[i] = exp(value) * (right - left)
    _normalise(search)
    _aim(search)


@kernel
def _aim(search: Any) -> None:
    for i in range(search.nodes):
        _aim_at(search, i, search.total[i] - search.found)


@kernel
def _aim_at(search: Any, i: Any, remaining: Any) -> None:
    """Set the angle of a hypothesis, and how it varies over the numbers the hypothesis stands for."""
    search.theta[i] = angle(search.items, remaining)
    low, high = _cell(search, i)
    variance = max(0.0, (high - low) ** 2 - 1.0) / 12.0
    search.blur[i] = 0.0
    if variance > 0.0:
        slope = 2.0 * sqrt(max(remaining, 0.5) * max(search.items - remaining, 0.5))
        search.blur[i] = min(1.0, sqrt(variance) / slope)


@kernel
def _place(search: Any, nodes: Any) -> None:
    """Take over the distinct numbers of a sorted list."""
    count = 0
    for node in nodes:
        if count == 0 or node > search.total[count - 1]:
            search.total[count] = node
            count += 1
    search.nodes = count
    search.single = search.total[count - 1] - search.total[0] == count - 1.0


@kernel
def _cell(search: Any, i: Any) -> Any:
    """Return the range of numbers a hypothesis stands for: up to half way to its neighbours."""
    low = search.total[i] - 0.5 if i == 0 else 0.5 * (search.total[i - 1] + search.total[i])
    last = i == search.nodes - 1
    high = search.total[i] + 0.5 if last else 0.5 * (search.total[i] + search.total[i + 1])
    return low, high


@kernel
def _normalise(search: Any) -> None:
    total = 0.0
    for i in range(search.nodes):
        total += search.weight[i]
    for i in range(search.nodes):
        search.weight[i] /= total


@kernel
def learn_outcome(search: Any, outcome: Any) -> None:
    """Update on the outcome of a run; a row of misses against odds too long refutes the posterior."""
    marked = outcome in (HIT, SPURIOUS)
    conclude(search, marked, learn(search, marked))


@kernel
def learn_likelihoods(search: Any, marked: Any, likelihoods: Any) -> None:
    """Update on a run by (nodes,) likelihoods of its outcome; ``marked`` says whether it measured a marked item."""
    conclude(search, marked, weigh(search, likelihoods))


@kernel
def conclude(search: Any, marked: Any, chance: Any) -> None:
    """Follow the outcome of a run that was so probable."""
    search.misses = 0 if marked else search.misses + 1
    if marked:
        search.doubt = 0.0
        turn(search)
        return
    search.doubt += log(chance + 1e-300)
    if search.doubt < ODDS:
        search.doubt = 0.0
        begin_anew(search)


@kernel
def learn_certificate(search: Any) -> None:
    """Update on a certificate that found something: something was left, whatever seemed probable."""
    total = 0.0
    for i in range(search.nodes):
        if search.total[i] < search.found:
            search.weight[i] = 0.0
        total += search.weight[i]
    refuted = total < SURPRISE or search.misses >= MISSES
    search.misses = 0
    if refuted:
        begin_anew(search)
        return
    for i in range(search.nodes):
        search.weight[i] /= total
    turn(search)
