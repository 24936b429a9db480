"""The pseudo-network that stands in for the network in the proofs of ADV, and how far apart the two are."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import sparse

from classical.training.loop import StepRecord
from hybrid_train.data import sphere
from hybrid_train.data.padding import ADVERSARIAL_LAST, with_last_coordinate, with_one
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray


def pseudo_outputs(network: TwoLayerNetwork, start: Bank, inputs: FloatArray) -> FloatArray:
    """Return (n, K) g(x; W) = sum_r a_r <w_r - w_r(0), x> 1[<w_r(0), x> + b_r > tau] (ADV section 2).

    It is linear in W: the neurons that count are those that fired at the start.

    Args:
        network: at W.
        start: (m, d) W(0), see :func:`starting_point`.
        inputs: (n, d) as the network takes them.
    """
    sets = active_pairs(start, inputs, network.threshold)
    neurons, data = sets.point_ids, sets.query_ids
    moved = inner_products(network.weights[:], inputs, neurons, data) - sets.inner_products
    totals = [
        np.bincount(data, weights=moved * network.output_weights[neurons, k], minlength=len(inputs))
        for k in range(network.outputs)
    ]
    return np.stack(totals, axis=1) * network.scale


def pseudo_gap(network: TwoLayerNetwork, start: Bank, inputs: FloatArray) -> float:
    """Return max |f - g| over the inputs, which ADV Lemma 5.8 puts at O(K^2 m^{-1/10}) for each of them.

    K is that of the movement, max_r ||w_r - w_r(0)|| = K m^{-3/5}.

    Args:
        network: at W.
        start: W(0).
        inputs: (n, d).
    """
    return float(np.abs(network.predict(inputs) - pseudo_outputs(network, start, inputs)).max())


def starting_point(network: TwoLayerNetwork) -> DenseBank:
    """Return a copy of the weights, to be taken before training moves them."""
    return DenseBank(network.weights[:])


def random_inputs(count: int, dimension: int, seed: int = 0) -> FloatArray:
    """Return (count, d + 1) queries (x, 1), x drawn evenly from {x_d = 1/2, ||x|| = 1} (ADV section 3.2).

    Args:
        count: how many.
        dimension: d, the length of x, at least 2.
        seed: of the draw.
    """
    return with_one(with_last_coordinate(sphere(count, dimension - 1, seed).inputs, ADVERSARIAL_LAST))


@final
@dataclass(frozen=True)
class PseudoRecord:
    """How far network and pseudo-network are apart at one step.

    Attributes:
        step: t.
        on_examples: max |f - g| over the clean examples.
        on_inputs: likewise over the other inputs asked for, a lower estimate of the supremum over all.
        distance: max_r ||w_r(t) - w_r(0)||, which the theory wants below m^{-15/24}.
    """

    step: int
    on_examples: float
    on_inputs: float
    distance: float


def pseudo_gaps(
    training: Iterable[StepRecord],
    network: TwoLayerNetwork,
    examples: FloatArray,
    inputs: FloatArray,
    *,
    steps: Container[int] | None = None,
) -> Iterator[PseudoRecord]:
    """Train, and yield how far network and pseudo-network are apart along the run.

    Args:
        training: moves the network's weights as it is iterated.
        network: at W(0) when this is called.
        examples: (n, d) clean.
        inputs: (N, d) others, :func:`random_inputs` for instance.
        steps: those to look at; all by default.
    """
    start = starting_point(network)
    for record in training:
        if steps is None or record.step in steps:
            distance = float(np.linalg.norm(network.weights[:] - start[:], axis=1).max())
            on_examples = pseudo_gap(network, start, examples)
            yield PseudoRecord(record.step, on_examples, pseudo_gap(network, start, inputs), distance)


def gradient_coupling(network: TwoLayerNetwork, start: Bank, inputs: FloatArray, slope: FloatArray) -> float:
    """Return ||grad_W L(g) - grad_W L(f)||_{2,1} for the same slopes, which ADV Lemma 5.14 puts at O(n m^{27/40}).

    It prints 27/50; the m^{-1/5} m^{7/8} n of its proof is n m^{27/40}. Only neurons whose active set is not that of
    the start contribute.

    Args:
        network: at W.
        start: W(0).
        inputs: (n, d).
        slope: (n, K) derivative of the mean loss in the outputs.
    """
    now = _signed(active_pairs(network.weights, inputs, network.threshold))
    then = _signed(active_pairs(start, inputs, network.threshold))
    changed = (now - then).tocoo()
    changed.eliminate_zeros()
    neurons, data = changed.col, changed.row
    pull = changed.data * np.einsum("pk,pk->p", network.output_weights[neurons], slope[data]) * network.scale
    rows, place = np.unique(neurons, return_inverse=True)
    combination = sparse.csr_array((pull, (place, data)), shape=(len(rows), len(inputs)))
    return float(np.linalg.norm(combination @ network.trained_part(inputs), axis=1).sum()) if len(rows) else 0.0


def _signed(sets: ActiveSets) -> sparse.csr_array:
    """Return a (queries, points) array with a one for each active pair."""
    found = sets.to_scipy()
    found.data = np.ones(len(found.data))
    return found
