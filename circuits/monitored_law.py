"""The exact law of monitored Grover runs: one measured ancilla an iteration, in closed form.

The bit oracle acts on a target in |u> = a|+> + b|->, a^2 = (1 - lam)/2, b^2 = (1 + lam)/2, which is measured in
{u, u_perp} after each use: u_perp heralds that the index register holds marked items only, and silence multiplies
their amplitude by -lam where the plain algorithm has -1 ("Critically damped quantum search", Mizel, PRL 102, 150501,
2009; Tulsi, Grover, Patel, "A new algorithm for fixed point quantum search", quant-ph/0505007). With
lam = exp(-2 damping) the amplitudes (a, b) on unmarked and marked items follow a damped rotation: after t silent
iterations ``a`` and ``b`` as :func:`amplitudes` gives them, a^2 + b^2 the chance of that silence. A run ends at the
first herald, or measures the index register after its last iteration.
"""

from __future__ import annotations

from math import acosh, asin, ceil, cos, exp, log, sin, sinh, sqrt
from typing import Any

import numpy as np

from circuits.draws import STEP, uniform
from circuits.law import angle
from hybrid_train.support.kernels import kernel

EXACT_COUNTS = 64
"""Of so few items the law is looked at for every count; of more, beyond the sparsest and densest, its envelope."""


@kernel
def damping_factor(damping: Any) -> Any:
    """Return lam, by which silence multiplies the amplitude of marked items, up to its sign."""
    return exp(-2.0 * damping)


@kernel
def _rotation(theta: Any, damping: Any, time: Any) -> Any:
    """Return (cos(phi t), sin(phi t) / sin(phi), 1 / sin(phi)^2), cos(phi) = cosh(mu) cos(2 theta).

    The last is the square of the largest of the second where the rotation is underdamped, infinite elsewhere.
    """
    half = sin(theta) ** 2 * (1.0 + 2.0 * sinh(0.5 * damping) ** 2) - sinh(0.5 * damping) ** 2  # sin^2(phi / 2)
    if 0.0 < half < 1.0:
        phi = 2.0 * asin(sqrt(half))
        return cos(phi * time), sin(phi * time) / sin(phi), 1.0 / sin(phi) ** 2
    if half == 0.0:
        return 1.0, float(time), float("inf")
    sign = 1.0 if half < 0.0 else (-1.0) ** time
    growth = acosh(1.0 - 2.0 * half) if half < 0.0 else acosh(max(1.0, 2.0 * half - 1.0))
    up, down = exp(growth * time), exp(-growth * time)
    slope = float(time) if growth == 0.0 else 0.5 * (up - down) / sinh(growth)
    return sign * 0.5 * (up + down), (sign if half < 0.0 else -sign) * slope, float("inf")


@kernel
def _slopes(theta: Any, damping: Any) -> Any:
    """Return what multiplies sin(phi t) / sin(phi) in the two amplitudes."""
    here, there = sin(theta), cos(theta)
    turn, grown = sin(2.0 * theta), exp(damping)
    unmarked = there * cos(2.0 * theta) * sinh(damping) - here * turn / grown
    marked = there * turn * grown - here * cos(2.0 * theta) * sinh(damping)
    return unmarked, marked


@kernel
def amplitudes(theta: Any, damping: Any, time: Any) -> Any:
    """Return the amplitudes on unmarked and on marked items after silent iterations from the uniform state.

    Args:
        theta: asin sqrt(k/m).
        damping: mu > 0, lam = exp(-2 mu).
        time: t, iterations.

    Returns:
        (a, b); a^2 + b^2 is the chance that none of the t measurements heralds.
    """
    turned, ratio, _ = _rotation(theta, damping, time)
    unmarked, marked = _slopes(theta, damping)
    shrunk = exp(-damping * time)
    return shrunk * (cos(theta) * turned + unmarked * ratio), shrunk * (sin(theta) * turned + marked * ratio)


