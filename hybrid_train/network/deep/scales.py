"""How widely the weights of a layer are drawn and where its shift lies, so that a wanted share of neurons fires."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from scipy.special import ndtr, ndtri

from hybrid_train.errors import ConfigError
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.declared import (
    either,
    inside,
    name_of,
    optional,
    proportion,
    real,
    seed_number,
    sequence,
    word,
)

Thresholds = float | Sequence[float] | Literal["auto"]
"""One shift for all layers, one for each, or "auto"."""

START = {
    "threshold": either(real(), name_of("way to choose shifts"), sequence(real())),
    "share": optional(inside(proportion())),
    "seed": seed_number(),
    "dtype": word("float32", "float64"),
}
"""What the options may be that every random deep network has."""

_ATOMS = 512
"""Atoms that stand for the distribution of an activation between two residual layers."""

_DEEPEST = 8.0
"""Standard deviations beyond which nothing fires in any width that fits a computer."""


def excess_moment(score: float) -> float:
    """Return E max(Z - z, 0)^2 = (1 + z^2) P(Z > z) - z phi(z) for a standard normal Z; 1/2 at z = 0."""
    density = math.exp(-0.5 * score * score) / math.sqrt(2.0 * math.pi)
    return float((1.0 + score * score) * ndtr(-score) - score * density)


@final
@dataclass(frozen=True)
class Scale:
    """How one layer is drawn.

    With weights N(0, s^2) in m rows, an input h gives pre-activations s ||h|| Z, so m s^2 ||h||^2 E max(Z - z, 0)^2 is
    the expected ||phi(W h)||^2, z = b / (s ||h||). It equals ||h||^2 for s^2 = 1 / (m E max(Z - z, 0)^2), which is the
    2 / m of DEEP Definition 2.3 at z = 0. Differences between two inputs that are close grow by the factor
    P(Z > z) / E max(Z - z, 0)^2 in their square, 1 without a shift and more with one: a deep stack of very sparse
    layers is chaotic.

    Attributes:
        spread: s, standard deviation of a weight.
        threshold: b, in units of the inner product.
        score: z, the shift in standard deviations of the pre-activation of an input of the expected norm.
    """

    spread: float
    threshold: float
    score: float

    @property
    def share(self) -> float:
        """Neurons expected to fire at the start, as a fraction."""
        return float(ndtr(-self.score))


def scale_for_score(width: int, score: float, norm: float = 1.0) -> Scale:
    """Return the scale of a layer whose shift lies ``score`` standard deviations out.

    Args:
        width: m, rows of the layer.
        score: z.
        norm: ||h|| of a typical input.
    """
    spread = 1.0 / math.sqrt(width * excess_moment(score))
    return Scale(spread, score * spread * norm, score)


def scale_for_threshold(width: int, threshold: float, norm: float = 1.0) -> Scale:
    """Return the scale of a layer with this shift: the z with z s(z) ||h|| = b, which grows with z.

    Raises:
        ConfigError: no spread keeps the norm: b is -||h|| / sqrt(m) or below, or so high that nothing would fire.
    """
    if threshold == 0.0:
        return scale_for_score(width, 0.0, norm)
    lowest, highest = (scale_for_score(width, z, norm).threshold for z in (-50.0, _DEEPEST))
    if not lowest < threshold < highest:
        raise ConfigError(
            f"threshold={threshold}: no weights of a layer of width {width} keep the norm at {norm:g} with it; "
            f"take one between {lowest:.3g} and {highest:.3g}, or 'auto'"
        )
    from scipy.optimize import brentq  # here, as importing it takes longer than most starts do without

    score = brentq(lambda z: scale_for_score(width, z, norm).threshold - threshold, -50.0, _DEEPEST, xtol=1e-14)
    return Scale(scale_for_score(width, score, norm).spread, threshold, float(score))


def auto_score(width: int, share: float | None) -> float:
    """Return the z that lets this share of the neurons fire; by default PRE Remark 3.9's z = sqrt(0.4 ln m).

    Raises:
        ConfigError: the share is not in (0, 1), or so small that nothing would fire.
    """
    if share is None:
        return auto_threshold(width)
    if isinstance(share, bool) or not (isinstance(share, int | float) and ndtr(-_DEEPEST) < share < 1.0):
        raise ConfigError(
            f"share={share!r}: expected the fraction of neurons that fire, strictly between {ndtr(-_DEEPEST):.2g} and 1"
        )
    return float(-ndtri(share))


def layer_scales(
    widths: Sequence[int],
    thresholds: Thresholds,
    share: float | None,
    copies: Sequence[int] | None = None,
    norms: Sequence[float] | None = None,
) -> list[Scale]:
    """Return the scale of each layer.

    Args:
        widths: neurons m_0 .. m_L.
        thresholds: b for all layers, b_0 .. b_L, or "auto" for the shifts at which ``share`` of the neurons fire.
        share: a fraction, for "auto" alone; None for the sparsity of PRE Remark 3.9.
        copies: how often each coordinate below is read by each neuron (at so many positions), once by default.
        norms: of what a neuron reads of a typical input, 1 by default.

    Raises:
        ConfigError: thresholds of the wrong number or not finite, a share beside given thresholds, or out of range.
    """
    given = asked_thresholds(len(widths), thresholds, share)
    scales = []
    for number, width in enumerate(widths):
        rows = width * (1 if copies is None else copies[number])
        norm = 1.0 if norms is None else norms[number]
        if given is None:
            scales.append(scale_for_score(rows, auto_score(width, share), norm))
        else:
            scales.append(scale_for_threshold(rows, given[number], norm))
    return scales


def asked_thresholds(layers: int, thresholds: Thresholds, share: float | None) -> list[float] | None:
    """Return b_0 .. b_L as asked for, None for "auto".

    Raises:
        ConfigError: neither numbers nor "auto", or numbers beside a share; of another count, or not finite.
    """
    if isinstance(thresholds, str):
        if thresholds != "auto":
            raise ConfigError(f"threshold={thresholds!r}: give a number, one for each layer, or 'auto'")
        return None
    if share is not None:
        raise ConfigError(f"share={share}: belongs to threshold='auto'; leave one of them out")
    values = list(thresholds) if isinstance(thresholds, Sequence | np.ndarray) else [thresholds] * layers
    if len(values) != layers:
        raise ConfigError(f"threshold={values}: expected 1 number or {layers}, one for each layer from b_0 on")
    numbers: list[float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
            raise ConfigError(f"threshold={value!r}: must be a finite number")
        numbers.append(float(value))
    return numbers


@final
@dataclass(frozen=True, eq=False)
class Spectrum:
    """The distribution of one activation of a layer, over its neurons, in the limit of infinite width.

    Attributes:
        atoms: (k,) equally likely values, ascending, in units of m^{-1/2}.
    """

    atoms: FloatArray

    @classmethod
    def after(cls, scale: Scale, width: int, norm: float = 1.0) -> Spectrum:
        """Return that of max(g - b, 0) for pre-activations g ~ N(0, s^2 ||h||^2)."""
        quantiles = ndtri((np.arange(_ATOMS) + 0.5) / _ATOMS)
        spread = scale.spread * norm
        return cls(math.sqrt(width) * np.maximum(spread * quantiles - scale.threshold, 0.0))

    @property
    def norm(self) -> float:
        """||h|| of a layer of such activations."""
        return float(np.sqrt(np.square(self.atoms).mean()))

    def fires(self, threshold: float, noise: float) -> float:
        """Return P(h + noise Z > threshold); both in units of m^{-1/2}."""
        return float(ndtr((self.atoms - threshold) / noise).mean())

    def threshold_for(self, share: float, noise: float) -> float:
        """Return the threshold that ``share`` of the pre-activations h + noise Z exceed, in units of m^{-1/2}."""
        from scipy.optimize import brentq

        reach = _DEEPEST * noise
        lowest, highest = -reach, float(self.atoms[-1]) + reach
        return float(brentq(lambda b: self.fires(b, noise) - share, lowest, highest, xtol=1e-12))

    def residual(self, threshold: float, noise: float) -> Spectrum:
        """Return the distribution of max(h + noise Z - threshold, 0); both in units of m^{-1/2}."""
        grid = np.linspace(-_DEEPEST * noise, float(self.atoms[-1]) + _DEEPEST * noise, 2 * _ATOMS)
        below = ndtr((grid[:, None] - self.atoms) / noise).mean(axis=1)
        levels = (np.arange(_ATOMS) + 0.5) / _ATOMS
        return Spectrum(np.maximum(np.interp(levels, below, grid) - threshold, 0.0))
