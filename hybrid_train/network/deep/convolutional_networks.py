"""Convolutional networks (DEEP Appendix B)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network.deep.layers import Block, Layer
from hybrid_train.network.deep.network import DeepNetwork, drawn_output, gaussian
from hybrid_train.network.deep.scales import START, Scale, Thresholds, layer_scales
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_counts
from hybrid_train.support.declared import array, checked, flag, inside, optional, sequence, size, whole
from hybrid_train.support.rng import Role, generator


@checked(height=whole(1, 1 << 16), width=whole(1, 1 << 16), kernel=size())
def grid_patches(height: int, width: int, kernel: int = 3) -> IntArray:
    """Return (height * width, kernel^2) positions of the square patch around each pixel, wrapped at the edges.

    Wrapped around, every pixel lies in as many patches as a patch has pixels, as DEEP Assumption B.1 asks for.

    Raises:
        ConfigError: a size below 1, or a kernel wider than the grid.
    """
    checked_counts(height=height, width=width, kernel=kernel)
    if kernel > min(height, width):
        raise ConfigError(f"kernel={kernel}: wider than the grid of {height} x {width}")
    steps = np.arange(kernel) - (kernel - 1) // 2
    rows = (np.arange(height)[:, None] + steps) % height
    columns = (np.arange(width)[:, None] + steps) % width
    return (rows[:, None, :, None] * width + columns[None, :, None, :]).reshape(height * width, kernel * kernel)


@checked(
    channels=sequence(size()),
    patches=inside(array(2, "iu")),
    last=optional(size()),
    outputs=size(),
    input_channels=size(),
    shared=flag(),
    **START,
)
def convolutional(
    channels: Sequence[int],
    patches: npt.ArrayLike,
    *,
    last: int | None = None,
    outputs: int = 1,
    input_channels: int = 1,
    shared: bool = True,
    threshold: Thresholds = 0.0,
    share: float | None = None,
    seed: int = 0,
    dtype: str = "float64",
) -> DeepNetwork:
    """Return a random convolutional network: layers 0 .. L - 1 read patches, W_L and B are fully connected.

    h_{l,j} = phi(W_{l,j} h_{l-1,Q_j}), Q_j the patch of position j. The paper's weights are another draw for each
    position (``shared=False``); a convolution shares them over the positions, and then a finder searches one bank of
    neurons with every patch of every example. Without shifts, entries are N(0, 2/(q m)) in A and W_l, q positions of m
    channels in a patch, N(0, 2/m_L) in W_L (printed as 2/(q m), which would not keep the norm) and N(0, 1/K) in B. With
    shifts they are drawn more widely: the norm is kept on average as far as all patches of an example have the same
    norm (else see :func:`calibrated`). The small random bias of the paper, a device of its proof, is left out.

    Args:
        channels: m of the layers 0 .. L - 1.
        patches: (positions, q) Q_j; the same for each layer (see :func:`grid_patches`).
        last: m_L, neurons of the last layer; as many as layer L - 1 has in all by default, as in the paper.
        outputs: K.
        input_channels: numbers at each position of an input; coordinate j c + i of x is channel i of position j.
        shared: whether the positions share their weights.
        threshold: b_l in units of the inner product: one for all, one for each layer from b_0 on, or "auto".
        share: for "auto", the fraction of neurons that fire at the start; None for that of PRE Remark 3.9.
        seed: the run's seed.
        dtype: of the weights and hidden vectors, "float64", or "float32" for the same weights rounded.

    Raises:
        ConfigError: a size below 1, patches that are not a (positions, q) table of positions, each in exactly q of
            them, an unknown dtype, or shifts that no weights go with.
    """
    near = _checked_patches(patches)
    positions, reach = near.shape
    if not channels:
        raise ConfigError("channels=[]: give those of the input layer and of each convolutional layer")
    sizes = {f"channels[{i}]": m for i, m in enumerate(channels)}
    checked_counts(outputs=outputs, input_channels=input_channels, **sizes)
    final_width = positions * channels[-1] if last is None else last
    checked_counts(last=final_width)
    scales = convolutional_scales(channels, positions, reach, final_width, threshold, share)
    rng = generator(seed, Role.WEIGHTS)
    layers = []
    for number, (below, m, scale) in enumerate(zip([input_channels, *channels[:-1]], channels, scales, strict=False)):
        read = (near[:, :, None] * below + np.arange(below)).reshape(positions, -1)
        draws = 1 if shared else positions
        drawn = [gaussian(rng, m, read.shape[1], scale.spread, dtype) for _ in range(draws)]
        banks = [DenseBank(weights, f"layer {number}") for weights in drawn]
        blocks = [Block(banks[0], read)] if shared else [Block(banks[j], read[[j]], j) for j in range(positions)]
        layers.append(Layer(tuple(blocks), scale.threshold, trained=number > 0))
    wide = gaussian(rng, final_width, layers[-1].width, scales[-1].spread, dtype)
    every = np.arange(layers[-1].width)[None]
    layers.append(Layer((Block(DenseBank(wide, f"layer {len(channels)}"), every),), scales[-1].threshold))
    return DeepNetwork(tuple(layers), drawn_output(seed, outputs, final_width), "convolutional")


def convolutional_scales(
    channels: Sequence[int], positions: int, reach: int, last: int, threshold: Thresholds, share: float | None
) -> list[Scale]:
    """Return the scale of each layer of a convolutional network.

    Args:
        channels: m of the layers 0 .. L - 1.
        positions: patches.
        reach: q, positions of a patch.
        last: m_L.
        threshold: as in :func:`convolutional`.
        share: as there.

    Raises:
        ConfigError: as there.
    """
    # a patch of an input of norm 1 has the norm sqrt(q / positions), and each coordinate is read at q positions
    typical = [math.sqrt(reach / positions)] * len(channels)
    copies = [reach] * len(channels)
    return layer_scales([*channels, last], threshold, share, [*copies, 1], [*typical, 1.0])


def _checked_patches(patches: npt.ArrayLike) -> IntArray:
    try:
        near = np.asarray(patches)
    except ValueError:
        raise ConfigError("patches: expected integers of shape (positions, q), got a ragged list") from None
    if near.ndim != 2 or 0 in near.shape or near.dtype.kind not in "iu":
        raise ConfigError(f"patches: expected integers of shape (positions, q), got {near.dtype} {near.shape}")
    positions, reach = near.shape
    inside = near.min() >= 0 and near.max() < positions
    distinct = (np.diff(np.sort(near, axis=1), axis=1) > 0).all()
    if not (inside and distinct and (np.bincount(near.ravel(), minlength=positions) == reach).all()):
        raise ConfigError(
            f"patches: each must hold {reach} different positions of 0..{positions - 1}, and each position lie in "
            f"{reach} of them (DEEP Assumption B.1)"
        )
    return near.astype(np.int64)
