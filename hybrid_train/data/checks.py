"""What every source does with its rows: check counts, normalise, draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError
from hybrid_train.finder.bank import checked_vectors
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_count
from hybrid_train.support.rng import Role, generator


def unit_rows(inputs: npt.ArrayLike, name: str) -> FloatArray:
    """Return (n, d) float64 rows scaled to ||x|| = 1, as PRE assumes.

    Raises:
        DataError: not a finite (n, d) array, or a row of zeros, which has no direction.
    """
    rows = checked_vectors(inputs, name).astype(np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    zero = largest[:, 0] == 0
    if zero.any():
        raise DataError(
            f"{name}: row {int(np.argmax(zero))} is all zeros and cannot be scaled to ||x|| = 1; remove it "
            f"({int(zero.sum())} such rows)"
        )
    rows /= largest  # first, so that the squares below neither overflow nor vanish
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def draw_rows(total: int, n: int | None, seed: int, labels: npt.NDArray[np.generic] | None = None) -> IntArray:
    """Return n of ``total`` rows drawn without replacement; all of them, in order, for None.

    A smaller n gives the first rows of a larger one.

    Args:
        total: rows there are.
        n: rows wanted.
        seed: the run's seed; the draw has the role ``DATA``.
        labels: (total,) classes to balance as far as their sizes allow.

    Raises:
        ConfigError: n is not an integer of at least 1.
        DataError: n is more than there are.
    """
    if n is None:
        return np.arange(total)
    if checked_count(n, "n") > total:
        raise DataError(f"n={n}: there are only {total} rows; ask for at most {total}")
    shuffled = generator(seed, Role.DATA).permutation(total)
    if labels is None:
        return shuffled[:n]
    classes, label_of = np.unique(labels[shuffled], return_inverse=True)
    turn = np.empty(total, np.int64)
    for label in range(len(classes)):
        members = np.flatnonzero(label_of == label)
        turn[members] = np.arange(len(members))
    # Each class gives its first row, then each its second, and so on while it has any.
    return shuffled[np.lexsort((label_of, turn))[:n]]
