"""Layers of shifted ReLU neurons: what they read, and which bank of vectors decides what fires."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.support.arrays import FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class Block:
    """Neurons of one layer with one bank of weights, at one or several positions.

    A fully connected layer is one block at one position that reads everything; a convolution is one block at every
    position, each of which reads its patch; weights of their own at each position make a block for each.

    Attributes:
        points: (m, D) what a finder searches, the bank a trainer moves.
        patches: (S, D) coordinates of the layer below that each of the S positions reads.
        first: the first of its positions in the layer; neuron r at position s is coordinate (first + s) m + r.

    Raises:
        DataError: the patches do not fit the points, or name coordinates below 0.
    """

    points: Bank
    patches: IntArray
    first: int = 0

    def __post_init__(self) -> None:
        patches = np.ascontiguousarray(self.patches, dtype=np.int64)
        if patches.ndim != 2 or patches.shape[1] != self.points.shape[1]:
            raise DataError(f"patches: shape {patches.shape} does not fit weights of shape {self.points.shape}")
        if not patches.size or patches.min() < 0 or self.first < 0:
            raise DataError("patches: expected at least one position, and coordinates of at least 0")
        object.__setattr__(self, "patches", patches)

    @property
    def positions(self) -> int:
        """S, the number of positions."""
        return len(self.patches)

    @property
    def coordinates(self) -> slice:
        """Coordinates of the layer that this block computes."""
        return slice(self.first * len(self.points), (self.first + self.positions) * len(self.points))

    @property
    def reads_all(self) -> bool:
        """Whether this is one position that reads the whole layer below, in order."""
        return self.positions == 1 and np.array_equal(self.patches[0], np.arange(self.patches.shape[1]))

    def queries(self, below: FloatArray) -> FloatArray:
        """Return (B * S, D) what each example shows each position, given the layer below (B, ...)."""
        if self.reads_all and self.patches.shape[1] == below.shape[1]:
            return np.ascontiguousarray(below)
        return np.ascontiguousarray(below[:, self.patches].reshape(-1, self.patches.shape[1]))

    def spread(self, at_queries: FloatArray, size: int) -> FloatArray:
        """Return (B, size) the sum of what the positions hold (B * S, D) for each coordinate they read."""
        if self.reads_all and self.patches.shape[1] == size:
            return at_queries
        total = np.zeros((len(at_queries) // self.positions, size))
        seen = at_queries.reshape(-1, *self.patches.shape)
        for position, patch in enumerate(self.patches):
            total[:, patch] += seen[:, position]
        return total


@final
@dataclass(frozen=True, eq=False)
class Layer:
    """h_l = max(P h_{l-1} - b, 0), P = tau W, or I + tau W with a skip connection.

    A finder is asked <p, h> > b for the rows p of P, which decides exactly what fires in every case. The gradient in W
    is tau times that in P, so a step of size eta in W is one of size tau^2 eta in P.

    Attributes:
        blocks: the banks P.
        threshold: b, in units of the inner product.
        trained: whether W moves.
        factor: tau; 1 without a skip connection.
        skip: whether h_{l-1} itself is added.

    Raises:
        ConfigError: the threshold or tau is not a finite number.
        DataError: a block computes coordinates that the layer does not have.
    """

    blocks: tuple[Block, ...]
    threshold: float
    trained: bool = True
    factor: float = 1.0
    skip: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise ConfigError(f"threshold={self.threshold}: must be a finite number")
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise ConfigError(f"tau={self.factor}: must be a positive finite number")
        if any(block.coordinates.stop > self.width for block in self.blocks):
            raise DataError(f"blocks: one of them computes coordinates beyond the {self.width} of its layer")

    @property
    def width(self) -> int:
        """Coordinates of h_l."""
        return sum(block.positions * len(block.points) for block in self.blocks)

    @property
    def reads(self) -> int:
        """Coordinates of the layer below."""
        return 1 + max(int(block.patches.max()) for block in self.blocks)

    def weights(self) -> list[FloatArray]:
        """Return W of each block, (m, D), copied."""
        found = []
        for block in self.blocks:
            points = np.array(block.points[:])
            if self.skip:
                points -= np.eye(*points.shape)
            found.append(points / self.factor)
        return found

    def at(self, points: Sequence[FloatArray]) -> Layer:
        """Return the same layer with other matrices P, one for each block, copied."""
        fresh = zip(self.blocks, points, strict=True)
        return replace(self, blocks=tuple(replace(block, points=DenseBank(array)) for block, array in fresh))
