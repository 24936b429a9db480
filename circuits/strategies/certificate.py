"""The certificate: one run that finds something, if anything is left, but for a stated probability."""

from __future__ import annotations

from math import floor, log2

from circuits.law import fixed_point_iterations, fixed_point_phases
from circuits.search import Run


def certificate_run(n_items: int, miss_probability: float) -> Run:
    """Return the fixed-point run that measures a marked item with probability >= 1 - delta for every k >= 1.

    Args:
        n_items: m.
        miss_probability: delta, in (0, 1); rounded down by at most a quarter of a factor two, so that searches with
            about the same delta share one circuit.
    """
    rounded = 2.0 ** (floor(4.0 * log2(miss_probability)) / 4.0)
    iterations = fixed_point_iterations(n_items, rounded)
    return Run(iterations, fixed_point_phases(iterations, rounded))


def allotment(delta: float, attempt: int) -> float:
    """Return the share delta / 2^c of the c-th certificate of a search, so that all of them stay within delta.

    Args:
        delta: what the search may miss with in all.
        attempt: c, from 1.
    """
    return delta * 0.5**attempt