@kernel
def silence(theta: Any, damping: Any, time: Any) -> Any:
    """Return the chance that none of the first t measurements heralds a marked item."""
    unmarked, marked = amplitudes(theta, damping, time)
    return unmarked * unmarked + marked * marked


@kernel
def monitored_law(n_items: Any, n_marked: Any, iterations: Any, damping: Any) -> Any:
    """Return the chance that a run finds a marked item, by a herald or by its last measurement."""
    if n_marked == 0:
        return 0.0
    if n_marked == n_items:
        return 1.0
    return 1.0 - amplitudes(angle(n_items, n_marked), damping, iterations)[0] ** 2


@kernel
def monitored_end(n_items: Any, n_marked: Any, iterations: Any, damping: Any, chance: Any) -> Any:
    """Return (iterations carried out, whether a marked item is measured) of a run, for a number drawn in [0, 1).

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        iterations: T, the most.
        damping: mu.
        chance: uniform.
    """
    if n_marked == 0:
        return iterations, False
    if n_marked == n_items:
        per_step = 1.0 - exp(-4.0 * damping)
        time = 1 + int(log(1.0 - chance) / log(1.0 - per_step))
        return min(time, iterations), True
    theta = angle(n_items, n_marked)
    if silence(theta, damping, iterations) > 1.0 - chance:
        return iterations, chance < 1.0 - amplitudes(theta, damping, iterations)[0] ** 2
    early, late = 0, iterations  # silent after ``early`` iterations, heralded after ``late``
    while late - early > 1:
        middle = (early + late) // 2
        if silence(theta, damping, middle) > 1.0 - chance:
            early = middle
        else:
            late = middle
    return late, True


@kernel
def monitored_ends(n_items: Any, n_marked: Any, iterations: Any, dampings: Any, seeds: Any) -> Any:
    """Return (B,) iterations and (B,) whether a marked item is measured, of runs whose draws follow from (B,) seeds."""
    taken, found = np.empty(seeds.size, np.int64), np.empty(seeds.size, np.bool_)
    for job in range(seeds.size):
        chance, most = uniform(seeds[job] + STEP), int(iterations[job])
        taken[job], found[job] = monitored_end(n_items, n_marked[job], most, dampings[job], chance)
    return taken, found


@kernel
def expected_duration(theta: Any, damping: Any, iterations: Any) -> Any:
    """Return the mean iterations of a run of at most T: the sum of the chances of silence.

    That is v0' P v0 - vT' P vT, P the solution of M' P M - P = -1 for the matrix M of one silent iteration.

    Args:
        theta: asin sqrt(k/m), in [0, pi/2]; 0 if nothing is marked.
        damping: mu.
        iterations: T.
    """
    if theta <= 0.0:
        return float(iterations)
    if cos(theta) < 1e-9:  # everything is marked: nothing turns
        return (1.0 - exp(-4.0 * damping * iterations)) / (1.0 - exp(-4.0 * damping))
    lam, turn = exp(-2.0 * damping), sin(2.0 * theta)
    wide = (1.0 - lam) + 2.0 * lam * turn * turn  # 1 - lam cos 4 theta
    marked = (1.0 + lam * lam) / (1.0 - lam * lam)
    cross = -lam * cos(2.0 * theta) / (turn * (1.0 + lam))
    unmarked = marked + wide / (turn * turn * (1.0 + lam))
    here, there = sin(theta), cos(theta)
    last, end = amplitudes(theta, damping, iterations)
    first = unmarked * there * there + 2.0 * cross * there * here + marked * here * here
    return first - (unmarked * last * last + 2.0 * cross * last * end + marked * end * end)


