"""Training deep networks with a finder for every hidden layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from classical.dynamics.deep.stage import Stage
from hybrid_train.errors import InvariantError
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank, DenseBank, checked_rows
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.deep import DeepNetwork, Pass
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.eigenvalues import top_of_operator
from hybrid_train.training.dynamics import Dynamics, Evaluation

_KRYLOV = 8
"""Vectors that Lanczos keeps: the top eigenvalue stands far apart from the rest, and each costs a pass both ways."""


@final
class DeepDynamics(Dynamics):
    """A deep network in training, each layer's neurons found by a finder of its own (DEEP Theorems 1 and 2).

    Layer l's finder searches the rows of its bank, W_l (I + tau W_l in a residual layer), with h_{l-1} of each example,
    or each patch of it. Layer 0 is searched too: its points stay, so it is asked again only for examples that moved.
    Forward, backward and the step itself touch active neurons alone, each of which moves by a sparse combination of
    its queries. Where the network says so, A and B are trained too (:meth:`.DeepNetwork.jointly`).

    What a finder misses is missing from the queries of the layers above; each is audited against its own.

    Args:
        network: starts at W(0) and is moved.
        inputs: (n, d).
        make: returns a fresh finder, called once for each bank of neurons with its number, from 0 through the layers.

    Raises:
        DataError: inputs that are not finite (n, d) numbers of the network's dimension.
        ResourceError: a finder cannot serve banks of this size.
    """

    def __init__(self, network: DeepNetwork, inputs: npt.ArrayLike, make: Callable[[int], ActiveSetFinder]) -> None:
        self.network = network
        self.examples = DenseBank(network.checked_inputs(inputs), "inputs")
        self.finder_seconds = 0.0
        self._pass: Pass | None = None
        self._rows: IntArray = np.arange(len(self.examples))
        banks = count()
        self._stages = [
            [Stage(block, layer.threshold, make(next(banks))) for block in layer.blocks] for layer in network.layers
        ]
        for stage in self._all_stages:
            points = stage.block.points
            stage.finder.check_resources(len(points), len(self.examples) * stage.block.positions, points.shape[1])

    @property
    def _all_stages(self) -> list[Stage]:
        return [stage for row in self._stages for stage in row]

    @property
    def banks(self) -> Sequence[Bank]:
        return self.network.trained_banks

    @property
    def cost(self) -> Cost:
        return sum((stage.finder.cost for stage in self._all_stages), Cost())

    @property
    def simulation(self) -> SimulationCost:
        return sum((stage.finder.simulation for stage in self._all_stages), SimulationCost())

    def start(self) -> None:
        self._pass = None
        self._rows = np.arange(len(self.examples))
        self._forward(building=True)

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        self._rows = checked_rows(rows, len(self.examples), "examples")
        seen = self._forward(building=False)
        return Evaluation(seen.outputs, _fired(seen, len(self._rows)))

    def descend(self, slope: FloatArray, rate: float) -> int:
        errors = self._last.backward(slope, everywhere=False)
        moved = 0
        for number, layer in enumerate(self.network.layers):
            if layer.trained:
                parts = zip(self._stages[number], self._last.seen[number], errors[number], strict=True)
                for stage, seen, error in parts:
                    moved += stage.descend(self._queries_of(stage), seen, error, rate * layer.factor**2)
        if self.network.output_trained:
            bank = self.network.output_bank
            bank.assign(np.arange(len(bank)), bank[:] - rate * (slope.T @ self._last.hidden[-1]))
        self._pass = None
        self._clock()
        return moved

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        return self._last.input_gradient(slope)

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        where = checked_rows(rows, len(self.examples), "examples")
        self.examples.assign(where, self.network.checked_inputs(vectors))
        self._pass = None

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        seen = self._last
        roots = None if factors is None else np.sqrt(factors)[:, None]
        shape = seen.outputs.shape

        def kernel_product(slopes: FloatArray) -> FloatArray:
            product = seen.kernel_product(slopes)
            if self.network.output_trained:
                product = product + seen.hidden[-1] @ (seen.hidden[-1].T @ slopes)
            return product

        def product(vector: FloatArray) -> FloatArray:
            slopes = vector.reshape(shape)
            if roots is None:
                return kernel_product(slopes).ravel()
            return np.asarray(roots * kernel_product(roots * slopes)).ravel()

        return top_of_operator(product, seen.outputs.size, krylov=_KRYLOV)

    def audit(self) -> Audit:
        return sum(self.layer_audits(), Audit(0, 0, 0))

    def layer_audits(self) -> list[Audit]:
        """Return the audit of each layer by itself."""
        return [
            sum(
                (stage.audit(self._queries_of(stage), seen.fired) for stage, seen in zip(stages, looks, strict=True)),
                Audit(0, 0, 0),
            )
            for stages, looks in zip(self._stages, self._last.seen, strict=True)
        ]

    @property
    def last_pass(self) -> Pass:
        """The forward pass of the examples evaluated last.

        Raises:
            InvariantError: nothing was evaluated since the weights or examples moved.
        """
        return self._last

    @property
    def _last(self) -> Pass:
        if self._pass is None:
            raise InvariantError("DeepDynamics: evaluate first; weights or examples moved since")
        return self._pass

    def _forward(self, *, building: bool) -> Pass:
        def find(number: int, place: int, queries: FloatArray) -> sparse.csr_array:
            stage = self._stages[number][place]
            if building:
                stage.build(queries)
            return stage.find(self._queries_of(stage), queries)

        self._pass = self.network.forward(self.examples[:][self._rows], find)
        self._clock()
        return self._pass

    def _clock(self) -> None:
        self.finder_seconds = sum(stage.seconds for stage in self._all_stages)

    def _queries_of(self, stage: Stage) -> IntArray:
        """Return the query rows of the examples evaluated last."""
        positions = stage.block.positions
        return (self._rows[:, None] * positions + np.arange(positions)).ravel()


def _fired(seen: Pass, examples: int) -> IntArray:
    """Return (B,) active neurons of each example, over layers and positions."""
    total = np.zeros(examples, np.int64)
    for looks in seen.seen:
        for look in looks:
            total += np.diff(look.fired.indptr).reshape(examples, -1).sum(axis=1)
    return total
