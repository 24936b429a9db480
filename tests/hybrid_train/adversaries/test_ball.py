"""Balls: projections land in the set, nothing in the set is nearer, and attacks stay where they may go."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize_scalar

from hybrid_train.adversaries import Ball, L2Ball, LInfBall, make_ball
from hybrid_train.errors import ConfigError

NORMS = ("l2", "linf")


def in_set(ball: Ball, moved: np.ndarray, clean: np.ndarray, slack: float = 1e-12) -> bool:
    free = clean.shape[1] - ball.kept
    shift = moved - clean
    order = 2 if isinstance(ball, L2Ball) else np.inf
    within = (np.linalg.norm(shift, ord=order, axis=1) <= ball.rho + slack).all()
    kept = (shift[:, free:] == 0).all()
    norms = np.linalg.norm(moved, axis=1) - np.linalg.norm(clean, axis=1)
    return bool(within and kept and (not ball.on_sphere or (np.abs(norms) <= slack).all()))


def centres(rng: np.random.Generator, rows: int, dimension: int, kept: int) -> np.ndarray:
    """Clean examples in the normal form (.., 1/2) or (.., 1/2, 1), or on the unit sphere."""
    free = rng.standard_normal((rows, dimension - kept))
    free /= np.linalg.norm(free, axis=1, keepdims=True)
    if not kept:
        return free
    tail = np.broadcast_to(np.array([0.5, 1.0])[:kept], (rows, kept))
    return np.hstack([free * np.sqrt(0.75), tail])


@st.composite
def situations(draw: Any) -> Any:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kept = draw(st.integers(0, 2))
    dimension = kept + draw(st.integers(1, 9))
    clean = centres(rng, draw(st.integers(1, 6)), dimension, kept)
    if draw(st.booleans()):
        clean[:, : dimension - kept] = np.round(clean[:, : dimension - kept] * 2) / 2  # zeros, ties, zero rows
    rho = draw(st.sampled_from([0.0, 1e-9, 0.05, 0.3, 1.0, 1.9, 5.0]))
    ball = make_ball(draw(st.sampled_from(NORMS)), rho, kept=kept, on_sphere=draw(st.booleans()))
    spread = draw(st.sampled_from([0.0, 1e-160, 1e-3, 1.0, 1e3, 1e150]))
    return ball, clean, clean * draw(st.sampled_from([0.0, 1.0, -1.0])) + spread * rng.standard_normal(clean.shape), rng


@given(situations())
@settings(max_examples=300)
def test_every_answer_lies_in_the_set(situation: Any) -> None:
    ball, clean, vectors, rng = situation
    assert in_set(ball, ball.project(vectors, clean), clean)
    assert in_set(ball, ball.worst(vectors, clean), clean)
    assert in_set(ball, ball.draw(clean, rng), clean)
    assert (np.linalg.norm(ball.project(vectors, clean) - clean, axis=1) <= ball.reach(clean.shape[1]) + 1e-12).all()


@given(situations())
@settings(max_examples=100)
def test_a_point_of_the_set_is_its_own_projection(situation: Any) -> None:
    ball, clean, vectors, _ = situation
    inside = ball.project(vectors, clean)
    assert np.allclose(ball.project(inside, clean), inside, rtol=0, atol=1e-7 * max(1.0, ball.rho))


def competitors(ball: Ball, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points of the set of one example, drawn many ways."""
    many = np.repeat(clean, 4000, axis=0)
    scale = np.geomspace(1e-3, 10, 4000)[:, None]
    return ball.project(many + scale * rng.standard_normal(many.shape), many)


EXACT = [("l2", True), ("l2", False), ("linf", False)]


@pytest.mark.parametrize(("norm", "on_sphere"), EXACT)
@pytest.mark.parametrize("rho", [0.1, 0.6])
def test_nothing_in_the_set_is_nearer(norm: Any, on_sphere: bool, rho: float) -> None:
    rng = np.random.default_rng(5)
    ball = make_ball(norm, rho, kept=2, on_sphere=on_sphere)
    for clean in centres(rng, 20, 7, 2)[:, None]:
        others = competitors(ball, clean, rng)
        for spread in (0.05, 0.5):
            goal = clean + spread * rng.standard_normal(clean.shape)
            goal[:, -2:] = clean[:, -2:]
            best = np.linalg.norm(ball.project(goal, clean) - goal)
            assert best <= np.linalg.norm(others - goal, axis=1).min() + 1e-12
            gain = (ball.worst(goal, clean) @ goal.T).item()
            assert gain >= (others @ goal.T).max() - 1e-12


