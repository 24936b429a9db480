"""The built-in sources: what all of them keep to."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from hybrid_train.data import breast_cancer, digits, sphere
from hybrid_train.errors import ConfigError, DataError

SOURCES = {
    "sphere": lambda n, seed: sphere(n, 7, seed=seed),
    "gaussian": lambda n, seed: sphere(n, 7, seed=seed, targets="gaussian"),
    "digits": lambda n, seed: digits(n, seed=seed),
    "ten digits": lambda n, seed: digits(n, "all", seed),
    "breast_cancer": breast_cancer,
}


every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@every_source
def test_rows_have_norm_one_and_depend_on_the_seed_alone(source: Any) -> None:
    data = source(24, 1)
    assert len(data) == len(data.targets) == 24
    assert np.allclose(np.linalg.norm(data.inputs, axis=1), 1.0, atol=1e-12)
    again, other = source(24, 1), source(24, 2)
    assert np.array_equal(data.inputs, again.inputs)
    assert np.array_equal(data.targets, again.targets)
    assert not np.array_equal(data.inputs, other.inputs)


@every_source
@pytest.mark.parametrize("n", [0, -3, 2.5, True])
def test_a_count_below_one_is_refused(source: Any, n: int) -> None:
    with pytest.raises(ConfigError, match="n="):
        source(n, 0)


@pytest.mark.parametrize("n", [2, 5, 64, 300])
def test_rows_are_balanced_as_far_as_they_go(n: int) -> None:
    for source, smaller in ((digits, 174), (breast_cancer, 212)):
        data = source(n, seed=3)
        positive = int((data.targets > 0).sum())
        assert len(np.unique(data.inputs, axis=0)) == n
        assert min(positive, n - positive) == min(n // 2, smaller)
    counts = np.bincount(digits(n, "all").targets, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_more_rows_than_there_are_is_refused() -> None:
    for source, total in ((digits, 357), (breast_cancer, 569)):
        assert len(source(total)) == len(source()) == total
        with pytest.raises(DataError, match=f"n={total + 1}: there are only {total} rows"):
            source(total + 1)


def test_importing_data_leaves_scikit_learn_alone() -> None:
    code = "import sys, hybrid_train.data; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
