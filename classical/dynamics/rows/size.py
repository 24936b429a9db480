"""How much memory the lists of row dynamics take, before it is taken."""

from __future__ import annotations

from hybrid_train.support.memory import check_memory

_ENTRY_BYTES, _SLACK = 8, 2.0
"""Bytes of a list entry; room for lists that grow, and for a pool in two places while it is packed anew."""


def check_lists(entries: float, width: int, n: int) -> None:
    """Raise ResourceError if the lists cannot fit.

    Args:
        entries: of a neuron, on average.
        width: m.
        n: number of examples.
    """
    check_memory(
        _SLACK * _ENTRY_BYTES * entries * width,
        f"{width} neurons, {n} examples, {entries:.0f} listed a neuron: lists",
        "take a higher network.threshold or a smaller network.width",
    )
