"""Which W(t) is returned: the first of the best, the mean of those before the last, one drawn evenly, or the last."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from classical.training.keeping import Keep, make_keeper
from hybrid_train.finder.bank import DenseBank


def kept(keep: Keep, losses: list[float], *, seed: int = 0, every: int = 1) -> tuple[float, int | None]:
    """Let W(t) = t pass by; return which number is in the bank at the end, and its step."""
    bank = DenseBank(np.zeros((1, 1)))
    keeper = make_keeper(keep, [bank], len(losses) - 1, seed, every)
    for step, loss in enumerate(losses):
        bank.assign(np.array([0]), np.full((1, 1), float(step)))
        keeper.see(step, partial(float, loss))
    keeper.settle()
    return float(bank[0:1][0, 0]), keeper.step


def test_the_last_is_left_as_it_is() -> None:
    assert kept("last", [1.0, 2.0, 3.0]) == (2.0, 2)


def test_the_best_is_the_first_of_several() -> None:
    assert kept("best", [5.0, 1.0, 4.0, 1.0]) == (1.0, 1)


@pytest.mark.parametrize(("losses", "best"), [([3.0, 0.0, 2.0, 1.0], 3), ([1.0, 0.0, 2.0, 3.0], 0)])
def test_the_best_of_those_that_are_looked_at_is_the_last_too(losses: list[float], best: int) -> None:
    """Every second one, and the last: the zero in between is not seen."""
    assert kept("best", losses, every=2) == (float(best), best)


def test_the_average_leaves_the_last_out() -> None:
    assert kept("average", [0.0] * 5) == (1.5, None)


def test_a_random_one_is_any_but_the_last() -> None:
    """Of 200 seeds each of three steps is missed with probability 1e-35."""
    chosen = [kept("random", [0.0] * 4, seed=seed) for seed in range(200)]
    assert {step for _, step in chosen} == {0, 1, 2}
    assert all(number == step for number, step in chosen)
