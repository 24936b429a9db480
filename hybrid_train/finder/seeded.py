"""A bank whose rows are re-created from their seed whenever they are read (see :mod:`hybrid_train.support.philox`)."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import Motion
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.philox import normals, philox_key
from hybrid_train.support.rng import Role


@final
class SeededBank(RecreatedBank):
    """N(0, I_d) rows that are never stored: each is drawn again, the same, whenever it is read.

    Its numbers are a stream of their own: not those of NumPy's generator with the same seed.

    Args:
        rows: N.
        dimension: d.
        seed: the run's seed.
        dtype: float32 rounds each normal.
        period: row r is row r mod period; N by default (N / 2 for a paired start).

    Attributes:
        seed: the run's seed.
    """

    def __init__(
        self, rows: int, dimension: int, *, seed: int, dtype: npt.DTypeLike = np.float64, period: int | None = None
    ) -> None:
        super().__init__(rows, dimension, dtype, rows if period is None else period)
        self._key = philox_key(seed, Role.WEIGHTS)
        self.seed = int(seed)

    def drawn(self, rows: IntArray) -> FloatArray:
        return normals(self._key, rows, self.shape[1], self.drawn_dtype)

    def assign(self, rows: IntArray, vectors: FloatArray) -> None:
        raise ConfigError(_UNMOVABLE)

    def move_along(self, rows: IntArray, coefficients: sparse.csr_array, directions: FloatArray) -> Motion:
        raise ConfigError(_UNMOVABLE)


_UNMOVABLE = (
    "network.storage='seeded': the weights are never stored, so they can only be trained where the finder keeps their "
    "motion; take finder.kind='skin' on fixed examples, or storage='stored'"
)
