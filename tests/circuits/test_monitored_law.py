"""The law of monitored runs, against the two amplitudes followed step by step."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.law import angle, fixed_point_iterations
from circuits.monitored_law import (
    amplitudes,
    averaged,
    envelope,
    expected_duration,
    monitored_end,
    monitored_law,
    monitored_plan,
    silence,
    worst_miss,
)


def followed(n_items: Any, n_marked: Any, damping: Any, time: Any) -> Any:
    """Return the amplitudes, and the chance of silence after 0, 1, ..., t iterations."""
    theta, lam = math.asin(math.sqrt(n_marked / n_items)), math.exp(-2.0 * damping)
    turn = np.array([[math.cos(2 * theta), math.sin(2 * theta)], [math.sin(2 * theta), -math.cos(2 * theta)]])
    state, silent = np.array([math.cos(theta), math.sin(theta)]), [1.0]
    for _ in range(time):
        state = turn @ (state * [1.0, -lam])
        silent.append(float(state @ state))
    return state, silent


@given(st.integers(2, 3000), st.data())
def test_the_closed_form_is_the_product_of_steps(n_items: Any, data: Any) -> None:
    n_marked = data.draw(st.integers(1, n_items - 1))
    damping = data.draw(st.floats(1e-3, 3.0))
    time = data.draw(st.integers(0, 60))
    state, silent = followed(n_items, n_marked, damping, time)
    theta = angle(n_items, n_marked)
    assert amplitudes(theta, damping, time) == pytest.approx(state, abs=1e-9)
    assert silence(theta, damping, time) == pytest.approx(silent[-1], abs=1e-9)
    assert monitored_law(n_items, n_marked, time, damping) == pytest.approx(1.0 - state[0] ** 2, abs=1e-9)
    assert expected_duration(theta, damping, time) == pytest.approx(sum(silent[:-1]), rel=1e-7, abs=1e-7)


@given(st.integers(2, 500), st.data())
def test_a_run_ends_where_its_draw_falls(n_items: Any, data: Any) -> None:
    """By listing the chances of every end: herald after 1, 2, ..., then the last measurement."""
    n_marked = data.draw(st.integers(1, n_items - 1))
    damping, chance = data.draw(st.floats(0.01, 1.0)), data.draw(st.floats(0.0, 0.999))
    state, silent = followed(n_items, n_marked, damping, 12)
    ends = [*(1.0 - np.array(silent[1:])), 1.0 - state[0] ** 2]
    if min(abs(chance - end) for end in ends) < 1e-9:
        return
    at = int(np.searchsorted(ends, chance))
    assert monitored_end(n_items, n_marked, 12, damping, chance) == (min(at + 1, 12), at < len(ends))


def test_nothing_or_everything_marked() -> None:
    assert monitored_end(8, 0, 5, 0.3, 0.0) == (5, False)
    assert monitored_law(8, 0, 5, 0.3) == 0.0
    ends = [monitored_end(8, 8, 50, 0.3, chance)[0] for chance in (np.arange(4000) + 0.5) / 4000]
    assert monitored_end(8, 8, 1, 0.3, 0.999) == (1, True)
    assert np.mean(ends) == pytest.approx(expected_duration(math.pi / 2, 0.3, 50), rel=0.01)


@pytest.mark.parametrize("miss", [0.3, 1e-3, 5e-7, 1e-12])
@pytest.mark.parametrize("n_items", [2, 3, 7, 64, 65, 300, 1000])
def test_a_plan_holds_for_every_count(n_items: Any, miss: Any) -> None:
    iterations, damping = monitored_plan(n_items, 1, n_items, miss)
    misses = [1.0 - monitored_law(n_items, k, iterations, damping) for k in range(1, n_items + 1)]
    assert max(misses) <= miss * (1.0 + 1e-9) + 1e-15
    assert iterations <= 1.2 * fixed_point_iterations(n_items, miss) + 2


@pytest.mark.parametrize("fewest", [2, 3])
def test_a_plan_for_more_items_is_shorter_and_holds_for_these(fewest: Any) -> None:
    iterations, damping = monitored_plan(1000, fewest, 1000 - fewest, 1e-6)
    misses = [1.0 - monitored_law(1000, k, iterations, damping) for k in range(fewest, 1001 - fewest)]
    assert max(misses) <= 1e-6
    assert iterations < 1.05 * monitored_plan(1000, 1, 1000, 1e-6)[0] / math.sqrt(fewest) + 1
    assert 1.0 - monitored_law(1000, 1, iterations, damping) > 1e-4


def test_a_run_a_tenth_shorter_breaks_the_promise() -> None:
    iterations, damping = monitored_plan(1000, 1, 1000, 1e-6)
    short = [1.0 - monitored_law(1000, k, int(0.9 * iterations), damping) for k in range(1, 1000)]
    assert max(short) > 1e-6


@pytest.mark.parametrize("n_items", [65, 1000, 1 << 14])
@pytest.mark.parametrize("fewest", [1, 2, 3])
@pytest.mark.parametrize("critical", [0.65, 0.9, 1.0])
def test_the_envelope_is_largest_at_its_ends(n_items: Any, fewest: Any, critical: Any) -> None:
    damping = 2.0 * critical * angle(n_items, fewest)
    between = [envelope(n_items, k, damping) for k in range(2 * fewest, n_items - 2 * fewest + 1)]
    assert max(between) <= max(1.0, between[0], between[-1]) * (1.0 + 1e-12)


@pytest.mark.parametrize("n_items", [65, 1000, 4096])
def test_the_bound_is_one(n_items: Any) -> None:
    iterations, damping = monitored_plan(n_items, 1, n_items, 1e-3)
    for time in (iterations // 2, iterations, 2 * iterations):
        worst = max(1.0 - monitored_law(n_items, k, time, damping) for k in range(1, n_items))
        assert worst <= worst_miss(n_items, 1, n_items, time, damping) * (1.0 + 1e-9)


def test_certificates_at_a_billion_items_are_as_long_as_the_fixed_point() -> None:
    iterations, _ = monitored_plan(1 << 30, 1, 1 << 30, 1e-6)
    assert iterations == pytest.approx(fixed_point_iterations(1 << 30, 1e-6), rel=0.03)


def test_an_average_over_angles_is_that_of_many() -> None:
    theta, blur, damping, time = 0.2, 0.01, 0.05, 30
    drawn = theta + blur * np.random.default_rng(0).standard_normal(20000)
    squares = np.mean([np.square(amplitudes(one, damping, time)) for one in drawn], axis=0)
    assert averaged(theta, damping, time, blur) == pytest.approx(squares, rel=0.1)
    assert np.square(amplitudes(theta, damping, time)) != pytest.approx(squares, rel=0.1)
