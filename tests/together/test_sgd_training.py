"""Stochastic gradient descent against plain dense steps, for every finder, index, loss and kind of batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.sets import SetDynamics
from classical.training import StepRecord, Training, two_layer_dynamics
from classical.training.keeping import KEEPS, Judge
from hybrid_train.data import Dataset, EvenPolynomials, make_inputs, sphere
from hybrid_train.errors import ConfigError
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.rng import Role, generator
from hybrid_train.training.batches import Batches, FreshBatches, MiniBatches
from hybrid_train.training.losses import LOSSES, encoded_draw, make_loss
from tests.support import textbook
from tests.support.finders import FINDERS
from tests.support.statistics import counts_are, mean_is

N, D, M, SIZE, SEED = 11, 4, 64, 4, 5
FALSE_ALARM = 1e-9


def problem(loss: str = "squared", **start: Any) -> tuple[Dataset, TwoLayerNetwork, FloatArray]:
    data = sphere(N, D, seed=3)
    outputs = 2 if loss == "cross_entropy" else 1
    options = {"outputs": outputs, "threshold": 0.6, "seed": 4} | start
    return data, TwoLayerNetwork.initialize(M, D, **options), make_loss(loss).encode(data, outputs)


def dense_step(
    weights: FloatArray, network: TwoLayerNetwork, x: FloatArray, y: FloatArray, loss: str, rate: float
) -> FloatArray:
    """W - rate * sum_i dl_i/dW over the rows of x, one after the other, repetitions included."""
    moved = weights.copy()
    for i in range(len(x)):
        z = weights @ x[i]
        f = np.maximum(z - network.threshold, 0.0) @ network.output_weights / np.sqrt(M)
        slope = textbook.slope(loss, f, y[i])
        for r in range(M):
            if z[r] > network.threshold:
                moved[r] -= rate / np.sqrt(M) * float(network.output_weights[r] @ slope) * x[i]
    return moved


def drawn(step: int, *, replacement: bool) -> Any:
    """The examples of a step, repetitions included, drawn as the batches document it."""
    if replacement:
        return generator(SEED, Role.BATCH, step).integers(N, size=SIZE)
    epoch, place = divmod(step, -(-N // SIZE))
    return generator(SEED, Role.BATCH, epoch).permutation(N)[place * SIZE : (place + 1) * SIZE]


def train(
    dynamics: Any, batches: Batches, loss: str, steps: int, rate: float = 0.5, **options: Any
) -> list[StepRecord]:
    return list(Training(dynamics, batches, make_loss(loss), steps=steps, learning_rate=rate, **options))


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("index", ["neurons", "data"])
@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_is_that_of_the_dense_network(loss: str, replacement: bool, index: Any, kind: str) -> None:
    data, network, targets = problem(loss)
    start = network.weights[:].copy()
    rows = drawn(0, replacement=replacement)
    expected = dense_step(start, network, data.inputs[rows], targets[rows], loss, 0.5 * N / SIZE)
    dynamics = two_layer_dynamics(
        network, data.inputs, make_finder(kind, seed=1, **FINDERS[kind]), index, in_batches=True
    )
    train(dynamics, MiniBatches(targets, SIZE, seed=SEED, replacement=replacement), loss, steps=1, audit_every=1)
    assert np.abs(network.weights[:] - start).max() > 1e-3
    assert np.allclose(network.weights[:], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("index", ["neurons", "data"])
@pytest.mark.parametrize("replacement", [False, True])
def test_every_finder_takes_the_same_way(replacement: bool, index: Any) -> None:
    runs = {}
    for kind, options in FINDERS.items():
        data, network, targets = problem()
        dynamics = two_layer_dynamics(
            network, data.inputs, make_finder(kind, seed=1, **options), index, in_batches=True
        )
        batches = MiniBatches(targets, SIZE, seed=SEED, replacement=replacement)
        records = train(dynamics, batches, "squared", steps=9, audit_every=1)
        assert all(record.audit is not None and record.audit.recall == 1 for record in records)
        runs[kind] = [record.loss for record in records], network.weights[:].copy()
    data, network, targets = problem()
    weights = network.weights[:].copy()
    for step in range(9):
        rows = drawn(step, replacement=replacement)
        weights = dense_step(weights, network, data.inputs[rows], targets[rows], "squared", 0.5 * N / len(rows))
    for kind, (losses, ended) in runs.items():
        exactly = kind != "skin"
        assert losses == runs["scan"][0] if exactly else np.allclose(losses, runs["scan"][0], rtol=1e-9)
        assert np.allclose(ended, weights, rtol=0, atol=1e-11), kind


def test_the_last_record_is_on_all_data() -> None:
    data, network, targets = problem()
    dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
    records = train(dynamics, MiniBatches(targets, SIZE, seed=SEED), "squared", steps=3)
    assert [len(record.outputs) for record in records] == [SIZE, SIZE, N - 2 * SIZE, N]
    assert records[-1].loss == pytest.approx(0.5 * ((network.predict(data.inputs) - targets) ** 2).sum(), rel=1e-12)


def source() -> EvenPolynomials:
    return EvenPolynomials(make_inputs("sphere", D), degree=2, seed=1)


@pytest.mark.parametrize("index", ["neurons", "data"])
@pytest.mark.parametrize("kind", FINDERS)
def test_fresh_examples_give_the_dense_steps_with_any_finder(kind: str, index: Any) -> None:
    _, network, _ = problem(start="paired", output_weight=2.0)
    weights = network.weights[:].copy()
    batches = FreshBatches(encoded_draw(source(), make_loss("squared"), 1), SIZE, seed=SEED)
    for step in range(5):
        batch = batches.at(step)
        assert batch.inputs is not None
        weights = dense_step(weights, network, batch.inputs, batch.targets, "squared", 0.5 / SIZE)
    dynamics = SetDynamics(network, np.ones((SIZE, D)), make_finder(kind, seed=1, **FINDERS[kind]), index)
    records = train(dynamics, batches, "squared", steps=5, audit_every=1)
    assert all(record.audit is not None and record.audit.recall == 1 for record in records)
    assert np.allclose(network.weights[:], weights, rtol=0, atol=1e-12)


class TestBatches:
    def test_a_step_has_the_same_batch_whenever_it_is_asked_for(self) -> None:
        targets = problem()[2]
        fresh = FreshBatches(encoded_draw(source(), make_loss("squared"), 1), SIZE, seed=SEED)
        for batches in (
            MiniBatches(targets, SIZE, seed=SEED),
            MiniBatches(targets, 3, seed=1, replacement=True),
            fresh,
        ):
            later, sooner = batches.at(7), batches.at(2)
            assert np.array_equal(batches.at(2).targets, sooner.targets)
            assert np.array_equal(batches.at(7).targets, later.targets)
        assert not np.array_equal(fresh.at(2).targets, fresh.at(7).targets)

    def test_an_epoch_takes_every_example_once(self) -> None:
        batches = MiniBatches(problem()[2], SIZE, seed=SEED)
        for epoch in range(3):
            rows = np.concatenate([batches.at(3 * epoch + place).rows for place in range(3)])
            assert sorted(rows) == list(range(N))

    @pytest.mark.parametrize("replacement", [False, True])
    def test_the_factors_make_the_gradient_unbiased(self, replacement: bool) -> None:
        """Each example's mean factor is 1; with factors of 1 the mean is the share of batches that have it."""
        batches = MiniBatches(problem()[2], SIZE, seed=SEED, replacement=replacement)
        weights = np.zeros((3000, N))
        for step in range(len(weights)):
            batch = batches.at(step)
            weights[step, batch.rows] = batch.factors
        assert all(mean_is(factors, 1.0, sees=0.3, tests=N) for factors in weights.T)
        assert not any(mean_is(factors > 0, 1.0, sees=0.3, tests=N) for factors in weights.T)

    @pytest.mark.parametrize(("size", "told"), [(0, "size=0: must be an integer"), (N + 1, f"expected 1 to {N}")])
    def test_a_batch_of_no_or_too_many_examples_is_refused(self, size: int, told: str) -> None:
        with pytest.raises(ConfigError, match=f"size={size}.*{told.removeprefix('size=0')}"):
            MiniBatches(problem()[2], size, seed=0)


