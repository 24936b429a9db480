"""A network whose weights come from their seed whenever they are read."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_train.errors import ConfigError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.seeded import SeededBank
from hybrid_train.network import TwoLayerNetwork


def test_a_seeded_network_has_its_shape_and_reads_like_a_stored_one() -> None:
    network = TwoLayerNetwork.initialize(1000, 6, outputs=2, storage="seeded", start="paired", dtype="float32", seed=4)
    weights = network.weights
    assert weights.shape == (1000, 6)
    assert weights.dtype == np.float32
    assert network.output_weights.dtype == np.int8
    everything = weights[:]
    assert np.array_equal(everything[:500], everything[500:])
    assert np.array_equal(network.output_weights[:500], -network.output_weights[500:])
    assert np.array_equal(weights[np.array([700, 3, 3])], everything[[700, 3, 3]])
    assert np.array_equal(weights[100:900:7], everything[100:900:7])
    with pytest.raises(ValueError, match="read-only"):
        everything[0] = 0
    stored = TwoLayerNetwork(DenseBank(everything), network.output_weights.astype(float), network.threshold)
    inputs = np.random.default_rng(0).standard_normal((9, 6))
    assert np.array_equal(network.predict(inputs), stored.predict(inputs))


def test_a_seeded_bank_cannot_be_moved_row_by_row() -> None:
    bank = SeededBank(10, 3, seed=0)
    with pytest.raises(ConfigError, match=r"storage='seeded'.*finder\.kind='skin'"):
        bank.assign(np.array([0]), np.zeros((1, 3)))


@pytest.mark.parametrize(("option", "value"), [("dtype", "float16"), ("storage", "cloud")])
def test_unknown_options_are_refused(option: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{option}='{value}': expected"):
        TwoLayerNetwork.initialize(4, 2, **{option: value})
