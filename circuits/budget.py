"""How one failure probability is shared out over all queries of a run."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt


@final
class DeltaBudget:
    """Gives every query a share of delta such that the shares never sum to more than delta (union bound).

    With J queries planned, each of the first J gets delta / (2J); the j-th query beyond the plan gets
    delta / (2 j (j + 1)), which sum to delta / 2 for ever. Without a plan the j-th gets delta / (j (j + 1)).

    Args:
        delta: in (0, 1), for the whole run.
        planned: J, or None.
    """

    def __init__(self, delta: float, planned: int | None = None) -> None:
        self._delta = delta
        self._planned = planned or 0
        self._taken = 0

    def take(self, count: int) -> npt.NDArray[np.float64]:
        """Return the shares (count,) of the next queries."""
        number = np.arange(self._taken + 1, self._taken + count + 1, dtype=np.float64)
        self._taken += count
        if not self._planned:
            return self._delta / (number * (number + 1.0))
        beyond = np.maximum(number - self._planned, 1.0)
        unplanned = self._delta / (2.0 * beyond * (beyond + 1.0))
        return np.where(number <= self._planned, self._delta / (2.0 * self._planned), unplanned)
