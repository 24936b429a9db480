"""The rows of Gram dynamics, cut into chunks: how they are found, kept, and looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from classical.dynamics.gram import rows as compiled
from classical.dynamics.gram.firing_sets import words_of
from classical.dynamics.gram.layout import BUCKETS, COMPANY, ENTRY, ROW, Lists, Totals, World
from classical.dynamics.gram.probe import Probe, Scratch, look
from classical.dynamics.gram.queues import repack
from classical.dynamics.gram.resting import Resting
from classical.dynamics.gram.size import check_woken
from hybrid_train.finder.bank import Bank
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads

_BLOCK_NUMBERS = 1 << 22
"""Coordinates of rows materialised at a time."""

_SHARE = 1 << 12
"""Rows that make it worth to wake another thread."""

_CHUNK, _MOST_CHUNKS = 1 << 17, 128
"""Rows of a chunk, and chunks of half a bank from which on they grow instead."""

_WIDEST_SKIN = 8.0
"""Rows that go far get a wider skin when they are looked at again, up to so many times the first."""


@dataclass(frozen=True, eq=False)
class Woken:
    """Rows whose rest is over.

    Attributes:
        looked: how many were looked at.
        slots: (k,) where those are that are listed now.
        sets: (k, words) what these fire for, as :class:`classical.dynamics.gram.firing_sets.FiringSets` has it.
    """

    looked: int
    slots: IntArray
    sets: npt.NDArray[np.uint64]


Choice = Callable[[IntArray, FloatArray], tuple[npt.NDArray[np.bool_], float]]
"""Takes (B,) rows and (B, d) where they are; says which ones need a list, and a bound of the norms of the others."""


@final
class Chunk:
    """Consecutive rows of the bank: lists of those that fire, or once fired, and do not rest.

    Args:
        bank: read from ``first`` to before ``last``; nothing may have been attached to it for these lists yet.
        first: a row.
        last: a later one.
        probe: the columns.
        queues: Q.
        resting: where rows may rest, empty yet; with ``choice``.
        choice: lays rows there; None where all that fire are listed.

    Attributes:
        first, last: likewise.
        lists: see :class:`classical.dynamics.gram.layout.Lists`.
        resting: the rows that rest; None where none does.
        evaluated: inner products evaluated in the scan.
        reach: bound of the norms of the rows that fire.
        due: (N,) scratch for a visit.
    """

    def __init__(
        self,
        bank: Bank,
        first: int,
        last: int,
        probe: Probe,
        queues: int,
        resting: Resting | None = None,
        choice: Choice | None = None,
    ) -> None:
        self.first, self.last, self.resting = first, last, resting
        self.evaluated = 0
        self.reach = 0.0
        block = probe.block
        starts = range(first, last, block)
        found = (np.arange(start, min(start + block, last)) for start in starts)
        vectors = (np.ascontiguousarray(bank[start : min(start + block, last)]) for start in starts)
        rows, entries = self._listed(found, vectors, probe, choice)
        self._used = len(entries)
        pool = np.zeros(_roomy(self._used), ENTRY)
        pool[: self._used] = entries
        heads = np.full((queues, BUCKETS), -1, np.int32)
        company = np.zeros((len(rows), COMPANY), np.uint16)
        self.lists = Lists(rows, pool, np.zeros(len(rows), np.uint64), heads, np.zeros(len(rows)), company)
        self.due = np.empty(len(rows), np.int64)

    @property
    def candidates(self) -> int:
        """Entries of all lists."""
        return int(self.lists.rows["size"].sum())

    def neurons(self, slots: IntArray | slice) -> IntArray:
        """Return the rows of the bank that some rows of the lists are."""
        return self.lists.rows["row"][slots].astype(np.int64)

    def _listed(
        self, rows: Iterator[IntArray], vectors: Iterator[FloatArray], probe: Probe, choice: Choice | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the lists of those rows that fire and are not laid to rest: (rows, entries), counted from 0."""
        scratch, pieces = Scratch(len(probe.columns), probe.block), []
        for block in zip(rows, vectors, strict=True):
            chosen: Any = slice(None)
            if choice is not None:
                chosen, longest = choice(*block)
                self.reach = max(self.reach, longest)
            pieces.append(look(block[0][chosen], block[1][chosen], probe, scratch))
        self.evaluated += sum(piece.evaluated for piece in pieces)
        self.reach = max([self.reach, *(piece.reach for piece in pieces)])
        sizes = np.concatenate([piece.sizes for piece in pieces])
        listed = np.zeros(len(sizes), ROW)
        listed["row"] = np.concatenate([piece.rows for piece in pieces])
        listed["gap"] = np.concatenate([piece.gaps for piece in pieces])
        listed["size"] = sizes
        np.cumsum(sizes[:-1], out=listed["start"][1:])
        entries = np.zeros(int(sizes.sum()), ENTRY)
        entries["column"] = np.concatenate([piece.column for piece in pieces])
        entries["inner"] = np.concatenate([piece.inner for piece in pieces])
        entries["owner"] = np.repeat(np.arange(len(listed), dtype=np.int32), sizes)
        entries["key"] = -1
        return listed, entries

    def wake(self, world: World, level: int, bank: Bank, probe: Probe, choice: Choice) -> Woken | None:
        """Look at the rows whose rest ends at a level: let them rest on, or list them as they are now.

        Those that are listed neither doze nor sleep yet. None if there is no such row.
        """
        if self.resting is None or not len(rows := self.resting.due(level)):
            return None
        block = probe.block
        parts = [rows[start : start + block] for start in range(0, len(rows), block)]
        found, entries = self._listed(iter(parts), (bank[part] for part in parts), probe, choice)
        check_woken(len(found), len(entries))
        found["start"] += self._take_in(world, entries)
        found["since"] = world.now
        slots = self._insert(found)
        sets = np.zeros((len(slots), words_of(len(probe.columns))), np.uint64)
        compiled.credit(self.lists, world, slots, sets)
        return Woken(len(rows), slots, sets)

    def _take_in(self, world: World, entries: npt.NDArray[Any]) -> int:
        """Put entries into the pool; return the place of the first."""
        if self._used + len(entries) > len(self.lists.entries):
            self._grow(world, len(entries))
        first = self._used
        self._used += len(entries)
        self.lists.entries[first : self._used] = entries
        return first

    def _insert(self, rows: npt.NDArray[Any]) -> IntArray:
        """Put rows among the others, in order, and return where they are."""
        lists = self.lists
        places = np.searchsorted(lists.rows["row"], rows["row"])
        self.lists = Lists(
            np.insert(lists.rows, places, rows),
            lists.entries,
            np.insert(lists.folded, places, 0),
            lists.heads,
            np.insert(lists.alarms, places, np.inf),
            np.insert(lists.company, places, 0, axis=0),
        )
        self.due = np.empty(len(self.lists.rows), np.int64)
        compiled.own(self.lists)
        return places + np.arange(len(rows))

    def evaluate(self, slots: IntArray, bank: Bank, columns: FloatArray) -> tuple[int, float]:
        """Evaluate the lists of rows that are up to date; return (inner products, largest deviation)."""
        evaluated, deviation = 0, 0.0
        for part in parts_of(slots, columns.shape[1]):
            count, most = self._evaluate(part, bank[self.neurons(part)], columns)
            evaluated, deviation = evaluated + count, max(deviation, most)
        return evaluated, deviation

    def _evaluate(self, slots: IntArray, vectors: FloatArray, columns: FloatArray) -> tuple[int, float]:
        """Evaluate the lists of rows that are at ``vectors``."""
        found = in_threads(
            lambda first, last: compiled.evaluate(self.lists, slots, vectors, columns, first, last), len(slots), _SHARE
        )
        return sum(count for count, _ in found), max(most for _, most in found)

    def refresh(self, world: World, totals: Totals, slots: IntArray, bank: Bank, columns: FloatArray) -> Any:
        """Evaluate firing rows that sleep; see :func:`classical.dynamics.gram.rows.refresh`."""
        vectors = bank[self.neurons(slots)]
        return compiled.refresh(self.lists, world, totals, slots, vectors, columns)

    def rescan(self, world: World, slots: IntArray, bank: Bank, probe: Probe) -> tuple[int, float]:
        """Look at every column again for rows that are up to date, and evaluate their new lists likewise."""
        n = len(probe.columns)
        evaluated, deviation = 0, 0.0
        for part in parts_of(slots, max(probe.columns.shape[1], n)):
            vectors = bank[self.neurons(part)]
            with np.errstate(over="ignore", invalid="ignore"):
                products = vectors @ probe.columns.T.astype(np.float64, copy=False)
            skins = np.clip(self.lists.rows["drift"][part].astype(np.float64), probe.skin, _WIDEST_SKIN * probe.skin)
            counts, gaps = np.empty(len(part), np.int64), np.empty(len(part))
            compiled.relist(self.lists, world, part, products, skins, counts, gaps)
            room = int(counts[counts > self.lists.rows["size"][part]].sum())
            if self._used + room > len(self.lists.entries):
                self._grow(world, room)
            self._used = int(compiled.rewrite(self.lists, world, part, products, skins, counts, gaps, self._used))
            count, most = self._evaluate(part, vectors, probe.columns)
            evaluated, deviation = evaluated + count, max(deviation, most)
        return evaluated, deviation

    def _grow(self, world: World, room: int) -> None:
        """Pack the lists into a pool with place for ``room`` more entries, and then some."""
        other = self.lists._replace(entries=np.zeros(_roomy(self.candidates + room), ENTRY))
        self._used = int(repack(self.lists, world, other))
        self.lists = other


def _roomy(entries: int) -> int:
    """Return the size of a pool in which so many entries have room to grow."""
    return entries + entries // 4 + 64


def chunk_bounds(width: int) -> list[int]:
    """Return the bounds of the chunks of a bank: both halves are cut alike, whatever the number of threads."""
    half = width // 2
    bounds = []
    for begin, end in ((0, half), (half, width)):
        parts = max(1, min(_MOST_CHUNKS, -(-(end - begin) // _CHUNK)))
        bounds += [begin + (end - begin) * part // parts for part in range(parts)]
    return sorted({*bounds, width})


def parts_of(slots: IntArray, numbers: int) -> Iterator[IntArray]:
    """Yield the slots, so many at a time that their vectors stay small."""
    step = max(64, _BLOCK_NUMBERS // numbers)
    for start in range(0, len(slots), step):
        yield slots[start : start + step]
