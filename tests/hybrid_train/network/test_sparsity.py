"""How many neurons fire at the start, against simulation and the papers' bound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network import TwoLayerNetwork
from hybrid_train.network.sparsity import expected_active, sparsity_bound
from tests.support.statistics import share_is


@pytest.mark.parametrize(("width", "expected"), [(1024, 49.1), (1 << 20, 9715.9)])
def test_the_expectation_at_the_usual_threshold(width: int, expected: float) -> None:
    assert expected_active(width, math.sqrt(0.4 * math.log(width))) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("norm", [1.0, 0.5, 3.0])
def test_fired_counts_follow_the_binomial_law(norm: float) -> None:
    """At m = 2^16 a mean 30 % off is seen, as the twins are."""
    width, threshold = 1 << 16, 1.0
    network = TwoLayerNetwork.initialize(width, 5, threshold=threshold, seed=3)
    x = norm * sphere(1, 5, seed=4).inputs
    fired = active_pairs(network.weights, x, threshold).nnz

    def plausible(mean: float) -> bool:
        return share_is(fired, width, mean / width, sees=0.3 * mean / width)

    assert plausible(expected_active(width, threshold, norm))
    assert not plausible(1.3 * expected_active(width, threshold, norm))
    assert not plausible(width**0.8)


def test_one_expectation_for_each_norm() -> None:
    norms = np.array([0.0, 0.5, 1.0, 2.0])
    for threshold in (-0.7, 0.0, 1.3):
        each = [expected_active(10, threshold, float(norm)) for norm in norms]
        assert np.array_equal(expected_active(10, threshold, norms), each)
    assert expected_active(10, 0.0) == 5.0
    assert expected_active(10, -1.0, 0.0) == 10.0
    assert expected_active(10, 0.0, 0.0) == expected_active(10, 1.0, 0.0) == 0.0


def test_the_bound_is_above_the_expectation() -> None:
    for threshold in np.linspace(-3, 6, 40):
        assert expected_active(1000, threshold) <= sparsity_bound(1000, threshold) <= 2000
    assert sparsity_bound(100, 2.0) == pytest.approx(200 * math.exp(-2))


@pytest.mark.parametrize(("width", "threshold"), [(0, 1.0), (10, math.nan), (10, math.inf)])
def test_bad_input_is_refused(width: int, threshold: float) -> None:
    with pytest.raises(ConfigError, match=r"width=0|threshold="):
        expected_active(width, threshold)
    with pytest.raises(ConfigError, match=r"width=0|threshold="):
        sparsity_bound(width, threshold)
    with pytest.raises(ConfigError, match="norm"):
        expected_active(10, 1.0, np.array([1.0, -1.0]))
