"""Two-layer networks to first order: what the tangent kernel and random features train (SGD appendices B.1 and B.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, DenseBank, checked_vectors
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray

_BLOCK = 256
"""New data that are predicted at a time."""


@final
@dataclass(frozen=True, eq=False)
class LinearisedNetwork:
    """g(x; V) = f(x; W) + <V, psi(x)>, psi(x) = df(x; W)/dW at a W that stays; V alone is trained.

    psi(x)_r = c a_r x where neuron r fires for x at W, else 0, with c the network's scale.

    Attributes:
        base: f, at W.
        shift: (m, d) float64 V, the bank that a trainer moves.
        offset: whether f(x; W) is added, so that g is the network's first-order expansion.

    Raises:
        DataError: V is not of the shape of W.
    """

    base: TwoLayerNetwork
    shift: Bank
    offset: bool = True

    def __post_init__(self) -> None:
        if self.shift.shape != self.base.weights.shape:
            raise DataError(f"shift: shape {self.shift.shape} for weights of shape {self.base.weights.shape}")

    @classmethod
    def at(cls, base: TwoLayerNetwork, *, offset: bool = True) -> LinearisedNetwork:
        """Return the network with V = 0."""
        return cls(base, DenseBank(np.zeros(base.weights.shape), "shift"), offset)

    @property
    def dimension(self) -> int:
        """d, the length of an input."""
        return self.base.dimension

    @property
    def outputs(self) -> int:
        """K, the number of outputs."""
        return self.base.outputs

    @property
    def output_weights(self) -> npt.NDArray[Any]:
        """(m, K) a."""
        return self.base.output_weights

    def predict(self, inputs: npt.ArrayLike) -> FloatArray:
        """Return (n, K) g(x; V) of new data, found by a scan.

        Raises:
            DataError: inputs are not finite (n, d) numbers of the network's dimension.
        """
        base = self.base
        at_start = base.predict(inputs)
        data = checked_vectors(inputs, "inputs")
        linear = np.empty_like(at_start)
        for first in range(0, len(data), _BLOCK):
            block = np.ascontiguousarray(data[first : first + _BLOCK])
            sets = active_pairs(base.weights, block, base.threshold)
            linear[first : first + _BLOCK] = self.linear_part(sets, block, "neurons")
        return at_start + linear if self.offset else linear

    def linear_part(self, sets: ActiveSets, examples: FloatArray, index: Index) -> FloatArray:
        """Return (n, K) <V, psi(x_i)> from the active pairs at W.

        Args:
            sets: the active pairs.
            examples: (n, d).
            index: which bank was searched for them.
        """
        neurons, queries = (sets.point_ids, sets.query_ids) if index == "neurons" else (sets.query_ids, sets.point_ids)
        moved, row = np.unique(neurons, return_inverse=True)
        products = inner_products(self.shift[moved], examples, row, queries)
        return self._linear.outputs_from(replace(sets, inner_products=products), len(examples), index)

    @cached_property
    def _linear(self) -> TwoLayerNetwork:
        """The sum over the active pairs alone."""
        return replace(self.base, threshold=0.0, activation="relu")


def random_features(network: TwoLayerNetwork) -> TwoLayerNetwork:
    """Return the network whose linear part is SGD's random feature scheme on the same draws (SGD appendix B.2).

    Its features are Psi(x)_r = N^{-1/2} x where <w_r, x> > b, N neurons: those of the tangent kernel without the signs.
    Of a paired start one neuron of each pair is kept, as there.

    Args:
        network: with a paired start, or any other.
    """
    weights, m = network.weights[:], network.width
    live = None if network.live is None else replace(network.live, paired=False)
    half = m // 2
    if m % 2 == 0 and np.array_equal(weights[:half], weights[half:]):
        weights = weights[:half]
    return TwoLayerNetwork(
        DenseBank(weights, "weights"),
        np.ones((len(weights), network.outputs)),
        network.threshold,
        output_scale=1 / math.sqrt(network.nominal_width * len(weights) / m),
        live=live,
    )
