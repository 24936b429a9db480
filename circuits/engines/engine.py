"""What an engine is: it carries out Grover runs, in the place of a quantum computer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from circuits.engines.marked import MarkedItems
from circuits.law import Phases
from circuits.monitored_law import measured_within
from circuits.register import Register
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.finder.cost import SimulationCost
from hybrid_train.support.arrays import FloatArray, IntArray


class Run(NamedTuple):
    """One quantum run: Grover iterations from the uniform state, then a measurement.

    Attributes:
        iterations: how many.
        phases: of a generalised run; None for the plain algorithm.
        stages: of a monitored run, (iterations, damping) each; none for any other.
    """

    iterations: int
    phases: Phases | None = None
    stages: tuple[tuple[int, float], ...] = ()

    @property
    def bit_oracle_uses(self) -> int:
        """A sign flip takes one use (phase kick-back), any other phase two (compute, turn, uncompute)."""
        return self.iterations if self.phases is None else 2 * self.iterations

    def measured_within(self, iterations: int) -> int:
        """Return how many of the first iterations of a monitored run are damped: each measures the ancilla once."""
        return int(measured_within(*self.schedule, iterations))

    @property
    def schedule(self) -> tuple[IntArray, FloatArray]:
        """(S,) iterations and (S,) damping of each stage of a monitored run."""
        lengths, dampings = zip(*self.stages, strict=True) if self.stages else ((), ())
        return np.array(lengths, np.int64), np.array(dampings, np.float64)


@final
@dataclass(frozen=True, eq=False)
class Batch:
    """Runs to carry out together, one in each of several searches.

    Attributes:
        marked: the oracles of all searches.
        searches: (B,) distinct searches.
        runs: (B,) what to run in each.
        seeds: (B,) a fresh key for each run.
    """

    marked: MarkedItems
    searches: IntArray
    runs: Sequence[Run]
    seeds: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.runs)


class Engine(ABC):
    """Carries out Grover runs: the one thing here that stands in for a quantum computer.

    Attributes:
        simulation: what that took since the start.
        monitors: whether it can measure an ancilla in the midst of a circuit and stop by it.
        may_fault: whether its measurements may follow another law than that of the circuits, as a real machine's do;
            nothing it measures, or fails to, proves that nothing is left.
    """

    may_fault = False
    monitors = False

    def __init__(self) -> None:
        self.simulation = SimulationCost()

    def start_over(self) -> SimulationCost:
        """Forget earlier runs and count afresh; return the new counters."""
        self.simulation = SimulationCost()
        return self.simulation

    @abstractmethod
    def sample(self, batch: Batch) -> IntArray:
        """Carry out the runs of a batch and return the measured indices.

        The result depends on the batches since ``start_over`` and their seeds alone.

        Returns:
            (B,) integers. A noisy register wider than needed may yield ``n_items`` or more: no item.
        """

    def sample_monitored(self, batch: Batch) -> tuple[IntArray, IntArray]:
        """Carry out monitored runs; return ((B,) measured indices, (B,) iterations carried out)."""
        raise InvariantError(f"{type(self).__name__} does not monitor")

    def check_monitored(self, n_items: int | Register, n_word: int = 0) -> None:
        """Raise ResourceError if monitored runs over so many items, with an ancilla, cannot be carried out here.

        Args:
            n_items: m, or the register of the items.
            n_word: qubits besides the index and the ancilla.
        """

    def check_monitors(self, strategy: str, monitors: bool) -> None:
        """Raise ConfigError if a strategy asks for monitored runs and this engine has none.

        Args:
            strategy: its name.
            monitors: whether it does.
        """
        if monitors and not self.monitors:
            raise ConfigError(
                f"strategy={strategy!r}: measures an ancilla in the midst of a circuit and stops by it, which is done "
                "on engine='aer' without noise, sampler or backend, and on engine='closed_form'; leave these out, or "
                "take strategy='adaptive'"
            )

    def check_resources(self, n_items: int | Register) -> None:
        """Raise ResourceError if searches over so many items, or those of a register, cannot be carried out here."""

    def check_register(self, n_items: int | Register, n_word: int) -> None:
        """Raise ResourceError if an arithmetic oracle's circuits cannot be carried out here.

        Args:
            n_items: m, or the register of the items.
            n_word: qubits besides the index.
        """

    def searches_at_once(self, n_items: int | Register) -> int:
        """Return how many searches over so many items to step together."""
        return max(1, min(8192, (1 << 24) // Register.of(n_items).n_items))
