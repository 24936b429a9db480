"""Fully connected networks of any depth (DEEP Section 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network.deep.layers import Block, Layer
from hybrid_train.network.deep.network import DeepNetwork, drawn_output, gaussian
from hybrid_train.network.deep.scales import START, Thresholds, layer_scales
from hybrid_train.support.checks import checked_counts
from hybrid_train.support.declared import checked, sequence, size
from hybrid_train.support.rng import Role, generator


@checked(widths=sequence(size(), 0), dimension=size(), outputs=size(), **START)
def fully_connected(
    widths: Sequence[int],
    dimension: int,
    *,
    outputs: int = 1,
    threshold: Thresholds = 0.0,
    share: float | None = None,
    seed: int = 0,
    dtype: str = "float64",
) -> DeepNetwork:
    """Return a random network h_0 = phi(A x), h_l = phi(W_l h_{l-1}), f = B h_L, phi(z) = max(z - b_l, 0).

    Entries are N(0, 2/m_l) in A and W_l and N(0, 1/K) in B (DEEP Definition 2.3) where b_l = 0; with a shift they are
    drawn more widely, so that E ||h_l||^2 = ||h_{l-1}||^2 for inputs of norm 1 (:class:`.Scale`).

    Args:
        widths: m_0 .. m_L, the input layer's first; at least two.
        dimension: d, of an input.
        outputs: K.
        threshold: b_l in units of the inner product: one for all, one for each layer from b_0 on, or "auto".
        share: for "auto", the fraction of neurons that fire at the start; None for that of PRE Remark 3.9.
        seed: the run's seed.
        dtype: of the weights and hidden vectors, "float64", or "float32" for the same weights rounded.

    Raises:
        ConfigError: a size below 1, fewer than two widths, an unknown dtype, or shifts that no weights go with.
    """
    if len(widths) < 2:
        raise ConfigError(f"widths={list(widths)}: give the width of the input layer and of each trained layer")
    checked_counts(dimension=dimension, outputs=outputs, **{f"widths[{i}]": width for i, width in enumerate(widths)})
    scales = layer_scales(widths, threshold, share)
    rng = generator(seed, Role.WEIGHTS)
    layers = []
    for number, (below, width, scale) in enumerate(zip([dimension, *widths[:-1]], widths, scales, strict=True)):
        bank = DenseBank(gaussian(rng, width, below, scale.spread, dtype), f"layer {number}")
        block = Block(bank, np.arange(below)[None])
        layers.append(Layer((block,), scale.threshold, trained=number > 0))
    return DeepNetwork(tuple(layers), drawn_output(seed, outputs, widths[-1]))
