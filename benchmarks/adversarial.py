"""Adversarial training (ADV Algorithm 1), dense in PyTorch against active neurons only: the same run three times.

Usage: python benchmarks/adversarial.py [--quick] [--json FILE]

Every arm starts at the same weights and runs the same loop: PGD steps in the L2 ball on the inputs' normal form, the
worst place of each example kept, then a step of gradient descent on the robust loss. The examples are 64 points spread
over a sphere, or as many as people have: all 1797 digits (even or odd), which resemble each other. Only how the
network is evaluated and moved differs:

* PyTorch dense: autograd through one matrix product, as a user writes it;
* PyTorch blocked: outputs and input gradients in one pass over blocks of neurons that stay in the cache, no autograd;
  the block is the fastest of several;
* active: lists of the neurons that can fire anywhere in the balls (finder skin).

Weights are float32 everywhere, all cores are used. The arms take their steps in turn. ``ratio`` is the median over the
steps of an arm's time over that of ``active`` in the same round, ``cpu_ratio`` that of the processor time, which other
work on the machine disturbs less; ``total_s`` has the first scan in it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from _common import arguments, environment, needs, print_table, write_json

from classical.training import StepRecord, Training, two_layer_dynamics
from hybrid_train.adversaries import PGD, L2Ball
from hybrid_train.data import digits, sphere
from hybrid_train.data.padding import with_last_coordinate, with_one
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.bank import Bank, DenseBank
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.adversarial import adversarial_network
from hybrid_train.support.processors import usable_processors
from hybrid_train.training.batches import FullBatch
from hybrid_train.training.dynamics import Dynamics, Evaluation
from hybrid_train.training.losses import make_loss

needs("torch")
import torch  # noqa: E402  # only where there is one

RHO, FRACTION = 0.1, 0.01


class Case(NamedTuple):
    """One table.

    Attributes:
        examples: "sphere" or "digits".
        width: m.
        n: examples.
        dimension: d, the last coordinate of the normal form included.
        attack_steps: of PGD.
        steps: of training.
    """

    examples: str
    width: int
    n: int
    dimension: int
    attack_steps: int
    steps: int


CASES = (
    Case("sphere", 1 << 20, 64, 16, 10, 5),
    Case("digits", 1 << 13, 1797, 65, 5, 10),
    Case("digits", 1 << 16, 1797, 65, 5, 6),
)
QUICK = (
    Case("sphere", 1 << 16, 64, 16, 10, 5),
    Case("digits", 1 << 13, 1797, 65, 5, 4),
    Case("digits", 1 << 16, 1797, 65, 5, 1),
)


class TorchDynamics(Dynamics):
    """The network of ADV, dense, one output: what both peers share.

    Args:
        network: where it starts; not touched.
        inputs: (n, d + 1) with the one at the end.
    """

    def __init__(self, network: TwoLayerNetwork, inputs: np.ndarray) -> None:
        self.examples = DenseBank(inputs)
        self.finder_seconds = 0.0
        self.weights = torch.tensor(np.array(network.weights[:], dtype=np.float32))
        self.signs = torch.tensor(network.output_weights[:, 0], dtype=torch.float32)
        self.threshold = network.threshold
        self.trained = torch.ones(inputs.shape[1])
        self.trained[-1] = 0.0

    banks: Sequence[Bank] = ()
    cost = Cost()
    simulation = SimulationCost()

    def start(self) -> None:
        pass

    def move_examples(self, rows: np.ndarray, vectors: np.ndarray) -> None:
        self.examples.assign(rows, vectors)

    def top_eigenvalue(self, factors: np.ndarray | None = None) -> float:
        raise NotImplementedError

    def audit(self) -> Audit:
        return Audit(0, 0, 0)

    def queries(self) -> torch.Tensor:
        return torch.tensor(self.examples[:], dtype=torch.float32)


class Autograd(TorchDynamics):
    """PyTorch as a user writes it."""

    def evaluate(self, rows: Any = None) -> Evaluation:
        self.weights.requires_grad_()
        self.x = self.queries().requires_grad_()
        z = self.x @ self.weights.T
        active = z > self.threshold
        self.f = torch.where(active, z, 0.0) @ self.signs
        return Evaluation(self.f.detach().numpy().astype(np.float64)[:, None], active.sum(1).numpy())

    def input_gradient(self, slope: np.ndarray) -> np.ndarray:
        pull = torch.tensor(slope[:, 0], dtype=torch.float32)
        (gradient,) = torch.autograd.grad(self.f, self.x, pull)
        return (gradient * self.trained).numpy().astype(np.float64)

    def descend(self, slope: np.ndarray, rate: float) -> int:
        pull = torch.tensor(slope[:, 0], dtype=torch.float32)
        (gradient,) = torch.autograd.grad(self.f, self.weights, pull)
        with torch.no_grad():
            self.weights -= rate * gradient * self.trained
        return len(self.weights)


class Blocked(TorchDynamics):
    """One pass a look, block by block: J_i = sum_r a_r 1[z_r > tau] w_r gives f(x_i) = <J_i, x_i> and its gradient."""

    block = 1 << 12

    @torch.no_grad()
    def evaluate(self, rows: Any = None) -> Evaluation:
        x = self.queries()
        self.pulls = torch.zeros_like(x)
        for start in range(0, len(self.weights), self.block):
            part = slice(start, start + self.block)
            z = x @ self.weights[part].T
            self.pulls += torch.where(z > self.threshold, self.signs[part], 0.0) @ self.weights[part]
        outputs = (self.pulls.double() * x.double()).sum(1).numpy()
        return Evaluation(outputs[:, None], np.zeros(len(x), np.int64))

    def input_gradient(self, slope: np.ndarray) -> np.ndarray:
        return slope * (self.pulls * self.trained).numpy().astype(np.float64)

    @torch.no_grad()
    def descend(self, slope: np.ndarray, rate: float) -> int:
        x, pull = self.queries(), torch.tensor(-rate * slope, dtype=torch.float32)
        directions = pull * x * self.trained
        for start in range(0, len(self.weights), self.block):
            part = slice(start, start + self.block)
            z = x @ self.weights[part].T
            self.weights[part] += torch.where(z > self.threshold, self.signs[part], 0.0).T @ directions
        return len(self.weights)


def tuned(dynamics: Blocked) -> Blocked:
    """Return the peer with the fastest of several blocks."""
    times = {}
    for block in (1 << 11, 1 << 12, 1 << 13, 1 << 14):
        dynamics.block = block
        dynamics.evaluate()
        started = time.perf_counter()
        dynamics.evaluate()
        times[block] = time.perf_counter() - started
    dynamics.block = min(times, key=lambda block: times[block])
    return dynamics


def problem(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the (n, d + 1) inputs in normal form and their (n, 1) targets."""
    if case.examples == "digits":
        found = digits(case.n, classes="all")
        targets = np.where(np.asarray(found.targets) % 2 == 0, 1.0, -1.0)[:, None]
    else:
        found = sphere(case.n, case.dimension - 1, seed=0)
        targets = make_loss("squared").encode(found, 1)
    return with_one(with_last_coordinate(found.inputs, 0.5)), targets


