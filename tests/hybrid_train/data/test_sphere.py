"""The sphere: covered evenly, with the targets asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from hybrid_train.data import sphere
from hybrid_train.data.checks import unit_rows
from hybrid_train.errors import ConfigError
from tests.support.statistics import drawn_from


def is_uniform(rows: np.ndarray) -> bool:
    """x_1^2 ~ Beta(1/2, (d-1)/2)."""
    return drawn_from(rows[:, 0] ** 2, beta(0.5, (rows.shape[1] - 1) / 2).cdf, sees=0.09)


def test_the_sphere_is_covered_evenly() -> None:
    assert is_uniform(sphere(4000, 3, seed=11).inputs)
    cube = np.random.default_rng(0).uniform(-1, 1, size=(4000, 3)) ** 3
    assert not is_uniform(unit_rows(cube, "a cube's corners"))


def test_targets_of_the_sphere() -> None:
    assert set(np.unique(sphere(50, 3).targets)) == {-1.0, 1.0}
    assert sphere(50, 3).binary
    gaussian = sphere(50, 3, targets="gaussian")
    assert len(np.unique(gaussian.targets)) == 50
    assert not gaussian.binary
    with pytest.raises(ConfigError, match="did you mean 'gaussian'"):
        sphere(5, 3, targets="gausian")
    with pytest.raises(ConfigError, match="dim=0"):
        sphere(5, 0)
