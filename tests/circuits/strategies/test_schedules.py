"""Monitored runs that certify, against the law for every number of marked items."""

from typing import Any

import numpy as np
import pytest

from circuits.law import angle, best_iterations, fixed_point_iterations, plain_law
from circuits.monitored_law import expected_duration, monitored_law
from circuits.strategies.schedules import LEAST_ITEMS, certifying


def worst(n_items: Any, lengths: Any, dampings: Any) -> float:
    return max(1.0 - float(monitored_law(n_items, k, lengths, dampings)) for k in range(1, n_items + 1))


@pytest.mark.parametrize("share", [0.3, 1e-3, 5e-7, 1e-12])
@pytest.mark.parametrize("n_items", [LEAST_ITEMS, 65, 100, 300, 1000, 4096])
def test_it_finds_something_but_for_its_share_whatever_is_marked(n_items: Any, share: Any) -> None:
    lengths, dampings = certifying(n_items, share)
    assert worst(n_items, lengths, dampings) <= share * (1.0 + 1e-9) + 1e-15


def test_a_run_a_tenth_shorter_is_refuted() -> None:
    lengths, dampings = certifying(1000, 5e-7)
    assert worst(1000, np.array([lengths[0], lengths[1] - lengths.sum() // 10]), dampings) > 5e-7


@pytest.mark.parametrize("n_items", [1000, 1 << 16, 1 << 30])
def test_it_is_shorter_than_the_fixed_point_and_finds_few_as_if_told(n_items: Any) -> None:
    lengths, dampings = certifying(n_items, 5e-7)
    assert lengths.sum() < 0.92 * fixed_point_iterations(n_items, 5e-7)
    for n_marked in (2, 3, 4, 5, 6):
        told = best_iterations(n_items, n_marked)
        calls = (told + 1) / plain_law(n_items, n_marked, told)
        assert expected_duration(angle(n_items, n_marked), lengths, dampings) < 1.12 * calls
