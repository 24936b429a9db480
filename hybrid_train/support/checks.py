"""Checks of plain arguments that everybody makes."""

from __future__ import annotations

import numpy as np

from hybrid_train.errors import ConfigError


def checked_count(value: int, name: str) -> int:
    """Return ``value`` if it is an integer of at least 1.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ConfigError(f"{name}={value!r}: must be an integer of at least 1")
    return int(value)


def checked_counts(**counts: int) -> None:
    """Check that each is an integer of at least 1.

    Raises:
        ConfigError: one is not.
    """
    for name, value in counts.items():
        checked_count(value, name)
