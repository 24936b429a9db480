"""How far the rows of a bank have moved, read from what Gram dynamics keeps of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np

from classical.dynamics.gram import rows as compiled
from classical.dynamics.gram.chunks import Chunk, parts_of
from classical.dynamics.gram.layout import World
from hybrid_train.finder.bank import Ledger
from hybrid_train.support.arrays import FloatArray, IntArray, distinct
from hybrid_train.support.parallel import in_threads


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
        for index in distinct(where):
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
            yield from parts_of(chunk.neurons(slice(None)), self._directions.shape[1])
            if chunk.resting is not None:
                yield from parts_of(chunk.resting.rows, self._directions.shape[1])

    def carry(self, array: FloatArray) -> None:
        def carry(first: int, last: int) -> None:
            for chunk in self._chunks[first:last]:
                compiled.carry(chunk.lists, self.world, array, self._directions)
                rest = np.empty(0, np.int64) if chunk.resting is None else chunk.resting.rows
                for rows in parts_of(rest, array.shape[1]):
                    vectors = array[rows].astype(np.float64)
                    self._add(chunk, rows, vectors)
                    array[rows] = vectors

        in_threads(carry, len(self._chunks), 1)
