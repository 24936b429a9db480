"""What DEEP proves about a run, as numbers: each bound beside what is measured.

The theorems hide constants in their O and Omega. The bounds here have them at 1, so a ratio measured / bound of O(1)
that does not grow with n, L or m is what a theorem says; Lemma 7.1 alone has its constant worked out. m is the largest
width unless said otherwise, the paper's d the number of outputs K.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.errors import InvariantError
from hybrid_train.network.deep.network import DeepNetwork
from hybrid_train.network.deep.passes import Pass
from hybrid_train.network.deep.seen import like
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.losses import Loss


def hidden_norms(seen: Pass) -> FloatArray:
    """Return (L + 1, B) ||h_l|| of each example; near 1 at the start for inputs of norm 1 (DEEP Lemma 7.1)."""
    return np.array([np.linalg.norm(h, axis=1) for h in seen.hidden])


def norm_deviation(channels: Sequence[int], n: int, failure: float) -> float:
    """Return the epsilon of ||h_l|| in [1 - epsilon, 1 + epsilon] for all layers and examples (DEEP Lemma 7.1).

    ||h_l||^2 / ||h_{l-1}||^2 has the variance 5 / m_l (Fact 7.2), their product's logarithm sum_l 5 / m_l, and a norm
    half its spread: epsilon = {5/2 sum_l 1/m_l ln(2 n (L + 1) / failure)}^{1/2}. For equal layers and one failure in
    a hundred that is {5/2 (L + 1) ln(200 n (L + 1)) / m}^{1/2}.

    Args:
        channels: m_0 .. m_L, the neurons at one position of each layer.
        n: examples.
        failure: how likely some norm may be outside.
    """
    chances = 2.0 * n * len(channels) / failure
    return math.sqrt(2.5 * sum(1.0 / m for m in channels) * math.log(chances))


def residual_norm_bound(depth: int, width: int, factor: float, n: int, failure: float) -> float:
    """Return what ||h_l|| of a residual network stays below at the start but for ``failure`` (DEEP Appendix C).

    Residual layers multiply the mean of ||h||^2 by at most 1 + 2 tau^2 and its variance is 8 tau^2 / m, beside the
    5 / m of the first and the last layer. DEEP's own 1.02 is above this for very wide networks only.

    Args:
        depth: L.
        width: m.
        factor: tau.
        n: examples.
        failure: as in :func:`norm_deviation`.
    """
    growth = math.pow(1.0 + 2.0 * factor * factor, (depth - 1) / 2.0)
    return growth * (1.0 + _residual_spread(depth, width, factor, n, failure))


def residual_norm_least(depth: int, width: int, factor: float, n: int, failure: float) -> float:
    """Return what ||h_l|| stays above likewise; 0 where nothing is known: residual layers do not lower its mean."""
    return max(0.0, 1.0 - _residual_spread(depth, width, factor, n, failure))


def _residual_spread(depth: int, width: int, factor: float, n: int, failure: float) -> float:
    variance = (10.0 + 8.0 * factor * factor * (depth - 1)) / width
    return math.sqrt(variance / 2.0 * math.log(2.0 * n * (depth + 1) / failure))


def perturbation_radius(width: int, depth: int) -> float:
    """Return 1 / (L^{9/2} ln^3 m), the omega that DEEP Lemma 8.2 and Theorems 4 and 5 speak of, constant 1; m >= 2."""
    return 1.0 / (math.pow(depth, 4.5) * math.pow(math.log(width), 3.0))


def smallest_perturbation(width: int, depth: int, outputs: int) -> float:
    """Return (d / (m L ln m))^{3/2}, the least omega of DEEP Theorems 4 and 5, constant 1; 0 for m = 1."""
    return math.pow(outputs / (width * depth * math.log(width)), 1.5) if width > 1 else 0.0


def gradient_radius(width: int, depth: int, n: int, delta: float) -> float:
    """Return delta^{3/2} / (n^{9/2} L^6 ln^3 m), the omega of DEEP Theorem 3, constant 1; m >= 2."""
    return math.pow(delta, 1.5) / (math.pow(n, 4.5) * math.pow(depth, 6.0) * math.pow(math.log(width), 3.0))


def flipped(start: Pass, now: Pass) -> IntArray:
    """Return (L + 1, B) neurons of each layer that fire in one pass and not in the other (DEEP Lemma 8.2b)."""
    pairs = zip(start.hidden, now.hidden, strict=True)
    return np.array([((a > 0) != (b > 0)).sum(axis=1) for a, b in pairs])


@final
@dataclass(frozen=True)
class Movement:
    """How far the trained matrices are from where they started.

    Attributes:
        spectral: max_l ||W_l(t) - W_l(0)||_2, the omega of the theorems.
        frobenius: (sum_l ||W_l(t) - W_l(0)||_F^2)^{1/2}.
    """

    spectral: float
    frobenius: float


def movement(start: DeepNetwork, now: DeepNetwork) -> Movement:
    """Return how far ``now`` is from ``start``; in a convolution, of the matrix of one position."""
    moves = [b - a for a, b in zip(start.weights(), now.weights(), strict=True)]
    return Movement(
        max(float(np.linalg.norm(move, 2)) for move in moves),
        math.sqrt(sum(float(np.square(move).sum()) for move in moves)),
    )


@final
@dataclass(frozen=True)
class GradientBounds:
    """The gradient against the bounds of DEEP Theorem 3, in the form for any loss (Appendix A); m is that of h_L.

    Attributes:
        upper: m n ||loss||^2 / d, above ||grad_{W_l} F||_F^2 for every l, up to a constant.
        largest: max_l ||grad_{W_l} F||_F^2.
        lower: delta m max_i ||loss_i||^2 / (d n), below ||grad_{W_L} F||_F^2, up to a constant.
        last: ||grad_{W_L} F||_F^2.
    """

    upper: float
    largest: float
    lower: float
    last: float


def gradient_bounds(seen: Pass, targets: FloatArray, loss: Loss, separation: float) -> GradientBounds:
    """Return the gradient of all examples of a pass beside its bounds.

    Args:
        seen: of all examples.
        targets: as the loss reads them.
        loss: summed over the examples; its derivative is the paper's loss vector.
        separation: delta, the least distance of two examples (DEEP Assumption 2.1).
    """
    vectors = loss.derivative(seen.outputs, targets)
    squares = [float(np.square(g).sum()) for g in seen.gradient(vectors)]
    blocks = [len(layer.blocks) for layer in seen.layers if layer.trained]
    ends = np.cumsum(blocks)
    layers = [sum(squares[end - count : end]) for end, count in zip(ends, blocks, strict=True)]
    n, width, outputs = len(seen), seen.hidden[-1].shape[1], seen.outputs.shape[1]
    each = np.square(vectors).sum(axis=1)
    return GradientBounds(
        upper=width * n * float(each.sum()) / outputs,
        largest=max(layers),
        lower=separation * width * float(each.max()) / (outputs * n),
        last=layers[-1],
    )


@final
@dataclass(frozen=True)
class SemiSmoothness:
    """Both sides of DEEP Theorem 4 for a step W'.

    Attributes:
        size: ||W'||_2, the largest over the layers.
        left: F(W + W') - F(W) - <grad F(W), W'>.
        first_order: sqrt(n F) omega^{1/3} L^2 sqrt(m ln m / d) ||W'||_2.
        second_order: n L^2 m / d ||W'||_2^2.
    """

    size: float
    left: float
    first_order: float
    second_order: float

    @property
    def right(self) -> float:
        """The right side, with constants 1."""
        return self.first_order + self.second_order


def semi_smoothness(
    start: DeepNetwork,
    now: DeepNetwork,
    moves: list[FloatArray],
    inputs: npt.ArrayLike,
    targets: FloatArray,
    loss: Loss,
    fractions: tuple[float, ...] = (0.25, 0.5, 1.0),
) -> list[SemiSmoothness]:
    """Return both sides of the semi-smoothness inequality along a step; infinities or NaN where it leaves the numbers.

    Args:
        start: the network at W(0).
        now: the network at W.
        moves: W', for each trained matrix.
        inputs: (n, d).
        targets: as the loss reads them.
        loss: summed over the examples.
        fractions: how much of the step is taken.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _semi_smoothness(start, now, moves, inputs, targets, loss, fractions)


def _semi_smoothness(
    start: DeepNetwork,
    now: DeepNetwork,
    moves: list[FloatArray],
    inputs: npt.ArrayLike,
    targets: FloatArray,
    loss: Loss,
    fractions: tuple[float, ...],
) -> list[SemiSmoothness]:
    seen = now.forward(inputs)
    value = loss.value(seen.outputs, targets)
    gradient = seen.gradient(loss.derivative(seen.outputs, targets))
    along = sum(float((g * move).sum()) for g, move in zip(gradient, moves, strict=True))
    spectral = max(float(np.linalg.norm(move, 2)) for move in moves)
    n, depth, width = len(seen), now.depth, max(now.widths)
    found = []
    for fraction in fractions:
        size = fraction * spectral
        omega = max(movement(start, now).spectral, size, smallest_perturbation(width, depth, now.outputs))
        moved = now.at([w + fraction * move for w, move in zip(now.weights(), moves, strict=True)])
        after = loss.value(moved.predict(inputs), targets)
        root = math.sqrt(n * max(value, 0.0) * width * math.log(width) / now.outputs)
        found.append(
            SemiSmoothness(
                size=size,
                left=after - value - fraction * along,
                first_order=root * omega ** (1 / 3) * depth**2 * size,
                second_order=n * depth**2 * width / now.outputs * size * size,
            )
        )
    return found


@final
@dataclass(frozen=True)
class Linearisation:
    """How far a network is from its linearisation at W(0), against the bounds of DEEP Theorem 5; worst cases.

    Relative changes are those of examples with a gradient at W(0): with a shift there may be others.

    Attributes:
        omega: ||W - W(0)||_2, or the least that the theorem speaks of.
        gradient: max ||grad f_j(W; x_i) - grad f_j(W(0); x_i)||_F / ||grad f_j(W(0); x_i)||_F, over i and j (a).
        gradient_bound: sqrt(ln m) omega^{1/3} L^3.
        output: max |f_j(W; x_i) - f_j(W(0); x_i) - <grad f_j(W(0); x_i), W - W(0)>| (b).
        output_bound: L^3 omega^{4/3} sqrt(m ln m / d).
        kernel: max |K_j(W) - K_j(W(0))|_{ik} / sqrt(K_j(W(0))_ii K_j(W(0))_kk), over pairs of examples (c).
        kernel_bound: as gradient_bound.
    """

    omega: float
    gradient: float
    gradient_bound: float
    output: float
    output_bound: float
    kernel: float
    kernel_bound: float


def linearisation(start: DeepNetwork, now: DeepNetwork, inputs: npt.ArrayLike) -> Linearisation:
    """Return how far ``now`` is from the linearisation of ``start``, on these inputs.

    Memory is (B S)^2 numbers, S the positions of a convolution: take a few dozen examples.
    """
    before, after = start.forward(inputs), now.forward(inputs)
    gradient = kernel = 0.0
    for unit in np.eye(start.outputs):
        slope = np.tile(unit, (len(before), 1))
        first, second = tangent_kernel(before, before, slope), tangent_kernel(after, after, slope)
        moving = np.flatnonzero(first.diagonal() > 0)
        if not len(moving):
            continue
        own = np.sqrt(first.diagonal()[moving])
        apart = np.sqrt(gradient_gaps(before, after, slope))[moving]
        gradient = max(gradient, float((apart / own).max()))
        change = np.abs(second - first)[np.ix_(moving, moving)]
        kernel = max(kernel, float((change / np.outer(own, own)).max()))
    moves = [b - a for a, b in zip(start.weights(), now.weights(), strict=True)]
    left = after.outputs - before.outputs - before.tangent(moves)
    depth, width = now.depth, max(now.widths)
    omega = max(float(np.linalg.norm(move, 2)) for move in moves)
    omega = max(omega, smallest_perturbation(width, depth, now.outputs))
    bound = math.sqrt(math.log(width)) * omega ** (1 / 3) * depth**3
    return Linearisation(
        omega=omega,
        gradient=gradient,
        gradient_bound=bound,
        output=float(np.abs(left).max()),
        output_bound=depth**3 * omega ** (4 / 3) * math.sqrt(width * math.log(width) / now.outputs),
        kernel=kernel,
        kernel_bound=bound,
    )


def tangent_kernel(one: Pass, other: Pass, slope: FloatArray) -> FloatArray:
    """Return (B, B) <grad_W slope_i f(x_i) at one, grad_W slope_k f(x_k) at the other>, W the trained matrices.

    Args:
        one: a pass of some examples.
        other: a pass of the same layers with other weights; the same one for the tangent kernel itself.
        slope: (B, K), how the outputs of each example are added up.

    Raises:
        InvariantError: the passes are of different numbers of examples.
    """
    if len(one) != len(other):
        raise InvariantError(f"tangent_kernel: passes of {len(one)} and {len(other)} examples")
    total = np.zeros((len(one), len(one)))
    for factor, positions, looks, pulls in _gradients(one, other, slope):
        overlap = (pulls[0] @ pulls[1].T).toarray()
        gram = looks[0].queries @ looks[1].queries.T
        shape = (len(one), positions, len(one), positions)
        total += factor**2 * (overlap * gram).reshape(shape).sum(axis=(1, 3))
    return total


def gradient_gaps(one: Pass, other: Pass, slope: FloatArray) -> FloatArray:
    """Return (B,) ||grad_W slope_i f(x_i) at the other - that at one||_F^2, W the trained matrices.

    The gradient of a block is sum_s p_s q_s^T over its positions s; the difference (p' - p) q'^T + p (q' - q)^T is
    what is squared, so that nothing cancels where hardly anything moved.

    Args:
        one: a pass of some examples.
        other: of the same layers with other weights.
        slope: (B, K), how the outputs of each example are added up.
    """
    total = np.zeros(len(one))
    for factor, positions, looks, pulls in _gradients(one, other, slope):
        shape = (len(one), positions, -1)
        old, new = (pull.toarray().reshape(shape) for pull in pulls)
        then, now = (seen.queries.reshape(shape) for seen in looks)
        left, right = np.concatenate([new - old, old], axis=1), np.concatenate([now, now - then], axis=1)
        products = np.einsum("bsm,btm->bst", left, left) * np.einsum("bsd,btd->bst", right, right)
        total += factor**2 * np.maximum(products.sum(axis=(1, 2)), 0.0)
    return total


def _gradients(one: Pass, other: Pass, slope: FloatArray) -> Iterator[tuple[float, int, list[Any], list[Any]]]:
    """Yield (factor, positions, what both passes saw, how both pull) of each trained block."""
    errors = one.backward(slope), other.backward(slope)
    for number, layer in enumerate(one.layers):
        if not layer.trained:
            continue
        for place, block in enumerate(layer.blocks):
            looks = [one.seen[number][place], other.seen[number][place]]
            pulls = [like(seen.fired, error[number][place]) for seen, error in zip(looks, errors, strict=True)]
            yield layer.factor, block.positions, looks, pulls
