"""How much memory lists for whole balls take, before it is taken."""

from __future__ import annotations

from classical.dynamics.batch.bits import WORD, words
from hybrid_train.finder.bank import Bank
from hybrid_train.support.memory import check_memory

_PAIR_BYTES = 0.375
"""A bit for a pair listed, one for a pair that fires, and one more while lists are made."""

_ROW_BYTES = 64
"""What is known of a neuron besides, its vector left out."""


def check_lists(weights: Bank, n: int, reach: float) -> None:
    """Raise ResourceError if the lists cannot fit.

    Args:
        weights: (m, d).
        n: number of examples.
        reach: radius of the balls, for the message.
    """
    m, dimension = weights.shape
    row = _PAIR_BYTES * WORD * words(n) + _ROW_BYTES + dimension * weights.dtype.itemsize
    check_memory(
        row * m,
        f"{m} neurons, {n} examples within {reach:.3g} of where they begin: lists",
        "take finder.kind='scan', which keeps no lists, or a smaller network.width or data.n",
    )
