"""Which rows of a data set are held out: the one place that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.arrays import IntArray

_SEEDS = 1 << 32


def held_out_rows(
    total: int, share: float, seed: int, labels: npt.NDArray[Any] | None = None
) -> tuple[IntArray, IntArray, str]:
    """Return (rows to train on, rows held out, what to say of it): those of scikit-learn's ``train_test_split``.

    They are its rows for ``test_size=share``, ``random_state=seed`` (modulo 2^32) and ``stratify=labels``; each half
    ascends. Where a class has too few rows to be in both, rows are drawn without regard to classes.

    Args:
        total: rows there are.
        share: of them to hold out, strictly between 0 and 1.
        seed: the run's seed.
        labels: (total,) classes.

    Raises:
        ConfigError: no such share.
        DataError: too few rows for one on each side.
    """
    if not 0.0 < share < 1.0:
        raise ConfigError(f"test={share}: expected a share of the rows strictly between 0 and 1")
    if total < 2:
        raise DataError(f"test={share}: there is {total} row, which cannot be divided; take it out")
    from sklearn.model_selection import train_test_split

    rows = np.arange(total)
    note = ""
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        held = int(np.ceil(share * total))
        if counts.min() < 2 or min(held, total - held) < len(counts):
            labels, note = None, "a class has too few rows to be on both sides: rows are held out whatever their class"
    try:
        kept, held_out = train_test_split(rows, test_size=share, random_state=seed % _SEEDS, stratify=labels)
    except ValueError:
        raise DataError(f"test={share}: of {total} rows none would be left to train on; take a smaller share") from None
    return np.sort(kept), np.sort(held_out), note


def overlap(kept: Sequence[Any] | npt.NDArray[Any], held_out: npt.NDArray[Any]) -> int:
    """Return how many held-out rows are also among those kept, to the last bit."""
    known = {row.tobytes() for row in np.ascontiguousarray(kept)}
    return sum(row.tobytes() in known for row in np.ascontiguousarray(held_out))
