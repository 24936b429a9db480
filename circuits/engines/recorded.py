"""Watching an engine at work: which runs it was asked for, and what was unmarked by then."""

from __future__ import annotations

from typing import final

from circuits.engines.engine import Batch, Engine, Run
from circuits.register import Register
from hybrid_train.finder.cost import SimulationCost
from hybrid_train.support.arrays import IntArray


@final
class RecordedEngine(Engine):
    """Carries out runs by another engine and notes them.

    Args:
        engine: who carries them out.

    Attributes:
        runs: (run, how many items were unmarked before it) -> how often, in the order first asked.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self.may_fault, self.monitors = engine.may_fault, engine.monitors
        self.runs: dict[tuple[Run, int], int] = {}

    def start_over(self) -> SimulationCost:
        self.runs = {}
        self.simulation = self._engine.start_over()
        return self.simulation

    def sample(self, batch: Batch) -> IntArray:
        self._note(batch)
        return self._engine.sample(batch)

    def sample_monitored(self, batch: Batch) -> tuple[IntArray, IntArray]:
        self._note(batch)
        return self._engine.sample_monitored(batch)

    def _note(self, batch: Batch) -> None:
        for run in batch.runs:
            key = run, len(batch.marked.unmarked)
            self.runs[key] = self.runs.get(key, 0) + 1

    def check_monitored(self, n_items: int | Register, n_word: int = 0) -> None:
        self._engine.check_monitored(n_items, n_word)

    def check_resources(self, n_items: int | Register) -> None:
        self._engine.check_resources(n_items)

    def check_register(self, n_items: int | Register, n_word: int) -> None:
        self._engine.check_register(n_items, n_word)
