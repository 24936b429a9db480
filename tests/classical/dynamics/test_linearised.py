"""Tangent-kernel and random-feature training: dense checks, their equivalence, and the distance to the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.linearised import LinearisedDynamics
from classical.training import Training
from hybrid_train.data import EvenPolynomials, make_inputs, sphere
from hybrid_train.errors import InvariantError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.linearised import LinearisedNetwork, random_features
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lazy_training import lazy_distances
from hybrid_train.training.batches import Batches, FreshBatches, MiniBatches
from hybrid_train.training.losses import encoded_draw, make_loss
from tests.support.finders import FINDERS

D, M, SIZE = 4, 96, 5
LOSS = make_loss("squared")


def network(start: Any = "gaussian", **options: Any) -> TwoLayerNetwork:
    return TwoLayerNetwork.initialize(M, D, threshold=0.5, start=start, seed=2, **options)


def fresh(seed: int = 0) -> FreshBatches:
    return FreshBatches(encoded_draw(source(), LOSS, 1), SIZE, seed=seed)


def source() -> EvenPolynomials:
    return EvenPolynomials(make_inputs("sphere", D), degree=2, seed=1)


def without_offset(net: TwoLayerNetwork, finder: str) -> LinearisedDynamics:
    return LinearisedDynamics(LinearisedNetwork.at(net, offset=False), np.ones((SIZE, D)), make_finder(finder))


def outputs(dynamics: LinearisedDynamics, batches: Batches, steps: int = 6, rate: float = 0.5) -> list[FloatArray]:
    records = Training(dynamics, batches, LOSS, steps=steps, learning_rate=rate, audit_every=1)
    return [record.outputs for record in records if record.audit is not None and record.audit.recall == 1]


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("index", ["neurons", "data"])
@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("examples", ["data", "fresh"])
def test_it_is_sgd_on_the_gradient_features(kind: str, index: Any, offset: bool, examples: str) -> None:
    net = network(output_weight=2.0)
    start = net.weights[:].copy()
    data = sphere(12, D, seed=3)
    batches = fresh() if examples == "fresh" else MiniBatches(LOSS.encode(data, 1), SIZE, seed=0, replacement=True)
    first = np.ones((SIZE, D)) if examples == "fresh" else data.inputs
    finder = make_finder(kind, seed=1, **FINDERS[kind])
    dynamics = LinearisedDynamics(LinearisedNetwork.at(net, offset=offset), first, finder, index)
    seen = outputs(dynamics, batches)

    vector = np.zeros(M * D)
    for step in range(7):
        batch = batches.at(step)
        last = step == 6 and examples == "data"
        x = data.inputs if last else batch.inputs if batch.inputs is not None else data.inputs[batch.rows]
        z = x @ start.T
        features = (z > 0.5)[:, :, None] * (net.output_weights * np.ones(D))[None] * x[:, None, :] / np.sqrt(M)
        psi = features.reshape(len(x), M * D)
        g = psi @ vector
        if offset:
            g = g + (np.maximum(z - 0.5, 0) @ net.output_weights)[:, 0] / np.sqrt(M)
        assert np.allclose(seen[step][:, 0], g, rtol=0, atol=1e-12)
        if not last:
            vector -= 0.5 * psi.T @ (batch.factors * (g - batch.targets[:, 0]))
    assert np.array_equal(net.weights[:], start)
    new = sphere(300, D, seed=9).inputs
    psi = (new @ start.T > 0.5)[:, :, None] * (net.output_weights * np.ones(D))[None] * new[:, None, :] / np.sqrt(M)
    shift = dynamics.network.shift[:].ravel()
    expected = psi.reshape(300, -1) @ shift + (net.predict(new)[:, 0] if offset else 0.0)
    assert np.allclose(dynamics.network.predict(new)[:, 0], expected, rtol=0, atol=1e-12)


def test_it_is_the_network_itself_to_first_order() -> None:
    net, x = network(), sphere(7, D, seed=3).inputs
    direction = np.random.default_rng(0).standard_normal((M, D))
    linearised = LinearisedNetwork.at(net)
    linearised.shift.assign(np.arange(M), 1e-7 * direction)
    moved = TwoLayerNetwork.initialize(M, D, threshold=0.5, seed=2)
    moved.weights.assign(np.arange(M), net.weights[:] + 1e-7 * direction)
    assert np.allclose(linearised.predict(x), moved.predict(x), rtol=0, atol=1e-14)
    assert not np.allclose(linearised.predict(x), net.predict(x), rtol=0, atol=1e-9)


def test_random_features_and_tangent_kernel_are_the_same_training() -> None:
    """SGD appendix B.2: only inner products of features count, and the signs drop out of them."""
    kernel = without_offset(network("paired"), "scan")
    scheme = random_features(network("paired"))
    assert scheme.width == M // 2
    assert (scheme.output_weights == 1).all()
    features = without_offset(scheme, "hsr")
    assert np.allclose(outputs(kernel, fresh()), outputs(features, fresh()), rtol=0, atol=1e-13)
    assert random_features(network()).width == M


def test_a_linearised_network_is_not_attacked() -> None:
    dynamics = without_offset(network(), "scan")
    with pytest.raises(InvariantError, match="not attacked"):
        dynamics.input_gradient(np.ones((SIZE, 1)))


def test_the_network_comes_closer_to_its_tangent_kernel_as_the_output_weights_grow() -> None:
    """SGD Lemma 5.3; with a kink the root mean square falls as B^{-1/2}: the fitted exponent is -0.5 within 0.1."""
    sizes = 4.0 ** np.arange(5)
    distances = []
    for seed in range(4):
        rows = lazy_distances(
            source(),
            source().examples(256, held_out=True),
            LOSS,
            lambda: make_finder("scan"),
            width=1024,
            output_weights=sizes.tolist(),
            batch_size=8,
            steps=20,
            learning_rate=30.0,
            seed=seed,
        )
        assert {row.kernel_loss for row in rows} == {rows[0].kernel_loss}
        assert rows[-1].excess < 0.1 * rows[0].excess
        distances.append([[row.distance, row.mean_distance] for row in rows])
    logs = np.log(np.mean(distances, axis=0))
    exponents = np.polyfit(np.log(sizes), logs, 1)[0]
    assert exponents[0] == pytest.approx(-0.5, abs=0.1)
    assert -1.05 < exponents[1] < -0.45
