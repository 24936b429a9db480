"""Points that are active for at least one query, drawn without the others.

Of Poisson(rate) points N(0, s^2 I_d) those that are active for some of n queries are a Poisson process themselves.
It is drawn query by query: Poisson(rate P(active for x_i)) points given <w, x_i> > b, one truncated normal along x_i
and the rest free, of which those stay that are active for no earlier query. So every point is drawn by the first query
it is active for and by no other, and the law is exact, however the half-spaces overlap. Where the queries together
would draw more points than there are, all are drawn plainly instead and those stay that are active for any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.finder.predicate import inner_products, norm_bounds, rounding_margin
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, kernel
from hybrid_train.support.parallel import in_threads, one_blas_thread, side_by_side
from hybrid_train.support.philox import Stream, normals, philox_key, tail_normals
from hybrid_train.support.rng import Role, generator

_BLOCK = 1 << 13
"""Draws that are made and looked at together."""

_ROUND = 32
"""Blocks that are given out at a time."""

_SHARE = 1 << 12
"""Draws that are worth waking a thread for."""


@final
@dataclass(frozen=True, eq=False)
class Draws:
    """Draws that can be made again, any of them, in any order: stay they or not.

    Attributes:
        seed: the run's seed.
        units: (k, d) the queries that draw, distinct, at length 1; (0, d) where all points are drawn plainly.
        shares: (k,) the probability that a point is active for each.
        firsts: (k + 1,) the first draw of each query; (2,) where all are drawn plainly.
        spread: s, the standard deviation of a coordinate.
        dtype: float32 rounds each coordinate.
    """

    seed: int
    units: FloatArray
    shares: FloatArray
    firsts: IntArray
    spread: float
    dtype: np.dtype[Any]

    @classmethod
    def of(
        cls, rate: float, queries: FloatArray, threshold: float, *, seed: int, spread: float, dtype: npt.DTypeLike
    ) -> Self:
        """Say how many draws each query makes.

        Args:
            rate: the mean number of all points, active or not.
            queries: (n, d) float64, distinct.
            threshold: b.
            seed: the run's seed.
            spread: s.
            dtype: of the points.
        """
        units, norms = _directions(queries)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            reach = threshold / (spread * norms)
        shares = np.where(norms > 0, ndtr(-reach), float(threshold < 0))
        counting = generator(seed, Role.POPULATION)
        if shares.sum() >= 1.0:
            units, shares = units[:0], shares[:0]
            counts = counting.poisson([rate])
        else:
            counts = counting.poisson(rate * shares)
        firsts = np.concatenate([[0], np.cumsum(counts)])
        return cls(seed, units, shares, firsts, spread, np.dtype(dtype))

    def __len__(self) -> int:
        return int(self.firsts[-1])

    def points(self, numbers: IntArray) -> FloatArray:
        """Return (len(numbers), d) the points that these draws make, the same whenever they are asked for."""
        key = philox_key(self.seed, Role.WEIGHTS)
        across = normals(key, numbers, self.units.shape[1], stream=Stream.ACROSS)
        out = np.empty(across.shape, self.dtype)
        if not len(self.units):
            np.multiply(across, self.spread, out=out, casting="same_kind")
            return out
        owners = np.searchsorted(self.firsts, numbers, "right") - 1
        along = tail_normals(key, numbers, self.shares[owners])
        in_threads(
            lambda first, last: _turn(
                across[first:last], along[first:last], owners[first:last], self.units, self.spread, out[first:last]
            ),
            len(out),
            _SHARE,
        )
        return out


@final
class Sieve:
    """Goes through draws and keeps those that stay.

    Args:
        draws: all of them.
        queries: (n, d) float64, those that :meth:`Draws.of` was given.
        threshold: b.
    """

    def __init__(self, draws: Draws, queries: FloatArray, threshold: float) -> None:
        self._draws, self._queries, self._threshold = draws, queries, threshold
        self._norms = norm_bounds(queries)

    def kept(self) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield (draws that stay, ascending; their points), block by block."""
        blocks = list(self._blocks())
        for start in range(0, len(blocks), _ROUND):
            with one_blas_thread():
                yield from side_by_side(lambda block: self._sift(*block), blocks[start : start + _ROUND])

    def _blocks(self) -> Iterator[tuple[int, int, int]]:
        """Yield (owner, first, last): the draws of one query at most, cut alike whatever the number of threads."""
        firsts = self._draws.firsts.tolist()
        for owner, (first, last) in enumerate(pairwise(firsts)):
            for start in range(first, last, _BLOCK):
                yield owner, start, min(start + _BLOCK, last)

    def _sift(self, owner: int, first: int, last: int) -> tuple[IntArray, FloatArray]:
        numbers = np.arange(first, last)
        points = self._draws.points(numbers)
        if not len(self._draws.units):
            stays = self._active_for_any(points, self._queries, self._norms)
        else:
            own = inner_products(points, self._queries, np.arange(len(points)), np.full(len(points), owner))
            stays = own > self._threshold  # rounding can bring a point down to b
            stays &= ~self._active_for_any(points, self._queries[:owner], self._norms[:owner])
        return numbers[stays], points[stays]

    def _active_for_any(self, points: FloatArray, queries: FloatArray, norms: FloatArray) -> npt.NDArray[np.bool_]:
        """Return whether each point is active for any of the queries, by the shared predicate."""
        if not len(queries):
            return np.zeros(len(points), bool)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            top = (queries @ points.T.astype(np.float64, copy=False)).max(axis=0)
        room = rounding_margin(points.shape[1], norm_bounds(points), float(norms.max()))
        active = np.asarray(top > self._threshold)
        (doubtful,) = np.nonzero(~(np.abs(top - self._threshold) > room))
        if len(doubtful):
            pairs = np.repeat(doubtful, len(queries)), np.tile(np.arange(len(queries)), len(doubtful))
            values = inner_products(points, queries, *pairs).reshape(len(doubtful), len(queries))
            active[doubtful] = (values > self._threshold).any(axis=1)
        return active


