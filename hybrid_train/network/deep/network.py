"""Deep networks with shifted ReLU: what their layers have in common, whatever they are connected like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import DataError
from hybrid_train.finder.bank import Bank, DenseBank, checked_vectors
from hybrid_train.network.deep.layers import Block, Layer
from hybrid_train.network.deep.passes import Find, Pass, forward
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.checks import checked_dtype
from hybrid_train.support.declared import an, array, checked, flag, inside, sequence, text
from hybrid_train.support.rng import Role, generator

_BLOCK_NUMBERS = 1 << 22


@checked(layers=sequence(an(Layer)), output_weights=inside(array(2)), kind=text(), output_trained=flag())
@final
@dataclass(frozen=True, eq=False)
class DeepNetwork:
    """f(x) = B h_L, h_l = max(P_l h_{l-1} - b_l, 0), h_{-1} = x (DEEP Section 2; Appendices B and C).

    Made by :func:`fully_connected`, :func:`residual` and :func:`convolutional`.

    Attributes:
        layers: l = 0 .. L; layer 0 holds the input matrix A, which stays, the others what is trained.
        output_weights: (K, m_L) float64 B, which stays.
        kind: "fully_connected", "residual" or "convolutional", for tables.
        output_trained: whether B is trained too, where it usually stays.

    Raises:
        DataError: a layer does not fit the one below it, or B the last one.
    """

    layers: tuple[Layer, ...]
    output_weights: FloatArray
    kind: str = "fully_connected"
    output_trained: bool = False

    def __post_init__(self) -> None:
        for number, (below, layer) in enumerate(zip(self.layers[:-1], self.layers[1:], strict=True), start=1):
            if layer.reads > below.width:
                raise DataError(f"layer {number} reads {layer.reads} coordinates, layer {number - 1} has {below.width}")
        output = checked_vectors(self.output_weights, "output_weights").astype(np.float64)
        if output.shape[1] != self.layers[-1].width:
            raise DataError(f"output_weights: {output.shape[1]} columns for {self.layers[-1].width} neurons")
        object.__setattr__(self, "output_weights", output)

    @property
    def dimension(self) -> int:
        """d, the length of an input."""
        return self.layers[0].reads

    @property
    def outputs(self) -> int:
        """K, the number of outputs."""
        return len(self.output_weights)

    @property
    def depth(self) -> int:
        """L, the number of trained layers."""
        return len(self.layers) - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Coordinates of h_0 .. h_L."""
        return tuple(layer.width for layer in self.layers)

    @property
    def trained(self) -> list[tuple[Layer, Block]]:
        """Every bank that moves, with its layer, in order."""
        return [(layer, block) for layer in self.layers if layer.trained for block in layer.blocks]

    @cached_property
    def output_bank(self) -> Bank:
        """(K, m_L) B as a bank, over the memory of ``output_weights``."""
        return DenseBank(self.output_weights, "output_weights", copy=False)

    @property
    def trained_banks(self) -> list[Bank]:
        """What is trained, in order: the banks of the layers, and B where it is."""
        return [*(block.points for _, block in self.trained), *([self.output_bank] if self.output_trained else [])]

    def jointly(self) -> DeepNetwork:
        """Return the same network with A and B trained beside the hidden layers."""
        first, *others = self.layers
        return replace(self, layers=(replace(first, trained=True), *others), output_trained=True)

    def weights(self) -> list[FloatArray]:
        """Return W of every trained block, in order, copied."""
        return [matrix for layer in self.layers if layer.trained for matrix in layer.weights()]

    def at(self, weights: Sequence[FloatArray]) -> DeepNetwork:
        """Return the same network with other trained matrices W, in the order of :meth:`weights`, copied."""
        left = list(weights)
        layers = []
        for layer in self.layers:
            if layer.trained:
                mine, left = left[: len(layer.blocks)], left[len(layer.blocks) :]
                skip = [np.eye(*w.shape, dtype=w.dtype) if layer.skip else np.zeros(1, w.dtype) for w in mine]
                layers.append(layer.at([layer.factor * w + eye for w, eye in zip(mine, skip, strict=True)]))
            else:
                layers.append(layer)
        return replace(self, layers=tuple(layers))

    def forward(self, inputs: npt.ArrayLike, find: Find | None = None) -> Pass:
        """Return the forward pass of some inputs, with everything a backward pass needs.

        Args:
            inputs: (B, d).
            find: who finds the neurons that fire; None scans.

        Raises:
            DataError: inputs are not finite (B, d) numbers of this network's dimension.
        """
        return forward(self.layers, self.output_weights, self.checked_inputs(inputs), find)

    def predict(self, inputs: npt.ArrayLike) -> FloatArray:
        """Return (n, K) f(x) of new data, block by block.

        Raises:
            DataError: inputs are not finite (n, d) numbers of this network's dimension.
        """
        data = self.checked_inputs(inputs)
        block = max(1, _BLOCK_NUMBERS // sum(self.widths))
        return np.concatenate([self.forward(data[i : i + block]).outputs for i in range(0, len(data), block)])

    def checked_inputs(self, inputs: npt.ArrayLike) -> FloatArray:
        """Return ``inputs`` as (n, d) float64.

        Raises:
            DataError: not finite (n, d) numbers of this network's dimension.
        """
        data = checked_vectors(inputs, "inputs").astype(np.float64)
        if data.shape[1] != self.dimension:
            raise DataError(f"inputs have dimension {data.shape[1]} but the network takes {self.dimension}")
        return data


def gaussian(rng: np.random.Generator, rows: int, columns: int, spread: float, dtype: str = "float64") -> FloatArray:
    """Return (rows, columns) independent N(0, spread^2): the same draws in every dtype, rounded."""
    drawn = np.empty((rows, columns), checked_dtype(dtype))
    height = max(1, _BLOCK_NUMBERS // columns)
    for first in range(0, rows, height):
        part = drawn[first : first + height]
        part[:] = spread * rng.standard_normal(part.shape)
    return drawn


def drawn_output(seed: int, outputs: int, width: int) -> FloatArray:
    """Return B with entries N(0, 1/K) (DEEP Definition 2.3)."""
    return gaussian(generator(seed, Role.SIGNS), outputs, width, 1.0 / math.sqrt(outputs))
