"""A live start against the stored one: the same law of outputs, fired counts and kernel; what it cannot know, refused.

Every statistical test has a false-alarm probability of 1e-9, and a broken twin that it sees.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.sets import SetDynamics
from classical.training import gradient_descent, two_layer_dynamics
from hybrid_train.data import sphere
from hybrid_train.data.padding import with_one
from hybrid_train.errors import ConfigError, DataError, ResourceError
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork, storing
from hybrid_train.network import live as live_starts
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.network.linearised import random_features
from hybrid_train.support.arrays import FloatArray
from hybrid_train.training.losses import make_loss

ALARM = 1e-9
WIDTH, STARTS = 512, 300
SCALES = np.array([1.0, 1.0, 0.7, 1.6, 1.0])
NEAR = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.6, 0.8, 0], [0, 0, 1], [-1, 0, 0.0]]) * SCALES[:, None]
"""Examples of several norms, some of them near each other."""


def start(storage: str, seed: int, kind: str = "gaussian", outputs: int = 2) -> TwoLayerNetwork:
    examples = NEAR if storage == "live" else None
    if kind == "jump":
        lifted = None if examples is None else with_one(examples)
        return adversarial_network(WIDTH, 3, fraction=0.1, outputs=outputs, seed=seed, examples=lifted)
    return TwoLayerNetwork.initialize(
        WIDTH, 3, outputs=outputs, threshold=1.2, start=kind, storage=storage, examples=examples, seed=seed
    )


def statistics(network: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    """Return outputs, fired counts and the entries of the tangent kernel, in one row."""
    sets = active_pairs(network.weights, inputs, network.threshold)
    outputs = network.outputs_from(sets, len(inputs))
    fires = np.zeros((len(inputs), network.width))
    fires[sets.query_ids, sets.point_ids] = 1.0
    signed = fires[:, :, None] * network.output_weights[None]
    kernel = np.einsum("irk,jrk->ijk", signed, signed[:, :, ::-1]) * network.scale**2
    both = (fires @ fires.T) * network.scale**2
    upper = np.triu_indices(len(inputs))
    return np.concatenate([outputs.ravel(), both[upper], kernel[upper].ravel()])


def statistics_at_rest(network: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    """Return the same numbers from what Gram dynamics keep while all neurons rest and none is held."""
    dynamics = GramDynamics(network, inputs)
    dynamics.start()
    assert dynamics.facts()["resting_neurons"] >= network.width - 1
    overlaps = dynamics._totals.overlaps.reshape(len(inputs), 2, len(inputs), 2) * network.scale**2
    upper = np.triu_indices(len(inputs))
    crossed = np.stack([overlaps[:, 0, :, 1], overlaps[:, 1, :, 0]], axis=-1)
    return np.concatenate([dynamics.evaluate().outputs.ravel(), overlaps[:, 0, :, 0][upper], crossed[upper].ravel()])


def alarms(one: FloatArray, other: FloatArray) -> bool:
    """Return whether a mean or a spread of two samples, (S, q) each, differs more than by chance.

    The normal law of a mean of 300 is off by a tenth far out; so much is allowed.
    """
    edge = 1.1 * stats.norm.isf(ALARM / (4 * one.shape[1]))
    for first, second in ((one, other), (centred_squares(one), centred_squares(other))):
        error = np.sqrt((first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1)) / len(one)) + 1e-12
        if (np.abs(first.mean(axis=0) - second.mean(axis=0)) > edge * error).any():
            return True
    return False


def centred_squares(sample: FloatArray) -> FloatArray:
    return np.square(sample - sample.mean(axis=0))


@pytest.mark.parametrize("kind", ["gaussian", "paired", "jump"])
def test_outputs_fired_counts_and_kernel_have_the_law_of_a_stored_start(kind: str) -> None:
    inputs = with_one(NEAR) if kind == "jump" else NEAR
    live, stored = (
        np.array([statistics(start(storage, seed, kind), inputs) for seed in range(STARTS)])
        for storage in ("live", "stored")
    )
    assert not alarms(live, stored)
    if kind == "paired":
        assert not live[:, : 2 * len(NEAR)].any()  # f = 0
    counts = slice(2 * len(NEAR), None)
    if kind == "gaussian":
        assert alarms(np.concatenate([live[:, :10] * 1.6, live[:, 10:]], axis=1), stored)
        assert alarms(np.concatenate([live[:, :10], live[:, counts] * 1.12], axis=1), stored)


@pytest.mark.parametrize("kind", ["gaussian", "paired"])
def test_the_law_is_the_same_where_neurons_rest_and_are_not_held(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    stored = np.array([statistics(start("stored", seed, kind), NEAR) for seed in range(STARTS)])
    monkeypatch.setattr(live_starts, "_HELD", 0)
    resting = np.array([statistics_at_rest(start("live", seed, kind), NEAR) for seed in range(STARTS)])
    assert not alarms(resting, stored)
    assert np.allclose(resting[7], statistics(start("live", 7, kind), NEAR), atol=1e-12)
    lost = slice(2 * len(NEAR), None)
    assert alarms(np.concatenate([resting[:, :10], resting[:, lost] * 0.88], axis=1), stored)


def test_every_neuron_fires_for_some_example_and_the_scale_is_that_of_all() -> None:
    network = start("live", 0)
    assert network.nominal_width == WIDTH > network.width == len(network.weights)
    assert network.scale == pytest.approx(WIDTH**-0.5)
    assert (network.weights[:] @ NEAR.T > network.threshold).any(axis=1).all()
    assert TwoLayerNetwork.initialize(1 << 20, 3, storage="live", examples=NEAR).threshold == np.sqrt(
        0.4 * np.log(2**20)
    )


@pytest.mark.parametrize("finder", ["scan", "skin", "hsr"])
def test_training_a_live_network_is_training_that_of_all_neurons(finder: str) -> None:
    data, loss = sphere(12, 5, seed=1), make_loss("squared")
    live = TwoLayerNetwork.initialize(2000, 5, storage="live", examples=data.inputs, seed=4)
    silent = np.random.default_rng(0).standard_normal((3000, 5))
    silent = silent[(silent @ data.inputs.T < live.threshold).all(axis=1)]
    everybody = TwoLayerNetwork(
        type(live.weights)(np.concatenate([live.weights[:], silent])),
        np.concatenate([live.output_weights, np.ones((len(silent), 1), np.int8)]),
        live.threshold,
        output_scale=live.scale,
    )
    losses = [
        [
            record.loss
            for record in gradient_descent(
                network, data.inputs, loss.encode(data, 1), loss, make_finder(finder), steps=15
            )
        ]
        for network in (live, everybody)
    ]
    assert losses[0][-1] < 0.1 * losses[0][0]
    assert np.allclose(losses[0], losses[1], rtol=1e-9)
    assert np.array_equal(everybody.weights[live.width :], silent)


def test_predictions_elsewhere_are_refused_unless_twins_cancel() -> None:
    elsewhere = np.array([[0.3, 0.4, 0.5]])
    gaussian, paired = start("live", 1), start("live", 1, "paired")
    assert np.isfinite(gaussian.predict(NEAR[[2, 0]])).all()
    with pytest.raises(DataError, match=r"row 1 is none of the 5 examples.*start='paired'"):
        gaussian.predict(np.concatenate([NEAR[:1], elsewhere]))
    assert not paired.predict(elsewhere).any()
    with pytest.raises(DataError, match="is none of"):
        random_features(paired).predict(elsewhere)
    assert random_features(paired).scale == pytest.approx((WIDTH / 2) ** -0.5)


def test_training_on_other_examples_is_refused_and_on_some_of_them_is_not() -> None:
    network = start("live", 1, "paired")
    other = NEAR + 1e-9
    for finder in ("scan", "skin"):
        with pytest.raises(DataError, match="drawn for"):
            gradient_descent(network, other, NEAR[:, :2], make_loss("squared"), make_finder(finder), steps=1)
    dynamics = SetDynamics(network, NEAR[1:3], make_finder("scan"))
    dynamics.start()
    dynamics.move_examples(np.array([0]), NEAR[4:])
    with pytest.raises(DataError, match="drawn for"):
        dynamics.move_examples(np.array([0]), other[:1])
    within = two_layer_dynamics(network, NEAR, make_finder("skin"), reach=0.1)
    within.start()
    with pytest.raises(DataError, match="drawn for"):
        within.move_examples(np.array([0]), other[:1])


def test_where_no_neuron_fires_there_is_one_of_zeros() -> None:
    network = TwoLayerNetwork.initialize(4, 3, threshold=30.0, storage="live", examples=NEAR)
    assert not network.weights[:].any()
    assert not network.predict(NEAR).any()


def test_what_is_missing_or_does_not_fit_is_said() -> None:
    with pytest.raises(ConfigError, match="storage='live': give the examples"):
        TwoLayerNetwork.initialize(8, 3, storage="live")
    with pytest.raises(ConfigError, match="examples: remove them"):
        TwoLayerNetwork.initialize(8, 3, examples=NEAR)
    with pytest.raises(DataError, match="dimension 3 but the network takes 4"):
        TwoLayerNetwork.initialize(8, 4, storage="live", examples=NEAR)
    with pytest.raises(ResourceError, match="neurons that fire"):
        TwoLayerNetwork.initialize(1 << 40, 3, threshold=-1.0, storage="live", examples=NEAR)


def test_a_copy_with_other_options_stays_live() -> None:
    assert replace(start("live", 0), untrained=1).nominal_width == WIDTH


def test_a_checkpoint_of_neurons_that_are_not_held_is_refused_if_it_cannot_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_starts, "_HELD", 0)
    network = start("live", 0)
    assert storing.stored(network)["weights"].tobytes() == network.weights[:].tobytes()
    monkeypatch.setattr("hybrid_train.support.memory.available_bytes", lambda: 1 << 10)
    with pytest.raises(ResourceError, match=r"a checkpoint of \d+ neurons"):
        storing.stored(network)
