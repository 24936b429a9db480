"""The rows of Gram dynamics, cut into chunks: how they are found, kept, and looked at again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from classical.dynamics.gram import rows as compiled
from classical.dynamics.gram import scan as scans
from classical.dynamics.gram.firing_sets import words_of
from classical.dynamics.gram.layout import BUCKETS, COMPANY, ENTRY, ROW, Lists, Totals, World
from classical.dynamics.gram.queues import repack
from classical.dynamics.gram.resting import Resting
from classical.dynamics.gram.size import check_woken
from hybrid_train.finder.bank import Bank, Ledger
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.parallel import in_threads

_BLOCK_PAIRS = 1 << 18
"""Inner products in one block of a scan: they stay in the second-level cache."""

_BLOCK_NUMBERS = 1 << 22
"""Coordinates of rows materialised at a time."""

_SHARE = 1 << 12
"""Rows that make it worth to wake another thread."""

_CHUNK, _MOST_CHUNKS = 1 << 17, 128
"""Rows of a chunk, and chunks of half a bank from which on they grow instead."""

_WIDEST_SKIN = 8.0
"""Rows that go far get a wider skin when they are looked at again, up to so many times the first."""

_DOUBLE, _SINGLE = np.finfo(np.float64), np.finfo(np.float32)


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """The columns, ready for a scan.

    Attributes:
        columns: (n, d) as they are.
        unit: (n, d) float32, of length 1; zero stays.
        offsets: (n,) float32 b / ||x_j||.
        threshold: b.
        skin: distance within which a column is listed.
    """

    columns: FloatArray
    unit: FloatArray
    offsets: FloatArray
    threshold: float
    skin: float

    @classmethod
    def of(cls, columns: FloatArray, threshold: float, skin: float) -> Probe:
        """Return the probe for some columns; none may hold NaN or infinity."""
        exact = columns.astype(np.float64)
        largest = np.abs(exact).max(axis=1, keepdims=True)
        scaled = exact / np.where(largest > 0, largest, 1.0)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        unit = (scaled / np.where(length > 0, length, 1.0)).astype(np.float32)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            offsets = (threshold / (largest * length)[:, 0]).astype(np.float32)
        offsets[largest[:, 0] == 0] = np.inf if threshold >= 0 else -np.inf
        return cls(columns, unit, offsets, threshold, skin)


@dataclass(frozen=True, eq=False)
class _Piece:
    """What a block of a scan found: rows that fire and their candidates."""

    rows: IntArray
    sizes: IntArray
    gaps: FloatArray
    column: IntArray
    inner: FloatArray


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
        block = _block(probe)
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
        scratch = _Scratch(len(probe.columns), _block(probe))
        pieces = [self._look(*block, probe, scratch, choice) for block in zip(rows, vectors, strict=True)]
        sizes = np.concatenate([piece.sizes for piece in pieces])
        found = np.zeros(len(sizes), ROW)
        found["row"] = np.concatenate([piece.rows for piece in pieces])
        found["gap"] = np.concatenate([piece.gaps for piece in pieces])
        found["size"] = sizes
        np.cumsum(sizes[:-1], out=found["start"][1:])
        entries = np.zeros(int(sizes.sum()), ENTRY)
        entries["column"] = np.concatenate([piece.column for piece in pieces])
        entries["inner"] = np.concatenate([piece.inner for piece in pieces])
        entries["owner"] = np.repeat(np.arange(len(found), dtype=np.int32), sizes)
        entries["key"] = -1
        return found, entries

    def _look(
        self, rows: IntArray, vectors: FloatArray, probe: Probe, scratch: _Scratch, choice: Choice | None
    ) -> _Piece:
        if choice is not None:
            chosen, longest = choice(rows, vectors)
            self.reach = max(self.reach, longest)
            rows, vectors = rows[chosen], vectors[chosen]
        n, dimension = probe.columns.shape
        count = len(vectors)
        reach = scratch.reach[:count]
        products = scratch.products[: n * count].reshape(n, count)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            single = vectors.astype(np.float32, copy=False)
            np.sqrt(np.einsum("ij,ij->i", single, single), out=reach)
            reach *= 1 + (dimension + 8) * float(_SINGLE.eps)
            reach += math.sqrt(dimension * float(_SINGLE.tiny))
            np.matmul(probe.unit, single.T, out=products)
            doubt = (2 * (dimension + 16) * float(_SINGLE.eps)) * reach + 4 * dimension * float(_SINGLE.tiny)
            doubt[~(reach < math.sqrt(float(_SINGLE.max)) / 16)] = np.inf
            margin = doubt.astype(np.float32) * np.float32(1.001)
        return self._sift(rows, vectors, products, margin, probe, scratch)

    def _sift(
        self,
        numbers: IntArray,
        vectors: FloatArray,
        products: FloatArray,
        margin: FloatArray,
        probe: Probe,
        scratch: _Scratch,
    ) -> _Piece:
        sieve, near = scratch.sieve(len(vectors)), scratch.near
        scans.sift(products, probe.offsets, np.float32(probe.skin) + margin, sieve)
        kept, used, evaluated = scans.extract(vectors, probe.columns, probe.threshold, sieve, margin, near)
        self.evaluated += evaluated
        rows = near.rows[:kept]
        if kept:
            self.reach = max(self.reach, float(scratch.reach[rows].max()))
        with np.errstate(invalid="ignore"):
            gaps = (-sieve.beyond[rows] - margin[rows]) * np.float32(1 - 1e-6)
        return _Piece(
            numbers[rows].astype(np.uint32),
            near.sizes[:kept].copy(),
            np.nan_to_num(gaps, nan=-1.0, posinf=np.inf),
            near.column[:used].copy(),
            near.inner[:used].copy(),
        )

    def wake(self, world: World, level: int, bank: Bank, probe: Probe, choice: Choice) -> Woken | None:
        """Look at the rows whose rest ends at a level: let them rest on, or list them as they are now.

        Those that are listed neither doze nor sleep yet. None if there is no such row.
        """
        if self.resting is None or not len(rows := self.resting.due(level)):
            return None
        block = _block(probe)
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
        for part in _parts(slots, columns.shape[1]):
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
        for part in _parts(slots, max(probe.columns.shape[1], n)):
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


@final
class _Scratch:
    """Buffers of one thread's scan, for blocks of B rows against n columns."""

    def __init__(self, n: int, block: int) -> None:
        self.products = np.empty(n * block, np.float32)
        self.reach = np.empty(block)
        self.near = scans.Near(
            np.empty(block, np.int64), np.empty(block, np.uint16), np.empty(n * block, np.uint16), np.empty(n * block)
        )
        self._masks = np.empty((-(-n // scans.WORD), block), np.uint32)
        self._top, self._beyond = np.empty(block, np.float32), np.empty(block, np.float32)

    def sieve(self, count: int) -> scans.Sieve:
        """Return the sieve of a block of so many rows."""
        return scans.Sieve(self._masks[:, :count], self._top[:count], self._beyond[:count])


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


@final
class ChunkLedger(Ledger):
    """Gamma, read from the lists, or from the pulls for rows that rest: ``now`` tells the step."""

    def __init__(self, chunks: Sequence[Chunk], columns: FloatArray, directions: FloatArray, world: World) -> None:
        self._chunks, self._columns, self._directions = chunks, columns, directions
        self._firsts = np.array([chunk.first for chunk in chunks])
        self.world = world

    def add(self, rows: IntArray, vectors: FloatArray) -> None:
        where = np.searchsorted(self._firsts, rows, "right") - 1
        if not len(rows):
            return
        if where[0] == where[-1] and (where == where[0]).all():
            self._add(self._chunks[where[0]], rows, vectors)
            return
        for index in np.unique(where):
            part = np.flatnonzero(where == index)
            moved = vectors[part]
            self._add(self._chunks[index], rows[part], moved)
            vectors[part] = moved

    def _add(self, chunk: Chunk, rows: IntArray, vectors: FloatArray) -> None:
        compiled.add_motion(chunk.lists, self.world, rows, vectors, self._directions)
        if chunk.resting is not None:
            chunk.resting.add_motion(self.world, rows, vectors, self._columns, self._directions)

    def moved(self) -> Iterator[IntArray]:
        for chunk in self._chunks:
            yield from _parts(chunk.neurons(slice(None)), self._directions.shape[1])
            if chunk.resting is not None:
                yield from _parts(chunk.resting.rows, self._directions.shape[1])

    def carry(self, array: FloatArray) -> None:
        def carry(first: int, last: int) -> None:
            for chunk in self._chunks[first:last]:
                compiled.carry(chunk.lists, self.world, array, self._directions)
                rest = np.empty(0, np.int64) if chunk.resting is None else chunk.resting.rows
                for rows in _parts(rest, array.shape[1]):
                    vectors = array[rows].astype(np.float64)
                    self._add(chunk, rows, vectors)
                    array[rows] = vectors

        in_threads(carry, len(self._chunks), 1)


def _block(probe: Probe) -> int:
    """Return how many rows are looked at together."""
    return max(64, _BLOCK_PAIRS // len(probe.columns))


def _parts(slots: IntArray, numbers: int) -> Iterator[IntArray]:
    """Yield the slots, so many at a time that their vectors stay small."""
    step = max(64, _BLOCK_NUMBERS // numbers)
    for start in range(0, len(slots), step):
        yield slots[start : start + step]
