"""Looks that do not scan agree with scans, pair for pair and to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train.data import sphere
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.theory.lines.followed import Followed


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"start": "paired"}, {"storage": "seeded"}], ids=str)
def test_looks_agree_with_scans_while_neurons_move(options: dict[str, Any]) -> None:
    draw, inputs = np.random.default_rng(0), sphere(12, 4, seed=1).inputs
    network = TwoLayerNetwork.initialize(300, 4, threshold=0.4, seed=2, **options)
    seen = Followed(network, inputs)
    for step in range(6):
        sets, truth = seen.look(), active_pairs(network.weights, inputs, network.threshold)
        assert sets.same_sets(truth)
        assert np.array_equal(network.outputs_from(sets, 12), network.outputs_from(truth, 12))
        assert np.array_equal(seen.weights[:], network.weights[:])
        if options.get("storage") != "seeded":
            rows = draw.permutation(300)[: 40 * (step % 3)]
            network.weights.assign(rows, network.weights[rows] + 0.3 * draw.standard_normal((len(rows), 4)))


def test_data_that_no_neuron_fires_for_have_no_pairs() -> None:
    network = TwoLayerNetwork.initialize(30, 4, threshold=3.5, seed=2)
    inputs = sphere(12, 4, seed=1).inputs
    sets = Followed(network, inputs).look()
    assert sets.shape == (12, 30)
    assert sets.same_sets(active_pairs(network.weights, inputs, 3.5))


def test_only_the_first_look_sees_all_pairs() -> None:
    inputs = sphere(12, 4, seed=1).inputs
    network = TwoLayerNetwork.initialize(300, 4, threshold=0.4, seed=2)
    seen = Followed(network, inputs)
    seen.look()
    charged = seen._finder.cost.inner_products
    for _ in range(5):
        rows = np.arange(7)
        network.weights.assign(rows, network.weights[rows] + 1e-3)
        seen.look()
    assert seen._finder.cost.inner_products - charged < 5 * 12 * 300 / 2
