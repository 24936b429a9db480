from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.law import (
    LEAST_SHARE,
    Phases,
    best_iterations,
    exact_phases,
    exact_plan,
    fixed_point_iterations,
    fixed_point_law,
    fixed_point_phases,
    matched_law,
    phased_probability,
    plain_law,
    success_probability,
)
from hybrid_train.errors import ConfigError


def rotated(n_items: Any, n_marked: Any, iterations: Any) -> Any:
    """The law by brute force: the iterate as an m x m matrix."""
    uniform = np.full(n_items, n_items**-0.5)
    flip = np.diag(np.where(np.arange(n_items) < n_marked, -1.0, 1.0))
    step = (2.0 * np.outer(uniform, uniform) - np.eye(n_items)) @ flip
    state = np.linalg.matrix_power(step, iterations) @ uniform
    return np.sum(state[:n_marked] ** 2)


@given(st.integers(1, 40), st.data())
def test_plain_law_is_the_matrix_power(n_items: Any, data: Any) -> None:
    n_marked = data.draw(st.integers(0, n_items))
    iterations = data.draw(st.integers(0, 9))
    assert success_probability(n_items, n_marked, iterations) == pytest.approx(
        rotated(n_items, n_marked, iterations), abs=1e-12
    )


@given(st.integers(1, 1000), st.data())
def test_phases_of_pi_are_the_plain_law(n_items: Any, data: Any) -> None:
    n_marked = data.draw(st.integers(0, n_items))
    iterations = data.draw(st.integers(0, 30))
    pi = np.full(iterations, np.pi)
    assert phased_probability(n_items, n_marked, Phases(pi, pi)) == pytest.approx(
        float(success_probability(n_items, n_marked, iterations)), abs=1e-11
    )


@pytest.mark.parametrize("miss", [0.3, 1e-3, 1e-8])
@pytest.mark.parametrize("n_items", [2, 3, 7, 64, 1000])
def test_fixed_point_law_holds_for_every_count(n_items: Any, miss: Any) -> None:
    iterations = fixed_point_iterations(n_items, miss)
    phases = fixed_point_phases(iterations, miss)
    counts = np.arange(n_items + 1)
    evolved = [phased_probability(n_items, int(k), phases) for k in counts]
    law = [fixed_point_law(n_items, k, iterations, miss) for k in counts.tolist()]
    np.testing.assert_allclose(evolved, law, atol=1e-9)
    assert min(evolved[1:]) >= 1.0 - miss * (1.0 + 1e-5)


@pytest.mark.parametrize("n_items", [64, 1000, 1 << 16])
def test_one_iteration_fewer_would_break_the_promise(n_items: Any) -> None:
    miss = 1e-4
    fewer = fixed_point_iterations(n_items, miss) - 1
    assert phased_probability(n_items, 1, fixed_point_phases(fewer, miss)) < 1.0 - miss


@pytest.mark.parametrize(("miss", "factor"), [(1e-3, 2.07), (1e-6, 3.80)])
def test_certificate_length_follows_the_asymptotic_formula(miss: Any, factor: Any) -> None:
    assert fixed_point_iterations(1 << 20, miss) == pytest.approx(factor * 1024, rel=0.01)


def calls_a_find(n_items: Any, n_marked: Any, iterations: Any) -> Any:
    return (iterations + 1) / np.maximum(success_probability(n_items, n_marked, iterations), 1e-300)


def counts_to_try() -> Any:
    """All counts up to 64 items, and counts of all sizes above."""
    small = [(n_items, n_marked) for n_items in range(1, 65) for n_marked in range(1, n_items + 1)]
    dense = [(1024, n_marked) for n_marked in range(1, 1025)]
    rng = np.random.default_rng(0)
    sampled = [(m := int(2 ** rng.uniform(6, 14)), int(np.ceil(m ** rng.uniform(0, 1)))) for _ in range(300)]
    return [*small, *dense, *sampled]


def test_best_iterations_beat_all_others() -> None:
    for n_items, n_marked in counts_to_try():
        expected = calls_a_find(n_items, n_marked, np.arange(int(2 * np.sqrt(n_items)) + 3))
        assert expected[best_iterations(n_items, n_marked)] == pytest.approx(expected.min(), rel=1e-12)


@given(st.integers(1 << 14, 1 << 50), st.floats(0.0, 1.0))
def test_no_neighbour_of_the_best_iterations_is_better(n_items: Any, exponent: Any) -> None:
    n_marked = int(np.ceil(n_items**exponent))
    best = best_iterations(n_items, n_marked)
    around = calls_a_find(n_items, n_marked, np.arange(max(0, best - 3), best + 4))
    assert calls_a_find(n_items, n_marked, best) == pytest.approx(around.min(), rel=1e-9)


