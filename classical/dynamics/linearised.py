"""Training of the linearised network: tangent kernel and random features, by the same loop as the network itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np
import numpy.typing as npt

from classical.dynamics.sets import SetDynamics, descent
from classical.dynamics.two_layer import spread
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank, DenseBank, checked_vectors
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Dynamics, Evaluation

_BLOCK = 256
"""New data that are predicted at a time."""


@final
class LinearisedDynamics(Dynamics):
    """g(x; V) = f(x; W) + <V, psi(x)>, psi(x) = df(x; W)/dW at a W that stays; V starts at 0 and is trained.

    psi(x)_r = c a_r x where neuron r fires for x at W, else 0, with c the network's scale; the active sets remain
    those of W. Without the offset f(x; W) this is

    * neural tangent kernel training (SGD appendix B.1) for a network with a_r = -1 or +1;
    * SGD on random features (SGD appendix B.2) for the network of :func:`random_features`.

    Args:
        network: at W; never moved.
        inputs: (n, d) the examples; copied.
        finder: fresh; it is built by ``start`` and never hears of a moved neuron.
        index: which bank is searched.
        offset: add f(x; W), so that g is the network's first-order expansion.

    Attributes:
        shift: (m, d) V.

    Raises:
        ConfigError: an unknown index.
        DataError: inputs not (n, d) or not finite.
    """

    def __init__(
        self,
        network: TwoLayerNetwork,
        inputs: FloatArray,
        finder: ActiveSetFinder,
        index: Index = "neurons",
        *,
        offset: bool = True,
    ) -> None:
        self._features = SetDynamics(network, inputs, finder, index)
        self._offset = offset
        self._linear = replace(network, threshold=0.0, activation="relu")
        self.network = network
        self.shift = DenseBank(np.zeros(network.weights.shape), "shift")
        self.examples = self._features.examples
        self._rows: IntArray | None = None

    @property
    def finder_seconds(self) -> float:  # type: ignore[override]
        """Wall time inside the finder since ``start``."""
        return self._features.finder_seconds

    @property
    def banks(self) -> Sequence[Bank]:
        return (self.shift,)

    @property
    def cost(self) -> Cost:
        return self._features.cost

    @property
    def simulation(self) -> SimulationCost:
        return self._features.simulation

    def start(self) -> None:
        self._features.start()

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        at_start = self._features.evaluate(rows)
        self._rows = rows
        outputs = self._linear_part(self._features.sets, self.examples[:], self._features.index)
        outputs = outputs if rows is None else outputs[rows]
        return Evaluation(at_start.outputs + outputs if self._offset else outputs, at_start.fired)

    def descend(self, slope: FloatArray, rate: float) -> int:
        features = self._features
        everywhere = spread(slope, self._rows, len(self.examples))
        neurons, coefficients = descent(self.network, features.sets, features.index, everywhere, rate)
        self.shift.move_along(neurons, coefficients, self.network.trained_part(self.examples[:]))
        return len(neurons)

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        raise InvariantError("LinearisedDynamics: the examples of a linearised network are not attacked")

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        self._features.move_examples(rows, vectors)

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        return self._features.top_eigenvalue(factors)

    def audit(self) -> Audit:
        return self._features.audit()

    def predict(self, inputs: npt.ArrayLike) -> FloatArray:
        """Return (n, K) g(x; V) of new data, found by a scan.

        Raises:
            DataError: inputs are not finite (n, d) numbers of the network's dimension.
        """
        at_start = self.network.predict(inputs)
        data = checked_vectors(inputs, "inputs")
        linear = np.empty_like(at_start)
        for first in range(0, len(data), _BLOCK):
            block = np.ascontiguousarray(data[first : first + _BLOCK])
            sets = active_pairs(self.network.weights, block, self.network.threshold)
            linear[first : first + _BLOCK] = self._linear_part(sets, block, "neurons")
        return at_start + linear if self._offset else linear

    def _linear_part(self, sets: ActiveSets, examples: FloatArray, index: Index) -> FloatArray:
        """Return (n, K) <V, psi(x_i)> from the active pairs at W."""
        neurons, queries = (sets.point_ids, sets.query_ids) if index == "neurons" else (sets.query_ids, sets.point_ids)
        moved, row = np.unique(neurons, return_inverse=True)
        products = inner_products(self.shift[moved], examples, row, queries)
        return self._linear.outputs_from(replace(sets, inner_products=products), len(examples), index)


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
