"""What crossovers train and search, counted once a process: it depends on the arguments alone."""

from __future__ import annotations

from functools import cache

import pytest

from hybrid_train.studies import crossover_costs

_COUNTED = {name: cache(getattr(crossover_costs, name)) for name in ("measured_training", "played_searches")}


def count_once(patch: pytest.MonkeyPatch) -> None:
    """Let crossovers take what was counted before, as long as the patch holds."""
    for name, counted in _COUNTED.items():
        patch.setattr(crossover_costs, name, counted)
