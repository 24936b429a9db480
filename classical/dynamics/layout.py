"""The sums that compiled passes over a two-layer network in training leave."""

from __future__ import annotations

from typing import NamedTuple

from hybrid_train.support.arrays import FloatArray, IntArray


class Sums(NamedTuple):
    """Sums over active pairs, to which passes add.

    Attributes:
        outputs: (n, K) sum_r a_r (<w_r, x> - shift).
        fired: (n,) active pairs.
    """

    outputs: FloatArray
    fired: IntArray
