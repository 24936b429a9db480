"""Rows that fire for a large share of the columns: moved and evaluated as a whole, by matrix products."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
from numba.cpython.unsafe.numbers import trailing_zeros

from classical.dynamics.layout import Sums
from classical.dynamics.rows.layout import BROAD, FIRES, LISTED, Lists, World, margin_of
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.finder.scan_kernels import WORD, open_columns
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import dot, kernel

_BACK = 0.5
"""A row gets a list again when it fires for so small a share of what made it broad."""

_BLOCK_PAIRS = 1 << 18
"""Inner products worked on at a time."""


@final
class BroadRows:
    """The broad rows of a chunk, with a mask of the columns that fire for each.

    Args:
        weights: (m, d) the bank, which they are moved in.
        world: the columns.

    Attributes:
        slots: (B,) the rows, counted in the chunk.
        masks: (B, n) uint8, 1 where they fire.
    """

    def __init__(self, weights: FloatArray, world: World) -> None:
        self._weights, self._world, self._places = weights, world, np.arange(len(world.norms))
        self.slots: IntArray = np.empty(0, np.int64)
        self.masks: npt.NDArray[np.uint8] = np.empty((0, len(world.norms)), np.uint8)

    def take(self, lists: Lists) -> None:
        """Take in the rows that became broad, from their lists, which are then empty."""
        new = np.flatnonzero((lists.kind == BROAD) & (lists.size > 0))
        if len(new):
            masks = np.zeros((len(new), self.masks.shape[1]), np.uint8)
            fill_masks(lists, new, masks)
            lists.size[new] = 0
            self.slots = np.concatenate([self.slots, new])
            self.masks = np.concatenate([self.masks, masks])

    def step(self, lists: Lists, pulls: FloatArray, sums: Sums) -> int:
        """Move the rows along ``pulls`` (n, K), look at every column, add up what fires; return how many rows moved."""
        moved, size = 0, max(1, _BLOCK_PAIRS // len(self._world.norms))
        for at in range(0, len(self.slots), size):
            slots, masks = self.slots[at : at + size], self.masks[at : at + size]
            rows = lists.rows[slots]
            factors = self._factors(rows, masks, pulls)
            moved += int(np.count_nonzero(factors.any(axis=1)))
            vectors = self._weights[rows]
            dimension = vectors.shape[1]
            vectors += factors @ self._world.along[:, :dimension]
            self._weights[rows] = vectors
            self._look(lists, slots, masks, vectors, sums)
        return moved

    def _factors(self, rows: IntArray, masks: npt.NDArray[np.uint8], pulls: FloatArray) -> FloatArray:
        """Return (B, n) the factors that rows move by, zero for columns that do not fire."""
        factors = (self._world.signs[rows].astype(np.float64) @ pulls.T).astype(self._world.along.dtype)
        blot(factors, masks)
        return factors

    def _look(
        self, lists: Lists, slots: IntArray, masks: npt.NDArray[np.uint8], vectors: FloatArray, sums: Sums
    ) -> None:
        world = self._world
        dtype, dimension = world.columns.dtype, vectors.shape[1]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            products = vectors.astype(dtype, copy=False) @ world.columns[:, :dimension].T
        fired = np.empty(len(slots), np.int64)
        counts = np.zeros(masks.shape[1], np.int32)
        weigh(products, masks, vectors, norm_bounds(vectors), world, self._places, counts, fired)
        np.add(sums.fired, counts, out=sums.fired)
        signs = world.signs[lists.rows[slots]].astype(dtype)
        np.add(sums.outputs, (products.T @ signs).astype(np.float64), out=sums.outputs)
        lists.fired[slots] = fired

    def narrow(self, lists: Lists) -> IntArray:
        """Return the places, in ``slots``, of rows that fire for few columns by now."""
        few = lists.fired[self.slots] < _BACK * self._world.broad * self.masks.shape[1]
        return np.flatnonzero(few)

    def leave(self, places: IntArray) -> tuple[IntArray, npt.NDArray[np.uint8]]:
        """Let the rows at these places go; return their slots and masks."""
        gone = self.slots[places], self.masks[places]
        self.slots, self.masks = np.delete(self.slots, places), np.delete(self.masks, places, axis=0)
        return gone

    def active(self) -> tuple[IntArray, IntArray]:
        """Return (slot, column) of every active pair."""
        place, column = np.nonzero(self.masks)
        return self.slots[place], column

    def spread(self, lists: Lists, vector: FloatArray, outputs: FloatArray) -> None:
        """Add the product of the rows' part of the tangent kernel with a vector (n, K) to ``outputs``."""
        size = max(1, _BLOCK_PAIRS // len(self._world.norms))
        dimension = self._weights.shape[1]
        along = self._world.along[:, :dimension]
        for at in range(0, len(self.slots), size):
            rows, masks = lists.rows[self.slots[at : at + size]], self.masks[at : at + size]
            products = (self._factors(rows, masks, vector) @ along) @ along.T
            blot(products, masks)
            outputs += products.T.astype(np.float64) @ self._world.signs[rows]


@kernel
def fill_masks(lists: Any, slots: Any, masks: Any) -> None:
    """Write 1 into ``masks`` (B, n) for every column that fires for the rows ``slots`` (B,), by their lists."""
    for c in range(slots.size):
        begin = lists.begin[slots[c]]
        for e in range(begin, begin + lists.size[slots[c]]):
            if lists.alarms[e] == FIRES:
                masks[c, lists.columns[e]] = 1


@kernel
def weigh(
    products: Any, masks: Any, vectors: Any, norms: Any, world: Any, places: Any, counts: Any, fired: Any
) -> None:
    """Decide which of some columns fire for rows, and put what they add to the outputs in the place of their products.

    Args:
        products: (B, C) inner products, rounded by no more than the world says, at least one row, C-contiguous; becomes
            <w, x> - shift, or 0.
        masks: (B, C) uint8 out, C-contiguous: 1 where a column fires.
        vectors: (B, d) the rows as stored.
        norms: (B,) bounds of their norms.
        world: fixed.
        places: (C,) which columns of the world these are.
        counts: (C,) int32, added to.
        fired: (B,) out: how many columns fire.
    """
    rule, exact = world.rule, world.exact
    size = products.shape[1]
    number, flat, flags = products.dtype.type, products.reshape(-1), masks.reshape(-1)
    shift, none, spacing = number(rule.shift), number(0), np.finfo(products.dtype).eps
    margin = margin_of(rule, norms.max(), rule.largest_norm)
    certain = margin < np.inf
    top, bottom = rule.threshold + margin, rule.threshold - margin
    above, below = number(top + spacing * abs(top)), number(bottom - spacing * abs(bottom))
    for p in range(flat.size):
        flags[p] = flat[p] >= above
    for start in range(0, flat.size, WORD):
        doubtful = open_columns(flat, start, below)
        if certain:
            doubtful &= ~open_columns(flat, start, above)
        while doubtful:
            at = start + np.int64(trailing_zeros(doubtful))
            doubtful &= doubtful - np.uint64(1)
            value = dot(vectors[at // size], exact[places[at % size]])
            flags[at] = value > rule.threshold
            flat[at] = value
    for i in range(products.shape[0]):
        total = np.int32(0)
        for j in range(size):
            total += np.int32(masks[i, j])
            counts[j] += np.int32(masks[i, j])
            products[i, j] = products[i, j] - shift if masks[i, j] else none
        fired[i] = total


@kernel
def blot(numbers: Any, masks: Any) -> None:
    """Set the numbers (B, C) to 0 where the masks (B, C) are; both C-contiguous."""
    flat, flags, none = numbers.reshape(-1), masks.reshape(-1), numbers.dtype.type(0)
    for p in range(flat.size):
        flat[p] = flat[p] if flags[p] else none


@kernel
def fill_lists(lists: Any, slots: Any, masks: Any, used: Any) -> Any:
    """Give rows a list of what fires at the end of the pool, spent as soon as they move; return the pool's end.

    The pool has room for all of it.
    """
    for c in range(slots.size):
        r = slots[c]
        lists.begin[r] = used
        for j in range(masks.shape[1]):
            if masks[c, j]:
                lists.columns[used], lists.alarms[used] = j, FIRES
                used += 1
        lists.size[r] = lists.room[r] = used - lists.begin[r]
        lists.kind[r], lists.gap[r], lists.path[r], lists.age[r] = LISTED, 0.0, 0.0, 0
    return used