def trainings(case: Case) -> dict[str, Training]:
    """Return the three arms, nothing computed yet."""
    inputs, targets = problem(case)
    loss, ball = make_loss("squared"), L2Ball(RHO, kept=2)
    network = adversarial_network(case.width, case.dimension, fraction=FRACTION, dtype="float32")
    # a tenth of the inverse of the largest eigenvalue that all data in one direction would have
    rate = 0.1 * case.width**0.4 / (case.n * FRACTION * case.width)
    reach = ball.reach(case.dimension + 1)
    arms: dict[str, Dynamics] = {
        "PyTorch dense": Autograd(network, inputs),
        "PyTorch blocked": tuned(Blocked(network, inputs)),
        "active": two_layer_dynamics(network, inputs, make_finder("skin"), reach=reach),
    }
    return {
        name: Training(
            arm,
            FullBatch(targets),
            loss,
            steps=case.steps,
            learning_rate=rate,
            adversary=PGD(ball, steps=case.attack_steps),
        )
        for name, arm in arms.items()
    }


def measure(case: Case) -> list[dict[str, Any]]:
    """Return the table: the arms train in turn, step by step."""
    for training in trainings(case._replace(width=1 << 10, steps=1)).values():  # compile and load
        list(training)
    records: dict[str, list[StepRecord]] = {}
    spent: dict[str, list[float]] = {}
    runs = {name: iter(training) for name, training in trainings(case).items()}
    for _ in range(case.steps + 1):
        for name, run in runs.items():
            started = time.process_time()
            records.setdefault(name, []).append(next(run))
            spent.setdefault(name, []).append(time.process_time() - started)
    active = records["active"]
    for name, found in records.items():
        theirs, ours = ([record.loss for record in side] for side in (found, active))
        if not np.allclose(theirs, ours, rtol=2e-3):
            raise SystemExit(f"{name}: robust losses {theirs} are not those of active neurons {ours}")
    return [row(name, found, active, spent) for name, found in records.items()]


def row(name: str, found: list[StepRecord], active: list[StepRecord], spent: dict[str, list[float]]) -> dict[str, Any]:
    """Return one line of the table."""
    times = [record.step_seconds for record in found]
    ratios = [mine / own.step_seconds for mine, own in zip(times[1:], active[1:], strict=True)]
    return {
        "arm": name,
        "step_s": statistics.median(times[1:]),
        "spread_s": max(times[1:]) - min(times[1:]),
        "ratio": statistics.median(ratios),
        "cpu_step_s": statistics.median(spent[name][1:]),
        "cpu_ratio": statistics.median(a / b for a, b in zip(spent[name][1:], spent["active"][1:], strict=True)),
        "total_s": sum(times),
        "clean_loss_0": found[0].clean_loss,
        "robust_loss_0": found[0].loss,
        "clean_loss_T": found[-1].clean_loss,
        "robust_loss_T": found[-1].loss,
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    torch.set_num_threads(usable_processors())
    machine = environment(("torch",), threads=usable_processors(), dtype="float32")
    document = []
    for case in QUICK if options.quick else CASES:
        about = f"{case.examples}: m = {case.width}, n = {case.n}, d = {case.dimension}, {FRACTION:.0%} fire"
        print(f"{about}, rho = {RHO}, {case.attack_steps} PGD steps")
        rows = measure(case)
        print_table(rows)
        sizes = {"m": case.width, "n": case.n, "d": case.dimension, "steps": case.steps}
        document.append({"examples": case.examples, **sizes, "attack_steps": case.attack_steps, "rows": rows})
    write_json(options.json, {**machine, "runs": document})


if __name__ == "__main__":
    main()
