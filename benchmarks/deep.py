"""Deep networks: multiplying active coordinates alone, against dense PyTorch and NumPy and against a scan.

Two trained layers of m neurons over an input layer that stays, n = 64 examples, float32, full-batch gradient descent on
the squared loss at half the rate that is stable. Thresholds are fitted so that a share of each layer fires. All arms
start from the same weights and take turns, some steps each; a ratio is of neighbouring times, and ``cpu`` that of
processor times, which other work on the machine disturbs less. PyTorch is written in three ways, and the fastest in
trial steps counts. The losses of all arms stand beside each other: ``apart`` is the largest relative difference over
the steps that were taken. At the last step the sets of the dynamics are compared with a scan of the same weights.

``memory`` is what this machine takes to read one layer and to read and write both, from memory: less than that no step
takes that is to change a weight in every line of the cache, as about 5 % firing do, where the layers do not fit it.

    python benchmarks/deep.py [--quick] [--json FILE]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from _common import arguments, environment, needs, print_table, write_json
from _dense_deep import PYTORCH, NumpyDense, Peer
from _memory import seconds_per_byte

from classical.dynamics.columns.dynamics import ColumnDynamics
from classical.dynamics.deep.dynamics import DeepDynamics
from hybrid_train.data import sphere
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.deep import DeepNetwork, calibrated, fully_connected
from hybrid_train.support.processors import usable_processors
from hybrid_train.training.dynamics import Dynamics

EXAMPLES, DIMENSION = 64, 64
ROUNDS = 7
WIDEST_SCAN = 4096
"""Beyond, a scan and NumPy are left out: their copies of the weights do not fit beside the others'."""


@final
@dataclass
class Arm:
    """One way of training, and what its steps took.

    Attributes:
        step: takes a step and returns the loss before it.
        losses: of every step.
        wall: seconds a step, for each turn.
        processor: likewise, of all threads.
    """

    step: Callable[[], float]
    losses: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def take(self, steps: int) -> None:
        """Take some steps and note their time."""
        started = time.perf_counter(), time.process_time()
        self.losses += [self.step() for _ in range(steps)]
        ended = time.perf_counter(), time.process_time()
        self.wall.append((ended[0] - started[0]) / steps)
        self.processor.append((ended[1] - started[1]) / steps)


class Problem:
    """A network, its examples and a rate."""

    def __init__(self, width: int, share: float) -> None:
        data = sphere(EXAMPLES, DIMENSION, seed=0)
        self.inputs, self.targets = data.inputs, data.targets[:, None]
        drawn = fully_connected(
            [width, width, width], DIMENSION, threshold="auto", share=share, seed=0, dtype="float32"
        )
        self.network = calibrated(drawn, self.inputs, share)
        dynamics = ColumnDynamics(self.network, self.inputs)
        dynamics.start()
        self.fired = float(dynamics.evaluate().fired.mean()) / (3 * width)
        self.rate = 0.5 / dynamics.top_eigenvalue()
        dynamics.finish()

    def copy(self) -> DeepNetwork:
        """Return the network at W(0)."""
        return self.network.at(self.network.weights())

    def trained(self, dynamics: Dynamics) -> Callable[[], float]:
        """Return a step of dynamics, which are started."""
        dynamics.start()

        def step() -> float:
            residual = dynamics.evaluate().outputs - self.targets
            dynamics.descend(residual, self.rate)
            return float(0.5 * np.square(residual).sum())

        return step

    def dense(self, kind: type[Peer]) -> Peer:
        """Return a dense peer at W(0)."""
        return kind(self.network, self.inputs, self.targets, self.rate)


