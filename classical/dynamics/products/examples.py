"""Examples as products meet them: as they are, or, where most of their numbers are a constant, what differs from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from classical.dynamics.products.kernels import Sparse, count_apart, multiply, take_apart, turn_round
from classical.dynamics.rows.layout import World, with_vectors
from classical.tiles.vectors import TILE
from hybrid_train.errors import InvariantError
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads

_SHARE = 0.3
"""Of the numbers of the examples, up to which it is faster to go through what differs from a constant."""

_LEAST_DIMENSION = 32
"""Coordinates from which on that may be. The bounds of rounding in :class:`SparseExamples` need ten."""

_SAMPLE = 65
"""Examples by which the constants are found, an odd number."""

_MODERATE = 1e15
"""Numbers between this and its reciprocal: no product of two of them overflows."""

_THREAD_NUMBERS = 1 << 16
"""Numbers that are worth waking a thread for."""


class Examples(ABC):
    """Some examples x_j, C of them, between an evaluation and the move.

    Args:
        world: of all examples.
        dimension: d, their coordinates.
    """

    def __init__(self, world: World, dimension: int) -> None:
        self.world, self.dimension = world, dimension

    @abstractmethod
    def some(self, rows: IntArray) -> Examples:
        """Return those of these numbers (C,) alone."""

    def arrange(self) -> None:
        """Get ready for :meth:`combined`, which several threads may call then."""

    @abstractmethod
    def products(self, vectors: FloatArray) -> FloatArray:
        """Return (B, C) the inner products of rows (B, d), with errors bounded by the margins of the world's rule."""

    @abstractmethod
    def combined(self, factors: FloatArray) -> FloatArray:
        """Return (B, d) sum_j factor_rj x_j, zero in coordinates that are not trained."""


@final
class DenseExamples(Examples):
    """All numbers of the examples, for matrix products."""

    def some(self, rows: IntArray) -> DenseExamples:
        return DenseExamples(with_vectors(self.world, rows), self.dimension)

    def products(self, vectors: FloatArray) -> FloatArray:
        columns = self.world.columns[:, : self.dimension]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.asarray(vectors.astype(columns.dtype, copy=False) @ columns.T)

    def combined(self, factors: FloatArray) -> FloatArray:
        return np.asarray(factors @ self.world.along[:, : self.dimension])


@final
class SparseExamples(Examples):
    """Examples x_j = own_j common + s_j, of which the s_j are sparse.

    Products take nnz(s) multiplications for each neuron. A table with many equal numbers in a column, such as pixels
    that are mostly dark, has that form after its columns were shifted and its rows scaled too, if a constant coordinate
    (the bias) went along: that one tells own_j.

    An inner product is rounded by no more than (d + 21) eps (|own_j| ||common|| + ||s_j||) ||w||: 3 d / 2 + 2
    additions and products in a chain, three numbers that may be rounded to single precision, and 8 eps for what is
    left out; that is within the rule's 2 (d + 8) eps from d = 5 (in double precision, where the deciding value is
    rounded as well, from d = 10) if its ``largest_norm`` bounds the bracket.

    Args:
        world: with a rule like that.
        sparse: the examples.
        trained: coordinates that are.
    """

    def __init__(self, world: World, sparse: Sparse, trained: int) -> None:
        super().__init__(world, len(sparse.common))
        self._sparse, self._trained = sparse, trained
        self._turned: Sparse | None = None

    def some(self, rows: IntArray) -> SparseExamples:
        old = self._sparse
        near = old._replace(begins=old.begins[rows], ends=old.ends[rows], own=old.own[rows])
        return SparseExamples(self.world, near, self._trained)

    def products(self, vectors: FloatArray) -> FloatArray:
        return _multiplied(vectors, self._sparse)

    def arrange(self) -> None:
        old = self._sparse
        size, d = int((old.ends - old.begins).sum()), self.dimension
        room = np.empty(size, np.int32), np.empty(size, old.values.dtype)
        self._turned = Sparse(np.empty(d, np.int64), np.empty(d, np.int64), *room, old.common, old.own)
        turn_round(old, self._turned)

    def combined(self, factors: FloatArray) -> FloatArray:
        if self._turned is None:
            raise InvariantError("SparseExamples: arrange first")
        found = _multiplied(factors, self._turned)
        found[:, self._trained :] = 0
        return found


def _multiplied(vectors: FloatArray, sparse: Sparse) -> FloatArray:
    """Return (B, C) the inner products of vectors (B, d) with examples."""
    numbers = np.ascontiguousarray(vectors, sparse.values.dtype)
    found = np.empty((len(vectors), len(sparse.own)), numbers.dtype)
    multiply(numbers.reshape(-1), len(sparse.common), sparse, found.reshape(-1))
    return found


def examples_of(network: TwoLayerNetwork, world: World) -> Examples:
    """Return the examples of a world in the form by which a network is trained fastest."""
    dimension, width = world.exact.shape[1], network.width
    split = _split(world, -(-width // TILE) * TILE / width)
    if split is None:
        return DenseExamples(world, dimension)
    return SparseExamples(_bounded(world, split), split, dimension - network.untrained)


def _bounded(world: World, sparse: Sparse) -> World:
    """Return the world with a rule that bounds the rounding of products with these examples."""
    owners = np.repeat(np.arange(len(sparse.own)), sparse.ends - sparse.begins)
    squares = np.bincount(owners, sparse.values.astype(np.float64) ** 2, len(sparse.own))
    shift = np.abs(sparse.own.astype(np.float64)) * float(norm_bounds(sparse.common[None])[0])
    largest = float((np.sqrt(squares) + shift).max()) * (1 + 1e-6)
    return world._replace(rule=world.rule._replace(largest_norm=max(largest, world.rule.largest_norm)))


def _split(world: World, dearer: float) -> Sparse | None:
    """Return the examples as multiples of one vector and what differs; None if that is too much.

    Args:
        world: of the examples.
        dearer: what an entry costs, in units of one that is met by whole tiles of neurons.
    """
    examples, dtype = world.exact, world.columns.dtype
    n, d = examples.shape
    if d < _LEAST_DIMENSION or not 1 / _MODERATE < float(world.norms.min()) <= world.rule.largest_norm < _MODERATE:
        return None
    own, common = _constants(examples)
    sample = _sample(n)
    seen = np.empty(len(sample), np.int64)
    count_apart(examples[sample], own[sample], common, seen)
    if seen.mean() * dearer > _SHARE * d:
        return None
    counts = np.empty(n, np.int64)
    in_threads(lambda a, b: count_apart(examples[a:b], own[a:b], common, counts[a:b]), n, 1 + _THREAD_NUMBERS // d)
    ends = np.cumsum(counts)
    size = int(ends[-1])
    if size * dearer > _SHARE * n * d:
        return None
    sparse = Sparse(ends - counts, ends, np.empty(size, np.int32), np.empty(size, dtype), own, common)
    take_apart(examples, sparse)
    return sparse._replace(own=own.astype(dtype), common=common.astype(dtype))


def _sample(n: int) -> IntArray:
    return np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)


def _constants(examples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (n,) own and (d,) common: what most numbers of a column are in units of their row's last one, or 0."""
    last = examples[:, -1]
    if (last == 0).any():
        return np.zeros(len(examples)), np.zeros(examples.shape[1])
    sample = _sample(len(examples))
    with np.errstate(over="ignore"):
        common = np.median(examples[sample] / last[sample, None], axis=0)
    common[~(np.abs(common) < _MODERATE)] = 0.0
    return np.array(last), common
