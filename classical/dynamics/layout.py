"""What compiled passes are told about a two-layer network in training on n examples, and the sums they leave."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.kernels import inlined


class Reading(NamedTuple):
    """How the network reads its examples.

    Attributes:
        threshold: b; a pair is active above it.
        shift: what an active pair's inner product is lowered by in the output.
        columns: (n, d) the examples.
        signs: (m, K) output weights.
    """

    threshold: float
    shift: float
    columns: FloatArray
    signs: npt.NDArray[Any]


class Sums(NamedTuple):
    """Sums over active pairs, to which passes add.

    Attributes:
        outputs: (n, K) sum_r a_r (<w_r, x> - shift).
        fired: (n,) active pairs.
    """

    outputs: FloatArray
    fired: IntArray


class Pull(NamedTuple):
    """What draws the neurons: c_ri = -rate sum_k a_rk slope_ik, along directions of these norms.

    Attributes:
        signs: (m, K) output weights.
        slope: (n, K) derivative of the loss in the outputs.
        rate: eta times the network's scale.
        norms: (n,) norm bounds of the directions.
    """

    signs: npt.NDArray[Any]
    slope: FloatArray
    rate: float
    norms: FloatArray


@inlined
def add_active(sums: Any, reading: Any, r: Any, j: Any, inner: Any) -> None:
    """Add the active pair of neuron r and example j to the sums."""
    sums.fired[j] += 1
    for k in range(reading.signs.shape[1]):
        sums.outputs[j, k] += reading.signs[r, k] * (inner - reading.shift)


@inlined
def coefficient(pull: Any, r: Any, i: Any) -> Any:
    """Return c_ri of an active pair."""
    c = 0.0
    for k in range(pull.signs.shape[1]):
        c += pull.signs[r, k] * pull.slope[i, k]
    return c * -pull.rate
