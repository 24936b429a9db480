"""The observer: what it measures, when it looks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_train.data import sphere
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.theory.lines.observation import Observer, neurons_within, observed_steps, spectrum_steps
from hybrid_train.training.losses import make_loss


class TestObserver:
    def test_measures_what_it_says(self) -> None:
        rng = np.random.default_rng(0)
        inputs, targets = sphere(4, 3, 1).inputs, rng.standard_normal((4, 1))
        network = TwoLayerNetwork.initialize(30, 3, threshold=0.3, seed=2)
        start = TwoLayerNetwork.initialize(30, 3, threshold=0.3, seed=2)
        observer = Observer(network, start.weights, inputs, targets, make_loss("squared"), steps=3)
        masks, errors, moved = [], [], []
        for step in range(4):
            if step:
                rows = np.arange(0, 30, step)
                network.weights.assign(rows, network.weights[rows] + 0.2 * rng.standard_normal((len(rows), 3)))
            observer.see(step)
            masks.append(inputs @ network.weights[:].T > 0.3)
            errors.append(np.square(network.predict(inputs) - targets).sum())
            moved.append(np.linalg.norm(network.weights[:] - start.weights[:], axis=1).max())
        seen = observer.observation(0.1)
        fires = np.array(masks)
        assert seen.errors == pytest.approx(np.array(errors))
        assert seen.mean_loss == pytest.approx(errors[-1] / 8)
        assert seen.movement == pytest.approx(np.array(moved))
        assert np.array_equal(seen.counts, fires.sum(axis=2))
        assert np.array_equal(seen.flips[1:], (fires[1:] != fires[:-1]).sum(axis=(1, 2)))
        assert np.array_equal(seen.ever_flipped, (fires != fires[0]).any(axis=0).sum(axis=1))
        assert (seen.ever_flipped <= seen.within_reach).all()
        assert seen.drift[0] == 0.0
        last = inputs @ inputs.T * (fires[-1].astype(float) @ fires[-1].T.astype(float)) / 30
        assert seen.spectra[-1] == pytest.approx(np.linalg.eigvalsh(last), abs=1e-14)
        assert seen.drift[-1] == pytest.approx(np.linalg.norm(last - seen.initial_kernel))

    @given(st.integers(0, 5000), st.integers(1, 3000))
    def test_looks_at_the_first_and_the_last_step(self, steps: int, n: int) -> None:
        seen = observed_steps(steps)
        assert seen[0] == 0
        assert seen[-1] == steps
        assert len(seen) <= 502
        some = spectrum_steps(seen, n)
        assert set(some) <= set(seen)
        assert {0, steps} == {some[0], some[-1]}
        assert len(some) <= 11

    def test_neurons_within_a_radius(self) -> None:
        network, inputs = TwoLayerNetwork.initialize(50, 3, seed=1), sphere(4, 3, 2).inputs
        near = np.abs(inputs @ network.weights[:].T - 0.4) <= 0.3
        assert np.array_equal(neurons_within(network.weights, inputs, 0.4, 0.3), near.sum(axis=1))
