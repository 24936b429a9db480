"""Two interleaved spirals: a classic that no linear function tells apart."""

from __future__ import annotations

import math

import numpy as np

from hybrid_train.data.dataset import Dataset
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_count
from hybrid_train.support.rng import Role, generator

_RADIUS = 0.99


def two_spirals(n: int = 194, *, turns: float = 3.0, noise: float = 0.0, seed: int = 0) -> Dataset:
    """Return points on two spirals in the plane, lifted to the unit sphere: x = (u, v, sqrt(1 - u^2 - v^2)).

    The spirals are those of Lang and Witbrock, "Learning to tell two spirals apart" (1988 Connectionist Models Summer
    School), scaled to radius 0.99, so that no point is an antipode; the defaults give their 194 points. The second
    is the first turned by 180 degrees.

    Args:
        n: points, taken from the spirals in turn; the first has the target +1, the second -1.
        turns: how often each winds around the centre.
        noise: standard deviation of Gaussian noise in u and v; points that it takes out of the unit disc are put
            back on its edge.
        seed: the run's seed, which settles the noise.

    Raises:
        ConfigError: n below 2, turns not positive, or noise negative.
    """
    if checked_count(n, "n") < 2:
        raise ConfigError(f"n={n}: two spirals need at least 2 points")
    if not (math.isfinite(turns) and turns > 0):
        raise ConfigError(f"turns={turns!r}: expected a positive number")
    if not (math.isfinite(noise) and noise >= 0):
        raise ConfigError(f"noise={noise!r}: expected a number of at least 0")
    place, second = np.arange(n) // 2, np.arange(n) % 2
    along = place / max(1, place[-1])
    radius = _RADIUS * (104.0 - 96.0 * along) / 104.0
    angle = 2.0 * np.pi * turns * along + np.pi * second
    plane = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    plane += noise * generator(seed, Role.DATA).standard_normal(plane.shape)
    plane /= np.maximum(1.0, np.linalg.norm(plane, axis=1, keepdims=True))
    height = np.sqrt(np.maximum(0.0, 1.0 - np.square(plane).sum(axis=1, keepdims=True)))
    return Dataset(np.concatenate([plane, height], axis=1), 1.0 - 2.0 * second, "two_spirals")
