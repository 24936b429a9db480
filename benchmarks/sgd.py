"""Stochastic gradient descent: touching the active neurons only, against dense PyTorch.

Both train the same network (m neurons, float32 weights, threshold sqrt(0.4 ln m)) from the same W(0), on the same
batches, at the same rate. PyTorch's step is written in three ways and the fastest is taken. Our time is that of a
whole run, by step: lists, scans, and the look at all examples that ends it, which PyTorch is not asked for; ``ratio``
is PyTorch's time over it, ``steps alone`` the ratio without that look. Dense steps all cost the same and are timed
between our runs. The losses of the dense steps taken stand beside ours. W(0) is drawn outside the clock.

Examples that are kept let the finder keep lists of what is near them; fresh ones make every step search. Thousands of
examples resemble each other, as real ones do: all 1797 digits, and synthetic ones drawn around a common direction and
ten of classes, for which neurons fire as they do for the digits. ``cpu`` is the ratio of processor times, which other
work on the machine disturbs less.

    python benchmarks/sgd.py [--quick] [--only correlated,5000] [--json FILE]
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from _common import arguments, chosen, environment, needs, print_table, write_json
from _dense_sgd import fastest

from classical.training import StepRecord, Training, two_layer_dynamics
from hybrid_train.data import EvenPolynomials, digits, make_inputs
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork, auto_threshold
from hybrid_train.training.batches import Batch, Batches, FreshBatches, MiniBatches
from hybrid_train.training.losses import encoded_draw, make_loss

LOSS = make_loss("squared")
ROUNDS = 5
DENSE_STEPS = 8


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        source: "polynomial", "digits" (two of them), "all digits" (even or odd) or "correlated".
        n: examples kept; None for fresh ones.
        dimension: d.
        batch: B.
        finder: its name.
        width: m; None for the width of the run, 2^20, or 2^16 with --quick.
        quick: whether --quick has it too.
        passes: through the data, in all; None for as many steps as the run has.
    """

    source: str
    n: int | None
    dimension: int
    batch: int
    finder: str
    width: int | None = None
    quick: bool = True
    passes: int | None = None

    def words(self, width: int) -> set[str]:
        """Return what --only may name, if m is ``width`` where the case names none."""
        kept = "fresh" if self.n is None else str(self.n)
        return {self.source, kept, str(self.batch), self.finder, str(self.width or width)}

    @property
    def rounds(self) -> int:
        """How often the case is measured."""
        return ROUNDS if self.passes is None else 2


CASES = (
    Case("polynomial", 64, 16, 16, "skin"),
    Case("polynomial", 64, 64, 32, "skin"),
    Case("digits", 357, 64, 32, "skin"),
    Case("polynomial", None, 16, 16, "scan"),
    Case("polynomial", None, 4, 16, "hsr"),
    Case("polynomial", None, 64, 64, "skin", 1 << 16),
    Case("polynomial", None, 64, 256, "skin", 1 << 13),
    Case("all digits", 1797, 64, 32, "skin", 1 << 16, quick=False, passes=10),
    Case("all digits", 1797, 64, 64, "skin", 1 << 16, quick=False, passes=10),
    Case("all digits", 1797, 64, 256, "skin", 1 << 16, quick=False, passes=10),
    Case("correlated", 5000, 64, 32, "skin", 1 << 16, quick=False, passes=5),
    Case("correlated", 5000, 64, 64, "skin", 1 << 13, passes=5),
    Case("correlated", 5000, 64, 64, "skin", 1 << 16, passes=5),
    Case("correlated", 5000, 64, 64, "skin", 1 << 16, quick=False, passes=20),
    Case("correlated", 5000, 64, 256, "skin", 1 << 16, quick=False, passes=5),
    Case("correlated", 60000, 64, 64, "skin", 1 << 16, quick=False, passes=3),
    Case("correlated", 60000, 64, 256, "skin", 1 << 16, quick=False, passes=5),
)


