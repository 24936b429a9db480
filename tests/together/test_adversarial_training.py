"""Adversarial training against an independent dense implementation, for every attack, norm and finder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classical.dynamics.sets import SetDynamics
from classical.training import StepRecord, Training
from hybrid_train.adversaries import PGD, make_adversary, make_ball
from hybrid_train.data.padding import with_last_coordinate, with_one
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.support.rng import Role, generator
from hybrid_train.training.batches import FullBatch
from hybrid_train.training.losses import make_loss
from tests.support import textbook
from tests.support.finders import FINDERS

RHO, STEPS, RATE, SEED = 0.25, 3, 0.05, 11
ATTACKS: dict[str, dict[str, Any]] = {
    "none": {},
    "fgsm": {},
    "pgd": {"steps": 3},
    "restarts": {"steps": 2, "random_start": True, "restarts": 2},
}


def problem(outputs: int = 1) -> tuple[np.ndarray, np.ndarray, TwoLayerNetwork]:
    rng = np.random.default_rng(0)
    free = rng.standard_normal((7, 5))
    inputs = with_one(with_last_coordinate(free / np.linalg.norm(free, axis=1, keepdims=True), 0.5))
    targets = rng.choice([-1.0, 1.0], size=(7, outputs))
    return inputs, targets, adversarial_network(400, 6, fraction=0.2, outputs=outputs, seed=3)


def train(
    attack: str, norm: Any, finder: str, *, index: Any = "neurons", outputs: int = 1, loss: str = "squared"
) -> tuple[list[StepRecord], SetDynamics]:
    inputs, targets, network = problem(outputs)
    kind: Any = "pgd" if attack == "restarts" else attack
    adversary = make_adversary(kind, make_ball(norm, RHO, kept=2), seed=SEED, **ATTACKS[attack])
    dynamics = SetDynamics(network, inputs, make_finder(finder, seed=1, **FINDERS[finder]), index)
    training = Training(
        dynamics,
        FullBatch(targets),
        make_loss(loss),
        steps=STEPS,
        learning_rate=RATE,
        adversary=adversary,
        audit_every=1,
    )
    return list(training), dynamics


class Dense:
    """The same training as a textbook writes it: whole matrices, one example at a time in the attack."""

    def __init__(self, attack: str, norm: str, outputs: int, loss: str) -> None:
        self.x, self.y, network = problem(outputs)
        self.w, self.a, self.tau = network.weights[:].copy(), network.output_weights, network.threshold
        self.attack, self.norm, self.loss = attack, norm, loss
        self.ball = make_ball(norm, RHO, kept=2)  # the projection has tests of its own

    def f(self, x: np.ndarray) -> np.ndarray:
        z = self.w @ x
        return np.where(z > self.tau, z, 0.0) @ self.a

    def value(self, x: np.ndarray, y: np.ndarray) -> float:
        return textbook.value(self.loss, self.f(x), y)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return textbook.slope(self.loss, self.f(x), y)

    def gradient(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        g = self.w.T @ ((self.w @ x > self.tau) * (self.a @ self.slope(x, y)))
        g[-1] = 0.0
        return g

    def attacked(self, step: int) -> np.ndarray:
        random = generator(SEED, Role.ADVERSARY, step)
        if self.attack == "none":
            return self.x
        if self.attack == "fgsm":
            return np.array([self.project(self.gradient(x, y), x) for x, y in zip(self.x, self.y, strict=True)])
        options = ATTACKS[self.attack]
        seen = [self.x]
        for _ in range(options.get("restarts", 1)):
            v = self.ball.draw(self.x, random) if options.get("random_start") else self.x
            seen.append(v)
            for _ in range(options["steps"]):
                moved = []
                for u, x, y in zip(v, self.x, self.y, strict=True):
                    g = self.gradient(u, y)[:-2]
                    g = g - (g @ u[:-2]) / (u[:-2] @ u[:-2]) * u[:-2]
                    g = np.sign(g) if self.norm == "linf" else g / np.linalg.norm(g)
                    ahead = np.concatenate([u[:-2] + 2.5 * RHO / options["steps"] * g, u[-2:]])
                    moved.append(self.project(ahead, x))
                v = np.array(moved)
                seen.append(v)
        worst = [max(seen, key=lambda v, i=i: self.value(v[i], self.y[i]))[i] for i in range(len(self.x))]
        return np.array(worst)

    def project(self, v: np.ndarray, x: np.ndarray) -> np.ndarray:
        return self.ball.project(v[None], x[None])[0]

    def run(self) -> tuple[list[float], list[float]]:
        clean, robust = [], []
        for step in range(STEPS + 1):
            clean.append(sum(self.value(x, y) for x, y in zip(self.x, self.y, strict=True)))
            moved = self.attacked(step)
            robust.append(sum(self.value(x, y) for x, y in zip(moved, self.y, strict=True)))
            if step == STEPS:
                break
            change = np.zeros_like(self.w)
            for x, y in zip(moved, self.y, strict=True):
                trained = np.append(x[:-1], 0.0)
                change += np.outer((self.w @ x > self.tau) * (self.a @ self.slope(x, y)), trained)
            self.w -= RATE * change
        return clean, robust


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_follows_dense_adversarial_training(attack: str, norm: str, finder: str) -> None:
    records, dynamics = train(attack, norm, finder)
    dense = Dense(attack, norm, 1, "squared")
    clean, robust = dense.run()
    assert np.allclose([record.clean_loss for record in records], clean, rtol=1e-10)
    assert np.allclose([record.loss for record in records], robust, rtol=1e-10)
    assert np.allclose(dynamics.network.weights[:], dense.w, rtol=0, atol=1e-11)
    assert all(record.audit.recall == 1 and record.audit.spurious == 0 for record in records)


@pytest.mark.parametrize("loss", ["squared", "absolute"])
@pytest.mark.parametrize("index", ["neurons", "data"])
def test_several_outputs_and_both_indexes(index: Any, loss: str) -> None:
    records, dynamics = train("pgd", "l2", "scan", index=index, outputs=3, loss=loss)
    dense = Dense("pgd", "l2", 3, loss)
    assert np.allclose([record.loss for record in records], dense.run()[1], rtol=1e-10)
    assert np.allclose(dynamics.network.weights[:], dense.w, rtol=0, atol=1e-11)


@pytest.mark.parametrize("finder", ["hsr", "skin", "grover"])
@pytest.mark.parametrize("attack", ["fgsm", "restarts"])
def test_every_exact_finder_gives_the_same_run_to_the_last_bit(attack: str, finder: str) -> None:
    records, dynamics = train(attack, "l2", finder)
    reference, by_scan = train(attack, "l2", "scan")
    assert [record.loss for record in records] == [record.loss for record in reference]
    assert np.array_equal(dynamics.network.weights[:], by_scan.network.weights[:])


def test_the_robust_loss_is_above_the_clean_one_and_falls() -> None:
    records, _ = train("pgd", "l2", "scan")
    assert all(record.loss >= record.clean_loss for record in records)
    assert records[0].loss > 1.01 * records[0].clean_loss
    assert records[-1].loss < records[0].loss


def test_only_the_worst_place_of_each_example_is_kept() -> None:
    inputs, targets, network = problem()
    dynamics = SetDynamics(network, inputs, make_finder("scan"))
    dynamics.start()
    loss = make_loss("squared")
    seen = [loss.values(dynamics.evaluate().outputs, targets)]
    evaluate = dynamics.evaluate

    def watched(rows: Any = None) -> Any:
        evaluation = evaluate(rows)
        seen.append(loss.values(evaluation.outputs, targets))
        return evaluation

    dynamics.evaluate = watched  # type: ignore[method-assign]
    adversary = PGD(make_ball("linf", RHO, kept=2), steps=4, random_start=True, restarts=3)
    adversary.attack(dynamics, np.arange(7), inputs, targets, loss, 0)
    assert np.array_equal(loss.values(evaluate().outputs, targets), np.max(seen, axis=0))


def test_a_batch_is_attacked_alone() -> None:
    inputs, targets, network = problem()
    dynamics = SetDynamics(network, inputs, make_finder("scan"))
    dynamics.start()
    rows = np.array([5, 2])
    dynamics.evaluate(rows)
    adversary = PGD(make_ball("l2", RHO, kept=2), steps=2)
    adversary.attack(dynamics, rows, inputs[rows], targets[rows], make_loss("squared"), 0)
    moved = (dynamics.examples[:] != inputs).any(axis=1)
    assert np.flatnonzero(moved).tolist() == [2, 5]


@pytest.mark.parametrize("index", ["neurons", "data"])
def test_lists_follow_weights_whose_bias_stays(index: Any) -> None:
    inputs, targets, network = problem()
    loss, finder = make_loss("squared"), make_finder("skin", skin=0.05)
    dynamics = SetDynamics(network, inputs, finder, index)
    dynamics.start()
    scanned = []
    for _ in range(6):
        evaluation = dynamics.evaluate()
        audit = dynamics.audit()
        assert (audit.recall, audit.spurious) == (1.0, 0)
        before = finder.rescans  # type: ignore[attr-defined]
        moved = dynamics.descend(loss.derivative(evaluation.outputs, targets), 0.002)
        dynamics.evaluate()
        scanned.append((finder.rescans - before) / moved)  # type: ignore[attr-defined]
    assert max(scanned) < 0.5, "not every neuron that moves is looked at anew"
