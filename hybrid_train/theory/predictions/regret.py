"""The regret of adversarial training, its constants worked out (the proof of ADV Theorem 5.12).

For a convex loss with the derivatives s_i in the outputs f(x_i; W_t) at the moved examples, and any W*, L(f_t) - L(f*)
is at most mean_i s_i (f_t - f*). The pseudo-network g is linear in W, so that this is

    <grad_t f, W_t - W*> + <grad_t g - grad_t f, W_t - W*> + mean_i s_i ((f_t - g_t) - (f* - g*)),

and adding <grad_t f, W_t - W*> up along W_{t+1} = W_t - eta grad_t f gives at most ||W* - W_0||_F^2 / (2 eta T) and
eta / 2 times the mean of ||grad_t f||_F^2. The paper bounds all of these by powers of m with constants it hides; here
they are measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import sparse

from classical.training.loop import StepRecord
from hybrid_train.adversaries import Ball
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.predictions.pseudo_network import starting_point
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.losses import Loss

DRAWS = 8
"""Places drawn from each ball for W*, beside its centre."""


@final
@dataclass(frozen=True)
class StepRegret:
    """What a step adds to the regret.

    Attributes:
        robust: mean loss at W_t, where the adversary has put the examples.
        gradient: ||grad||_F^2 of that mean loss.
        coupling: |<grad g - grad f, W_t - W*>|, both for the slopes of f.
        gap: mean_i |s_i| |(f - g) - (f* - g*)|, on the same examples.
    """

    robust: float
    gradient: float
    coupling: float
    gap: float


@final
@dataclass(frozen=True, eq=False)
class Comparator:
    """Weights W* that a run is compared with.

    Attributes:
        network: f at W*.
        length: ||W* - W_0||_F.
        farthest: ||W* - W_0||_{2,inf}.
    """

    network: TwoLayerNetwork
    length: float
    farthest: float


def regret_bound(steps: Sequence[StepRegret], rate: float, reference: Comparator, robust: float) -> float:
    """Return what the mean robust loss over the steps does not exceed.

    Args:
        steps: at W_0 .. W_{T-1}.
        rate: eta of the mean loss, positive.
        reference: W*.
        robust: the worst-case mean loss at W*.
    """
    descent = reference.length**2 / (2.0 * rate * len(steps)) + 0.5 * rate * np.mean([step.gradient for step in steps])
    return float(robust + descent + np.mean([step.coupling + step.gap for step in steps]))


def comparator(
    network: TwoLayerNetwork, inputs: FloatArray, targets: FloatArray, ball: Ball, ridge: float
) -> Comparator:
    """Return W* whose pseudo-network fits the targets in the balls by ridge regression, the shortest way from W_0.

    ADV Lemma 4.7 proves that such weights exist, by polynomials; these are near enough to the targets at far smaller
    distances from W_0, and the theorem speaks of every W*.

    Args:
        network: at W_0, of one output.
        inputs: (n, d) the centres.
        targets: (n, 1).
        ball: where they are fitted.
        ridge: lambda in units of the kernel's mean diagonal, positive.
    """
    random = np.random.default_rng(0)
    places = np.concatenate([inputs, *(ball.draw(inputs, random) for _ in range(DRAWS))])
    start = starting_point(network)
    fires, pulls = _ones(active_pairs(start, places, network.threshold)), network.output_weights[:, 0] * network.scale
    trained = network.trained_part(places)
    kernel = (trained @ trained.T) * np.asarray((fires @ sparse.diags_array(pulls**2) @ fires.T).todense())
    kernel[np.diag_indices_from(kernel)] += ridge * max(float(np.mean(np.diag(kernel))), 1e-300)
    wanted = np.tile(targets, (DRAWS + 1, 1)) - network.predict(places)
    moves = np.asarray((fires.T.multiply(pulls[:, None]).tocsr() * np.linalg.solve(kernel, wanted)[:, 0]) @ trained)
    lengths = np.linalg.norm(moves, axis=1)
    bank = DenseBank(start[:] + moves)
    at = TwoLayerNetwork(
        bank,
        network.output_weights,
        network.threshold,
        activation=network.activation,
        output_scale=network.output_scale,
        untrained=network.untrained,
    )
    return Comparator(at, float(np.linalg.norm(lengths)), float(lengths.max()))


def regrets(
    training: Iterable[StepRecord],
    dynamics: Dynamics,
    network: TwoLayerNetwork,
    targets: FloatArray,
    loss: Loss,
    reference: Comparator,
    found: list[StepRegret],
) -> Iterator[StepRecord]:
    """Pass the records of a training of full batches on, and add what each step adds to the regret to a list.

    Args:
        training: moves the network's weights and the examples as it is iterated.
        dynamics: of it.
        network: at W_0 when this is called, of one output.
        targets: (n, 1).
        loss: of one example.
        reference: W*.
        found: is added to.
    """
    start = starting_point(network)
    for record in training:
        places = np.array(dynamics.examples[:])
        found.append(_step(network, start, places, targets, loss, reference))
        yield record


def _step(
    network: TwoLayerNetwork,
    start: Bank,
    places: FloatArray,
    targets: FloatArray,
    loss: Loss,
    reference: Comparator,
) -> StepRegret:
    begun, now = (active_pairs(bank, places, network.threshold) for bank in (start, network.weights))
    outputs = network.outputs_from(now, len(places), "neurons")
    slope = loss.derivative(outputs, targets) / len(places)
    fires, pulls = _ones(now), network.output_weights[:, 0] * network.scale
    trained = network.trained_part(places)
    overlaps = np.asarray((fires @ sparse.diags_array(pulls**2) @ fires.T).todense())
    gradient = float((slope.T @ ((trained @ trained.T) * overlaps) @ slope)[0, 0])
    along_g, along_f = (_away(network, reference.network, places, sets) for sets in (begun, now))
    parted = outputs - reference.network.predict(places) - along_g
    return StepRegret(
        float(loss.values(outputs, targets).mean()),
        gradient,
        float(np.abs(np.sum(slope * (along_g - along_f)))),
        float(np.abs(slope * parted).sum()),
    )


def _away(network: TwoLayerNetwork, reference: TwoLayerNetwork, places: FloatArray, sets: ActiveSets) -> FloatArray:
    """Return (n, 1) sum_r a_r <w_r - w*_r, x> over given pairs: g - g* for those that fire at the start."""
    neurons, data = sets.point_ids, sets.query_ids
    at, aimed = (inner_products(one.weights[:], places, neurons, data) for one in (network, reference))
    pulls = network.output_weights[neurons, 0] * network.scale
    sums = np.bincount(data, weights=(at - aimed) * pulls, minlength=len(places))
    return np.asarray(sums, np.float64)[:, None]


def _ones(sets: ActiveSets) -> sparse.csr_array:
    """Return (n, m) ones where a neuron fires for a place."""
    found = sets.to_scipy()
    found.data = np.ones(len(found.data))
    return found
