"""The exact laws of Grover's algorithm: what any engine must sample from, in closed form.

With k of m items marked, the state never leaves the plane spanned by the uniform superposition over the marked
items and the one over the rest, so two amplitudes tell everything, for any m.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import acosh, atan2, atanh, ceil, cos, cosh, pi, sin, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_probability, checked_whole
from hybrid_train.support.declared import array, checked, inside, proportion, whole, wholes
from hybrid_train.support.kernels import kernel

FloatArray = npt.NDArray[np.float64]

LEAST_SHARE = 1e-20
"""The least that a search may be asked to miss with.

Phases kept in double precision hold a certificate's ripple to a hundredth of itself down to 1e-22, checked in 60
digits at 64 to 262 144 items; below 1e-27 rounding alone misses more often. The room between is for the later
certificates of a search, whose shares are smaller.
"""

_MOST_ITERATIONS = 1 << 30
"""More phases than this are beyond memory."""

_BEST_ROTATION = 1.1655611852072114
"""The x > 0 at which x / sin^2 x is least: tan x = 2 x."""


@checked(oracle=inside(array(1)), diffusion=inside(array(1)))
@dataclass(frozen=True, eq=False)
class Phases:
    """The phases of a generalised Grover run; every one equal to pi is the plain algorithm.

    Iteration j multiplies the marked items by exp(i ``oracle[j]``), then the uniform state by exp(i ``diffusion[j]``).

    Attributes:
        oracle: (iterations,) radians.
        diffusion: (iterations,) radians.

    Raises:
        ConfigError: they are not two arrays of as many finite numbers.
    """

    oracle: FloatArray
    diffusion: FloatArray

    def __post_init__(self) -> None:
        for name, given in (("oracle", self.oracle), ("diffusion", self.diffusion)):
            if not isinstance(given, np.ndarray) or given.ndim != 1 or given.dtype.kind not in "fiu":
                raise ConfigError(f"Phases: {name} must be an array of shape (iterations,), in radians")
            if not np.isfinite(given).all():
                raise ConfigError(f"Phases: {name} must hold finite numbers")
        if len(self.oracle) != len(self.diffusion):
            raise ConfigError(
                f"Phases: {len(self.oracle)} for oracle and {len(self.diffusion)} for diffusion do not fit"
            )

    def __len__(self) -> int:
        return len(self.oracle)


def _check_counts(n_items: npt.ArrayLike, n_marked: npt.ArrayLike, iterations: npt.ArrayLike = 0) -> None:
    """Raise ConfigError unless m >= 1, 0 <= k <= m and j >= 0, all whole."""
    m, k, j = (np.asarray(given) for given in (n_items, n_marked, iterations))
    for name, value in (("n_items", m), ("n_marked", k), ("iterations", j)):
        if value.dtype.kind not in "iuf" or not (np.isfinite(value) & (value == np.floor(value))).all():
            raise ConfigError(f"{name}={_shown(value)}: must be whole numbers")
    if (m < 1).any():
        raise ConfigError(f"n_items={_shown(m)}: there must be at least one item")
    if ((k < 0) | (k > m)).any():
        raise ConfigError(f"n_marked={_shown(k)}: from 0 to n_items={_shown(m)} items can be marked")
    if (j < 0).any():
        raise ConfigError(f"iterations={_shown(j)}: must be at least 0")


def _shown(value: npt.NDArray[Any]) -> str:
    return str(value.item()) if value.ndim == 0 else f"array of shape {value.shape}"


@kernel
def angle(n_items: Any, n_marked: Any) -> Any:
    """Return theta = asin sqrt(k/m), in radians."""
    fraction = n_marked / n_items
    return atan2(sqrt(fraction), sqrt(1.0 - fraction))


@kernel
def plain_law(n_items: Any, n_marked: Any, iterations: Any) -> Any:
    """Return sin^2((2j + 1) theta), see :func:`success_probability`."""
    if n_marked == n_items:
        return 1.0
    return sin((2.0 * iterations + 1.0) * angle(n_items, n_marked)) ** 2


@kernel
def _plain_laws(n_items: Any, n_marked: Any, iterations: Any) -> Any:
    out = np.empty(n_items.size)
    for at in range(n_items.size):
        out[at] = plain_law(n_items[at], n_marked[at], iterations[at])
    return out


@checked(n_items=inside(wholes(1)), n_marked=inside(wholes(0)), iterations=inside(wholes(0)))
def success_probability(n_items: npt.ArrayLike, n_marked: npt.ArrayLike, iterations: npt.ArrayLike) -> FloatArray:
    """Return sin^2((2j + 1) theta), theta = asin sqrt(k/m): the chance to measure a marked item (BBHT 1998, eq. 3).

    Args:
        n_items: m, any positive integers.
        n_marked: k, 0 to m.
        iterations: j, plain Grover iterations from the uniform state over exactly m items.

    Returns:
        The probabilities, broadcast over the arguments.

    Raises:
        ConfigError: an argument out of range.
    """
    given = np.broadcast_arrays(n_items, n_marked, iterations)
    _check_counts(*given)
    flat = (np.ascontiguousarray(each, np.float64).reshape(-1) for each in given)
    return np.asarray(_plain_laws(*flat)).reshape(given[0].shape)


@kernel
def best_iterations(n_items: Any, n_marked: Any) -> Any:
    """Return the j that minimises the expected calls (j + 1) / p_j of finding one of k marked items, k known.

    Rounding pi/4 sqrt(m/k) would overshoot where many are marked.

    Args:
        n_items: m.
        n_marked: k, 1 to m.
    """
    return best_iterations_at(angle(n_items, n_marked))


@kernel
def best_iterations_at(theta: Any) -> Any:
    """Return :func:`best_iterations` for an angle theta in (0, pi/2].

    (j + 1) / sin^2 x, x = (2 j + 1) theta, has one minimum on (0, pi), at tan x = 2 (x + theta): at most 0.23 of an
    iteration past tan x = 2 x, and perhaps past pi/2 once j is whole. Beyond x = pi, j + 1 alone exceeds it.
    """
    start = max(0, int((_BEST_ROTATION / theta - 1.0) / 2.0) - 1)
    best, least = start, np.inf
    for iterations in range(start, start + 4):
        calls = (iterations + 1.0) / sin((2.0 * iterations + 1.0) * theta) ** 2
        if calls < least:
            best, least = iterations, calls
    return best


@kernel
def exact_plan(n_items: Any, n_marked: Any) -> Any:
    """Return (iterations, phase) that measure one of k marked items with certainty (Long 2001; Hoyer 2000).

    J = floor((pi/2 - theta) / (2 theta)); J + 1 iterations with both phases 2 asin(sin(pi/(4J + 6)) / sin theta).

    Args:
        n_items: m.
        n_marked: k, 1 to m.
    """
    if n_marked == n_items:
        return 0, 0.0
    theta = angle(n_items, n_marked)
    whole = int((pi / 2.0 - theta) / (2.0 * theta))
    return whole + 1, 2.0 * np.arcsin(min(1.0, sin(pi / (4.0 * whole + 6.0)) / sin(theta)))


@kernel
def matched_miss(theta: Any, iterations: Any, phase: Any) -> Any:
    """Return the chance that iterations whose phases all equal ``phase`` measure no marked item.

    An iteration is a rotation by alpha = 2 asin(sin theta sin(phase/2)) but for a phase of the whole, so that
    cos(theta) cos((J + 1/2) alpha) / cos(alpha / 2) of the amplitude is left on the others.

    Args:
        theta: asin sqrt(k/m).
        iterations: J.
        phase: radians.
    """
    half = np.arcsin(min(1.0, sin(theta) * abs(sin(0.5 * phase))))
    return (cos(theta) * cos((2.0 * iterations + 1.0) * half) / cos(half)) ** 2


@kernel
def matched_law(n_items: Any, n_marked: Any, iterations: Any, phase: Any) -> Any:
    """Return the chance to measure a marked item after iterations whose phases all equal ``phase``."""
    if n_marked == n_items:
        return 1.0
    return 1.0 - matched_miss(angle(n_items, n_marked), iterations, phase)


def phased_probability(n_items: int, n_marked: int, phases: Phases) -> float:
    """Return the chance to measure a marked item after a run with arbitrary phases.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        phases: of the run.

    Raises:
        ConfigError: an argument out of range.
    """
    _check_counts(n_items, n_marked)
    fraction = n_marked / n_items
    return float(_evolve(np.sqrt(fraction), np.sqrt(1.0 - fraction), phases.oracle, phases.diffusion))


@kernel
def _evolve(marked_part: Any, other_part: Any, oracle: Any, diffusion: Any) -> Any:
    """Follow the amplitudes on the normalised marked and unmarked states; return the marked probability."""
    marked, other = complex(marked_part), complex(other_part)
    for j in range(oracle.size):
        marked *= np.exp(1j * oracle[j])
        turn = (np.exp(1j * diffusion[j]) - 1.0) * (marked_part * marked + other_part * other)
        marked += turn * marked_part
        other += turn * other_part
    return 1.0 - abs(other) ** 2 / (abs(marked) ** 2 + abs(other) ** 2)


@kernel
def fixed_point_iterations(n_items: Any, miss_probability: Any) -> Any:
    """Return the fewest iterations after which a fixed-point run finds one of any k >= 1 marked items.

    About (1/2) ln(2 / sqrt(miss_probability)) sqrt(m) (Yoder, Low, Chuang 2014, eq. 3, exact instead of asymptotic).

    Args:
        n_items: m; m / k_0 instead, if at least k_0 items are known to be marked.
        miss_probability: in (0, 1), allowed for every k >= 1.
    """
    if n_items <= 1:
        return 0
    length = acosh(1.0 / sqrt(miss_probability)) / atanh(sqrt(1.0 / n_items))
    return ceil((length - 1.0) / 2.0)


@checked(iterations=inside(whole(0, _MOST_ITERATIONS)), miss_probability=inside(proportion()))
def fixed_point_phases(iterations: int, miss_probability: float) -> Phases:
    """Return the Yoder-Low-Chuang phases: 2 arccot(tan(2 pi j / L) sqrt(1 - gamma^2)), L = 2 iterations + 1.

    From "Fixed-point quantum search with an optimal number of queries" (PRL 113, 210501, 2014, eq. 11), whose
    delta^2 is ``miss_probability`` here.

    Args:
        iterations: l.
        miss_probability: in (0, 1), the ripple of the success probability below one. Phases kept in double precision
            hold it to about 1e-27 and no further.

    Raises:
        ConfigError: an argument out of range.
    """
    iterations = checked_whole(iterations, "iterations", 0, _MOST_ITERATIONS)
    return _fixed_point_phases(iterations, checked_probability(miss_probability, "miss_probability"))


@lru_cache(maxsize=256)
def _fixed_point_phases(iterations: int, miss_probability: float) -> Phases:
    """Return the same phases for the same run, so that circuits can be told apart by them."""
    length = 2 * iterations + 1
    flatness = np.tanh(np.arccosh(1.0 / np.sqrt(miss_probability)) / length)
    steps = np.arange(1, iterations + 1)
    alpha = 2.0 * np.arctan2(1.0, np.tan(2.0 * np.pi * steps / length) * flatness)
    return Phases(oracle=-alpha[::-1], diffusion=-alpha)


@lru_cache(maxsize=4096)
def exact_phases(iterations: int, phase: float) -> Phases:
    """Return the phases of :func:`exact_plan`: all the same."""
    phases = np.full(iterations, phase)
    return Phases(phases, phases)


@kernel
def fixed_point_law(n_items: Any, n_marked: Any, iterations: Any, miss_probability: Any) -> Any:
    """Return the success law of a fixed-point run: 1 - delta T_L(T_{1/L}(1/sqrt delta) sqrt(1 - k/m))^2.

    Args:
        n_items: m.
        n_marked: k, 0 to m.
        iterations: l, with L = 2 l + 1.
        miss_probability: delta of the phases.
    """
    length = 2.0 * iterations + 1.0
    argument = cosh(acosh(1.0 / sqrt(miss_probability)) / length) * sqrt(1.0 - n_marked / n_items)
    polynomial = cos(length * np.arccos(argument)) if argument <= 1.0 else cosh(length * acosh(argument))
    return 1.0 - miss_probability * polynomial**2
