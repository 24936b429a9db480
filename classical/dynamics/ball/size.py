"""How much memory lists for whole balls take, before it is taken."""

from __future__ import annotations

import numpy as np

from hybrid_train.finder.bank import Watched
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.memory import check_memory

_SAMPLE_PAIRS = 1 << 22
_SAMPLE_ROWS = 2048

_PAIR_BYTES, _ROW_BYTES = 28, 80
"""12 bytes of a listed pair and an eighth to spare, and once more with a quarter when lists that grew are packed."""


def expected_pairs(weights: Watched, inputs: FloatArray, threshold: float, skin: float, sway: float) -> float:
    """Return how many (neuron, example) pairs would be listed, estimated from some of the neurons.

    A pair is listed if (b - <w, x>) / ||x|| <= skin + sway ||w||, see
    :class:`classical.lists.neighbour_lists.NeighbourLists`.

    Args:
        weights: (m, d).
        inputs: (n, d) the centres of the balls.
        threshold: b.
        skin: room for drift, as a distance.
        sway: radius of the balls over ||x||.
    """
    count = min(len(weights), _SAMPLE_ROWS, max(16, _SAMPLE_PAIRS // len(inputs)))
    rows = np.unique(np.linspace(0, len(weights) - 1, count).astype(np.int64))
    sample = np.asarray(weights[rows], dtype=np.float64)
    scale = np.maximum(norm_bounds(inputs), 1e-300)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = (threshold - inputs @ sample.T) / scale[:, None]
        listed = apart <= skin + 1.01 * sway * norm_bounds(sample)
    return float(listed.mean()) * len(weights) * len(inputs)


def check_lists(weights: Watched, inputs: FloatArray, threshold: float, skin: float, sway: float, reach: float) -> None:
    """Raise ResourceError if the lists cannot fit.

    Args:
        weights: (m, d).
        inputs: (n, d).
        threshold: b.
        skin: room for drift.
        sway: radius of the balls over ||x||.
        reach: radius of the balls, for the message.
    """
    m, n = len(weights), len(inputs)
    pairs = expected_pairs(weights, inputs, threshold, skin, sway)
    check_memory(
        _PAIR_BYTES * pairs + _ROW_BYTES * m,
        f"{m} neurons, {n} examples within {reach:.3g} of where they begin: lists of about {pairs:.3g} pairs",
        "take finder.kind='scan', which keeps no lists, or a smaller adversary.rho, network.width or data.n",
    )
