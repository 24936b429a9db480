"""Training of the linearised network: tangent kernel and random features, by the same loop as the network itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from classical.dynamics.sets import SetDynamics, descent
from classical.dynamics.two_layer import spread
from hybrid_train.errors import InvariantError
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.network.two_layer import Index
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Dynamics, Evaluation


@final
class LinearisedDynamics(Dynamics):
    """g(x; V) = f(x; W) + <V, psi(x)> in training: V moves, and the active sets remain those of W.

    Without the offset f(x; W) this is

    * neural tangent kernel training (SGD appendix B.1) for a network with a_r = -1 or +1;
    * SGD on random features (SGD appendix B.2) for that of :func:`hybrid_train.network.linearised.random_features`.

    Args:
        network: its V is moved, its W is not.
        inputs: (n, d) the examples; copied.
        finder: fresh; it is built by ``start`` and never hears of a moved neuron.
        index: which bank is searched.

    Raises:
        ConfigError: an unknown index.
        DataError: inputs not (n, d) or not finite.
    """

    def __init__(
        self, network: LinearisedNetwork, inputs: FloatArray, finder: ActiveSetFinder, index: Index = "neurons"
    ) -> None:
        self._features = SetDynamics(network.base, inputs, finder, index)
        self.network = network
        self.examples = self._features.examples
        self._rows: IntArray | None = None

    @property
    def finder_seconds(self) -> float:  # type: ignore[override]
        """Wall time inside the finder since ``start``."""
        return self._features.finder_seconds

    @property
    def banks(self) -> Sequence[Bank]:
        return (self.network.shift,)

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
        outputs = self.network.linear_part(self._features.sets, self.examples[:], self._features.index)
        outputs = outputs if rows is None else outputs[rows]
        return Evaluation(at_start.outputs + outputs if self.network.offset else outputs, at_start.fired)

    def descend(self, slope: FloatArray, rate: float) -> int:
        features, base = self._features, self.network.base
        everywhere = spread(slope, self._rows, len(self.examples))
        neurons, coefficients = descent(base, features.sets, features.index, everywhere, rate)
        self.network.shift.move_along(neurons, coefficients, base.trained_part(self.examples[:]))
        return len(neurons)

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        raise InvariantError("LinearisedDynamics: the examples of a linearised network are not attacked")

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        self._features.move_examples(rows, vectors)

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        return self._features.top_eigenvalue(factors)

    def audit(self) -> Audit:
        return self._features.audit()
