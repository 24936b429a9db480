"""Full-batch training, whole runs: neighbour lists against dense PyTorch and the best blocked dense step.

All three train the same network (m = 2^20 neurons, n = 64 unit vectors with random signs, float32 weights, threshold
sqrt(0.4 ln m)) from the same W(0) at the same learning rate for 100 steps: once at half the edge of stability, where
the loss is gone in a dozen steps and neurons come to rest, once at a tenth of that, where they move to the end. Our
time is that of the whole run, first scan included; a dense step always costs the same, so that of the dense runs is 100
times a step, timed between our runs. The losses of all three are compared step by step for as many dense steps as were
taken, and in a run of its own our fired sets are compared with a scan of the weights at sampled steps. W(0) is drawn
outside the clock.

    python benchmarks/training_run.py [--quick] [--json FILE] [--dimensions 16,128]
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from _common import arguments, environment, needs, print_table, write_json
from _dense import BlockedDense, TorchDense, fastest_blocked

from classical.training import Training, gradient_descent
from hybrid_train.data import sphere
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork, auto_threshold
from hybrid_train.training.losses import make_loss

N, STEPS = 64, 100
RATES = (1.0, 0.1)
"""Learning rates in units of half the edge of stability."""
ROUNDS = 5
AUDITED_EVERY = 25


class Problem:
    """One width and dimension: data, W(0), learning rate."""

    def __init__(self, width: int, dimension: int) -> None:
        self.width, self.dimension = width, dimension
        draw = np.random.default_rng(0)
        self.data = sphere(N, dimension, seed=1)
        self.start = draw.standard_normal((width, dimension), dtype=np.float32)
        self.signs = draw.choice(np.array([-1.0, 1.0]), size=width)
        self.threshold = auto_threshold(width)
        training = self.ours(steps=0)
        list(training)
        self.stable_rate = self.rate = float(training.learning_rate)
        self.blocked = fastest_blocked(lambda **chosen: self.dense(BlockedDense, **chosen))

    def ours(self, *, steps: int = STEPS, rate: Any = "auto", audit_every: int = 0) -> Training:
        """Return our training, not started."""
        weights = DenseBank(self.start)
        network = TwoLayerNetwork(weights, self.signs[:, None], self.threshold)
        loss, targets = make_loss("squared"), self.data.targets[:, None]
        return gradient_descent(
            network,
            self.data.inputs,
            targets,
            loss,
            make_finder("skin"),
            steps=steps,
            learning_rate=rate,
            audit_every=audit_every,
        )

    def dense(self, kind: Any, **options: Any) -> Any:
        """Return a dense peer at W(0)."""
        data = self.data
        start = self.start.copy() if kind is BlockedDense else self.start
        return kind(start, self.signs, self.threshold, data.inputs, data.targets, self.rate, **options)


def measured(problem: Problem) -> dict[str, Any]:
    """Return the figures of one problem."""
    peers = [problem.dense(TorchDense), problem.dense(BlockedDense, **problem.blocked)]
    for peer in peers:
        peer.step()
    seconds: list[list[float]] = [[], [], []]
    losses: list[list[float]] = [[], [], []]
    first: list[float] = []
    for _ in range(ROUNDS):
        training = problem.ours(rate=problem.rate)
        started = time.perf_counter()
        records = list(training)
        seconds[0].append(time.perf_counter() - started)
        first.append(records[0].step_seconds)
        losses[0] = [record.loss for record in records]
        for at, peer in enumerate(peers, start=1):
            started = time.perf_counter()
            losses[at].append(peer.step())
            seconds[at].append((time.perf_counter() - started) * STEPS)
    compared = slice(1, 1 + ROUNDS)
    ours = np.array(losses[0][compared])
    ratios = [np.array(theirs) / np.array(seconds[0]) for theirs in seconds[1:]]
    return {
        "d": problem.dimension,
        "eta": problem.rate,
        "ours_s": float(np.median(seconds[0])),
        "first_s": float(np.median(first)),
        "PyTorch_s": float(np.median(seconds[1])),
        "blocked_s": float(np.median(seconds[2])),
        "x PyTorch": float(np.median(ratios[0])),
        "spread": f"{ratios[0].min():.0f}-{ratios[0].max():.0f}",
        "x blocked": float(np.median(ratios[1])),
        "spread ": f"{ratios[1].min():.0f}-{ratios[1].max():.0f}",
        "loss 0": losses[0][0],
        f"loss {ROUNDS} ours": losses[0][ROUNDS],
        "PyTorch": losses[1][-1],
        "loss 100 ours": losses[0][-1],
        "worst gap": max(float(np.max(np.abs(np.array(theirs) / ours - 1))) for theirs in losses[1:]),
        "blocked options": str(problem.blocked),
    }


def audited(problem: Problem) -> str:
    """Return how the fired sets of a run compare with scans at sampled steps."""
    records = [one for one in problem.ours(rate=problem.rate, audit_every=AUDITED_EVERY) if one.audit is not None]
    wrong = sum(one.audit.active - one.audit.found + one.audit.spurious for one in records)
    pairs = sum(one.audit.active for one in records)
    steps = ", ".join(str(one.step) for one in records)
    where = f"d = {problem.dimension}, eta = {problem.rate:.3g}"
    return f"{where}: {pairs} active pairs at steps {steps}: {wrong} missed or spurious"


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, dimensions=(16, 128))
    needs("torch")
    found = environment(["torch", "numba"], threads=2, dtype="float32 weights, float64 sums")
    width = 1 << (16 if options.quick else 20)
    rows, audits = [], []
    for dimension in options.dimensions:
        problem = Problem(width, dimension)
        for rate in RATES:
            problem.rate = rate * problem.stable_rate
            audits.append(audited(problem))
            print(audits[-1], flush=True)
            rows.append(measured(problem))
    print(f"m = {width}, n = {N}, {STEPS} steps; dense seconds are {STEPS} times a step")
    print_table([{key: value for key, value in row.items() if key != "blocked options"} for row in rows])
    write_json(options.json, {"environment": found, "width": width, "n": N, "rows": rows, "audits": audits})


if __name__ == "__main__":
    main()
