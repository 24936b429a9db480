"""A bank whose rows are re-created from their seed whenever they are read (see :mod:`hybrid_train.support.philox`)."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.finder.bank import Bank, Ledger, Motion, Rows, with_motion
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.philox import normals, philox_key
from hybrid_train.support.rng import Role


@final
class SeededBank(Bank):
    """N(0, I_d) rows that are never stored: each is drawn again, the same, whenever it is read.

    Its numbers are a stream of their own: not those of NumPy's generator with the same seed. Rows move by ledgers
    only (see :class:`hybrid_train.finder.bank.Ledger`), which stay: memory is that of the rows that moved.

    Args:
        rows: N.
        dimension: d.
        seed: the run's seed.
        dtype: float32 rounds each normal.
        period: row r is row r mod period; N by default (N / 2 for a paired start).

    Attributes:
        seed: the run's seed.
        period: row r begins as row r mod period.
        drawn_dtype: float32 or float64, of the rows that have not moved.
    """

    def __init__(
        self, rows: int, dimension: int, *, seed: int, dtype: npt.DTypeLike = np.float64, period: int | None = None
    ) -> None:
        self._shape = rows, dimension
        self._key = philox_key(seed, Role.WEIGHTS)
        self.seed = int(seed)
        self.drawn_dtype: np.dtype[Any] = np.dtype(dtype)
        self.period = rows if period is None else period
        self._ledgers: tuple[Ledger, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64) if self._ledgers else self.drawn_dtype

    def __getitem__(self, rows: Rows) -> FloatArray:
        where = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows, np.int64)
        vectors = with_motion(
            normals(self._key, where % self.period, self.shape[1], self.drawn_dtype), where, self._ledgers
        )
        vectors.flags.writeable = False
        return vectors

    def assign(self, rows: IntArray, vectors: FloatArray) -> None:
        raise ConfigError(_UNMOVABLE)

    def move_along(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> Motion:
        raise ConfigError(_UNMOVABLE)

    def moved(self) -> tuple[IntArray, FloatArray]:
        """Return (rows that moved, ascending; (k, d) where they are): with the seed, all there is to know."""
        rows = [part for ledger in self._ledgers for part in ledger.moved()]
        where = np.unique(np.concatenate([np.empty(0, np.int64), *rows]))
        return where, self[where]

    def attach(self, ledger: Ledger) -> None:
        self._ledgers += (ledger,)

    def release(self, ledger: Ledger) -> None:
        if ledger not in self._ledgers:
            raise InvariantError("this ledger is not attached to this bank")


_UNMOVABLE = (
    "network.storage='seeded': the weights are never stored, so they can only be trained where the finder keeps their "
    "motion; take finder.kind='skin' on fixed examples, or storage='stored'"
)
