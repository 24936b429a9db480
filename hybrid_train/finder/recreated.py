"""Banks whose rows are made again whenever they are read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from copy import copy
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError, InvariantError
from hybrid_train.finder.bank import Bank, Ledger, Rows, with_motion
from hybrid_train.support.arrays import FloatArray, IntArray, distinct


class RecreatedBank(Bank):
    """Rows that are never stored: each is drawn again, the same, whenever it is read.

    Rows move by ledgers only (see :class:`hybrid_train.finder.bank.Ledger`), which stay: memory is theirs.

    Args:
        rows: N.
        dimension: d.
        dtype: float32 or float64, of the rows that have not moved.
        period: row r begins as row r mod period.

    Attributes:
        period: likewise.
        drawn_dtype: likewise.
    """

    def __init__(self, rows: int, dimension: int, dtype: npt.DTypeLike, period: int) -> None:
        self._shape = rows, dimension
        self.drawn_dtype: np.dtype[Any] = np.dtype(dtype)
        self.period = period
        self._ledgers: tuple[Ledger, ...] = ()

    @abstractmethod
    def drawn(self, rows: IntArray) -> FloatArray:
        """Return (len(rows), d) rows as they were drawn; all lie in [0, period)."""

    @property
    def shape(self) -> tuple[int, int]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64) if self._ledgers else self.drawn_dtype

    def __getitem__(self, rows: Rows) -> FloatArray:
        where = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows, np.int64)
        vectors = with_motion(self.drawn(where % self.period), where, self._ledgers)
        vectors.flags.writeable = False
        return vectors

    def moved(self) -> tuple[IntArray, FloatArray]:
        """Return (rows that moved, ascending; (k, d) where they are): with the seed, all there is to know."""
        where = self.moved_rows()
        return where, self[where]

    def moved_rows(self) -> IntArray:
        """Return the rows that moved, ascending; all others are as they were drawn."""
        rows = [part for ledger in self._ledgers for part in ledger.moved()]
        return distinct(np.concatenate([np.empty(0, np.int64), *rows]))

    def takes(self, rows: IntArray, vectors: FloatArray) -> bool:
        """Return whether these are rows of this bank, ascending, and as many finite vectors of its dimension."""
        if rows.ndim != 1 or rows.dtype != np.int64 or vectors.shape != (len(rows), self.shape[1]):
            return False
        if vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
            return False
        inside = len(rows) == 0 or bool(rows[0] >= 0 and rows[-1] < len(self))
        return inside and bool((np.diff(rows) > 0).all())

    def put_moved(self, rows: IntArray, vectors: FloatArray) -> None:
        """Let ``rows`` (k,), ascending, be at ``vectors`` (k, d) from now on, in place of what all ledgers say.

        Raises:
            DataError: they do not fit this bank or each other, or are not finite.
        """
        if not self.takes(rows, vectors):
            raise DataError(f"moved rows {np.shape(rows)} at {np.shape(vectors)} do not fit a bank {self.shape}")
        self._ledgers = (_Places(rows, vectors),) if len(rows) or vectors.dtype != self.drawn_dtype else ()

    def attach(self, ledger: Ledger) -> None:
        self._ledgers += (ledger,)

    def release(self, ledger: Ledger) -> None:
        self._place(ledger)

    def before(self, ledger: Ledger) -> Self:
        other = copy(self)
        other._ledgers = self._ledgers[: self._place(ledger)]
        return other

    def _place(self, ledger: Ledger) -> int:
        if ledger not in self._ledgers:
            raise InvariantError("this ledger is not attached to this bank")
        return self._ledgers.index(ledger)


@final
class _Places(Ledger):
    """Says where the rows that moved are, instead of how far they have come.

    Args:
        rows: (k,) ascending.
        vectors: (k, d) where they are.
    """

    def __init__(self, rows: IntArray, vectors: FloatArray) -> None:
        self._rows, self._vectors = rows, vectors

    def add(self, rows: IntArray, vectors: FloatArray) -> None:
        place = np.searchsorted(self._rows, rows)
        known = np.flatnonzero(np.isin(rows, self._rows))
        vectors[known] = self._vectors[place[known]]

    def moved(self) -> Iterator[IntArray]:
        yield self._rows
