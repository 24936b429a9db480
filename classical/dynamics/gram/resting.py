"""Rows that rest: a byte says how long one can be left alone, and all else about it is made again when that is over.

The firing set F of a row that rests is that of W(0), so the row is at w(0) + a_r . sum_F S_j x_j and its terms are in
the totals. Its inner product with x_i moves by at most sum_F |<x_i, x_j>| / ||x_j|| times the path of any one column,
clock n + 1, so the distances from b say up to which value of that clock nothing can change. That value is rounded down
to a power of 2^(1/8), which fits into a byte. No list, no alarm and no vector of such a row is held.
"""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt
from numba.cpython.unsafe.numbers import trailing_zeros

from classical.dynamics.gram.firing_sets import FiringSets, words_of
from classical.dynamics.gram.layout import Totals, World
from classical.lists.lengths import EPS, UP
from hybrid_train.finder.bank import Bank, Ledger
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, kernel

AWAKE, LAST, SILENT = 0, 254, 255
"""Levels: a row that is in a list, or has to come there; the longest rest; a row that does not fire and never will."""

_OCTAVE = 8
"""Levels to a factor of two."""

_FARTHEST = 8.0
"""Distance of the longest rest in units of a typical coordinate."""

_SHY = 1 - 1e-6
"""Part of its slack that a row rests through: its doubt grows by far less than 1e-6 of its path."""


class Limits(NamedTuple):
    """What all rows share.

    Attributes:
        edges: (256,) how far clock n + 1 may go while a row of each level rests.
        speeds: (n, n) how fast a row that fires for column j alone comes nearer to b for column i at most, per unit of
            its path.
    """

    edges: FloatArray
    speeds: FloatArray


def limits_of(typical: float, world: World) -> Limits:
    """Return the limits.

    Args:
        typical: size of a coordinate of the rows.
        world: at step 0.
    """
    edges = _FARTHEST * typical * 2.0 ** ((np.arange(SILENT + 1) - LAST) / _OCTAVE)
    edges[AWAKE] = -np.inf
    speeds = np.repeat(world.norms[:, None], len(world.norms), axis=1)
    if world.grain < 1:
        speeds = np.maximum(world.grain * speeds, np.abs(world.gram) * world.inverse)
    return Limits(edges, speeds)


class Sums(NamedTuple):
    """Sums over rows that rest.

    Attributes:
        totals: the usual ones.
        sets: how many fire for which columns.
    """

    totals: Totals
    sets: FiringSets


