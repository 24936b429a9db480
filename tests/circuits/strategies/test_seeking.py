"""The best run of plain and then damped iterations, against amplitudes followed step by step."""

from typing import Any

import numpy as np
import pytest

from circuits.strategies import load_strategy
from circuits.strategies.posterior import begin, turn
from circuits.strategies.seeking import best_length, damped_start

N_ITEMS = 256


def search_of(weights: dict[int, float], found: int = 0) -> Any:
    """Return a search that believes in these numbers of items, found ones included."""
    search = load_strategy("monitored").start(N_ITEMS, [1e-3], np.zeros(1, np.uint64))[0]
    begin(search)
    search["nodes"], search["single"], search["found"] = len(weights), 1, found
    search["total"][: len(weights)], search["weight"][: len(weights)] = list(weights), list(weights.values())
    turn(search)
    search["blur"] = 0.0
    return search


def followed(left: int, factors: Any) -> Any:
    """Return (mean iterations, chance that nothing is found) of a run, iteration by iteration."""
    theta = np.arcsin(np.sqrt(left / N_ITEMS))
    state, total = np.array([np.cos(theta), np.sin(theta)]), 0.0
    turn_by = np.array([[np.cos(2 * theta), -np.sin(2 * theta)], [np.sin(2 * theta), np.cos(2 * theta)]])
    for factor in factors:
        total += state @ state
        state = turn_by @ (state * [1.0, factor])
    return total, state[0] ** 2


def factors_of(plain: Any, length: Any, damping: Any) -> Any:
    return np.concatenate([np.ones(plain), np.full(length, np.exp(-2.0 * damping))])


@pytest.mark.parametrize("weights", [{1: 1.0}, {2: 0.5, 3: 0.3, 9: 0.2}, {0: 0.6, 1: 0.3, 5: 0.1}])
def test_no_run_of_the_shape_heralds_sooner(weights: Any) -> None:
    """A finer search over both numbers gains less than two hundredths; twice or half the damping loses."""

    def mean(plain: Any, damping: Any) -> Any:
        runs = (weight * followed(k, factors_of(plain, 800, damping))[0] for k, weight in weights.items() if k)
        return sum(runs)

    plain, damping = damped_start(search_of(weights))
    least = min(mean(j, mu) for j in range(12) for mu in damping * 1.1 ** np.arange(-10, 11))
    assert least <= mean(plain, damping) < 1.02 * least
    assert min(mean(plain, 2.0 * damping), mean(plain, 0.5 * damping)) > 1.02 * least


def test_found_items_are_left_out() -> None:
    assert damped_start(search_of({4: 0.5, 6: 0.5}, found=3)) == damped_start(search_of({1: 0.5, 3: 0.5}))


@pytest.mark.parametrize("later", [20.0, 100.0])
def test_the_calls_of_a_run_are_those_of_its_iterations(later: Any) -> None:
    weights, plain, damping, empty = {0: 0.5, 1: 0.3, 4: 0.2}, 3, 0.15, 0.4
    search, after = search_of(weights), np.array([0.5 * later, later, later])
    length, calls = best_length(search, plain, damping, after, empty)

    def expected(damped: Any) -> Any:
        total = 1.0 + weights[0] * (empty * (plain + damped) + after[0])
        for k in (1, 4):
            taken, missed = followed(k, factors_of(plain, damped, damping))
            total += weights[k] * (taken + missed * later)
        return total

    assert calls == pytest.approx(expected(length), rel=1e-9)
    assert calls <= min(expected(damped) for damped in range(1, 100)) * 1.01


def test_a_run_lasts_longer_where_more_follows_it() -> None:
    search = search_of({0: 0.5, 1: 0.5})
    brief, long = (best_length(search, 3, 0.15, np.full(2, later), 0.4)[0] for later in (20.0, 200.0))
    assert brief < long
