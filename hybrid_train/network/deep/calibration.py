"""Shifts fitted to data: where inputs have much in common, shifts made for independent Gaussians miss their share."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.network.deep.layers import Layer
from hybrid_train.network.deep.network import DeepNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.declared import an, array, checked, inside, proportion


@checked(network=an(DeepNetwork), inputs=inside(array(2)), share=inside(proportion()))
def calibrated(network: DeepNetwork, inputs: npt.ArrayLike, share: float) -> DeepNetwork:
    """Return a copy in which the given share of each layer's neurons fires on these inputs, and norms are kept.

    Layer by layer from below, b_l becomes the quantile of the pre-activations; then weights and shift are multiplied by
    one factor, which changes no active set, so that the mean of ||h_l||^2 is that of ||h_{l-1}||^2. A layer with a skip
    connection gets its shift only. With a shift a layer amplifies deviations of the norm (:class:`Scale`), so that in
    several sparse layers in a row the formula of ``threshold="auto"`` drifts away from its aim; this does not.

    Args:
        network: not changed.
        inputs: (n, d), a sample of what it will see.
        share: in (0, 1).

    Raises:
        ConfigError: the share is not in (0, 1).
        DataError: inputs that do not fit, or for which nothing fires.
    """
    if isinstance(share, bool) or not (isinstance(share, int | float) and 0.0 < share < 1.0):
        raise ConfigError(f"share={share!r}: expected the fraction of neurons that fire, strictly between 0 and 1")
    below = network.checked_inputs(inputs)
    layers = []
    for number, layer in enumerate(network.layers):
        fitted, below = _fitted(layer, below, share)
        if not below.any():
            raise DataError(f"inputs: nothing fires in layer {number}; take other inputs or another share")
        layers.append(fitted)
    return replace(network, layers=tuple(layers))


def _fitted(layer: Layer, below: FloatArray, share: float) -> tuple[Layer, FloatArray]:
    """Return the calibrated layer and what it makes of the layer below."""
    points = [block.points[:] for block in layer.blocks]
    seen = [block.queries(below) @ p.T for block, p in zip(layer.blocks, points, strict=True)]
    threshold = _between(np.concatenate([part.ravel() for part in seen]), share)
    above = np.concatenate([np.maximum(part - threshold, 0.0).reshape(len(below), -1) for part in seen], axis=1)
    power = np.square(above).sum()
    factor = 1.0 if layer.skip or power == 0 else math.sqrt(float(np.square(below).sum() / power))
    return replace(layer.at([factor * p for p in points]), threshold=factor * threshold), factor * above


def _between(values: FloatArray, share: float) -> float:
    """Return what the share of the largest values is above, halfway between the two nearest ones.

    The quantile may be one of the values, and who computes that one in another order would see it on either side.
    """
    quantile = np.quantile(values, 1.0 - share)
    above = values[values > quantile]
    return float(values[values <= quantile].max() / 2 + above.min() / 2) if above.size else float(quantile)
