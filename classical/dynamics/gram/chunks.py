"""The rows of Gram dynamics, cut into chunks: how they are found, kept, and looked at again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from classical.dynamics.gram import rows as compiled
from classical.dynamics.gram import scan as scans
from classical.dynamics.gram.layout import BUCKETS, COMPANY, ENTRY, ROW, Lists, Totals, World
from classical.dynamics.gram.queues import repack
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


@final
class Chunk:
    """Consecutive rows of the bank: lists of those that fire, or once fired.

    Args:
        bank: read from ``first`` to before ``last``; nothing may have been attached to it for these lists yet.
        first: a row.
        last: a later one.
        probe: the columns.
        queues: Q.

    Attributes:
        first, last: likewise.
        lists: see :class:`classical.dynamics.gram.layout.Lists`.
        evaluated: inner products evaluated in the scan.
        reach: bound of the norms of the rows that fire.
        due: (N,) scratch for a visit.
    """

    def __init__(self, bank: Bank, first: int, last: int, probe: Probe, queues: int) -> None:
        self.first, self.last = first, last
        self.evaluated = 0
        self.reach = 0.0
        pieces = list(self._scan(bank, probe))
        sizes = np.concatenate([piece.sizes for piece in pieces])
        rows = np.zeros(len(sizes), ROW)
        rows["row"] = np.concatenate([piece.rows for piece in pieces])
        rows["gap"] = np.concatenate([piece.gaps for piece in pieces])
        rows["size"] = sizes
        np.cumsum(sizes[:-1], out=rows["start"][1:])
        self._used = int(sizes.sum())
        pool = np.zeros(_roomy(self._used), ENTRY)
        entries = pool[: self._used]
        entries["column"] = np.concatenate([piece.column for piece in pieces])
        entries["inner"] = np.concatenate([piece.inner for piece in pieces])
        entries["owner"] = np.repeat(np.arange(len(rows), dtype=np.int32), sizes)
        entries["key"] = -1
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

    def _scan(self, bank: Bank, probe: Probe) -> Iterator[_Piece]:
        n, dimension = probe.columns.shape
        block = max(64, _BLOCK_PAIRS // n)
        scratch = _Scratch(n, block)
        for start in range(self.first, self.last, block):
            vectors = np.ascontiguousarray(bank[start : min(start + block, self.last)])
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
            yield self._sift(start, vectors, products, margin, probe, scratch)

    def _sift(
        self, start: int, vectors: FloatArray, products: FloatArray, margin: FloatArray, probe: Probe, scratch: _Scratch
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
            (rows + start).astype(np.uint32),
            near.sizes[:kept].copy(),
            np.nan_to_num(gaps, nan=-1.0, posinf=np.inf),
            near.column[:used].copy(),
            near.inner[:used].copy(),
        )

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
    """Gamma, read from the lists: ``now`` tells the step."""

    def __init__(self, chunks: list[Chunk], columns: FloatArray, world: World) -> None:
        self._chunks, self._columns = chunks, columns
        self._firsts = np.array([chunk.first for chunk in chunks])
        self.world = world

    def add(self, rows: IntArray, vectors: FloatArray) -> None:
        where = np.searchsorted(self._firsts, rows, "right") - 1
        if not len(rows):
            return
        if where[0] == where[-1] and (where == where[0]).all():
            compiled.add_motion(self._chunks[where[0]].lists, self.world, rows, vectors, self._columns)
            return
        for index in np.unique(where):
            part = np.flatnonzero(where == index)
            moved = vectors[part]
            compiled.add_motion(self._chunks[index].lists, self.world, rows[part], moved, self._columns)
            vectors[part] = moved

    def moved(self) -> Iterator[IntArray]:
        for chunk in self._chunks:
            yield from _parts(chunk.neurons(slice(None)), self._columns.shape[1])

    def carry(self, array: FloatArray) -> None:
        def carry(first: int, last: int) -> None:
            for chunk in self._chunks[first:last]:
                compiled.carry(chunk.lists, self.world, array, self._columns)

        in_threads(carry, len(self._chunks), 1)


def _parts(slots: IntArray, numbers: int) -> Iterator[IntArray]:
    """Yield the slots, so many at a time that their vectors stay small."""
    step = max(64, _BLOCK_NUMBERS // numbers)
    for start in range(0, len(slots), step):
        yield slots[start : start + step]
