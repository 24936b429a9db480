"""Two-layer networks: the forward pass and the kernel against dense formulas."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classical.scan import ScanFinder
from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork, auto_threshold


def both_indexes(network: TwoLayerNetwork, inputs: np.ndarray) -> list[tuple[ActiveSets, str]]:
    """Every layout in which the same pairs can arrive."""
    by_neurons = active_pairs(network.weights, inputs, network.threshold)
    by_data = active_pairs(inputs, network.weights, network.threshold)
    backwards = active_pairs(inputs, network.weights, network.threshold, np.arange(network.width)[::-1])
    return [
        (by_neurons, "neurons"),
        (by_neurons.by_point(), "neurons"),
        (by_data, "data"),
        (by_data.by_point(), "data"),
        (backwards, "data"),
    ]


def dense_outputs(network: TwoLayerNetwork, inputs: np.ndarray) -> np.ndarray:
    excess = np.maximum(inputs @ network.weights[:].T - network.threshold, 0.0)
    return excess @ network.output_weights / math.sqrt(network.width)


def dense_top_eigenvalue(network: TwoLayerNetwork, inputs: np.ndarray) -> float:
    fires = inputs @ network.weights[:].T > network.threshold
    # The gradient of each output in all weights, one row each: H is their Gram matrix.
    rows = np.einsum("ir,rk,id->ikrd", fires, network.output_weights, inputs) / math.sqrt(network.width)
    rows = rows.reshape(len(inputs) * network.outputs, -1)
    return float(np.linalg.eigvalsh(rows @ rows.T)[-1])


@given(
    width=st.integers(1, 40),
    dimension=st.integers(1, 12),
    outputs=st.integers(1, 3),
    n=st.integers(1, 8),
    threshold=st.sampled_from([-20.0, 0.0, 0.7, 20.0]),
    seed=st.integers(0, 99),
)
def test_outputs_and_kernel_are_those_of_the_dense_formulas(
    width: Any, dimension: Any, outputs: Any, n: int, threshold: Any, seed: int
) -> None:
    network = TwoLayerNetwork.initialize(width, dimension, outputs=outputs, threshold=threshold, seed=seed)
    inputs = sphere(n, dimension, seed=seed).inputs
    first = network.outputs_from(active_pairs(network.weights, inputs, threshold), n, "neurons")
    assert np.allclose(first, dense_outputs(network, inputs), atol=1e-12)
    top = dense_top_eigenvalue(network, inputs)
    for sets, index in both_indexes(network, inputs):
        assert np.array_equal(network.outputs_from(sets, n, index), first)
        assert network.kernel_top_eigenvalue(sets, inputs, index) == pytest.approx(top, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("outputs", "n"), [(1, 520), (4, 130)])
def test_a_kernel_too_large_to_form_has_the_same_eigenvalue(outputs: int, n: int) -> None:
    network = TwoLayerNetwork.initialize(300, 6, outputs=outputs, seed=5)
    inputs = sphere(n, 6, seed=6).inputs
    top = dense_top_eigenvalue(network, inputs)
    for sets, index in both_indexes(network, inputs):
        assert network.kernel_top_eigenvalue(sets, inputs, index) == pytest.approx(top, rel=1e-6)
    assert network.kernel_top_eigenvalue(sets, inputs, index) == network.kernel_top_eigenvalue(sets, inputs, index)


@pytest.mark.parametrize("n", [3, 600])
def test_a_network_that_never_fires(n: int) -> None:
    network = TwoLayerNetwork.initialize(8, 4, outputs=2, threshold=50.0)
    inputs = sphere(n, 4).inputs
    sets = active_pairs(network.weights, inputs, 50.0)
    assert network.kernel_top_eigenvalue(sets, inputs) == 0.0
    assert not network.outputs_from(sets, n).any()


@given(st.integers(1, 200), st.integers(1, 20), st.integers(0, 50))
def test_a_paired_start_is_exactly_zero(half: int, dimension: int, seed: int) -> None:
    network = TwoLayerNetwork.initialize(2 * half, dimension, outputs=2, threshold=0.1, start="paired", seed=seed)
    inputs = sphere(5, dimension, seed=seed).inputs
    weights, signs = network.weights[:], network.output_weights
    assert np.array_equal(weights[:half], weights[half:])
    assert np.array_equal(signs[:half], -signs[half:])
    for sets, index in both_indexes(network, inputs):
        assert not network.outputs_from(sets, 5, index).any()


def test_a_pair_with_equal_signs_is_not_zero() -> None:
    network = TwoLayerNetwork.initialize(64, 3, start="paired")
    misprinted = replace(network, output_weights=np.abs(network.output_weights))
    inputs = sphere(4, 3).inputs
    sets = active_pairs(network.weights, inputs, network.threshold)
    assert misprinted.outputs_from(sets, 4).all()


def test_weights_and_signs_have_generators_of_their_own() -> None:
    one = TwoLayerNetwork.initialize(32, 4, seed=7)
    many = TwoLayerNetwork.initialize(32, 4, outputs=3, threshold=0.0, seed=7)
    assert np.array_equal(one.weights[:], many.weights[:])
    assert not np.array_equal(one.weights[:], TwoLayerNetwork.initialize(32, 4, seed=8).weights[:])
    assert set(np.unique(many.output_weights)) == {-1.0, 1.0}
    signs = TwoLayerNetwork.initialize(32, 9, seed=7).output_weights
    assert np.array_equal(one.output_weights, signs)
    assert (one.width, one.dimension, many.outputs) == (32, 4, 3)


def test_the_automatic_threshold_counts_every_neuron() -> None:
    assert TwoLayerNetwork.initialize(1, 2).threshold == 0.0
    assert TwoLayerNetwork.initialize(100, 2, start="paired").threshold == math.sqrt(0.4 * math.log(100))
    assert auto_threshold(1024) == pytest.approx(1.6651, abs=1e-4)


def test_some_rows_only_leave_the_others_at_zero() -> None:
    network = TwoLayerNetwork.initialize(50, 4, threshold=0.0)
    inputs = sphere(6, 4).inputs
    part = network.outputs_from(active_pairs(network.weights, inputs, 0.0, np.array([4, 1])), 6)
    whole = network.outputs_from(active_pairs(network.weights, inputs, 0.0), 6)
    assert np.array_equal(part[[1, 4]], whole[[1, 4]])
    assert not part[[0, 2, 3, 5]].any()


def test_prediction_takes_new_data_of_any_norm_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    network = TwoLayerNetwork.initialize(60, 5, outputs=2, threshold=0.5)
    inputs = 3.0 * np.random.default_rng(0).standard_normal((70, 5))
    expected = dense_outputs(network, inputs)
    whole = network.predict(inputs)
    assert np.allclose(whole, expected, atol=1e-12)
    monkeypatch.setattr("hybrid_train.network.two_layer._BLOCK_PAIRS", 1)
    assert np.array_equal(network.predict(inputs), whole)
    finder = ScanFinder()
    assert np.array_equal(network.predict(inputs, finder), whole)
    assert finder.cost.inner_products == 70 * 60
    single = inputs.astype(np.float32)
    assert np.allclose(network.predict(single), dense_outputs(network, single), atol=1e-6)


def test_bad_inputs_to_predict_are_refused() -> None:
    network = TwoLayerNetwork.initialize(4, 3)
    for inputs, message in ((np.ones((2, 4)), "dimension 4"), (np.ones(3), "shape"), ([[np.nan, 0, 0]], "row 0")):
        with pytest.raises(DataError, match=message):
            network.predict(inputs)


def test_sets_of_other_banks_are_refused() -> None:
    network = TwoLayerNetwork.initialize(6, 3)
    inputs = sphere(4, 3).inputs
    sets = active_pairs(network.weights, inputs, network.threshold)
    with pytest.raises(InvariantError, match="index='data'"):
        network.outputs_from(sets, 4, "data")
    with pytest.raises(InvariantError, match="needs"):
        network.kernel_top_eigenvalue(sets, inputs[:3])
    with pytest.raises(ConfigError, match="index='weights'"):
        network.outputs_from(sets, 4, "weights")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width=0"),
        ({"width": 2.5}, "width=2.5"),
        ({"dimension": 0}, "dimension=0"),
        ({"outputs": 0}, "outputs=0"),
        ({"threshold": math.nan}, "threshold=nan"),
        ({"threshold": math.inf}, "threshold=inf"),
        ({"threshold": "atuo"}, "threshold='atuo'"),
        ({"start": "pared"}, "did you mean 'paired'"),
        ({"width": 7, "start": "paired"}, "width=7: a paired start needs an even width"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TwoLayerNetwork.initialize(**{"width": 8, "dimension": 3, **options})


def test_output_weights_must_fit() -> None:
    with pytest.raises(DataError, match="3 rows for 2 neurons"):
        TwoLayerNetwork(DenseBank(np.ones((2, 2))), np.ones((3, 1)), 0.0)