class TestKeeping:
    STEPS = 6

    def trained(
        self, keep: Any, seed: int = 0, every: int = 1
    ) -> tuple[list[FloatArray], list[float], TwoLayerNetwork, int | None]:
        data, network, targets = problem()
        dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
        batches = MiniBatches(targets, SIZE, seed=SEED)
        loss = make_loss("squared")

        def whole() -> float:
            return loss.value(network.predict(data.inputs), targets)

        judge = Judge(whole, every)
        training = Training(
            dynamics, batches, loss, steps=self.STEPS, learning_rate=20.0, keep=keep, seed=seed, judge=judge
        )
        seen, losses = [], []
        for _ in training:
            seen.append(network.weights[:].copy())
            losses.append(whole())
        return seen, losses, network, training.kept_step

    @pytest.mark.parametrize("keep", KEEPS)
    def test_the_network_is_the_one_that_was_asked_for(self, keep: str) -> None:
        seen, losses, network, step = self.trained(keep)
        chosen = int(generator(0, Role.CHOICE).integers(self.STEPS))
        expected = {"last": self.STEPS, "best": int(np.argmin(losses)), "random": chosen, "average": None}[keep]
        assert step == expected
        weights = np.mean(seen[:-1], axis=0) if expected is None else seen[expected]
        assert np.allclose(network.weights[:], weights, rtol=0, atol=0 if expected is not None else 1e-15)

    @pytest.mark.parametrize("every", [1, 2, 4])
    def test_the_best_is_the_first_of_least_loss_among_those_looked_at(self, every: int) -> None:
        for seed in range(4):
            _, losses, _, step = self.trained("best", seed, every)
            looked_at = [*range(0, self.STEPS, every), self.STEPS]
            assert step == min(looked_at, key=lambda t: losses[t])

    def test_of_equal_ones_the_first_is_the_best(self) -> None:
        data, network, targets = problem()
        dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
        batches, judge = MiniBatches(targets, SIZE, seed=SEED), Judge(lambda: 1.0)
        start = network.weights[:].copy()
        training = Training(dynamics, batches, make_loss("squared"), steps=3, keep="best", judge=judge)
        list(training)
        assert training.kept_step == 0
        assert np.array_equal(network.weights[:], start)

    def test_the_estimates_of_batches_judge_nothing(self) -> None:
        data, network, targets = problem()
        dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
        with pytest.raises(ConfigError, match=r"training\.keep='best': the losses of different batches do not compare"):
            Training(dynamics, MiniBatches(targets, SIZE, seed=1), make_loss("squared"), steps=1, keep="best")

    def test_any_step_but_the_last_is_as_likely(self) -> None:
        """Over 300 seeds; a choice from 1 .. T fails."""
        chosen = np.array([int(generator(seed, Role.CHOICE).integers(6)) for seed in range(300)])
        steps = np.array([self.trained("random", seed)[3] for seed in range(12)])
        assert np.array_equal(steps, chosen[:12])
        assert steps.min() == 0
        even = np.full(6, 1 / 6)
        assert counts_are(np.bincount(chosen, minlength=6), even, sees=0.65)
        assert not counts_are(np.bincount(chosen + 1, minlength=7)[:6], even, sees=0.65)

    def test_without_steps_it_is_the_start(self) -> None:
        data, network, targets = problem()
        start = network.weights[:].copy()
        for keep in KEEPS:
            dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
            training = Training(
                dynamics,
                MiniBatches(targets, SIZE, seed=1),
                make_loss("squared"),
                steps=0,
                learning_rate=1.0,
                keep=keep,
                judge=Judge(lambda: 1.0),
            )
            assert len(list(training)) == 1
            assert np.array_equal(network.weights[:], start)


