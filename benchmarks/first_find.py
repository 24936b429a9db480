"""How soon the first of k marked items can be found by who does not know k: the least that any schedule takes.

Usage: python benchmarks/first_find.py [--quick] [--json FILE]

An iteration multiplies the amplitude on marked items by a factor from 0 (measure it) to 1 (do not), then turns: rows
of such iterations contain all plain runs, restarts included, and all monitored ones. Descent on the factors of every
iteration makes the mean number of calls least under a prior in proportion to k^-1.6 over 1 to m - 1, that of
`monitored`. `ratio` is the mean for k marked over what `known_k` takes for its first find; `then told` is what would be
left of that ratio for all k items if the search were told their number after the first find.

The second table compares descent with what `monitored` takes: plain iterations, then one damping, both from a grid.
`calls` are means over what is believed, in units of sqrt(m): under the prior, and after finds at the times given.

The third table plays whole searches in which every run is found by descent, for what is believed after the last find:
how soon all k are found, verifications included, in units of `known_k`, by who looks one find ahead and need not
certify anything. Large numbers of items stand for their neighbours there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from _common import arguments, environment, print_table, write_json
from numba import njit
from scipy.optimize import minimize

from circuits.law import best_iterations, plain_law

TILT = 1.6
COUNTS = (1, 2, 3, 4, 5, 6, 12)
LENGTH = 9.0
"""Iterations of a schedule, in units of sqrt(m)."""

TAIL = 4.0
"""What is charged after it to a search that found nothing, likewise."""

PLAYED = (1, 2, 3, 4, 6)
"""Items of the third table."""

SMALL = 24
LARGE = 40
"""Numbers of items that are hypotheses of their own there, and how many stand for the rest."""

BRIEF = 150
"""Steps of descent for each run of the third table: more gain a thousandth."""

FINDS = (0.2, 0.5, 0.9)
"""When the first three items of the second table were found, likewise."""

Array = npt.NDArray[np.float64]


class Schedules:
    """The mean calls of schedules over m items, for each number of marked ones."""

    def __init__(self, n_items: int, counts: Array, weights: Array) -> None:
        theta = np.arcsin(np.sqrt(counts / n_items))
        self.start, self.weights = (np.cos(theta), np.sin(theta)), weights
        self.double = np.cos(2.0 * theta), np.sin(2.0 * theta)
        self.tail = TAIL * float(np.sqrt(n_items))

    def means(self, factors: Array) -> tuple[Array, list[tuple[Array, Array]]]:
        """Return (K,) mean iterations, and the amplitudes before each iteration and at the end."""
        (other, marked), (cosine, sine) = self.start, self.double
        seen, total = [(other, marked)], np.zeros(len(self.weights))
        for factor in factors:
            total += other**2 + marked**2
            other, marked = cosine * other - sine * factor * marked, sine * other + cosine * factor * marked
            seen.append((other, marked))
        return total + self.tail * (other**2 + marked**2), seen

    def cost(self, factors: Array) -> tuple[float, Array]:
        """Return the weighted mean and its gradient."""
        slope = np.empty(len(factors))
        return _swept(factors, *self.start, *self.double, self.weights, self.tail, slope), slope


@njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _swept(factors: Any, other: Any, marked: Any, cosine: Any, sine: Any, weights: Any, tail: Any, slope: Any) -> Any:
    """Return the weighted mean of a schedule; write its gradient."""
    seen, total = np.empty((factors.size + 1, 2, weights.size)), 0.0
    seen[0, 0], seen[0, 1] = other, marked
    for at in range(factors.size):
        for i in range(weights.size):
            rest, kept = seen[at, 0, i], factors[at] * seen[at, 1, i]
            total += weights[i] * (rest * rest + seen[at, 1, i] * seen[at, 1, i])
            seen[at + 1, 0, i] = cosine[i] * rest - sine[i] * kept
            seen[at + 1, 1, i] = sine[i] * rest + cosine[i] * kept
    last = seen[factors.size]
    for i in range(weights.size):
        total += tail * weights[i] * (last[0, i] ** 2 + last[1, i] ** 2)
    one, two = 2.0 * tail * weights * last[0], 2.0 * tail * weights * last[1]
    for at in range(factors.size - 1, -1, -1):
        slope[at] = 0.0
        for i in range(weights.size):
            turned = cosine[i] * two[i] - sine[i] * one[i]
            slope[at] += turned * seen[at, 1, i]
            one[i] = cosine[i] * one[i] + sine[i] * two[i] + 2.0 * weights[i] * seen[at, 0, i]
            two[i] = factors[at] * turned + 2.0 * weights[i] * seen[at, 1, i]
    return total


def descended(schedules: Schedules, n_items: int, most: int = 3000) -> Array:
    """Return the factors with the least mean that descent finds in so many steps at most."""
    length = int(LENGTH * np.sqrt(n_items))
    start = np.maximum(0.0, 1.0 - 6.0 / np.maximum(6.0, np.arange(length)))
    options = {"maxiter": most, "maxfun": 2 * most}
    found = minimize(schedules.cost, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * length, options=options)
    return np.asarray(found.x)


def prior(n_items: int) -> tuple[Array, Array]:
    """Return (m - 1,) numbers of marked items and how probable they are."""
    counts = np.arange(1.0, n_items)
    return counts, counts**-TILT / np.sum(counts**-TILT)


def first_finds(n_items: int) -> list[dict[str, Any]]:
    """Return one line for each number of marked items."""
    schedules = Schedules(n_items, *prior(n_items))
    means, _ = schedules.means(descended(schedules, n_items))
    lines = []
    for count in COUNTS:
        known = [_known(n_items, left) for left in range(1, count + 1)]
        calls = means[count - 1] + 1.0
        told = (calls + sum(known[:-1])) / sum(known)
        lines.append({"m": n_items, "k": count, "calls": calls, "ratio": calls / known[-1], "then told": told})
    return lines


def shapes(n_items: int) -> list[dict[str, Any]]:
    """Return one line for each row of finds: the mean by descent, and of the best run of plain and damped iterations.

    A find at t has come with the herald of iteration t of the run that descent gives for what was believed before it.
    """
    (counts, weights), found, root = prior(n_items), 0, np.sqrt(n_items)
    lines = []
    for time in (*FINDS, None):
        left = (counts > found) & (weights > 1e-9 * weights.max())
        schedules = Schedules(n_items, counts[left] - found, weights[left] / weights[left].sum())
        factors = descended(schedules, n_items)
        best, shape = schedules.cost(factors)[0], min(_shaped(schedules, n_items))
        finds = " ".join(f"{one:g}" for one in FINDS[:found]) or "none"
        lines.append(
            {"m": n_items, "finds at": finds, "calls": best / root, "shape": shape / root, "ratio": shape / best}
        )
        if time is not None:
            at = int(time * root)
            marked = schedules.means(factors)[1][at][1]
            weights = np.where(left, weights, 0.0)
            weights[left] *= (1.0 - factors[at] ** 2) * marked**2
            weights, found = weights / weights.sum(), found + 1
    return lines


def _shaped(schedules: Schedules, n_items: int) -> list[float]:
    """Return the means of all runs of the shape, from a grid."""
    length, root = int(LENGTH * np.sqrt(n_items)), np.sqrt(n_items)
    plain = np.unique(np.append(0, (0.5 * root * 1.15 ** np.arange(-40.0, 0.0)).astype(int)))
    runs = [
        np.where(np.arange(length) < at, 1.0, np.exp(-2.0 * damping / root))
        for at in plain
        for damping in 1.2 ** np.arange(0.0, 14.0)
    ]
    return [schedules.cost(run)[0] for run in runs]


def whole(n_items: int, trials: int) -> list[dict[str, Any]]:
    """Return one line for each number of marked items: searches that take the best run for what is believed."""
    lines, seen = [], {}
    for count in PLAYED:
        rng = np.random.default_rng(count)
        calls = np.array([_searched(n_items, count, rng, seen) for _ in range(trials)])
        known = sum(_known(n_items, left) for left in range(1, count + 1))
        error = calls.std() / np.sqrt(trials)
        lines.append(
            {"m": n_items, "k": count, "trials": trials, "all found": calls.mean() / known, "sem": error / known}
        )
    return lines


def _searched(n_items: int, count: int, rng: np.random.Generator, seen: dict[tuple[int, ...], Array]) -> float:
    """Play one search; return iterations and verifications up to its last find."""
    counts, weights = _hypotheses(n_items)
    calls, finds = 0.0, ()
    for found in range(count):
        left = (counts > found) & (weights > 1e-9 * weights.max())
        schedules = Schedules(n_items, counts[left] - found, weights[left] / weights[left].sum())
        if finds not in seen:
            seen[finds] = descended(schedules, n_items, BRIEF)
        factors = seen[finds]
        heralds = Schedules(n_items, np.array([count - found], float), np.ones(1)).means(factors)[1]
        marked = np.array([one[1][0] for one in heralds[:-1]])
        at = int(np.searchsorted(np.cumsum((1.0 - factors**2) * marked**2), rng.random()))
        if at >= len(factors):  # silent for 9 sqrt(m) iterations: charged as descent charges it
            calls += len(factors) + schedules.tail
            at = len(factors) - 1
        calls += at + 2.0
        finds = (*finds, at)
        chance = np.zeros(len(counts))
        chance[left] = schedules.means(factors[:at])[1][-1][1] ** 2
        weights = weights * chance / (weights @ chance)
    return calls


def _hypotheses(n_items: int) -> tuple[Array, Array]:
    """Return numbers of marked items, and how probable they and their neighbours are."""
    large = np.round(np.exp(np.linspace(np.log(SMALL + 1), np.log(n_items - 1), LARGE)))
    counts = np.unique(np.append(np.arange(1.0, SMALL + 1), large))
    edges = np.concatenate([[0.5], 0.5 * (counts[1:] + counts[:-1]), [n_items - 0.5]]) ** (1.0 - TILT)
    return counts, (edges[:-1] - edges[1:]) / (edges[0] - edges[-1])


def _known(n_items: int, left: int) -> float:
    """Return the calls that `known_k` takes for one find, its measurements included."""
    iterations = best_iterations(n_items, left)
    return float((iterations + 1.0) / plain_law(n_items, left, iterations))


def main() -> None:
    """Compute, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("scipy",), threads=1, dtype="float64")
    width = 1 << 6 if options.quick else 1 << 10
    rows, compared, played = first_finds(width), shapes(width), whole(width, 20 if options.quick else 400)
    print_table(rows)
    print_table(compared)
    print_table(played)
    write_json(options.json, {**machine, "rows": rows, "shapes": compared, "searches": played})


if __name__ == "__main__":
    main()