@final
class Resting:
    """Which rows of a chunk rest, and until when.

    Args:
        first: the chunk's first row.
        last: behind its last one.
        limits: what all rows share.

    Attributes:
        levels: (last - first,) uint8.
    """

    def __init__(self, first: int, last: int, limits: Limits) -> None:
        self.first, self._limits = first, limits
        self.levels: npt.NDArray[np.uint8] = np.zeros(last - first, np.uint8)

    @property
    def rows(self) -> IntArray:
        """The rows that rest, ascending."""
        return np.flatnonzero(self.levels) + self.first

    def due(self, level: int) -> IntArray:
        """Return the rows whose rest ends at this level or before."""
        return np.flatnonzero((self.levels > AWAKE) & (self.levels <= level)) + self.first

    def lay(
        self,
        rows: IntArray,
        vectors: FloatArray,
        columns: FloatArray,
        world: World,
        level: int,
        sums: Sums | None = None,
    ) -> tuple[npt.NDArray[np.bool_], float]:
        """Let those of some rows rest that can do so beyond a level.

        Args:
            rows: (B,) of the bank.
            vectors: (B, d) where they are.
            columns: (n, d) float64.
            world: at the present step.
            level: the last one that is too short.
            sums: rows that rest are added to them.

        Returns:
            ((B,) which ones have to come to a list or to be looked at more closely, bound of the norms of the others
            that fire).
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            products = vectors.astype(np.float64, copy=False) @ columns.T
        levels = np.empty(len(rows), np.uint8)
        sets = np.zeros((len(rows), words_of(len(columns))), np.uint64)
        reach = _lay(vectors, products, world, self._limits, level, levels, sets)
        if sums is not None:
            _tally(rows, products, levels, world, sums.totals, sets)
            sums.sets.add(sets[(levels != AWAKE) & (levels != SILENT)])
        self.levels[rows - self.first] = np.where(levels == SILENT, AWAKE, levels)
        return levels == AWAKE, reach

    def add_motion(
        self, world: World, rows: IntArray, vectors: FloatArray, columns: FloatArray, directions: FloatArray
    ) -> None:
        """Add to the vectors of those rows that rest, as they were at step 0, what they have moved by since."""
        _add_motion(self.levels, world, rows, self.first, vectors, columns, directions)

    def active(self, world: World, bank: Bank, ledger: Ledger, columns: FloatArray) -> tuple[IntArray, IntArray]:
        """Return (columns, rows) of the active pairs of the rows that rest, row after row."""
        rows = self.rows
        pairs = np.nonzero(_active(bank.before(ledger)[rows], columns, world.threshold))
        return pairs[1], rows[pairs[0]]


@kernel
def _lay(vectors: Any, products: Any, world: Any, limits: Any, level: Any, levels: Any, sets: Any) -> Any:
    """Say how long each row may rest beyond a level, and mark the columns it fires for.

    Returns:
        A bound of the norms of the rows that rest.
    """
    threshold, norms, rounding, speck = world.threshold, world.norms, world.rounding, world.speck
    edges, speeds = limits.edges, limits.speeds
    n, path, longest = norms.size, world.clocks[norms.size + 1], 0.0
    firing = np.empty(n, np.int64)
    factor, near = 2 * rounding + (world.steps + 4 * n + 16) * EPS, 4 * EPS * abs(threshold)
    for k in range(levels.size):
        fired = 0
        for j in range(n):
            if products[k, j] > threshold:
                firing[fired] = j
                fired += 1
                sets[k, j // 64] |= np.uint64(1) << np.uint64(j % 64)
        norm = np.sqrt(dot(vectors[k], vectors[k])) * (1 + 8 * rounding) + speck
        doubt = factor * (norm + n * path) * UP + speck
        left, certain = np.inf, True
        for i in range(n):
            if norms[i] > 0:
                margin = abs(products[k, i] - threshold) - near - doubt * norms[i]
                certain &= margin > 0
                if not margin >= left * fired * norms[i] * UP and fired > 0:
                    approach = 0.0
                    for u in range(fired):
                        approach += speeds[i, firing[u]]
                    left = min(left, margin / approach)
        levels[k] = AWAKE
        if certain and fired == 0:
            levels[k] = SILENT
        elif certain:
            at = _level(edges, path + left * _SHY)
            if at > level:
                levels[k] = at
                longest = max(longest, norm)
    return longest


@kernel
def _tally(rows: Any, products: Any, levels: Any, world: Any, totals: Any, sets: Any) -> None:
    """Add the rows that rest to the totals."""
    base, signs = world.base, world.signs
    sums, counts, overlaps = totals.outputs, totals.fired, totals.overlaps
    n, outputs = sums.shape
    firing = np.empty(n, np.int64)
    for k in range(rows.size):
        if levels[k] == AWAKE or levels[k] == SILENT:
            continue
        fired, neuron = 0, rows[k]
        counts[n] += 1
        for word in range(sets.shape[1]):
            bits = sets[k, word]
            while bits:
                i = 64 * word + np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
                firing[fired] = i * outputs
                fired += 1
                counts[i] += 1
                for q in range(outputs):
                    sums[i, q] += signs[neuron, q] * (products[k, i] - base)
        for u in range(fired):
            for q in range(outputs):
                factor = np.float64(signs[neuron, q])
                for v in range(fired):
                    for p in range(outputs):
                        overlaps[firing[u] + q, firing[v] + p] += factor * signs[neuron, p]


@kernel
def _level(edges: Any, alarm: Any) -> Any:
    """Return the highest level whose edge is not above the alarm, ``AWAKE`` if there is none."""
    if not alarm >= edges[1]:
        return AWAKE
    at = np.int64(LAST)
    if alarm < edges[LAST]:
        at = min(at, LAST + 1 + np.int64(np.floor(_OCTAVE * np.log2(alarm / edges[LAST]))))
    while at > AWAKE and edges[at] > alarm:
        at -= 1
    return at


@kernel
def _add_motion(levels: Any, world: Any, rows: Any, first: Any, vectors: Any, columns: Any, directions: Any) -> None:
    signs, pulls, threshold = world.signs, world.pulls[world.now % world.pulls.shape[0]], world.threshold
    n, outputs = columns.shape[0], signs.shape[1]
    factors = np.empty(n)
    for k in range(rows.size):
        neuron = rows[k]
        if levels[neuron - first] == AWAKE:
            continue
        for j in range(n):
            factors[j] = 0.0
            if dot(vectors[k], columns[j]) > threshold:
                for q in range(outputs):
                    factors[j] += signs[neuron, q] * pulls[j, q]
        for j in range(n):
            if factors[j] != 0.0:
                for i in range(vectors.shape[1]):
                    vectors[k, i] += factors[j] * directions[j, i]


@kernel
def _active(vectors: Any, columns: Any, threshold: Any) -> Any:
    """Return (B, n) which pairs are active."""
    out = np.empty((vectors.shape[0], columns.shape[0]), np.bool_)
    for k in range(vectors.shape[0]):
        for j in range(columns.shape[0]):
            out[k, j] = dot(vectors[k], columns[j]) > threshold
    return out