def fastest_pytorch(problem: Problem, steps: int) -> tuple[type[Peer], dict[str, float]]:
    """Return the way of writing it in PyTorch whose best step is fastest, and the milliseconds of all."""
    times: dict[type[Peer], float] = {}
    for kind in PYTORCH:
        try:
            peer = problem.dense(kind)
            peer.step()
        except Exception as error:  # no compiler, or too little memory
            print(f"PyTorch {kind.name}: left out, {type(error).__name__}")
            continue
        seconds = []
        for _ in range(steps):
            started = time.perf_counter()
            peer.step()
            seconds.append(time.perf_counter() - started)
        times[kind] = 1e3 * min(seconds)
    return min(times, key=lambda kind: times[kind]), {kind.name: ms for kind, ms in times.items()}


def measured(width: int, share: float, rounds: int, memory: tuple[float, float]) -> dict[str, Any]:
    """Return the row of one width and share."""
    problem = Problem(width, share)
    steps = max(1, min(20, (1 << 13) // width))
    kind, ways = fastest_pytorch(problem, 2 * steps)
    dynamics = ColumnDynamics(problem.copy(), problem.inputs)
    arms = {"ours": Arm(problem.trained(dynamics)), "PyTorch": Arm(problem.dense(kind).step)}
    if width <= WIDEST_SCAN:
        scan = DeepDynamics(problem.copy(), problem.inputs, lambda bank: make_finder("scan"))
        arms["scan"] = Arm(problem.trained(scan))
        arms["NumPy"] = Arm(problem.dense(NumpyDense).step)
    for arm in arms.values():  # warms up
        arm.losses.append(arm.step())
    for _ in range(rounds):
        for arm in arms.values():
            arm.take(steps)
    dynamics.evaluate()
    audit = dynamics.audit()
    ours = arms["ours"]
    ratios = {name: np.divide(arm.wall, ours.wall) for name, arm in arms.items()}
    row: dict[str, Any] = {
        "m": width,
        "fires": problem.fired,
        "ours [ms]": 1e3 * float(np.median(ours.wall)),
        **{f"{name} [ms]": 1e3 * float(np.median(arm.wall)) for name, arm in arms.items() if name != "ours"},
        "memory [ms]": 1e3 * 4 * width**2 * (memory[0] + 2 * memory[1]),
        "written": kind.name,
        "x PyTorch": float(np.median(ratios["PyTorch"])),
        "from": float(ratios["PyTorch"].min()),
        "to": float(ratios["PyTorch"].max()),
        "cpu": float(np.median(np.divide(arms["PyTorch"].processor, ours.processor))),
        **{f"x {name}": float(np.median(ratios[name])) for name in ("scan", "NumPy") if name in arms},
        "steps": len(ours.losses),
        "loss": ours.losses[0],
        "last loss": ours.losses[-1],
        "apart": _apart([arm.losses for arm in arms.values()]),
        "missed or spurious": audit.active - audit.found + audit.spurious,
        "of": audit.active,
    }
    return row | {"ways": ways}


def _apart(losses: list[list[float]]) -> float:
    """Return the largest difference between arms at a step, relative to the loss of the first."""
    table = np.array(losses)
    return float((np.ptp(table, axis=0) / np.maximum(table[0], 1e-9 * table[0, 0])).max())


def main() -> None:
    """Run every case, print, and write JSON if asked."""
    options = arguments(__doc__)
    needs("torch")
    found = environment(("torch", "numba"), threads=2, dtype="float32")
    widths, rounds = ((1024,), 3) if options.quick else ((1024, 4096, 16384), ROUNDS)
    memory = seconds_per_byte(usable_processors())
    print(f"memory: {1e-9 / memory[0]:.1f} GB/s read, {1e-9 / memory[1]:.1f} GB/s read and written back")
    measured(128, 0.05, 1, memory)  # compiles
    rows = []
    for width in widths:
        for share in (0.05, 0.02):
            rows.append(measured(width, share, rounds, memory))
            print(f"PyTorch, best of some steps [ms]: {rows[-1]['ways']}")
            print_table([{name: value for name, value in rows[-1].items() if name != "ways"}])
    write_json(options.json, found | {"seconds_per_byte": memory, "rows": rows})


if __name__ == "__main__":
    main()
