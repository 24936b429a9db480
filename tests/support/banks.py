"""Banks with what breaks searches: ties, duplicates, zeros, and numbers whose squares vanish or overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hybrid_train.finder import ActiveSetFinder
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs

_EXPONENTS = {
    "gaussian": (0, 1),
    "magnitudes": (-300, 150),
    "huge": (150, 155),
    "tiny": (-320, -150),
    "overflowing": (150, 300),
}
KINDS = ("grid", "duplicates", "zeros", *_EXPONENTS)
FINITE = tuple(kind for kind in KINDS if kind != "overflowing")
"""Kinds whose inner products are all finite."""


def vectors(rng: np.random.Generator, kind: str, shape: tuple[int, int], dtype: Any = np.float64) -> np.ndarray:
    """Draw vectors of a kind; where single precision cannot hold it, Gaussian ones."""
    if kind == "grid":
        return rng.integers(-2, 3, shape).astype(dtype)
    values = rng.standard_normal(shape)
    if kind == "duplicates":
        return values[rng.integers(0, min(3, shape[0]), shape[0])].astype(dtype)
    if kind == "zeros":
        return np.asarray(values * rng.integers(0, 2, (shape[0], 1)), dtype)
    exponents = _EXPONENTS[kind if dtype != np.float32 else "gaussian"]
    return np.asarray(values * 10.0 ** rng.integers(*exponents, (shape[0], 1)), dtype)


def drawn_banks(
    rng: np.random.Generator, kind: str, sizes: tuple[int, int], dimension: int, dtype: Any
) -> list[DenseBank]:
    """Draw [points, queries] of a kind."""
    return [DenseBank(vectors(rng, kind, (size, dimension), dtype)) for size in sizes]


def a_tie(rng: np.random.Generator, banks: list[DenseBank]) -> float:
    """One of the banks' inner products, which as a threshold is met exactly; 0 where none is a finite number."""
    products = active_pairs(*banks, -np.inf).inner_products
    products = products[np.isfinite(products)]
    return float(rng.choice(products)) if len(products) else 0.0


def moved_along(
    rng: np.random.Generator, finder: ActiveSetFinder, banks: list[DenseBank], side: int, rows: np.ndarray
) -> bool:
    """Move rows of banks[side] along vectors of the other one and tell the finder; False where numbers overflow."""
    bank, other = banks[side], banks[1 - side]
    steps = sparse.random_array((len(rows), len(other)), density=0.3, rng=rng, format="csr")
    motion = bank.move_along(rows, steps, other[:])
    if not np.isfinite(bank[:]).all():
        return False
    (finder.move_points_along, finder.move_queries_along)[side](motion)
    return True
