"""The exact law of monitored Grover runs: one measured ancilla an iteration, in closed form.

The bit oracle acts on a target in |u> = a|+> + b|->, a^2 = (1 - lam)/2, b^2 = (1 + lam)/2, which is measured in
{u, u_perp} after each use: u_perp heralds that the index register holds marked items only, and silence multiplies
their amplitude by -lam where the plain algorithm has -1 ("Critically damped quantum search", Mizel, PRL 102, 150501,
2009; Tulsi, Grover, Patel, "A new algorithm for fixed point quantum search", quant-ph/0505007). A run is a row of
stages, each of so many iterations at one damping mu, lam = exp(-2 mu); a stage without damping is plain, and measures
nothing. Within a stage the amplitudes (a, b) on unmarked and marked items follow a damped rotation, a^2 + b^2 is the
chance of silence so far. A run ends at the first herald, or measures the index register after its last iteration.

An iteration is e^-mu N with det N = 1 and trace N = 2 cos(phi), cos(phi) = cosh(mu) cos(2 theta). Where that is below
one, N^t = cos(phi t) + sin(phi t) K with K^2 = -1, so that no norm grows by more than the larger singular value of K.
"""

from __future__ import annotations

from math import acosh, asin, cos, exp, inf, sin, sinh, sqrt, tanh
from typing import Any

from circuits.law import angle
from hybrid_train.support.kernels import kernel


@kernel
def _half_turn(theta: Any, damping: Any) -> Any:
    """Return sin^2(phi / 2)."""
    return sin(theta) ** 2 * (1.0 + 2.0 * sinh(0.5 * damping) ** 2) - sinh(0.5 * damping) ** 2


@kernel
def _rotation(theta: Any, damping: Any, time: Any) -> Any:
    """Return (e^-mu t cos(phi t), e^-mu t sin(phi t) / sin(phi))."""
    half = _half_turn(theta, damping)
    if 0.0 < half < 1.0:
        phi, shrunk = 2.0 * asin(sqrt(half)), exp(-damping * time)
        return shrunk * cos(phi * time), shrunk * sin(phi * time) / sin(phi)
    if half == 0.0:
        return exp(-damping * time), exp(-damping * time) * time
    growth = acosh(1.0 - 2.0 * half) if half < 0.0 else acosh(max(1.0, 2.0 * half - 1.0))
    up, down = exp((growth - damping) * time), exp(-(growth + damping) * time)
    slope = time * up if growth < 1e-9 else 0.5 * (up - down) / sinh(growth)
    sign = 1.0 if half < 0.0 else 1.0 - 2.0 * (time % 2)
    return sign * 0.5 * (up + down), (sign if half < 0.0 else -sign) * slope


@kernel
def advanced(theta: Any, damping: Any, time: Any, unmarked: Any, marked: Any) -> Any:
    """Return the amplitudes after silent iterations.

    Args:
        theta: asin sqrt(k/m).
        damping: mu, at least 0.
        time: t, iterations.
        unmarked: amplitude on unmarked items before.
        marked: on marked ones.
    """
    turned, ratio = _rotation(theta, damping, time)
    double, turn, rise = cos(2.0 * theta), sin(2.0 * theta), sinh(damping)
    return (
        turned * unmarked + ratio * (double * rise * unmarked - turn * exp(-damping) * marked),
        turned * marked + ratio * (turn * exp(damping) * unmarked - double * rise * marked),
    )


@kernel
def endless_duration(theta: Any, damping: Any, unmarked: Any, both: Any, marked: Any) -> Any:
    """Return the mean iterations up to the herald of a stage without end: the sum of the chances of silence.

    That is v' P v, P the solution of M' P M - P = -1 for the matrix M of one iteration.

    Args:
        theta: asin sqrt(k/m), more than 0.
        damping: mu, more than 0.
        unmarked: square of the amplitude on unmarked items before it.
        both: product of the two amplitudes.
        marked: square of that on marked ones.
    """
    lam, turn = exp(-2.0 * damping), sin(2.0 * theta)
    lost = 1.0 - lam * lam
    if cos(theta) < 1e-9:  # everything is marked: nothing turns
        return marked / lost
    wide = (1.0 - lam) + 2.0 * lam * turn * turn  # 1 - lam cos 4 theta
    last = (1.0 + lam * lam) / lost
    cross = -lam * cos(2.0 * theta) / (turn * (1.0 + lam))
    first = last + wide / (turn * turn * (1.0 + lam))
    return first * unmarked + 2.0 * cross * both + last * marked


