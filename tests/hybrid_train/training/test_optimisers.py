"""Momentum, Adam, decay and schedules against their formulas, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_train.errors import ConfigError
from hybrid_train.training.optimisers import Adam, Momentum, make_optimiser, scheduled

ROWS = [np.array([0, 2]), np.array([2]), np.array([0, 1, 2]), np.array([1, 2])]
RATE = 0.1


def walked(optimiser: Momentum | Adam, weights: np.ndarray) -> np.ndarray:
    """Return where rows get by gradients 2 w - 1, those of ROWS in each step."""
    at = weights.copy()
    for rows in ROWS:
        at[rows] += optimiser.moves(rows, 2 * at[rows] - 1, at[rows], RATE)
    return at


START = np.random.default_rng(0).standard_normal((4, 3))


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_momentum_moves_each_row_as_if_it_were_alone(decay: float) -> None:
    expected = START.copy()
    for row in range(4):
        velocity = np.zeros(3)
        for _ in (rows for rows in ROWS if row in rows):
            velocity = 0.8 * velocity + 2 * expected[row] - 1
            expected[row] += -RATE * velocity - RATE * decay * expected[row]
    found = walked(Momentum((4, 3), decay, 0.8), START)
    assert np.allclose(found, expected, rtol=1e-14)
    assert np.array_equal(found[3], START[3])


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_counts_the_steps_of_each_row(decay: float) -> None:
    expected = START.copy()
    for row in range(4):
        mean = square = np.zeros(3)
        for step, _ in enumerate((rows for rows in ROWS if row in rows), start=1):
            gradient = 2 * expected[row] - 1
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            move = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            expected[row] += -RATE * move - RATE * decay * expected[row]
    found = walked(Adam((4, 3), decay), START)
    assert np.allclose(found, expected, rtol=1e-12)
    assert np.array_equal(found[3], START[3])


def test_what_plain_descent_needs() -> None:
    assert make_optimiser("descent", (2, 2)) is None
    shrinking = make_optimiser("descent", (2, 2), weight_decay=0.5)
    assert shrinking is not None
    moved = shrinking.moves(np.array([0]), np.ones((1, 2)), np.full((1, 2), 4.0), 0.1)
    assert moved.tolist() == [[pytest.approx(-0.1 - 0.1 * 0.5 * 4.0)] * 2]
    assert shrinking.auto_rate is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("adm", {}, "did you mean 'adam'"),
        ("momentum", {"momentum": 1.0}, "momentum=1.0"),
        ("adam", {"weight_decay": -1.0}, "weight_decay=-1.0"),
        ("adam", {"weight_decay": float("nan")}, "weight_decay=nan"),
    ],
)
def test_options_out_of_range(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_optimiser(name, (2, 2), **options)


def test_schedules_fall_from_one_to_nothing() -> None:
    assert [scheduled("constant", done) for done in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]
    assert [scheduled("linear", done) for done in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]
    assert [scheduled("cosine", done) for done in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.5, 0.0])
    with pytest.raises(ConfigError, match="did you mean 'cosine'"):
        scheduled("cosin", 0.5)
