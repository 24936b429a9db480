"""The breaks of a run: when they come, what is written at each, and what the run goes on with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import final

import numpy as np

from classical.training.breaks import Breaks, Progress
from hybrid_train.config import Config
from hybrid_train.errors import CheckpointError, InvariantError
from hybrid_train.experiments.assembly import make_dynamics, planned_finders
from hybrid_train.experiments.halfway import Halfway, settled
from hybrid_train.experiments.results import RunDirectory
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.storing import Network
from hybrid_train.support.arrays import IntArray
from hybrid_train.training.dynamics import Dynamics


@final
class Pauses(Breaks):
    """Pauses a run as its config says.

    Without a directory the run pauses all the same, since a break is an event of the run.

    Args:
        config: of the run.
        setting: data and kind of network.
        network: in training.
        directory: where breaks are written; None for nowhere.
        counts: gives (n,) the fired neurons of each datum at W(0).

    Attributes:
        steps: of all breaks until now.
        unwritten: why the last break is not on disk; None if it is.
    """

    def __init__(
        self,
        config: Config,
        setting: Setting,
        network: Network,
        directory: RunDirectory | None,
        counts: Callable[[], IntArray | None],
    ) -> None:
        self._config, self._setting, self._network, self._directory = config, setting, network, directory
        self._counts = counts
        halfway = None if directory is None else directory.halfway
        self.steps: list[int] = [] if halfway is None else list(halfway.breaks)
        self._last = time.monotonic()
        self.unwritten: str | None = None

    def due(self, step: int) -> bool:
        run, steps = self._config.run, self._config.training.steps
        return step < steps and run.break_at(step, time.monotonic() - self._last)

    def keep(self, progress: Progress, dynamics: Dynamics) -> None:
        self.steps.append(progress.step)
        banks, rows = settled(dynamics.banks)
        counts = self._counts()
        if counts is None:
            raise InvariantError("Pauses: a break before the first step")
        if self._directory is not None:
            try:
                metrics = self._directory.metrics_until_now()
                self._directory.keep(Halfway(progress, banks, rows, metrics, np.asarray(counts), self.steps))
                self.unwritten = None
            except CheckpointError as error:  # the run goes on: the break before this one is whole
                self.unwritten = str(error)
        self._last = time.monotonic()

    def anew(self, step: int) -> Dynamics:
        finders = planned_finders(self._config, self._setting, step)
        return make_dynamics(self._config, self._setting, self._network, finders)