@kernel
def averaged(theta: Any, damping: Any, time: Any, blur: Any) -> Any:
    """Return the squared amplitudes, averaged over a normal law of the angle.

    Args:
        theta: its mean.
        damping: mu.
        time: t.
        blur: its standard deviation, small beside the mean.
    """
    unmarked, marked = amplitudes(theta, damping, time)
    _, _, ratio = _rotation(theta, damping, 0)
    spread = exp(-8.0 * (time * blur) ** 2)
    if spread > 0.99 or ratio > 1e300:
        return unmarked * unmarked, marked * marked
    shrunk = 0.5 * exp(-2.0 * damping * time)
    slope, other = _slopes(theta, damping)
    mean = shrunk * (cos(theta) ** 2 + slope * slope * ratio)
    mean_marked = shrunk * (sin(theta) ** 2 + other * other * ratio)
    return mean + spread * (unmarked * unmarked - mean), mean_marked + spread * (marked * marked - mean_marked)


@kernel
def envelope(n_items: Any, n_marked: Any, damping: Any) -> Any:
    """Return B with a^2 <= B exp(-2 mu t) at all times t; infinite where the rotation is overdamped."""
    theta = angle(n_items, n_marked)
    _, _, ratio = _rotation(theta, damping, 0)
    return cos(theta) ** 2 + _slopes(theta, damping)[0] ** 2 * ratio


@kernel
def worst_miss(n_items: Any, fewest: Any, most: Any, iterations: Any, damping: Any) -> Any:
    """Return a bound on the chance that a run finds nothing, over every k from ``fewest`` to ``most`` marked items.

    Exact for few items and for the sparsest and densest counts; for those between, the envelope of the damped rotation,
    which is largest at the two ends of its range.
    """
    worst, edge = 0.0, 2 * fewest
    for count in range(fewest, most + 1):
        if n_items > EXACT_COUNTS and edge <= count <= n_items - edge:
            break
        if count < n_items:
            worst = max(worst, amplitudes(angle(n_items, count), damping, iterations)[0] ** 2)
    if n_items <= EXACT_COUNTS:
        return worst
    for count in range(max(fewest, n_items - edge + 1), min(most, n_items - 1) + 1):
        worst = max(worst, amplitudes(angle(n_items, count), damping, iterations)[0] ** 2)
    shrunk = exp(-2.0 * damping * iterations)
    last = min(most, n_items - edge)
    if edge <= last:
        worst = max(worst, shrunk * max(1.0, envelope(n_items, edge, damping), envelope(n_items, last, damping)))
    return worst


_LEAST_DAMPING = 2.6
_MOST_DAMPING = 4.2
_DAMPINGS = 33
"""Dampings to try, in units of half the angle at which the fewest items would turn: 4 damps those critically."""


@kernel
def monitored_plan(n_items: Any, fewest: Any, most: Any, miss_probability: Any) -> Any:
    """Return (iterations, damping) of the shortest run that certifies: it finds something but for its share.

    About 4 sqrt(m) iterations at a share of 1e-6, as long as Yoder, Low and Chuang's fixed point and with one use of
    the bit oracle an iteration, not two; a run that has something to find ends long before.

    Args:
        n_items: m.
        fewest: k_0 >= 1; so many are marked, if any.
        most: k_1; no more are marked.
        miss_probability: in (0, 1), allowed for every k from k_0 to k_1.
    """
    if fewest >= n_items:
        return 1, 1.0
    theta = angle(n_items, fewest)
    best, chosen = 1 << 62, 1.0
    for step in range(_DAMPINGS):
        damping = 0.5 * theta * (_LEAST_DAMPING + (_MOST_DAMPING - _LEAST_DAMPING) * step / (_DAMPINGS - 1.0))
        iterations = max(1, ceil(-log(miss_probability) / (2.0 * damping) * 0.9))
        while iterations < best:
            worst = worst_miss(n_items, fewest, most, iterations, damping)
            if worst <= miss_probability:
                best, chosen = iterations, damping
                break
            iterations += max(1, int(0.45 * min(2.0, log(worst / miss_probability)) / damping))
    return best, chosen