@kernel
def stage_duration(theta: Any, damping: Any, time: Any, before: Any, after: Any) -> Any:
    """Return the mean iterations of one stage: those of one without end, less those that would follow its end.

    Args:
        theta: asin sqrt(k/m).
        damping: mu.
        time: t, iterations.
        before: amplitudes (unmarked, marked) before it.
        after: and after it.
    """
    here, there = before
    last, end = after
    if damping == 0.0 or theta == 0.0:
        return time * (here * here + there * there)
    if cos(theta) < 1e-9:
        return time * here * here + endless_duration(theta, damping, 0.0, 0.0, there * there - end * end)
    first = endless_duration(theta, damping, here * here, here * there, there * there)
    return first - endless_duration(theta, damping, last * last, last * end, end * end)


@kernel
def amplitudes(theta: Any, lengths: Any, dampings: Any, time: Any) -> Any:
    """Return the amplitudes on unmarked and on marked items after silent iterations from the uniform state.

    Args:
        theta: asin sqrt(k/m).
        lengths: (S,) iterations of each stage.
        dampings: (S,) of each.
        time: t, iterations, at most all.

    Returns:
        (a, b); a^2 + b^2 is the chance that none of the t iterations heralds.
    """
    unmarked, marked = cos(theta), sin(theta)
    for stage in range(lengths.size):
        going = min(lengths[stage], time)
        unmarked, marked = advanced(theta, dampings[stage], going, unmarked, marked)
        time -= going
        if time == 0:
            break
    return unmarked, marked


@kernel
def silence(theta: Any, lengths: Any, dampings: Any, time: Any) -> Any:
    """Return the chance that none of the first t iterations heralds a marked item."""
    unmarked, marked = amplitudes(theta, lengths, dampings, time)
    return unmarked * unmarked + marked * marked


@kernel
def monitored_law(n_items: Any, n_marked: Any, lengths: Any, dampings: Any) -> Any:
    """Return the chance that a run finds a marked item, by a herald or by its last measurement."""
    if n_marked == 0:
        return 0.0
    if n_marked == n_items:
        return 1.0
    return 1.0 - amplitudes(angle(n_items, n_marked), lengths, dampings, lengths.sum())[0] ** 2


@kernel
def monitored_end(n_items: Any, n_marked: Any, lengths: Any, dampings: Any, chance: Any) -> Any:
    """Return (iterations carried out, whether a marked item is measured) of a run, for a number drawn in [0, 1).

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        lengths: (S,) iterations of each stage.
        dampings: (S,) of each.
        chance: uniform.
    """
    most = lengths.sum()
    if n_marked == 0:
        return most, False
    theta = angle(n_items, n_marked)
    if silence(theta, lengths, dampings, most) > 1.0 - chance:
        found = n_marked == n_items or chance < 1.0 - amplitudes(theta, lengths, dampings, most)[0] ** 2
        return most, found
    early, late = 0, most  # silent after ``early`` iterations, heralded after ``late``
    while late - early > 1:
        middle = (early + late) // 2
        if silence(theta, lengths, dampings, middle) > 1.0 - chance:
            early = middle
        else:
            late = middle
    return late, True


@kernel
def expected_duration(theta: Any, lengths: Any, dampings: Any) -> Any:
    """Return the mean iterations of a run.

    Args:
        theta: asin sqrt(k/m), in [0, pi/2]; 0 if nothing is marked.
        lengths: (S,) iterations of each stage.
        dampings: (S,) of each.
    """
    state, total = (cos(theta), sin(theta)), 0.0
    for stage in range(lengths.size):
        after = advanced(theta, dampings[stage], lengths[stage], state[0], state[1])
        total += stage_duration(theta, dampings[stage], lengths[stage], state, after)
        state = after
    return total


@kernel
def growth_bound(theta: Any, damping: Any) -> Any:
    """Return B: silence through t iterations is at most B exp(-2 mu t) times as probable as before them.

    The square of the larger singular value of K, (sin(2 theta) + tanh(mu)) / (sin(2 theta) - tanh(mu)); infinite where
    the rotation is overdamped. It falls with sin(2 theta).
    """
    turn, rise = sin(2.0 * theta), tanh(damping)
    return (turn + rise) / (turn - rise) if turn > rise else inf


@kernel
def worst_silence(theta: Any, lengths: Any, dampings: Any) -> Any:
    """Return a bound on the chance that a run finds nothing, for every angle from theta to pi/2 - theta."""
    worst = 1.0
    for stage in range(lengths.size):
        if dampings[stage] > 0.0:
            shrunk = exp(-2.0 * dampings[stage] * lengths[stage])
            worst *= min(1.0, growth_bound(theta, dampings[stage]) * shrunk)
    return worst


@kernel
def measured_within(lengths: Any, dampings: Any, time: Any) -> Any:
    """Return how many of the first t iterations are damped: each measures the target once."""
    measured = 0
    for stage in range(lengths.size):
        going = min(lengths[stage], time)
        measured += going if dampings[stage] > 0.0 else 0
        time -= going
    return measured
