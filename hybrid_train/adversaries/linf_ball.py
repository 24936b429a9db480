"""The maximum-norm ball, alone and cut with a sphere."""

from __future__ import annotations

import math
from typing import final

import numpy as np

from hybrid_train.adversaries.ball import Ball
from hybrid_train.adversaries.box_kernels import GOES, STOPS, choose
from hybrid_train.support.arrays import FloatArray

_BRANCHES = 1 << 16
"""Looked at for one example, at most: a millisecond."""

_NOTHING = 1e-100
"""Coordinates so much smaller than the largest count as zero: their squares would vanish."""


@final
class LInfBall(Ball):
    """Perturbations with |v_j - x_j| <= rho in every coordinate.

    On the sphere of radius R = ||x|| the nearest point to y maximises <v, y> over box and sphere. Over box and *ball*
    that is a concave problem with the solutions u(s) = clip(s y, x - rho, x + rho), s >= 0; ||u(s)|| rises with s
    from the least norm in the box, at most R, and where it reaches R the solution lies on the sphere: the projection
    is exact. Where u(infinity) falls short of R (y points against much of x), <v, y> is to be maximised over the box
    outside the ball, a knapsack: coordinates go from the end of their interval that y likes to the end that is
    farther from zero, those with the least |y_j| / |x_j| = nu first, the last one part of the way. By Lagrange
    duality <v, y> is then within nu rho^2 / 2 of the largest: such projections, the steps of PGD, are approximate.
    ``worst`` solves the knapsack by branch and bound and is exact, unless that takes more than 2^16 branches for an
    example (many coordinates of nearly the same price): then it is the best point found, within that distance too.
    """

    def reach(self, dimension: int) -> float:
        return self.rho * math.sqrt(max(0, dimension - self.kept))

    def _onto_sphere(self, vectors: FloatArray, centres: FloatArray) -> FloatArray:
        low, high = centres - self.rho, centres + self.rho
        square = np.einsum("ij,ij->i", centres, centres)
        size = np.abs(vectors).max(axis=1, keepdims=True)
        pull = vectors / np.where(size > 0, size, 1.0)
        pull[np.abs(pull) < _NOTHING] = 0.0
        least = np.clip(0.0, low, high)
        most = np.where(pull > 0, high, np.where(pull < 0, low, least))
        result = np.empty_like(centres)
        reached = np.einsum("ij,ij->i", most, most) >= square
        inner = np.flatnonzero(reached)
        scale = _scale(pull[inner], low[inner], high[inner], least[inner], most[inner], square[inner])
        result[inner] = np.clip(scale[:, None] * pull[inner], low[inner], high[inner])
        outer = np.flatnonzero(~reached)
        corner = centres[outer] + np.copysign(self.rho, centres[outer])
        result[outer] = np.clip(_outward(pull[outer], most[outer], corner, square[outer]), low[outer], high[outer])
        return result

    def _along_sphere(self, pulls: FloatArray, centres: FloatArray) -> FloatArray:
        result = self._onto_sphere(pulls, centres)
        size = np.abs(pulls).max(axis=1, keepdims=True)
        pull = pulls / np.where(size > 0, size, 1.0)
        pull[np.abs(pull) < _NOTHING] = 0.0
        low, high = centres - self.rho, centres + self.rho
        most = np.where(pull > 0, high, np.where(pull < 0, low, np.clip(0.0, low, high)))
        missing = np.einsum("ij,ij->i", centres, centres) - np.einsum("ij,ij->i", most, most)
        corner = centres + np.copysign(self.rho, centres)
        for row in np.flatnonzero(missing > 0):
            found = _cheapest(pull[row], most[row], corner[row], float(missing[row]))
            if found is not None and pull[row] @ found > pull[row] @ result[row]:
                result[row] = np.clip(found, low[row], high[row])
        return result

    def _onto_ball(self, vectors: FloatArray, centres: FloatArray) -> FloatArray:
        return np.clip(vectors, centres - self.rho, centres + self.rho)

    def _unit(self, vectors: FloatArray) -> FloatArray:
        return np.sign(vectors)

    def _draw_unit(self, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
        return random.uniform(-1.0, 1.0, shape)


def _cheapest(pull: FloatArray, most: FloatArray, corner: FloatArray, missing: float) -> FloatArray | None:
    """Return the point (d,) on the way from ``most`` to ``corner`` that gains ``missing`` for the least <pull, v>.

    None where rounding leaves no such point, next to the corner.
    """
    gain = corner * corner - most * most
    items = np.flatnonzero(gain > 0)
    price = np.abs(pull[items] * (corner[items] - most[items])) / gain[items]
    items, price = items[np.argsort(price, kind="stable")], np.sort(price)
    what, ends, corners = np.full(len(items), -1, np.int8), most[items], corner[items]
    choose(pull[items], ends, corners, gain[items], price, missing, _BRANCHES, what)
    if (what < 0).any() or not len(items):
        return None
    found, goes = most.copy(), items[what == GOES]
    found[goes] = corner[goes]
    for j in items[what == STOPS]:
        part = missing - gain[goes].sum()
        found[j] = np.copysign(np.sqrt(max(0.0, most[j] ** 2 + part)), corner[j])
    return found


def _scale(
    pull: FloatArray, low: FloatArray, high: FloatArray, least: FloatArray, most: FloatArray, square: FloatArray
) -> FloatArray:
    """Return (B,) the s with ||clip(s pull, low, high)||^2 = square.

    Coordinate j follows s pull_j for s between least_j / pull_j and most_j / pull_j and stays put elsewhere: binary
    search among these breakpoints, then one square root.
    """
    moving = (pull != 0) & (most != least)
    divisor = np.where(moving, pull, 1.0)
    with np.errstate(over="ignore"):
        enter, leave = np.where(moving, least / divisor, np.inf), np.where(moving, most / divisor, np.inf)
    breaks = np.sort(np.concatenate([np.zeros((len(pull), 1)), enter, leave], axis=1), axis=1)
    rows = np.arange(len(pull))
    below, above = np.zeros(len(pull), np.int64), np.full(len(pull), breaks.shape[1])
    while (above - below > 1).any():  # ||u||^2 <= square at breaks[below], not at breaks[above]
        middle = (below + above) // 2
        at = breaks[rows, middle]
        finite = np.where(np.isfinite(at), at, 0.0)
        there = np.clip(finite[:, None] * pull, low, high)
        under = (np.einsum("ij,ij->i", there, there) <= square) & np.isfinite(at)
        below, above = np.where(under, middle, below), np.where(under, above, middle)
    start = breaks[rows, below]
    there = np.clip(start[:, None] * pull, low, high)
    following = (enter <= start[:, None]) & (leave > start[:, None])
    slope = np.einsum("ij,ij->i", pull, pull * following)
    rest = np.maximum(0.0, square - np.einsum("ij,ij->i", there, there * ~following))
    root = np.sqrt(rest / np.where(slope > 0, slope, 1.0))
    return np.where(slope > 0, np.maximum(root, start), start)


def _outward(pull: FloatArray, most: FloatArray, corner: FloatArray, square: FloatArray) -> FloatArray:
    """Return points of squared norm ``square`` on the way from ``most``, which is shorter, to ``corner``.

    Coordinates go one after the other, those that cost the least <v, pull> for the squared norm they gain first.
    """
    gain = np.maximum(0.0, corner * corner - most * most)
    price = np.where(gain > 0, np.abs(pull * (corner - most)) / np.where(gain > 0, gain, 1.0), np.inf)
    order = np.argsort(price, axis=1, kind="stable")
    missing = square - np.einsum("ij,ij->i", most, most)
    before = np.zeros_like(gain)  # what the coordinates that go first have gained
    np.put_along_axis(before, order, np.cumsum(np.take_along_axis(gain, order, axis=1), axis=1), axis=1)
    part = np.clip(missing[:, None] - (before - gain), 0.0, gain)
    return np.where(part > 0, np.copysign(np.sqrt(most * most + part), corner), most)
