"""Residual networks (DEEP Appendix C)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.network.deep.layers import Block, Layer
from hybrid_train.network.deep.network import DeepNetwork, drawn_output, gaussian
from hybrid_train.network.deep.scales import (
    START,
    Scale,
    Spectrum,
    Thresholds,
    asked_thresholds,
    auto_score,
    scale_for_score,
    scale_for_threshold,
)
from hybrid_train.support.checks import checked_counts
from hybrid_train.support.declared import checked, size, whole
from hybrid_train.support.rng import Role, generator


def residual_factor(depth: int, width: int) -> float:
    """Return tau = 1 / (L ln m), the weight of a residual branch (DEEP Appendix C)."""
    return 1.0 / (depth * max(math.log(width), 1.0))


@checked(width=size(), depth=whole(1, 1 << 20), dimension=size(), outputs=size(), **START)
def residual(
    width: int,
    depth: int,
    dimension: int,
    *,
    outputs: int = 1,
    threshold: Thresholds = 0.0,
    share: float | None = None,
    seed: int = 0,
    dtype: str = "float64",
) -> DeepNetwork:
    """Return a random network h_0 = phi(A x), h_l = phi(h_{l-1} + tau W_l h_{l-1}) for l < L, h_L = phi(W_L h_{L-1}).

    The pre-activation of neuron r is <e_r + tau w_r, h_{l-1}>, so the bank of a residual layer holds the rows of
    I + tau W_l and a finder asks the same question as anywhere else. tau = 1 / (L ln m); entries are N(0, 2/m) in A and
    W_l and N(0, 1/K) in B. With shifts, A and W_L are drawn more widely so that they keep the norm; the residual layers
    are drawn as in the paper, and a shift there takes a little off every activation: :func:`residual_plan` predicts
    the norms.

    Args:
        width: m, of every layer.
        depth: L, the number of trained layers, at least 1; L - 1 of them are residual.
        dimension: d, of an input.
        outputs: K.
        threshold: b_l in units of the inner product: one for all, one for each layer from b_0 on, or "auto".
        share: for "auto", the fraction of neurons that fire at the start; None for that of PRE Remark 3.9.
        seed: the run's seed.
        dtype: of the weights and hidden vectors, "float64", or "float32" for the same weights rounded.

    Raises:
        ConfigError: a size below 1, an unknown dtype, or shifts that no weights go with.
    """
    checked_counts(width=width, depth=depth, dimension=dimension, outputs=outputs)
    plan = residual_plan(width, depth, threshold, share)
    tau = residual_factor(depth, width)
    rng = generator(seed, Role.WEIGHTS)
    layers = []
    for number, (spread, b) in enumerate(zip(plan.spreads, plan.thresholds, strict=True)):
        below = dimension if number == 0 else width
        skip = 0 < number < depth
        points = gaussian(rng, width, below, spread, dtype)
        if skip:
            points *= tau
            points[np.diag_indices(width)] += 1.0
        block = Block(DenseBank(points, f"layer {number}"), np.arange(below)[None])
        layers.append(Layer((block,), b, trained=number > 0, factor=tau if skip else 1.0, skip=skip))
    return DeepNetwork(tuple(layers), drawn_output(seed, outputs, width), "residual")


@final
@dataclass(frozen=True)
class ResidualPlan:
    """How the layers of a residual network are drawn, and what to expect of them for an input of norm 1.

    Attributes:
        spreads: standard deviation of the entries of A, W_1 .. W_L.
        thresholds: b_0 .. b_L.
        norms: ||h_0|| .. ||h_L||.
        shares: neurons that fire in each layer, as fractions.
    """

    spreads: list[float]
    thresholds: list[float]
    norms: list[float]
    shares: list[float]


def residual_plan(width: int, depth: int, threshold: Thresholds = 0.0, share: float | None = None) -> ResidualPlan:
    """Return the plan of a residual network.

    The distribution of an activation over the neurons is followed from layer to layer in the limit of infinite width.

    Raises:
        ConfigError: as in :func:`residual`.
    """
    given = asked_thresholds(depth + 1, threshold, share)
    score = auto_score(width, share) if given is None else 0.0

    def plain(number: int, norm: float) -> Scale:
        return scale_for_score(width, score, norm) if given is None else scale_for_threshold(width, given[number], norm)

    first = plain(0, 1.0)
    spectrum = Spectrum.after(first, width)
    plan = ResidualPlan([first.spread], [first.threshold], [_norm(spectrum, 0, first.threshold)], [first.share])
    root, tau = math.sqrt(width), residual_factor(depth, width)
    for number in range(1, depth):
        noise = tau * math.sqrt(2.0) * plan.norms[-1]
        b = spectrum.threshold_for(first.share, noise) if given is None else root * given[number]
        plan.spreads.append(math.sqrt(2.0 / width))
        plan.thresholds.append(b / root)
        plan.shares.append(spectrum.fires(b, noise))
        spectrum = spectrum.residual(b, noise)
        plan.norms.append(_norm(spectrum, number, plan.thresholds[-1]))
    last = plain(depth, plan.norms[-1])
    plan.spreads.append(last.spread)
    plan.thresholds.append(last.threshold)
    plan.norms.append(plan.norms[-1])
    plan.shares.append(last.share)
    return plan


def _norm(spectrum: Spectrum, number: int, threshold: float) -> float:
    """Return ||h_l||, which must not be 0."""
    if spectrum.norm == 0.0:
        raise ConfigError(f"threshold={threshold:g}: nothing would fire in layer {number}; take a lower one, or 'auto'")
    return spectrum.norm