def distinct(queries: npt.ArrayLike, name: str) -> FloatArray:
    """Return the distinct rows of (n, d) queries as float64, in an order that does not depend on theirs.

    Raises:
        DataError: not finite numbers of that shape.
    """
    return np.ascontiguousarray(np.unique(checked_vectors(queries, name).astype(np.float64) + 0.0, axis=0))


def live_points(draws: Draws, queries: FloatArray, threshold: float) -> FloatArray:
    """Return (N, d) the points that stay.

    Raises:
        DataError: there is none, and b < 0 leaves no point that is active for no query.
    """
    array = np.empty((len(draws), queries.shape[1]), draws.dtype)
    used = 0
    for _, points in Sieve(draws, queries, threshold).kept():
        array[used : used + len(points)] = points
        used += len(points)
    if used:
        array.resize((used, queries.shape[1]), refcheck=False)
        return array
    if threshold < 0:
        raise DataError("not one neuron was drawn: take a larger network.width")
    return np.zeros((1, queries.shape[1]), draws.dtype)


def _directions(queries: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (queries at length 1, their lengths), without overflow on the way; what is zero stays."""
    largest = np.abs(queries).max(axis=1, keepdims=True)
    scaled = queries / np.where(largest > 0, largest, 1.0)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        return scaled / np.where(lengths > 0, lengths, 1.0), (largest * lengths)[:, 0]


@kernel
def _turn(across: Any, along: Any, owners: Any, units: Any, spread: Any, out: Any) -> None:
    """Put ``along`` in the place of what each of the rows ``across`` has along its owner's direction."""
    for r in range(owners.size):
        unit = units[owners[r]]
        change = along[r] - dot(across[r], unit)
        for i in range(unit.size):
            out[r, i] = spread * (across[r, i] + change * unit[i])
