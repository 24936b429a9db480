"""Forward, backward and tangent passes through a deep network, over the neurons that fire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import sparse

from hybrid_train.errors import InvariantError
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.deep.layers import Layer
from hybrid_train.network.deep.seen import Seen, at_pairs, like
from hybrid_train.support.arrays import FloatArray

Find = Callable[[int, int, FloatArray], sparse.csr_array]
"""(layer, block, queries (B * S, D)) -> (B * S, m) inner products of the pairs that fire."""


@final
@dataclass(frozen=True, eq=False)
class Pass:
    """A forward pass of some examples, with what backward and tangent passes need.

    It reads the banks of its layers: once they move, only ``outputs``, ``hidden`` and ``seen`` are still true.

    Attributes:
        layers: l = 0 .. L.
        output_weights: (K, m_L) B.
        inputs: (B, d).
        seen: for each layer, for each of its blocks.
        hidden: (B, width) h_l of each layer, zero where a neuron does not fire.
        outputs: (B, K) f(x).
    """

    layers: Sequence[Layer]
    output_weights: FloatArray
    inputs: FloatArray
    seen: list[list[Seen]]
    hidden: list[FloatArray]
    outputs: FloatArray

    def __len__(self) -> int:
        return len(self.inputs)

    def backward(self, slope: FloatArray, *, everywhere: bool = True) -> list[list[FloatArray]]:
        """Return sum_k slope_ik df_k(x_i)/dg for every pre-activation g that is active (DEEP Fact 2.6).

        Args:
            slope: (B, K).
            everywhere: whether layers below the first trained one are reached, which only the gradient in the inputs
                needs.

        Returns:
            For each layer and block (nnz,), at the pairs of ``fired``; the gradient of the block's P is the transpose
            of that array times the queries. Nothing for layers that are not reached.

        Raises:
            InvariantError: the slope is not (B, K).
        """
        if slope.shape != self.outputs.shape:
            raise InvariantError(f"slope of shape {slope.shape} for outputs of shape {self.outputs.shape}")
        above: FloatArray = slope @ self.output_weights
        found: list[list[FloatArray]] = [[] for _ in self.layers]
        lowest = 0 if everywhere else min((i for i, layer in enumerate(self.layers) if layer.trained), default=0)
        for number in range(len(self.layers) - 1, lowest - 1, -1):
            layer = self.layers[number]
            errors = []
            below: FloatArray = np.zeros((self.hidden[number - 1] if number else self.inputs).shape)
            for block, seen in zip(layer.blocks, self.seen[number], strict=True):
                error = at_pairs(seen.fired, above[:, block.coordinates])
                errors.append(error)
                if number > lowest:
                    below += block.spread(seen.pull_back(error, block.points[:]), below.shape[1])
            found[number] = errors
            above = below
        return found

    def input_gradient(self, slope: FloatArray) -> FloatArray:
        """Return (B, d) sum_k slope_ik df_k(x_i)/dx_i."""
        total = np.zeros_like(self.inputs)
        for block, seen, error in zip(self.layers[0].blocks, self.seen[0], self.backward(slope)[0], strict=True):
            total += block.spread(like(seen.fired, error) @ block.points[:], total.shape[1])
        return total

    def gradient(self, slope: FloatArray) -> list[FloatArray]:
        """Return (m, D) sum_i slope_i df(x_i)/dW of each trained block, in order."""
        errors = self.backward(slope, everywhere=False)
        return [
            layer.factor * seen.combine(error)
            for layer, row, looks in zip(self.layers, errors, self.seen, strict=True)
            if layer.trained
            for error, seen in zip(row, looks, strict=True)
        ]

    def tangent(self, moves: Sequence[FloatArray]) -> FloatArray:
        """Return (B, K) the change of f(x) to first order, the active sets held, when W moves by ``moves``.

        Args:
            moves: (m, D) for each trained block, in order.
        """
        left = iter(moves)
        below: FloatArray | None = None
        for layer, looks in zip(self.layers, self.seen, strict=True):
            change = np.zeros((len(self), layer.width))
            for block, seen in zip(layer.blocks, looks, strict=True):
                total = np.zeros(seen.fired.nnz)
                if layer.trained:
                    total += layer.factor * seen.push_forward(next(left), seen.queries)
                if below is not None:
                    total += seen.push_forward(block.points[:], block.queries(below))
                change[:, block.coordinates] = like(seen.fired, total).toarray().reshape(len(self), -1)
            below = change if layer.trained or below is not None else None
        return np.zeros_like(self.outputs) if below is None else below @ self.output_weights.T

    def kernel_product(self, slope: FloatArray) -> FloatArray:
        """Return (B, K) the tangent kernel <df_k(x_i)/dW, df_l(x_j)/dW> times a slope."""
        return self.tangent(self.gradient(slope))


def forward(layers: Sequence[Layer], output_weights: FloatArray, inputs: FloatArray, find: Find | None = None) -> Pass:
    """Return the forward pass of inputs (B, d), with the pairs that fire from ``find`` (None scans)."""
    look = _scan(layers) if find is None else find
    below = inputs
    seen: list[list[Seen]] = []
    hidden: list[FloatArray] = []
    for number, layer in enumerate(layers):
        looks = []
        values = np.zeros((len(inputs), layer.width), layer.blocks[0].points.dtype)
        for place, block in enumerate(layer.blocks):
            queries = block.queries(below)
            found = look(number, place, queries)
            fired = like(found, found.data - layer.threshold)
            with np.errstate(over="ignore"):  # single precision; the loss will say so
                values[:, block.coordinates] = fired.toarray().reshape(len(inputs), -1)
            looks.append(Seen(queries, fired))
        seen.append(looks)
        hidden.append(values)
        below = values
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = below @ output_weights.T
    return Pass(layers, output_weights, inputs, seen, hidden, outputs)


def _scan(layers: Sequence[Layer]) -> Find:
    def find(number: int, place: int, queries: FloatArray) -> sparse.csr_array:
        layer = layers[number]
        return active_pairs(layer.blocks[place].points, queries, layer.threshold).to_scipy()

    return find