def test_one_more_iteration_may_pass_the_peak() -> None:
    assert best_iterations(4, 1) == best_iterations(10, 3) == 1
    assert calls_a_find(10, 3, 1) == pytest.approx(2.0576, abs=1e-4)


def test_single_item_needs_no_iteration() -> None:
    assert fixed_point_iterations(1, 1e-9) == 0
    assert best_iterations(1, 1) == 0


def test_phases_must_fit() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        Phases(np.zeros(2), np.zeros(3))


@given(st.integers(1, 3000), st.data())
def test_matched_phases_find_a_marked_item_for_certain(n_items: Any, data: Any) -> None:
    n_marked = data.draw(st.integers(1, n_items))
    iterations, phase = exact_plan(n_items, n_marked)
    if iterations == 0:
        assert n_marked == n_items
        return
    assert matched_law(n_items, n_marked, iterations, phase) == pytest.approx(1.0, abs=1e-9)
    assert phased_probability(n_items, n_marked, exact_phases(iterations, phase)) == pytest.approx(1.0, abs=1e-9)


def test_matched_phases_of_another_count_are_not_certain() -> None:
    iterations, phase = exact_plan(1024, 5)
    assert matched_law(1024, 6, iterations, phase) < 1.0 - 1e-3


@given(st.integers(1, 1 << 30), st.data())
def test_scalar_and_array_laws_agree(n_items: Any, data: Any) -> None:
    n_marked = data.draw(st.integers(0, n_items))
    assert plain_law(n_items, n_marked, 7) == success_probability(n_items, n_marked, 7)
    assert -1e-9 <= fixed_point_law(n_items, n_marked, 9, 0.1) <= 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fixed_point_phases(3, 2.0), r"miss_probability=2.0: must lie strictly between 0 and 1"),
        (lambda: fixed_point_phases(3, 0.0), r"miss_probability=0.0"),
        (lambda: fixed_point_phases(-1, 0.1), r"iterations=-1: must be at least 0"),
        (lambda: fixed_point_phases(2.5, 0.1), r"iterations=2.5: must be an integer"),
        (lambda: success_probability(8, 9, 1), r"n_marked=9: from 0 to n_items=8"),
        (lambda: success_probability(8, -1, 1), r"n_marked=-1"),
        (lambda: success_probability(0, 0, 1), r"n_items=0: there must be at least one item"),
        (lambda: success_probability(8, 2, -1), r"iterations=-1: must be at least 0"),
        (lambda: success_probability(8, 2, 1.5), r"iterations=1.5: must be whole numbers"),
        (lambda: success_probability(8, [1, 9], 1), r"n_marked=array of shape \(2,\): from 0 to"),
        (lambda: success_probability(8, float("nan"), 1), r"n_marked=nan: must be whole numbers"),
        (lambda: success_probability(8, "two", 1), r"n_marked=two: must be whole numbers"),
        (lambda: phased_probability(4, 5, fixed_point_phases(1, 0.1)), r"n_marked=5"),
    ],
)
def test_arguments_out_of_range_are_told(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="needs more digits than double precision has")
@pytest.mark.parametrize("n_items", [64, 1024])
def test_phases_hold_the_least_share_and_little_less(n_items: int) -> None:
    def worst(share: float) -> float:
        length = int(fixed_point_iterations(n_items, share))
        phases = fixed_point_phases(length, share)
        misses = []
        for n_marked in (1, 2, 5, n_items // 3):
            fraction = np.longdouble(n_marked) / n_items
            here, there = np.sqrt(fraction), np.sqrt(1 - fraction)
            marked, other = np.clongdouble(here), np.clongdouble(there)
            for oracle, diffusion in zip(phases.oracle, phases.diffusion, strict=True):
                marked *= np.exp(np.clongdouble(1j) * np.longdouble(oracle))
                turn = (np.exp(np.clongdouble(1j) * np.longdouble(diffusion)) - 1) * (here * marked + there * other)
                marked, other = marked + turn * here, other + turn * there
            misses.append(float(abs(other) ** 2 / (abs(marked) ** 2 + abs(other) ** 2)))
        return max(misses)

    assert worst(LEAST_SHARE / 90) <= 1.01 * LEAST_SHARE / 90  # the ninth certificate of a search
    assert worst(1e-32) > 1e-31
