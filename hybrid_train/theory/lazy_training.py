"""How far training a network is from training its tangent kernel, as the output weights grow (SGD Lemma 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from classical.dynamics.linearised import LinearisedDynamics
from classical.dynamics.sets import SetDynamics
from classical.training.loop import Training
from hybrid_train.data import Dataset, Distribution
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.rng import Role, generator
from hybrid_train.training.batches import FreshBatches
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss, encoded_draw


@final
@dataclass(frozen=True)
class LazyDistance:
    """Two functions trained from the same draws, compared on held-out data.

    Attributes:
        output_weight: B.
        distance: root mean square of h_1(x) - h_2(x). A kink of the activation makes it fall as B^{-1/2}: each of the
            order sqrt(m) / B neurons that change sides adds a term of the order 1 / m with a sign of its own.
        mean_distance: mean of |h_1(x) - h_2(x)|; as the above while many neurons change sides for an x, as 1 / B once
            most x see none. (For a smooth activation the lemma's proof gives 1 / B: it bounds the difference by
            B H ||V||^2 / 2, with a factor B that is not printed, and ||V|| is of the order 1 / B.)
        network_loss: L(h_1), the mean loss of the trained network.
        kernel_loss: L(h_2), that of tangent kernel training.
    """

    output_weight: float
    distance: float
    mean_distance: float
    network_loss: float
    kernel_loss: float

    @property
    def excess(self) -> float:
        """|L(h_1) - L(h_2)|, the epsilon of SGD Lemma 5.3."""
        return abs(self.network_loss - self.kernel_loss)


def lazy_distances(
    source: Distribution,
    held_out: Dataset,
    loss: Loss,
    make_finder: Callable[[], ActiveSetFinder],
    *,
    width: int,
    output_weights: Sequence[float],
    batch_size: int,
    steps: int,
    learning_rate: float,
    seed: int = 0,
) -> list[LazyDistance]:
    """Train networks with a_r = -B or +B at rate eta / B^2 and their tangent kernel at eta, all on the same batches.

    Args:
        source: of the examples of each step.
        held_out: where the functions are compared.
        loss: one output.
        make_finder: makes a fresh finder.
        width: m, even; the start is paired.
        output_weights: the B to try.
        batch_size: examples in a step.
        steps: T.
        learning_rate: eta.
        seed: of W(0) and the batches.

    Raises:
        ConfigError: an argument out of range.
        DivergenceError: the loss left the finite numbers.
    """
    draw = encoded_draw(source, loss, 1)
    batches = FreshBatches(draw, batch_size, seed=seed)
    first, _ = draw(generator(seed, Role.BATCH), batch_size)
    targets = loss.encode(held_out, 1)

    def train(dynamics: Dynamics, rate: float) -> None:
        for _ in Training(dynamics, batches, loss, steps=steps, learning_rate=rate):
            pass

    def start(output_weight: float) -> TwoLayerNetwork:
        dimension = source.dimension
        return TwoLayerNetwork.initialize(width, dimension, start="paired", output_weight=output_weight, seed=seed)

    kernel = LinearisedNetwork.at(start(1.0), offset=False)
    train(LinearisedDynamics(kernel, first, make_finder()), learning_rate)
    expected = kernel.predict(held_out.inputs)
    rows = []
    for output_weight in output_weights:
        network = start(output_weight)
        train(SetDynamics(network, first, make_finder()), learning_rate / output_weight**2)
        rows.append(_compared(float(output_weight), network.predict(held_out.inputs), expected, targets, loss))
    return rows


def _compared(
    output_weight: float, outputs: FloatArray, expected: FloatArray, targets: FloatArray, loss: Loss
) -> LazyDistance:
    """Compare the outputs of a trained network with those that its tangent kernel comes to."""
    gaps = np.abs(outputs - expected)
    return LazyDistance(
        output_weight=output_weight,
        distance=float(np.sqrt(np.square(gaps).mean())),
        mean_distance=float(gaps.mean()),
        network_loss=loss.value(outputs, targets) / len(targets),
        kernel_loss=loss.value(expected, targets) / len(targets),
    )
