"""How soon the first of k marked items can be found by who does not know k: the least that any schedule takes.

Usage: python benchmarks/first_find.py [--quick] [--json FILE]

An iteration multiplies the amplitude on marked items by a factor from 0 (measure it) to 1 (do not), then turns: rows
of such iterations contain all plain runs, restarts included, and all monitored ones. Descent on the factors of every
iteration makes the mean number of calls least under a prior in proportion to k^-1.2 over 1 to m - 1, that of
`adaptive`. `ratio` is the mean for k marked over what `known_k` takes for its first find; `then told` is what would be
left of that ratio for all k items if the search were told their number after the first find.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from _common import arguments, environment, print_table, write_json
from scipy.optimize import minimize

from circuits.law import best_iterations, plain_law

TILT = 1.2
COUNTS = (1, 2, 3, 4, 5, 6, 12)
LENGTH = 9.0
"""Iterations of a schedule, in units of sqrt(m)."""

TAIL = 4.0
"""What is charged after it to a search that found nothing, likewise."""

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
        total, seen = self.means(factors)
        (cosine, sine), slope = self.double, np.empty(len(factors))
        other, marked = (2.0 * self.tail * self.weights * part for part in seen[-1])
        for at in range(len(factors) - 1, -1, -1):
            before, turned = seen[at], cosine * marked - sine * other
            slope[at] = turned @ before[1]
            other = cosine * other + sine * marked + 2.0 * self.weights * before[0]
            marked = factors[at] * turned + 2.0 * self.weights * before[1]
        return float(self.weights @ total), slope


def first_finds(n_items: int) -> list[dict[str, Any]]:
    """Return one line for each number of marked items."""
    counts = np.arange(1.0, n_items)
    weights = counts**-TILT / np.sum(counts**-TILT)
    schedules, length = Schedules(n_items, counts, weights), int(LENGTH * np.sqrt(n_items))
    start = np.maximum(0.0, 1.0 - 6.0 / np.maximum(6.0, np.arange(length)))
    options = {"maxiter": 3000, "maxfun": 4000}
    found = minimize(schedules.cost, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * length, options=options)
    means, _ = schedules.means(found.x)
    lines = []
    for count in COUNTS:
        known = [_known(n_items, left) for left in range(1, count + 1)]
        calls = means[count - 1] + 1.0
        told = (calls + sum(known[:-1])) / sum(known)
        lines.append({"m": n_items, "k": count, "calls": calls, "ratio": calls / known[-1], "then told": told})
    return lines


def _known(n_items: int, left: int) -> float:
    """Return the calls that `known_k` takes for one find, its measurements included."""
    iterations = best_iterations(n_items, left)
    return float((iterations + 1.0) / plain_law(n_items, left, iterations))


def main() -> None:
    """Compute, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("scipy",), threads=1, dtype="float64")
    rows = first_finds(1 << 6 if options.quick else 1 << 10)
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
