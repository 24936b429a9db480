"""Training deep networks whose layers read all of a sparse layer below."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import numpy as np
import numpy.typing as npt

from classical.dynamics.columns.layers import ColumnLayer, InputLayer, as_array
from classical.tiles.lists import Lists
from hybrid_train.errors import InvariantError
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank, DenseBank, checked_rows
from hybrid_train.finder.cost import Cost
from hybrid_train.network.deep import DeepNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.eigenvalues import top_of_operator
from hybrid_train.training.dynamics import Dynamics, Evaluation

_KRYLOV = 8
"""Vectors that Lanczos keeps, as for deep networks with any finder."""


@final
class ColumnDynamics(Dynamics):
    """A deep network in training with weights in tiles, by input, that are multiplied with active neurons alone.

    Where a share s of the neurons fires, a layer of m neurons costs s m^2 multiplications forward and s^2 m^2 each
    backward and for the update, per example. The weights are arranged in place from :meth:`start` to :meth:`finish`,
    and the update of a step is done on the way of the next forward pass: a step reads each weight once, twice above
    the first trained layer, and writes it once. Nothing is propagated into the input layer unless its gradient is asked
    for. Pairs that rounding leaves open are decided by the shared predicate, so the sets are those of a scan of the
    same weights with the same hidden vectors, always; hidden vectors and weights are in the weights' dtype, errors and
    outputs in float64.

    Args:
        network: starts at W(0) and is moved.
        inputs: (n, d).

    Raises:
        DataError: inputs that are not finite (n, d) numbers of the network's dimension.
        InvariantError: a network that these dynamics do not serve.
    """

    def __init__(self, network: DeepNetwork, inputs: npt.ArrayLike) -> None:
        if not self.serves(network):
            raise InvariantError(
                "ColumnDynamics: every layer has to read all of the layer below, and all but 0 to move"
            )
        self.network = network
        self.examples = DenseBank(network.checked_inputs(inputs), "inputs")
        self.finder_seconds = 0.0
        self._cost = Cost()
        self._layers = [ColumnLayer(layer) for layer in network.layers[1:]]
        self._output = np.ascontiguousarray(network.output_weights.T)
        self._seen: list[Lists] = []

    @staticmethod
    def serves(network: DeepNetwork) -> bool:
        """Return whether these dynamics can train a network: fully connected, with or without skip connections."""
        whole = all(
            len(layer.blocks) == 1
            and layer.blocks[0].reads_all
            and isinstance(layer.blocks[0].points, DenseBank)
            and layer.blocks[0].points.shape[1] == reads
            for layer, reads in zip(network.layers, [network.dimension, *network.widths], strict=False)
        )
        return whole and [layer.trained for layer in network.layers] == [False] + [True] * network.depth

    @property
    def banks(self) -> Sequence[Bank]:
        return [block.points for _, block in self.network.trained]

    @property
    def cost(self) -> Cost:
        return self._cost.copy()

    def start(self) -> None:
        self.finish()
        self.finder_seconds, self._cost, self._seen = 0.0, Cost(), []
        self._rows: IntArray = np.arange(len(self.examples))
        self._first = InputLayer(self.network.layers[0], self.examples)
        for layer in self._layers:
            layer.start()
        self._forward()

    def evaluate(self, rows: IntArray | None = None) -> Evaluation:
        asked = checked_rows(rows, len(self.examples), "examples")
        if not (self._seen and np.array_equal(asked, self._rows)):
            self._rows = asked
            self._forward()
        fired = sum((hidden.counts for hidden in self._seen), np.zeros(len(asked), np.int64))
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = self._outputs(self._seen[-1])
        return Evaluation(outputs, fired)

    def descend(self, slope: FloatArray, rate: float) -> int:
        errors = self._backward(slope)
        moved = 0
        for number, layer in enumerate(self._layers):
            moved += layer.descend(self._seen[number], errors[number], rate)
        self._seen = []
        return moved

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        errors = self._backward(slope)[0]
        return self._first.input_gradient(self._layers[0].backward(self._seen[0], errors))

    def move_examples(self, rows: IntArray, vectors: FloatArray) -> None:
        where = checked_rows(rows, len(self.examples), "examples")
        self.examples.assign(where, self.network.checked_inputs(vectors))
        self._first.note(where)
        self._seen = []

    def top_eigenvalue(self, factors: FloatArray | None = None) -> float:
        seen = self._evaluated()
        roots = np.ones((len(self._rows), 1)) if factors is None else np.sqrt(factors)[:, None]
        shape = len(self._rows), self.network.outputs
        hidden = [as_array(lists, width) for lists, width in zip(seen[:-1], self.network.widths, strict=False)]
        grams = [np.asarray((array @ array.T).toarray(), np.float64) for array in hidden]

        def product(vector: FloatArray) -> FloatArray:
            return np.asarray(roots * self._kernel_product(roots * vector.reshape(shape), grams)).ravel()

        return top_of_operator(product, shape[0] * shape[1], krylov=_KRYLOV)

    def audit(self) -> Audit:
        return sum(self.layer_audits(), Audit(0, 0, 0))

    def layer_audits(self) -> list[Audit]:
        """Return the audit of each layer by itself."""
        seen = self._evaluated()
        above = [layer.audit(*pair) for layer, pair in zip(self._layers, pairwise(seen), strict=True)]
        return [self._first.audit(self._rows, seen[0]), *above]

    def finish(self) -> None:
        for layer in self._layers:
            layer.finish()
        self._seen = []

    def _forward(self) -> None:
        """Evaluate the layers for the examples of the step, and move the weights on the way."""
        started = time.perf_counter()
        hidden, charged = self._first.forward(self._rows)
        seen = [hidden]
        for layer in self._layers:
            hidden, taken = layer.forward(hidden)
            charged += taken
            seen.append(hidden)
        self._seen = seen
        self._cost.inner_products += charged
        self.finder_seconds += time.perf_counter() - started

    def _backward(self, slope: FloatArray) -> list[Lists]:
        """Return sum_k slope_ik df_k(x_i)/dg at the pairs of every trained layer that fire (DEEP Fact 2.6)."""
        seen = self._evaluated()
        if slope.shape != (len(self._rows), self.network.outputs):
            expected = len(self._rows), self.network.outputs
            raise InvariantError(f"slope of shape {slope.shape} for outputs of shape {expected}")
        last = seen[-1]
        rows = np.repeat(np.arange(len(slope)), last.counts)
        above = last.with_values(np.einsum("ek,ek->e", slope[rows], self._output[last.columns]))
        errors = [above]
        for number in range(len(self._layers) - 1, 0, -1):
            above = self._layers[number].backward(seen[number], above)
            errors.append(above)
        return errors[::-1]

    def _kernel_product(self, slope: FloatArray, grams: Sequence[FloatArray]) -> FloatArray:
        """Return (B, K) the tangent kernel <df_k(x_i)/dW, df_l(x_j)/dW> times a slope: how f moves down the gradient.

        Args:
            slope: (B, K).
            grams: <h_i, h_j> of the layer below each trained one.
        """
        change: Lists | None = None
        for number, (layer, errors) in enumerate(zip(self._layers, self._backward(slope), strict=True)):
            rows = np.repeat(np.arange(len(slope)), errors.counts)
            moved = as_array(errors, len(layer.layer.blocks[0].points)).T @ grams[number]
            total = layer.layer.factor**2 * moved[errors.columns, rows]
            if change is not None:
                total += layer.push(change, errors)
            change = errors.with_values(total)
        return np.zeros_like(slope) if change is None else self._outputs(change)

    def _outputs(self, hidden: Lists) -> FloatArray:
        return np.asarray(as_array(hidden, len(self._output)) @ self._output)

    def _evaluated(self) -> list[Lists]:
        if not self._seen:
            raise InvariantError("ColumnDynamics: evaluate first; weights or examples moved since")
        return self._seen
