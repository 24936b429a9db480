"""A chunk of neurons in row dynamics: how it is scanned first, stepped, and looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from classical.dynamics.layout import Sums
from classical.dynamics.rows import kernels as compiled
from classical.dynamics.rows import scan as scans
from classical.dynamics.rows.broad import BroadRows, fill_lists
from classical.dynamics.rows.layout import FIRES, Lists, World
from classical.dynamics.rows.scan import Block, Found, found_for
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.support.arrays import FloatArray, IntArray

_BLOCK_PAIRS = 1 << 17
"""Inner products in one block of a scan: they stay in the second-level cache."""

_LEAST_ROWS, _MOST_ROWS = 32, 1024
"""Rows of a block: fewer make a product slow, more bring nothing."""


@dataclass(frozen=True)
class Visit:
    """What a step did to a chunk.

    Attributes:
        sums: over its active pairs.
        moved: rows.
        spent: rows whose lists had to be made anew.
        broad: rows that look at every column in every step.
        evaluated: inner products of columns that were due.
        touched: list entries read.
    """

    sums: Sums
    moved: int
    spent: int
    broad: int
    evaluated: int
    touched: int


@final
class Chunk:
    """Consecutive rows of a bank.

    Args:
        weights: (m, d) the whole bank, which the chunk's rows are moved in.
        first: a row.
        last: a later one.
        world: the columns.

    Attributes:
        first, last: likewise.
        lists: of the rows that fire; see :class:`classical.dynamics.rows.layout.Lists`.
    """

    def __init__(self, weights: FloatArray, first: int, last: int, world: World) -> None:
        self.first, self.last = first, last
        self._weights, self._world = weights, world
        self._broad = BroadRows(weights, world)
        self._used = 0
        self._rows_at_once = min(_MOST_ROWS, max(_LEAST_ROWS, _BLOCK_PAIRS // len(world.norms)))

    def scan(self) -> Sums:
        """Find the rows that fire, list their columns, and return the sums over their active pairs."""
        world = self._world
        sums, pieces = no_sums(world), []
        found = found_for(min(self._rows_at_once, self.last - self.first), len(world.norms))
        for block in self._blocks(np.arange(self.first, self.last)):
            which = self._candidates(block)
            used = scans.relist(block, which, world, sums, found)
            count = len(which)
            firing = found.fired[:count] > 0
            pieces.append((block.rows[which], block.norms[which], trimmed(found, count, used), firing))
        self._settle(pieces)
        return sums

    def _settle(self, pieces: list[tuple[IntArray, FloatArray, Found, npt.NDArray[np.bool_]]]) -> None:
        """Keep the rows that fire."""
        found = Found(*(np.concatenate(parts) for parts in zip(*(piece[2] for piece in pieces), strict=True)))
        rows, norms, firing = (np.concatenate([piece[i] for piece in pieces]) for i in (0, 1, 3))
        sizes = np.where(firing, found.size, 0)
        kept = np.repeat(firing, found.size)
        begin, count = np.concatenate([[0], np.cumsum(sizes[firing])]), int(firing.sum())
        spare = begin[-1] // 8 + 64
        self._used = int(begin[-1])
        self.lists = Lists(
            rows=rows[firing],
            kind=found.kind[firing],
            begin=begin[:-1],
            size=sizes[firing],
            room=sizes[firing],
            fired=found.fired[firing],
            path=np.zeros(count),
            gap=found.gap[firing],
            norms=norms[firing],
            age=np.zeros(count, np.int64),
            columns=np.concatenate([found.columns[kept], np.empty(spare, np.int32)]),
            alarms=np.concatenate([found.alarms[kept], np.empty(spare, np.float32)]),
        )
        self._broad.take(self.lists)

    def _candidates(self, block: Block) -> IntArray:
        """Return which rows of a block may fire for some column."""
        products = block.products
        rule = self._world.rule
        largest = block.norms * rule.largest_norm
        margins = rule.rounding * largest + rule.speck * (1 + block.norms + rule.largest_norm)
        cuts = np.where(largest < rule.largest, rule.threshold - margins, -np.inf).astype(products.dtype)
        cuts = np.nextafter(cuts, -np.inf, dtype=products.dtype)
        which = np.empty(len(cuts), np.int64)
        return which[: scans.candidates(products, cuts, which)]

    def _blocks(self, rows: IntArray, paces: FloatArray | None = None) -> Iterator[Block]:
        """Yield rows in blocks, with their products; what was yielded before is written over."""
        world = self._world
        dimension, dtype = self._weights.shape[1], world.columns.dtype
        columns = world.columns[:, :dimension].T
        room = np.empty((min(self._rows_at_once, len(rows)), len(world.norms)), dtype)
        for at in range(0, len(rows), self._rows_at_once):
            some = rows[at : at + self._rows_at_once]
            consecutive = some[-1] - some[0] == len(some) - 1
            vectors = self._weights[some[0] : some[-1] + 1] if consecutive else self._weights[some]
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                products = np.matmul(vectors.astype(dtype, copy=False), columns, out=room[: len(some)])
            pace = np.full(len(some), world.step) if paces is None else paces[at : at + self._rows_at_once]
            yield Block(products, vectors, some, norm_bounds(vectors), pace)

    def step(self, pulls: FloatArray) -> Visit:
        """Move the rows that fire along ``pulls`` (n, K), and evaluate what may have changed."""
        world, broad = self._world, self._broad
        sums, spent = no_sums(world), np.empty(len(self.lists.rows), np.int64)
        moved, waiting, evaluated, touched = compiled.step(self.lists, world, pulls, self._weights, sums, spent)
        looked = len(broad.slots)
        if looked:
            moved += broad.step(self.lists, pulls, sums)
            self._list(broad.narrow(self.lists))
        if waiting:
            self._scan_again(spent[:waiting], sums)
            broad.take(self.lists)
        return Visit(sums, moved, waiting, looked, evaluated, touched)

    def _list(self, places: IntArray) -> None:
        """Give broad rows that fire for few columns a list again."""
        if len(places):
            slots, masks = self._broad.leave(places)
            self._reserve(int(masks.sum()))
            self._used = int(fill_lists(self.lists, slots, masks, self._used))

    def _scan_again(self, slots: IntArray, sums: Sums) -> None:
        """List the columns of some rows anew."""
        lists, world = self.lists, self._world
        paces = np.where(lists.age[slots] > 0, lists.path[slots] / np.maximum(1, lists.age[slots]), world.step)
        at = 0
        for block in self._blocks(lists.rows[slots], paces):
            mine = slots[at : at + len(block.rows)]
            at += len(block.rows)
            found = found_for(len(mine), len(world.norms))
            used = scans.relist(block, np.arange(len(mine)), world, sums, found)
            self._reserve(used + used // 2 + 8 * len(mine))
            self.lists.norms[mine] = block.norms
            self._used = int(scans.place(self.lists, mine, trimmed(found, len(mine), used), self._used))

    def _reserve(self, entries: int) -> None:
        """Make room for so many entries more at the end of the pool, without the gaps in it."""
        lists = self.lists
        if self._used + entries <= len(lists.columns):
            return
        room = lists.size + lists.size // 4 + 4
        begin = np.concatenate([[0], np.cumsum(room)])
        size = int(begin[-1]) + entries + int(begin[-1]) // 4
        columns, alarms = np.empty(size, np.int32), np.empty(size, np.float32)
        scans.repack(lists, begin, columns, alarms)
        self._used = int(begin[-1])
        self.lists = lists._replace(begin=begin[:-1].copy(), room=room, columns=columns, alarms=alarms)

    def active(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return (rows of the bank with active pairs, how many each has, their columns)."""
        lists = self.lists
        own = np.repeat(np.arange(len(lists.rows)), lists.size)
        places = np.repeat(lists.begin - np.concatenate([[0], np.cumsum(lists.size)[:-1]]), lists.size)
        places = places + np.arange(len(own))
        fires = lists.alarms[places] == FIRES
        slot, column = self._broad.active()
        slots = np.concatenate([own[fires], slot])
        columns = np.concatenate([lists.columns[places[fires]].astype(np.int64), column])
        counts = np.bincount(slots, minlength=len(lists.rows))
        has = counts > 0
        return lists.rows[has], counts[has], columns[np.argsort(slots, kind="stable")]

    def spread(self, vector: FloatArray) -> FloatArray:
        """Return the product (n, K) of the chunk's part of the tangent kernel with a vector (n, K)."""
        sums = no_sums(self._world)
        compiled.spread(self.lists, self._world, vector, sums)
        self._broad.spread(self.lists, vector, sums.outputs)
        return sums.outputs

    @property
    def candidates(self) -> int:
        """Pairs in the lists, all columns of broad rows among them."""
        return int(self.lists.size.sum()) + self._broad.masks.size

    @property
    def broad(self) -> int:
        """Rows that look at every column."""
        return len(self._broad.slots)


def no_sums(world: World) -> Sums:
    """Return sums of nothing."""
    n = len(world.norms)
    return Sums(np.zeros((n, world.signs.shape[1])), np.zeros(n, np.int64))


def trimmed(found: Found, rows: int, entries: int) -> Found:
    """Return a copy of what was found, without the room that was left."""
    return Found(
        found.kind[:rows].copy(),
        found.size[:rows].copy(),
        found.fired[:rows].copy(),
        found.gap[:rows].copy(),
        found.columns[:entries].copy(),
        found.alarms[:entries].copy(),
    )
