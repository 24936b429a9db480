"""The law of monitored runs, against the two amplitudes followed step by step."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.law import angle
from circuits.monitored_law import (
    amplitudes,
    expected_duration,
    growth_bound,
    measured_within,
    monitored_end,
    monitored_law,
    silence,
    worst_silence,
)


def followed(n_items: Any, n_marked: Any, lengths: Any, dampings: Any) -> Any:
    """Return the amplitudes, and the chance of silence after 0, 1, ..., t iterations."""
    theta = math.asin(math.sqrt(n_marked / n_items))
    turn = np.array([[math.cos(2 * theta), math.sin(2 * theta)], [math.sin(2 * theta), -math.cos(2 * theta)]])
    state, silent = np.array([math.cos(theta), math.sin(theta)]), [1.0]
    for damping in np.repeat(dampings, lengths):
        state = turn @ (state * [1.0, -math.exp(-2.0 * damping)])
        silent.append(float(state @ state))
    return state, silent


STAGES = st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0.0]) | st.floats(1e-3, 3.0)), min_size=1, max_size=3)


def arrays(stages: Any) -> Any:
    return np.array([one for one, _ in stages]), np.array([float(one) for _, one in stages])


@given(st.integers(2, 3000), STAGES, st.data())
def test_the_closed_form_is_the_product_of_steps(n_items: Any, stages: Any, data: Any) -> None:
    n_marked = data.draw(st.integers(1, n_items - 1))
    lengths, dampings = arrays(stages)
    state, silent = followed(n_items, n_marked, lengths, dampings)
    theta, time = angle(n_items, n_marked), int(lengths.sum())
    assert amplitudes(theta, lengths, dampings, time) == pytest.approx(state, abs=1e-9)
    assert silence(theta, lengths, dampings, time) == pytest.approx(silent[-1], abs=1e-9)
    assert monitored_law(n_items, n_marked, lengths, dampings) == pytest.approx(1.0 - state[0] ** 2, abs=1e-9)
    assert expected_duration(theta, lengths, dampings) == pytest.approx(sum(silent[:-1]), rel=1e-7, abs=1e-6)
    half = time // 2
    assert silence(theta, lengths, dampings, half) == pytest.approx(silent[half], abs=1e-9)


@given(st.integers(2, 500), STAGES, st.data())
def test_a_run_ends_where_its_draw_falls(n_items: Any, stages: Any, data: Any) -> None:
    """By listing the chances of every end: herald after 1, 2, ..., then the last measurement."""
    n_marked, chance = data.draw(st.integers(1, n_items - 1)), data.draw(st.floats(0.0, 0.999))
    lengths, dampings = arrays(stages)
    state, silent = followed(n_items, n_marked, lengths, dampings)
    ends = [*(1.0 - np.array(silent[1:])), 1.0 - state[0] ** 2]
    if min(abs(chance - end) for end in ends) < 1e-9:
        return
    at, time = int(np.searchsorted(ends, chance, side="right")), int(lengths.sum())
    assert monitored_end(n_items, n_marked, lengths, dampings, chance) == (min(at + 1, time), at < len(ends))


def test_nothing_or_everything_marked() -> None:
    lengths, dampings = np.array([5]), np.array([0.3])
    assert monitored_end(8, 0, lengths, dampings, 0.0) == (5, False)
    assert monitored_law(8, 0, lengths, dampings) == 0.0
    assert monitored_law(8, 8, lengths, dampings) == 1.0
    assert monitored_end(8, 8, np.array([1]), dampings, 0.999) == (1, True)
    long = np.array([50])
    ends = [monitored_end(8, 8, long, dampings, chance)[0] for chance in (np.arange(4000) + 0.5) / 4000]
    assert np.mean(ends) == pytest.approx(expected_duration(math.pi / 2, long, dampings), rel=0.01)


@given(st.integers(65, 3000), STAGES, st.data())
def test_the_bound_holds_for_all_numbers_between(n_items: Any, stages: Any, data: Any) -> None:
    fewest = data.draw(st.integers(1, n_items // 2))
    n_marked = data.draw(st.integers(fewest, n_items - fewest))
    lengths, dampings = arrays(stages)
    bound = worst_silence(angle(n_items, fewest), lengths, dampings)
    assert followed(n_items, n_marked, lengths, dampings)[1][-1] <= bound * (1.0 + 1e-9)


def test_the_growth_is_that_of_the_matrix() -> None:
    """The larger singular value of K = (N - cos phi) / sin phi, squared; infinite once the rotation is overdamped."""
    theta, damping = 0.2, 0.15
    double, turn, lam = math.cos(0.4), math.sin(0.4), math.exp(-0.3)
    step = np.array([[double, -turn * lam], [turn, double * lam]]) / math.sqrt(lam)
    cosine = math.cosh(damping) * double
    square = np.linalg.norm((step - cosine * np.eye(2)) / math.sqrt(1.0 - cosine**2), 2) ** 2
    assert growth_bound(theta, damping) == pytest.approx(square, rel=1e-9)
    assert growth_bound(theta, 0.5) == math.inf


def test_damped_iterations_are_counted() -> None:
    lengths, dampings = np.array([3, 4]), np.array([0.0, 0.1])
    assert [measured_within(lengths, dampings, time) for time in (0, 2, 3, 5, 7)] == [0, 0, 0, 2, 4]