def dual_bound(goal: np.ndarray, centre: np.ndarray, rho: float) -> tuple[float, float]:
    """An upper bound of <v, goal> over box and sphere by Lagrange duality, and its multiplier nu.

    For every nu, <v, goal> + nu / 2 (||v||^2 - R^2), maximised over the box alone, is such a bound.
    """
    ends = np.stack([centre - rho, centre + rho])

    def bound(nu: float) -> float:
        inner = np.clip(-goal / nu, *ends) if nu < 0 else ends[0]
        tried = np.stack([*ends, inner])
        return float((tried * goal + nu / 2 * tried**2).max(axis=0).sum() - nu / 2 * (centre @ centre))

    best = minimize_scalar(bound, bounds=(-500, 500), method="bounded", options={"xatol": 1e-10})
    return best.fun, best.x


@pytest.mark.parametrize("rho", [0.02, 0.1, 0.6])
@pytest.mark.parametrize("spread", [0.05, 0.5, 50.0])
def test_the_maximum_norm_on_a_sphere_comes_as_near_as_duality_can_tell(rho: float, spread: float) -> None:
    rng = np.random.default_rng(6)
    clean = centres(rng, 60, 9, 0)
    goal = clean + spread * rng.standard_normal(clean.shape)
    moved = LInfBall(rho).project(goal, clean)
    exact = 0
    for v, y, x in zip(moved, goal, clean, strict=True):
        bound, nu = dual_bound(y, x, rho)
        assert bound - (max(nu, 0) * rho**2 / 2 + 1e-6) <= v @ y <= bound + 1e-9
        exact += nu <= 0
    assert exact > 20


def test_a_projection_onto_the_ball_alone_would_be_caught() -> None:
    rng = np.random.default_rng(5)
    clean = centres(rng, 5, 6, 1)
    plain = make_ball("l2", 0.3, kept=1, on_sphere=False)
    moved = plain.project(clean + rng.standard_normal(clean.shape), clean)
    assert in_set(plain, moved, clean)
    assert not in_set(make_ball("l2", 0.3, kept=1), moved, clean)


def test_the_cap_is_reached_at_its_rim() -> None:
    ball, clean = L2Ball(0.4), np.array([[1.0, 0.0, 0.0]])
    assert np.linalg.norm(ball.project(np.array([[0.0, 0.0, 9.0]]), clean) - clean) == pytest.approx(0.4, abs=1e-15)
    assert np.linalg.norm(ball.project(-clean, clean) - clean) == pytest.approx(0.4, abs=1e-15)
    assert np.array_equal(ball.project(np.zeros((1, 3)), clean), clean)
    assert np.array_equal(L2Ball(3.0).project(-clean, clean), np.array([[-1.0, 0.0, 0.0]])) or np.allclose(
        L2Ball(3.0).project(-clean, clean), -clean, atol=1e-15
    )


def test_the_maximum_norm_ball_alone_agrees_with_linear_programming() -> None:
    rng = np.random.default_rng(0)
    clean, gradient = rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    worst = LInfBall(0.2, on_sphere=False).worst(gradient, clean)
    for x, g, v in zip(clean, gradient, worst, strict=True):
        assert np.allclose(linprog(-g, bounds=list(zip(x - 0.2, x + 0.2, strict=True))).x, v)


def test_a_zero_gradient_moves_nothing() -> None:
    clean = centres(np.random.default_rng(1), 3, 5, 1)
    for norm in NORMS:
        ball = make_ball(norm, 0.3, kept=1)
        assert np.array_equal(ball.worst(np.zeros_like(clean), clean), clean)
        assert not ball.direction(np.zeros_like(clean), clean).any()