class Problem:
    """A case at one width: batches, W(0), rate."""

    def __init__(self, case: Case, width: int, steps: int) -> None:
        self.case, self.steps = case, steps
        draw = np.random.default_rng(0)
        self.start = draw.standard_normal((width, case.dimension), dtype=np.float32)
        self.signs = draw.choice(np.array([-1.0, 1.0]), size=width)
        self.threshold = auto_threshold(width)
        self.batches, self.inputs = _batches(case)
        training = self.ours(1, "auto")
        next(iter(training))  # chosen by the first batch
        self.rate = float(training.learning_rate)

    def ours(self, steps: int, rate: Any) -> Training:
        """Return our training, not started."""
        network = TwoLayerNetwork(DenseBank(self.start), self.signs[:, None], self.threshold)
        finder = make_finder(self.case.finder)
        fresh = self.case.n is None
        dynamics = two_layer_dynamics(network, self.inputs, finder, in_batches=not fresh, fresh=fresh)
        return Training(dynamics, self.batches, LOSS, steps=steps, learning_rate=rate)

    def dense(self, kind: Any) -> Any:
        """Return a dense peer at W(0)."""
        return kind(self.start, self.signs, self.threshold, self.rate)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return inputs, targets and factors of a step, as the peers take them."""
        batch: Batch = self.batches.at(step)
        inputs = self.inputs[batch.rows] if batch.inputs is None else batch.inputs
        return inputs, batch.targets[:, 0], batch.factors


def _batches(case: Case) -> tuple[Batches, np.ndarray]:
    """Return the batches and the examples that are there at the start."""
    if case.source == "correlated":
        return _correlated(case)
    if case.source == "all digits":
        dataset = digits(case.n, classes="all")
        parity = np.where(np.asarray(dataset.targets) % 2 == 0, 1.0, -1.0)
        return MiniBatches(parity[:, None], case.batch, seed=0), dataset.inputs
    if case.source == "digits":
        dataset = digits(case.n)
        return MiniBatches(dataset.targets[:, None], case.batch, seed=0), dataset.inputs
    source = EvenPolynomials(make_inputs("sphere", case.dimension), degree=2)
    if case.n is None:
        batches = FreshBatches(encoded_draw(source, LOSS, 1), case.batch, seed=0)
        return batches, np.asarray(batches.at(0).inputs)
    dataset = source.examples(case.n)
    return MiniBatches(dataset.targets[:, None], case.batch, seed=0), dataset.inputs


def _correlated(case: Case) -> tuple[Batches, np.ndarray]:
    """Return unit rows around a common direction and ten of classes, and which side of it their class is on."""
    draw = np.random.default_rng(0)
    count, dimension = case.n or 0, case.dimension
    centre = draw.standard_normal(dimension)
    classes = draw.standard_normal((10, dimension)) / np.sqrt(dimension)
    spread = 1 / np.sqrt(np.arange(1, dimension + 1))
    noise = draw.standard_normal((count, dimension)) * (spread / np.linalg.norm(spread))
    of_class = draw.integers(10, size=count)
    inputs = np.sqrt(0.72) * centre / np.linalg.norm(centre) + np.sqrt(0.1) * classes[of_class] + np.sqrt(0.18) * noise
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    targets = np.where(classes[of_class] @ centre > 0, 1.0, -1.0)
    return MiniBatches(targets[:, None], case.batch, seed=0), inputs


def measured(problem: Problem) -> dict[str, Any]:
    """Return the row of one problem."""
    case, steps = problem.case, problem.steps
    kind, _ = fastest(problem.dense, problem.batch(0))
    peer = problem.dense(kind)
    theirs = [peer.take(*problem.batch(0))]
    ours: list[StepRecord] = []
    walls: list[tuple[float, float]] = []
    processors: list[tuple[float, float]] = []
    looks: list[float] = []
    for _ in range(case.rounds):
        training = problem.ours(steps, problem.rate)
        started = time.perf_counter(), time.process_time()
        ours = list(training)
        looks.append(ours[-1].step_seconds / steps)
        ran = time.perf_counter() - started[0], time.process_time() - started[1]
        began = len(theirs)
        started = time.perf_counter(), time.process_time()
        while len(theirs) < began + DENSE_STEPS:
            theirs.append(peer.take(*problem.batch(len(theirs))))
        dense = time.perf_counter() - started[0], time.process_time() - started[1]
        walls.append((ran[0] / steps, dense[0] / DENSE_STEPS))
        processors.append((ran[1] / steps, dense[1] / DENSE_STEPS))
    compared = min(len(theirs), steps)
    pairs = [(ours[step].loss, theirs[step]) for step in range(compared)]
    ratios = [dense / active for active, dense in walls]
    return {
        "examples": case.source + (" fresh" if case.n is None else f" n={case.n}"),
        "d": case.dimension,
        "B": case.batch,
        "m": len(problem.start),
        "finder": case.finder,
        "ours [ms]": 1e3 * float(np.median([active for active, _ in walls])),
        "PyTorch [ms]": 1e3 * float(np.median([dense for _, dense in walls])),
        "written": kind.name,
        "ratio": float(np.median(ratios)),
        "from": min(ratios),
        "to": max(ratios),
        "steps alone": float(
            np.median([dense / (run - look) for (run, dense), look in zip(walls, looks, strict=True)])
        ),
        "cpu": float(np.median([dense / active for active, dense in processors])),
        "steps": steps,
        "our loss": pairs[-1][0],
        "their loss": pairs[-1][1],
        "apart": max(abs(mine - other) / max(abs(other), 1e-9) for mine, other in pairs[:10]),
    }


def main() -> None:
    """Run every case, print, and write JSON if asked."""
    options = arguments(__doc__, only=True)
    needs("torch")
    found = environment(("torch", "numba"), threads=2, dtype="float32 weights")
    width, steps = (1 << 16, 50) if options.quick else (1 << 20, 100)
    listed = [case for case in CASES if case.quick or not options.quick]
    cases = chosen(listed, options.only, lambda case: case.words(width))
    for case in cases:  # compiles, lists too
        some = case if case.n is None else replace(case, n=min(case.n, 357))
        list(Problem(some, 1024, 40).ours(40, 1e-3))
    rows = []
    for case in cases:
        kept = steps if case.n is not None else steps // 10
        if case.passes is not None and case.n is not None:
            kept = case.passes * case.n // case.batch
        rows.append(measured(Problem(case, case.width or width, kept)))
        print_table(rows[-1:])
    print()
    print_table(rows)
    write_json(options.json, found | {"width": width, "rows": rows})


if __name__ == "__main__":
    main()
