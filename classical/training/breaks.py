"""Where a training run may be taken up again: at a break all that was built is built anew, from numbers that are kept.

Lists, trees and running sums of dynamics depend on the whole way that the weights came. So a break is an event of the
run itself: dynamics are finished, what cannot be made again is written down, and new ones are made at the weights of
now. A run that is taken up at a break does from there on what the unbroken one did, to the last bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.training.dynamics import Dynamics


@final
@dataclass(frozen=True, eq=False)
class Progress:
    """What a run needs to know, beside the weights, to go on at W(step).

    Attributes:
        step: t; W(t) has not been evaluated yet.
        learning_rate: eta.
        moved: neurons moved by the update that led here.
        cost: charged since the last record.
        simulation: likewise.
        finder_seconds: likewise.
        memory: what the dynamics remember of the way here, see :attr:`.Dynamics.memory`.
        kept: what the keeper has seen, see :meth:`.Keeper.state`.
    """

    step: int
    learning_rate: float
    moved: int = 0
    cost: Cost = field(default_factory=Cost)
    simulation: SimulationCost = field(default_factory=SimulationCost)
    finder_seconds: float = 0.0
    memory: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)


class Breaks(ABC):
    """Says when a run pauses to be written down, and makes what it goes on with."""

    @abstractmethod
    def due(self, step: int) -> bool:
        """Return whether there is a break at W(step), before it is evaluated."""

    @abstractmethod
    def keep(self, progress: Progress, dynamics: Dynamics) -> None:
        """Write down where the run is. The dynamics are finished: their banks hold W(step)."""

    @abstractmethod
    def anew(self, step: int) -> Dynamics:
        """Return dynamics at the weights of now, not started."""
