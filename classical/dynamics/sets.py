"""Training by active sets: ask a finder, sum over the pairs it reports, move the neurons in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

import numpy as np
from scipy import sparse

from classical.dynamics.two_layer import TwoLayerDynamics, moving
from hybrid_train.errors import ConfigError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Evaluation
from hybrid_train.training.optimisers import Optimiser


@final
class SetDynamics(TwoLayerDynamics):
    """A two-layer network trained through the sets of any finder.

    With ``index="neurons"`` the finder searches the weights for every example of a step (PRE Algorithms 2/5; 7 with
    Grover search). With ``index="data"`` it searches the examples for every neuron, and after the first step only
    neurons that moved are asked again (PRE Algorithms 3/6; 8 with Grover search): the sets of an example and of a
    neuron are each other's transpose, so only one of them is stored.

    Args:
        network: its weights are moved.
        inputs: (n, d) the examples; copied.
        finder: fresh; it is built by ``start``.
        index: which bank is searched.
        optimiser: turns gradients into moves; None for plain descent, whose moves are combinations of the examples.

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
        optimiser: Optimiser | None = None,
    ) -> None:
        if index not in ("neurons", "data"):
            raise ConfigError(f"training.index={index!r}: expected 'neurons' or 'data'")
        super().__init__(network, inputs)
        self.finder = finder
        self.index: Index = index
        self._sets: ActiveSets | None = None
        self._moved: IntArray | None = None
        self._optimiser = optimiser

    @property
    def auto_rate(self) -> float | None:
        return None if self._optimiser is None else self._optimiser.auto_rate

    @property
    def cost(self) -> Cost:
        return self.finder.cost

    @property
    def simulation(self) -> SimulationCost:
        return self.finder.simulation

    @property
    def sets(self) -> ActiveSets:
        if self._sets is None or self._moved is not None:
            raise self._not_evaluated()
        return self._sets if self.index == "neurons" or self._rows is None else self._sets.only(self._rows)

    def start(self) -> None:
        weights = self.network.weights
        points, queries = (weights, self.examples) if self.index == "neurons" else (self.examples, weights)
        with self._on_the_clock():
            self.finder.build(points, queries, self.network.threshold)

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        with self._on_the_clock():
            self._find(rows)
        outputs = self.network.outputs_from(self.sets, len(self.examples), self.index)
        return self._evaluation(outputs, np.bincount(self._pairs()[0], minlength=len(self.examples)))

    def _find(self, rows: IntArray | None) -> None:
        """Ask for the sets of some examples, unless they are known."""
        if self.index == "neurons":
            if self._sets is None or rows is not self._rows:
                self._sets = self.finder.find(rows)
        elif self._sets is None:
            self._sets = self.finder.find().by_query().occupied()
        elif self._moved is not None:
            self._sets = self._sets.replaced(self.finder.find(self._moved))
        self._rows, self._moved = rows, None

    def descend(self, slope: FloatArray, rate: float) -> int:
        if self._optimiser is not None:
            return self._descend_by(self._optimiser, slope, rate)
        neurons, coefficients = descent(self.network, self.sets, self.index, self._everywhere(slope), rate)
        directions = self.network.trained_part(self.examples[:])
        motion = self.network.weights.move_along(neurons, coefficients, directions)
        if self.network.untrained:
            motion = replace(motion, directions=directions)
        with self._on_the_clock():
            if self.index == "neurons":
                self.finder.move_points_along(motion)
                self._sets = None
            else:
                self.finder.move_queries_along(motion)
                self._moved = neurons
        return len(neurons)

    def _descend_by(self, optimiser: Optimiser, slope: FloatArray, rate: float) -> int:
        """Move the active neurons as an optimiser says; the finder is told where they are now."""
        network = self.network
        sets = self.sets if self.index == "data" else self.sets.by_point()
        neurons, coefficients = sets.rows, self._pull(sets, slope)
        before = network.weights[neurons]
        gradient = coefficients @ network.trained_part(self.examples[:])
        after = before + network.trained_part(optimiser.moves(neurons, gradient, before, rate)).astype(before.dtype)
        network.weights.assign(neurons, after)
        with self._on_the_clock():
            if self.index == "neurons":
                self.finder.move_points(neurons, after)
                self._sets = None
            else:
                self.finder.move_queries(neurons, after)
                self._moved = neurons
        return len(neurons)

    def _pull(self, sets: ActiveSets, slope: FloatArray) -> sparse.csr_array:
        """Return C with dL/dW = C X for the rows of sets that are stored by neuron.

        Several outputs are added up pair by pair, or for all pairs of example and neuron where that is less work.
        """
        signs, spread = self.network.output_weights, self._everywhere(slope)
        neurons = np.repeat(sets.rows, sets.counts)
        if len(slope) * len(signs) <= signs.shape[1] * len(neurons):
            place = np.zeros(len(spread), np.int64)
            place[slice(None) if self._rows is None else self._rows] = np.arange(len(slope))
            pull = (slope @ signs.T)[place[sets.indices], neurons]
        else:
            pull = np.einsum("pk,pk->p", signs[neurons], spread[sets.indices])
        return sparse.csr_array(
            (self.network.scale * pull, sets.indices, sets.indptr), shape=(len(sets.rows), len(spread))
        )

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        """Return the gradient in the inputs; a jump of the activation has no part in it."""
        network, n = self.network, len(self.examples)
        example, neuron = self._pairs()
        pull = np.einsum("pk,pk->p", network.output_weights[neuron], self._everywhere(slope)[example])
        active, column = np.unique(neuron, return_inverse=True)
        combination = sparse.csr_array((pull, (example, column)), shape=(n, len(active)))
        gradient = network.scale * (combination @ network.weights[active].astype(np.float64))
        return network.trained_part(gradient if self._rows is None else gradient[self._rows])

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        self._check_known(vectors)
        self.examples.assign(rows, vectors)
        with self._on_the_clock():
            if self.index == "neurons":
                self.finder.move_queries(rows, vectors)
            else:
                self.finder.move_points(rows, vectors)
        self._sets = self._moved = None

    def facts(self) -> dict[str, Any]:
        return self.finder.facts()

    def memory(self) -> dict[str, Any]:
        return {} if self._optimiser is None else self._optimiser.memory()

    def recall(self, memory: Mapping[str, Any]) -> None:
        if self._optimiser is not None:
            self._optimiser.recall(memory)

    def _pairs(self) -> tuple[IntArray, IntArray]:
        """Return (example, neuron) of each active pair."""
        sets = self.sets
        return (sets.query_ids, sets.point_ids) if self.index == "neurons" else (sets.point_ids, sets.query_ids)


def descent(
    network: TwoLayerNetwork, sets: ActiveSets, index: Index, slope: FloatArray, rate: float
) -> tuple[IntArray, sparse.csr_array]:
    """Return the neurons to move and C with dW = C X (PRE Eq. 2: C_ri = -eta m^{-1/2} a_r dL/df_i).

    Args:
        network: whose output weights and scale count.
        sets: the active pairs.
        index: which bank was searched for them.
        slope: (n, K) derivative of the loss in the outputs, zero for examples that do not count.
        rate: eta.
    """
    by_neuron = sets.by_point() if index == "neurons" else sets
    neurons = np.repeat(by_neuron.rows, by_neuron.counts)
    pull = np.einsum("pk,pk->p", network.output_weights[neurons], slope[by_neuron.indices])
    coefficients = sparse.csr_array(
        (-(rate * network.scale) * pull, by_neuron.indices, by_neuron.indptr), shape=(len(by_neuron.rows), len(slope))
    )
    moves = moving(pull, by_neuron.indptr)
    if moves.all():
        return by_neuron.rows, coefficients
    return by_neuron.rows[moves], coefficients[np.flatnonzero(moves)]
