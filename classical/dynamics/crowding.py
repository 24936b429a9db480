"""How many examples fire the same neurons, and what follows for the way to train: seen on a sample of the neurons."""

from __future__ import annotations

import numpy as np

from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.parallel import one_blas_thread

_SAMPLE = 2048
"""Neurons that show how much the examples have in common."""

_SAMPLE_PAIRS = 1 << 20
"""Most (neuron, example) pairs of the sample; it has 64 neurons at least."""

_FOLLOWED, _EVALUATED, _COORDINATES = 2.5, 8.0, 16
"""Price of following one inner product through the Gram matrix, of evaluating one from the vectors apart from its
coordinates, and the coordinates that cost 1: all in nanoseconds, about."""


def examples_in_common(network: TwoLayerNetwork, inputs: FloatArray) -> float:
    """Return for how many of the examples a neuron fires if it fires at all, on average over a sample of neurons."""
    fired = _fired(network, inputs)
    return float(fired[fired > 0].mean()) if fired.any() else 0.0


def price_of_following(network: TwoLayerNetwork, inputs: FloatArray) -> float:
    """Return what following the firing pairs through the Gram matrix costs, as a multiple of evaluating them.

    A pair's neuron is followed for all examples that fire it, so that the mean over the pairs counts: for examples
    that resemble each other it is far above the mean over the neurons.
    """
    fired = _fired(network, inputs).astype(np.float64)
    if not fired.any():
        return 0.0
    company = float((fired**2).sum() / fired.sum())
    return float(_FOLLOWED * company / (_EVALUATED + 2 * inputs.shape[1] / _COORDINATES))


def _fired(network: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    """Return for how many examples each neuron of a sample fires."""
    size = min(network.width, max(64, min(_SAMPLE, _SAMPLE_PAIRS // len(inputs))))
    weights = network.weights[np.linspace(0, network.width - 1, size).astype(np.int64)]
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread():
        return np.asarray(np.count_nonzero(inputs @ weights.T > network.threshold, axis=0))
