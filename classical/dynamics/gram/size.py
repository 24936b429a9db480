"""How much memory Gram dynamics takes, before it is taken."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from classical.lists.following import ROUNDS
from classical.lists.thickness import FIRST_SKIN
from hybrid_train.support.memory import check_memory

KERNEL_SIZE = 2048
"""Examples x outputs up to which the outputs move by the kernel of the rows that fire (32 MB then)."""

_ROW_BYTES, _ENTRY_BYTES = 64, 50
_SLACK = 1.3
"""Room for lists that grow, and for one chunk in two places while it is made."""


def expected_bytes(
    width: int, n: int, dimension: int, threshold: float, outputs: int = 1, storage: str = "stored"
) -> float:
    """Return the bytes a network of N(0, I_d) weights and its Gram dynamics on n examples of norm 1 take.

    Args:
        width: m.
        n: number of examples.
        dimension: d.
        threshold: b.
        outputs: K.
        storage: "stored" counts float64 weights, and int8 signs for "seeded".
    """
    fires, listed = float(ndtr(-threshold)), float(ndtr(FIRST_SKIN - threshold))
    # independent examples: an upper bound of the rows, since examples that resemble each other share them
    rows = width * -np.expm1(n * np.log1p(-min(fires, 1 - 1e-12)))
    entries = min(width * n * listed, rows * n)
    kernel = n * outputs if n * outputs <= KERNEL_SIZE else 0
    shared = 8.0 * (n * n + 2 * kernel**2 + (ROUNDS + 2) * n * outputs)
    bank = width * (8.0 * (dimension + outputs) if storage == "stored" else outputs)
    return float(bank + _SLACK * (_ROW_BYTES * rows + _ENTRY_BYTES * entries) + shared)


def check_lists(width: int, n: int, threshold: float, norms: tuple[float, float]) -> None:
    """Raise ResourceError if the lists alone cannot fit.

    Args:
        width: m.
        n: number of examples.
        threshold: b.
        norms: of a typical weight coordinate and of a typical example.
    """
    scale = max(norms[0] * norms[1], 1e-300)
    needed = expected_bytes(width, n, 0, threshold / scale, 0, "seeded")
    check_memory(
        needed,
        f"{width} neurons, {n} examples, threshold={threshold:.4g}: lists",
        "take a higher network.threshold or a smaller network.width",
    )


def check_resting(width: int, n: int, outputs: int) -> None:
    """Raise ResourceError if what rows that rest take cannot fit: a byte each, and what all share."""
    check_memory(
        width + 8.0 * (n * n + 2 * (n * outputs) ** 2 + (ROUNDS + 2) * n * outputs),
        f"{width} neurons, {n} examples: a byte for each",
        "take a smaller network.width",
    )


def check_woken(rows: int, entries: int) -> None:
    """Raise ResourceError if the lists of rows that wake cannot fit."""
    check_memory(
        _SLACK * (_ROW_BYTES * rows + _ENTRY_BYTES * entries),
        f"{rows} neurons that wake: lists",
        "take a lower training.learning_rate, a higher network.threshold or a smaller network.width",
    )
