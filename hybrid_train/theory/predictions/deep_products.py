"""Products of masked layers, their norms by power iteration, and what DEEP sections 7 and 8 say of them.

For fully connected and residual networks: a layer is one matrix P_l (I + tau W_l where it is residual), D_l marks the
neurons that fire for an example.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hybrid_train.errors import InvariantError
from hybrid_train.network.deep.passes import Pass
from hybrid_train.support.arrays import FloatArray

_STEPS = 60
_TOLERANCE = 1e-4


@final
@dataclass(frozen=True, eq=False)
class Chain:
    """A product M_k .. M_1 of matrices, applied factor by factor; a vector stands for a diagonal matrix.

    Attributes:
        factors: from right to left, each (rows, columns) or (size,).
    """

    factors: tuple[FloatArray, ...]

    def forward(self, vector: FloatArray) -> FloatArray:
        """Return M v."""
        for factor in self.factors:
            vector = factor * vector if factor.ndim == 1 else factor @ vector
        return vector

    def backward(self, vector: FloatArray) -> FloatArray:
        """Return M^T v."""
        for factor in reversed(self.factors):
            vector = factor * vector if factor.ndim == 1 else factor.T @ vector
        return vector


def spectral_norm(chain: Chain, minus: Chain | None = None, seed: int = 0) -> float:
    """Return ||M||_2, or ||M - N||_2, by power iteration on M^T M: a lower estimate, to about four digits.

    Infinite where a product leaves the finite numbers.

    Args:
        chain: M.
        minus: N, of the same shape; none for M alone.
        seed: of the first vector.
    """

    def product(vector: FloatArray, direction: str) -> FloatArray:
        image: FloatArray = getattr(chain, direction)(vector)
        return image if minus is None else np.asarray(image - getattr(minus, direction)(vector))

    first = chain.factors[0]
    vector: FloatArray = np.asarray(np.random.default_rng(seed).standard_normal(first.shape[-1]))
    found = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_STEPS):
            vector, length = _unit(vector)
            if length == 0.0:
                return found
            image, size = _unit(product(vector, "forward"))
            if not math.isfinite(length + size):
                return math.inf
            if abs(size - found) <= _TOLERANCE * size:
                return max(size, found)
            found = max(size, found)
            vector = product(image, "backward")
    return found


def _unit(vector: FloatArray) -> tuple[FloatArray, float]:
    """Return a vector at length 1, and how long it was; by its largest entry first, so that no square overflows."""
    largest = float(np.abs(vector).max(initial=0.0))
    if largest == 0.0:
        return vector, 0.0
    shrunk = np.asarray(vector / largest)
    length = float(np.linalg.norm(shrunk))
    return np.asarray(shrunk / length), largest * length


def plain(seen: Pass) -> bool:
    """Return whether every layer of a pass is one matrix, as in fully connected and residual networks."""
    return all(len(layer.blocks) == 1 and layer.blocks[0].reads_all for layer in seen.layers)


def layers_between(seen: Pass, example: int, first: int, last: int) -> Chain:
    """Return P_b D_{b-1} .. D_a P_a for one example (DEEP Lemma 7.3).

    Args:
        seen: of some examples, see :func:`plain`.
        example: i.
        first: a, from 1.
        last: b.
    """
    factors = [_matrix(seen, first)]
    for number in range(first + 1, last + 1):
        factors += [_mask(seen, example, number - 1), _matrix(seen, number)]
    return Chain(tuple(factors))


def to_outputs(seen: Pass, example: int, first: int) -> Chain:
    """Return B D_L P_L .. D_a P_a for one example (DEEP Lemma 7.4); B D_L alone for a = L + 1."""
    top = len(seen.layers) - 1
    below = layers_between(seen, example, first, top).factors if first <= top else ()
    return Chain((*below, _mask(seen, example, top), seen.output_weights))


def _matrix(seen: Pass, number: int) -> FloatArray:
    if not plain(seen):
        raise InvariantError("products of layers are of networks whose layers are one matrix each")
    return np.asarray(seen.layers[number].blocks[0].points[:], dtype=np.float64)


def _mask(seen: Pass, example: int, number: int) -> FloatArray:
    return np.asarray(seen.hidden[number][example] > 0, dtype=np.float64)


def largest_between(seen: Pass, examples: Sequence[int]) -> float:
    """Return the largest ||P_b D .. P_a||_2 over 1 <= a <= b <= L and these examples (DEEP Lemmas 7.3a, 8.6)."""
    depth = len(seen.layers) - 1
    return max(
        spectral_norm(layers_between(seen, example, first, last))
        for example in examples
        for first in range(1, depth + 1)
        for last in range(first, depth + 1)
    )


def largest_to_outputs(seen: Pass, examples: Sequence[int]) -> float:
    """Return the largest ||B D_L P_L .. D_a P_a||_2 over 1 <= a <= L and these examples (DEEP Lemma 7.4b)."""
    depth = len(seen.layers) - 1
    return max(spectral_norm(to_outputs(seen, i, first)) for i in examples for first in range(1, depth + 1))


def largest_backward_change(start: Pass, now: Pass, examples: Sequence[int]) -> float:
    """Return the largest ||B D_L P_L .. P_{a+1} D_a - the same at the start||_2 (DEEP Lemma 8.7)."""
    depth, found = len(start.layers) - 1, 0.0
    for example in examples:
        for first in range(1, depth + 1):
            chains = [
                Chain((_mask(seen, example, first), *to_outputs(seen, example, first + 1).factors))
                for seen in (now, start)
            ]
            found = max(found, spectral_norm(chains[0], chains[1]))
    return found


def least_separation(seen: Pass) -> float:
    """Return the least ||(I - h_i h_i^T / ||h_i||^2) h_j|| over all layers and pairs (DEEP Lemma 7.5).

    Infinite for one example; 0 where some h_i is 0.
    """
    least = np.inf
    for hidden in seen.hidden:
        squares = np.square(hidden).sum(axis=1)
        if (squares == 0).any():
            return 0.0
        gram = hidden @ hidden.T
        rest = squares[None, :] - np.square(gram) / squares[:, None]
        np.fill_diagonal(rest, np.inf)
        least = min(least, float(np.sqrt(np.maximum(rest, 0.0)).min()))
    return least


@final
@dataclass(frozen=True)
class ForwardChange:
    """How far hidden vectors are from where they started; the largest over layers and examples (DEEP Lemma 8.2).

    Attributes:
        hidden: ||h_l - h_l(0)|| (part c).
        spread: ||g'_1|| for the g'_l = g'_1 + g'_2 of part a whose second part has no coordinate above its bound.
    """

    hidden: float
    spread: float


def forward_change(start: Pass, now: Pass, bound: float) -> ForwardChange:
    """Return how far a pass is from that at the start.

    Args:
        start: at W(0).
        now: at W.
        bound: of the coordinates of g'_2; what is above it is g'_1's.
    """
    hidden = spread = 0.0
    for number in range(1, len(start.layers)):
        change = now.hidden[number] - start.hidden[number]
        hidden = max(hidden, float(np.linalg.norm(change, axis=1).max()))
        moved = _pre_activations(now, number) - _pre_activations(start, number)
        left = np.sign(moved) * np.maximum(np.abs(moved) - bound, 0.0)
        spread = max(spread, float(np.linalg.norm(left, axis=1).max()))
    return ForwardChange(hidden, spread)


def _pre_activations(seen: Pass, number: int) -> FloatArray:
    return np.asarray(seen.hidden[number - 1] @ _matrix(seen, number).T)
