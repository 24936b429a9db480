"""Randomness by explicit keys: every random choice is named by (root seed, step, role).

Nothing has to be saved to repeat a run, the order of work cannot change a result, and the data and the initial
weights do not depend on the finder.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from hybrid_train.errors import ConfigError


class Role(IntEnum):
    """Who draws. The numbers are part of every published result: never reuse or change one."""

    DATA = 0
    WEIGHTS = 1
    SIGNS = 2
    FINDER = 3
    BATCH = 4
    ADVERSARY = 5
    CHOICE = 6
    POPULATION = 7


def seed_key(root: int, role: Role, step: int = 0, again: int = 0) -> np.random.SeedSequence:
    """Return the seed of one random choice.

    Args:
        root: the run's seed, ``run.seed`` in a config; a non-negative integer.
        role: who draws.
        step: the training step, 0 for what is drawn once.
        again: the step of a break at which somebody begins anew; 0 from the beginning.

    Raises:
        ConfigError: the seed is not a non-negative integer.
    """
    if isinstance(root, bool) or not isinstance(root, int | np.integer) or root < 0:
        raise ConfigError(f"seed={root!r}: expected a non-negative integer")
    return np.random.SeedSequence(root, spawn_key=(step, int(role), again) if again else (step, int(role)))


def generator(root: int, role: Role, step: int = 0) -> np.random.Generator:
    """Return a fresh generator for one random choice (see :func:`seed_key`)."""
    return np.random.default_rng(seed_key(root, role, step))