class TestStart:
    @pytest.mark.parametrize("output_weight", [1.0, 0.125, 3.0])
    def test_a_paired_start_has_weights_of_that_size_and_output_zero(self, output_weight: float) -> None:
        data, network, _ = problem(start="paired", output_weight=output_weight)
        assert set(np.abs(network.output_weights).ravel()) == {output_weight}
        assert np.array_equal(network.output_weights[: M // 2], -network.output_weights[M // 2 :])
        assert np.array_equal(network.weights[: M // 2], network.weights[M // 2 :])
        assert (network.predict(data.inputs) == 0).all()

    def test_the_rate_by_itself_takes_the_output_weight_into_account(self) -> None:
        rates = []
        for output_weight in (1.0, 4.0):
            data, network, targets = problem(output_weight=output_weight)
            dynamics = two_layer_dynamics(network, data.inputs, make_finder("scan"))
            training = Training(dynamics, MiniBatches(targets, SIZE, seed=1), make_loss("squared"), steps=1)
            list(training)
            rates.append(float(training.learning_rate))
        assert rates[0] == pytest.approx(16 * rates[1], rel=1e-12)

    @pytest.mark.parametrize("output_weight", [0.0, -1.0, float("nan"), float("inf")])
    def test_a_size_that_is_none_is_refused(self, output_weight: float) -> None:
        with pytest.raises(ConfigError, match="output_weight="):
            problem(output_weight=output_weight)
