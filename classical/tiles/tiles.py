"""A matrix in tiles, in the memory of a bank: who fires for sparse queries, backward, and moves done on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np

from classical.tiles.kernels import Decision, evaluate, move, pull_back, push
from classical.tiles.layout import gather, matrix_over, scatter, turn, turn_back
from classical.tiles.lists import Lists, Used, count, place, tiles_of, used_by
from classical.tiles.vectors import TILE
from hybrid_train.finder.bank import Store
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads, processors, ranges, side_by_side

_BLOCK_BYTES = 1 << 18
"""Of a block of a tile: two of them, one worked on and one on its way, take half of a usual second-level cache."""

_THREAD_NUMBERS = 1 << 16
"""Multiplications, or weights read, that are worth waking a thread for."""

_SHARES = 4
"""Pieces for each processor: one that is busy with something else then holds the others up less."""


class _Move(NamedTuple):
    """Rows r are to move by sum_j pull_jr q_j."""

    queries: Lists
    used: Used
    pulls: Lists


@final
class Tiles(Store):
    """The rows of a (m, D) array, arranged in place in tiles of 64 outputs by input.

    For a query of which a share s is not zero, the inner products with all rows take s m D multiplications, in vector
    instructions, and what the query does not meet is not read; backward and update take s^2 m D where a share s fires.

    A move is noted and done on the way of the next pass over the tiles, when they are in the cache; whoever reads rows
    finds it done.

    Args:
        array: (m, D) C-contiguous float32 or float64; its memory is used until :meth:`leave`, and best begins at a
            cache line.
        block: tiles of inputs in a block; None for what fits a cache.
    """

    def __init__(self, array: FloatArray, block: int | None = None) -> None:
        self.shape: tuple[int, int] = array.shape[0], array.shape[1]
        self.dtype = array.dtype
        self._matrix = matrix_over(array)
        self._block = max(1, _BLOCK_BYTES // (TILE * TILE * array.itemsize)) if block is None else block
        self._nothing = self._no_move()
        self._move: _Move | None = None
        self._arrange(turn)

    def rows(self, rows: IntArray) -> FloatArray:
        self.settle()
        out = np.empty((len(rows), self.shape[1]), self.dtype)
        where = np.ascontiguousarray(rows, np.int64)
        share = 1 + _THREAD_NUMBERS // self.shape[1]
        in_threads(lambda first, last: gather(self._matrix, where, first, last, out), len(where), share)
        return out

    def put(self, rows: IntArray, vectors: FloatArray) -> None:
        self.settle()
        scatter(self._matrix, np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(vectors, self.dtype))

    def leave(self) -> None:
        self.settle()
        self._arrange(turn_back)

    def fired(self, queries: Lists, threshold: float, *, exact: bool = False) -> Lists:
        """Return (J, m) the neurons with <p, q> > b of each query, decided as the shared predicate does.

        Args:
            queries: (J, D), of this dtype.
            threshold: b.
            exact: whether the inner products are to be those of the predicate, to the last bit; otherwise they are
                sums in this dtype.

        Returns:
            The inner products, float64.
        """
        used = used_by(queries, self.shape[1])
        decision = self._decision(queries, threshold, exact)
        masks = np.empty((len(queries.starts), tiles_of(self.shape[0])), np.uint64)
        noted, self._move = self._move or self._nothing, None

        def find(part: tuple[int, int]) -> FloatArray:
            found: FloatArray = evaluate(self._matrix, queries, used, decision, *noted, self._block, *part, masks)
            return found

        parts = self._parts(len(used.columns) + len(queries.columns) + len(noted.queries.columns))
        return _placed(masks, side_by_side(find, parts), parts)

    def pull_back(self, queries: Lists, errors: Lists) -> FloatArray:
        """Return (nnz,) float64 sum_r error_jr P_rc at the entries (j, c) of the queries.

        Args:
            queries: (J, D).
            errors: (J, m), float64.
        """
        self.settle()
        used, inputs = used_by(queries, self.shape[1]), tiles_of(self.shape[1])
        out = np.zeros(len(queries.columns))
        pieces = max(-(-inputs // self._block), min(_SHARES * processors(), inputs))

        def pull(part: tuple[int, int]) -> None:
            pull_back(self._matrix, queries, used, errors, self._block, *part, out)

        work = self.shape[0] * (len(used.columns) + len(queries.columns))
        side_by_side(pull, ranges(inputs, pieces if work > _THREAD_NUMBERS else 1))
        return out

    def push(self, queries: Lists, pairs: Lists) -> FloatArray:
        """Return (nnz,) float64 the inner products of the queries with the neurons of given pairs, summed in dtype.

        Args:
            queries: (J, D), of this dtype.
            pairs: (J, m); their values are not read.
        """
        self.settle()
        used = used_by(queries, self.shape[1])
        out = np.empty(len(pairs.columns))

        def look(part: tuple[int, int]) -> None:
            push(self._matrix, queries, used, pairs, self._block, *part, out)

        side_by_side(look, self._parts(len(used.columns) + len(queries.columns)))
        return out

    def move(self, queries: Lists, pulls: Lists) -> None:
        """Add sum_j pull_jr q_j to every row r, query after query.

        Args:
            queries: (J, D), of this dtype.
            pulls: (J, m), of this dtype.
        """
        self.settle()
        self._move = _Move(queries, used_by(queries, self.shape[1]), pulls)

    def settle(self) -> None:
        """Do the move that was noted, if there is one."""
        if self._move is None:
            return
        noted, self._move = self._move, None

        def do(part: tuple[int, int]) -> None:
            move(self._matrix, *noted, self._block, *part)

        side_by_side(do, self._parts(len(noted.used.columns) + len(noted.queries.columns)))

    def _parts(self, numbers: int) -> list[tuple[int, int]]:
        """Return the ranges of tiles of a pass that multiplies so many numbers with each neuron."""
        tiles, work = tiles_of(self.shape[0]), numbers * self.shape[0]
        pieces = min(tiles, _SHARES * processors(), work // _THREAD_NUMBERS)
        return ranges(tiles, pieces if processors() > 1 else 1)

    def _arrange(self, turning: Callable[..., None]) -> None:
        share = 1 + _THREAD_NUMBERS // (TILE * self.shape[1])
        in_threads(lambda first, last: turning(self._matrix, first, last), tiles_of(self.shape[0]), share)

    def _decision(self, queries: Lists, threshold: float, exact: bool) -> Decision:
        info = np.finfo(self.dtype)
        rows = np.repeat(np.arange(len(queries.starts)), queries.counts)
        sizes: FloatArray = np.bincount(rows, np.abs(queries.values, dtype=np.float64), len(queries.starts)) * 1.0
        # |fl(<p, q>) - <p, q>| <= k u / (1 - k u) sum |p_c q_c| for k terms in any order; eps is 2 u
        roundings = (queries.counts + 8.0) * float(info.eps)
        limit = float(info.max) / 4
        speck = (self.shape[1] + 8) * float(info.tiny)
        return Decision(float(threshold), sizes, roundings, speck, limit, float(info.eps), exact)

    def _no_move(self) -> _Move:
        inputs, outputs = (tiles_of(size) + 1 for size in self.shape[::-1])
        columns, values = np.empty(0, np.int32), np.empty(0, self.dtype)
        queries, pulls = (Lists(np.empty((0, size), np.int64), columns, values) for size in (inputs, outputs))
        return _Move(queries, Used(np.zeros(inputs, np.int64), columns), pulls)


def _placed(masks: IntArray, found: list[FloatArray], parts: list[tuple[int, int]]) -> Lists:
    """Return the pairs of all parts, vector by vector."""
    starts = np.empty((masks.shape[0], masks.shape[1] + 1), np.int64)
    count(masks, starts)
    total = int(starts[-1, -1]) if len(starts) else 0
    columns, values = np.empty(total, np.int32), np.empty(total)
    for part, (first, last) in zip(found, parts, strict=True):
        place(masks, part, first, last, starts, columns, values)
    return Lists(starts, columns, values)
