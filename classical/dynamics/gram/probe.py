"""The columns of Gram dynamics, and what blocks of rows come near."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from classical.dynamics.gram import scan as scans
from hybrid_train.support.arrays import FloatArray, IntArray

_BLOCK_PAIRS = 1 << 18
"""Inner products in one block of a scan: they stay in the second-level cache."""

_SINGLE = np.finfo(np.float32)


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

    @property
    def block(self) -> int:
        """How many rows are looked at together."""
        return max(64, _BLOCK_PAIRS // len(self.columns))


@dataclass(frozen=True, eq=False)
class Piece:
    """What is known of a block of rows that was looked at.

    Attributes:
        rows: (k,) those that fire for some column.
        sizes: (k,) how many columns are near each.
        gaps: (k,) all other columns are farther than this.
        column: (sum of sizes,) the near columns, row after row.
        inner: likewise their inner products.
        evaluated: inner products evaluated.
        reach: bound of the norms of the rows that fire.
    """

    rows: IntArray
    sizes: IntArray
    gaps: FloatArray
    column: IntArray
    inner: FloatArray
    evaluated: int
    reach: float


@final
class Scratch:
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


def look(rows: IntArray, vectors: FloatArray, probe: Probe, scratch: Scratch) -> Piece:
    """Return which of the rows (B,), at vectors (B, d), fire, and what is near them."""
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
    sieve, near = scratch.sieve(count), scratch.near
    scans.sift(products, probe.offsets, np.float32(probe.skin) + margin, sieve)
    kept, used, evaluated = scans.extract(vectors, probe.columns, probe.threshold, sieve, margin, near)
    places = near.rows[:kept]
    with np.errstate(invalid="ignore"):
        gaps = (-sieve.beyond[places] - margin[places]) * np.float32(1 - 1e-6)
    return Piece(
        rows[places].astype(np.uint32),
        near.sizes[:kept].copy(),
        np.nan_to_num(gaps, nan=-1.0, posinf=np.inf),
        near.column[:used].copy(),
        near.inner[:used].copy(),
        evaluated,
        float(reach[places].max()) if kept else 0.0,
    )