@pytest.mark.parametrize("norm", NORMS)
def test_directions_are_tangent_unit_and_ascending(norm: Any) -> None:
    rng = np.random.default_rng(2)
    clean, gradient = centres(rng, 6, 8, 2), rng.standard_normal((6, 8))
    step = make_ball(norm, 0.3, kept=2).direction(gradient, clean)
    lengths = np.linalg.norm(step, ord=2 if norm == "l2" else np.inf, axis=1)
    assert np.allclose(lengths, 1.0)
    assert not step[:, -2:].any()
    if norm == "l2":
        assert np.allclose(np.einsum("ij,ij->i", step, clean), 0.0, atol=1e-15)
    moved = clean + 1e-6 * step
    moved[:, :-2] *= (np.linalg.norm(clean[:, :-2], axis=1) / np.linalg.norm(moved[:, :-2], axis=1))[:, None]
    assert (np.einsum("ij,ij->i", gradient, moved - clean) > 0).all()


def test_random_starts_fill_the_plain_ball_evenly() -> None:
    clean = np.zeros((20000, 3))
    drawn = L2Ball(1.0, on_sphere=False).draw(clean, np.random.default_rng(3))
    volumes = np.sort(np.linalg.norm(drawn, axis=1) ** 3)
    # Kolmogorov-Smirnov at a false-alarm rate of 1e-9: sqrt(ln(2 / 1e-9) / 2n)
    bound = np.sqrt(np.log(2e9) / (2 * len(drawn)))
    even = np.arange(1, len(drawn) + 1) / len(drawn)
    assert np.abs(volumes - even).max() < bound
    assert np.abs(np.sort(np.linalg.norm(drawn, axis=1)) - even).max() > bound, "a twin that forgets the volume is seen"


def test_options_out_of_range_are_refused() -> None:
    for bad in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="rho"):
            L2Ball(bad)
    with pytest.raises(ConfigError, match="kept"):
        L2Ball(0.1, kept=-1)
    with pytest.raises(ConfigError, match="did you mean 'linf'"):
        make_ball("lnf", 0.1)


def largest_by_brute_force(goal: np.ndarray, centre: np.ndarray, rho: float) -> float:
    """The largest <goal, v> over box and sphere: each coordinate at an end, or free, all free ones along the goal."""
    radius, most = float(centre @ centre), -np.inf
    for pattern in product((-1, 0, 1), repeat=len(centre)):
        side = np.array(pattern)
        place, free = centre + rho * side, side == 0
        rest = radius - float(place[~free] @ place[~free])
        if not free.any():
            most = max(most, float(goal @ place)) if abs(rest) < 1e-12 else most
        elif rest >= 0:
            for sign in (-1.0, 1.0):
                place[free] = sign * np.sqrt(rest) * goal[free] / np.linalg.norm(goal[free])
                if (np.abs(place - centre) <= rho + 1e-12).all():
                    most = max(most, float(goal @ place))
    return most


@pytest.mark.parametrize("kept", [0, 2])
@pytest.mark.parametrize("rho", [0.02, 0.1, 0.4, 0.8, 1.5])
def test_the_worst_place_in_the_maximum_norm_on_a_sphere_is_that_of_brute_force(rho: float, kept: int) -> None:
    rng = np.random.default_rng(8)
    ball = LInfBall(rho, kept=kept)
    for trial in range(30):
        clean = centres(rng, 1, 6 + kept - trial % 5, kept)
        goal = 0.3 * rng.standard_normal(clean.shape) - (trial % 3 > 0) * clean
        moved = ball.worst(goal, clean)
        assert in_set(ball, moved, clean)
        free = clean.shape[1] - kept
        best = largest_by_brute_force(goal[0, :free], clean[0, :free], rho)
        assert float(goal[0, :free] @ moved[0, :free]) == pytest.approx(best, abs=1e-9)


def test_many_coordinates_are_searched_in_bounded_time_and_never_for_the_worse() -> None:
    rng = np.random.default_rng(9)
    clean = centres(rng, 5, 784, 0)
    goal = -clean + rng.standard_normal(clean.shape) / 28
    clean[0] = 1 / 28  # equal coordinates and prices: nothing tells branches apart
    goal[0] = -1.0
    ball = LInfBall(0.01)
    moved, greedy = ball.worst(goal, clean), ball.project(goal * 1e6, clean)
    assert in_set(ball, moved, clean)
    gains = np.einsum("ij,ij->i", goal, moved) - np.einsum("ij,ij->i", goal, greedy)
    assert (gains >= -1e-12).all()
    assert gains[1:].max() > 0
