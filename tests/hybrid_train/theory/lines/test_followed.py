"""Looks that do not scan agree with scans, pair for pair and to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hybrid_train.config import load_config
from hybrid_train.data import sphere
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder.scan import active_pairs
from hybrid_train.finder.seeded import SeededBank
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.theory.lines.followed import Followed
from hybrid_train.theory.lines.observation import largest_move
from hybrid_train.theory.watched import watched_training


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


def test_looks_at_weights_made_again_see_those_that_moved_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeded run by Gram dynamics: scans of the whole bank agree at every step, and only the first look makes one."""
    config = load_config(
        {
            "data": {"kind": "sphere", "n": 6, "dim": 4},
            "network": {"width": 500, "threshold": 1.5, "storage": "seeded"},
            "training": {"steps": 5, "learning_rate": 0.5},
            "finder": {"kind": "skin"},
        }
    )
    setting = Setting.of(config)
    network, start = setting.start_two_layer(config), setting.start_two_layer(config).weights
    seen, asked, drawn = Followed(network, setting.inputs), [0], SeededBank.drawn

    def counted(bank: SeededBank, rows: IntArray) -> FloatArray:
        asked.append(len(rows))
        return drawn(bank, rows)

    for record in watched_training(config, setting, network):
        truth = active_pairs(network.weights, setting.inputs, network.threshold)
        largest = np.linalg.norm(network.weights[:] - start[:], axis=1).max()
        with monkeypatch.context() as patch:
            patch.setattr(SeededBank, "drawn", counted)
            sets = seen.look()
            assert largest_move(seen.weights, start) == pytest.approx(largest, abs=1e-15)
        assert sets.same_sets(truth)
        assert np.array_equal(network.outputs_from(sets, 6), network.outputs_from(truth, 6))
        if record.step == 0:
            assert max(asked) == 500
            asked = [0]
    assert 0 < max(asked) < 250, "those that ever fired"
