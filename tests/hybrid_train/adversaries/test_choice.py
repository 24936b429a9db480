"""Adversaries by name and their options."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid_train.adversaries import ADVERSARIES, FGSM, PGD, NoAdversary, make_adversary, make_ball
from hybrid_train.errors import ConfigError


def test_every_name_makes_its_adversary() -> None:
    ball = make_ball("l2", 0.2)
    made = [type(make_adversary(kind, ball)) for kind in ADVERSARIES]
    assert made == [NoAdversary, FGSM, PGD]


def test_the_default_step_crosses_the_ball() -> None:
    assert PGD(make_ball("linf", 0.2), steps=10).step_size == pytest.approx(0.05)
    assert PGD(make_ball("linf", 0.2), step_size=0.01).step_size == 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "adversary.steps=0"),
        ({"restarts": 0}, "adversary.restarts=0"),
        ({"restarts": 2}, "random_start=true"),
        ({"step_size": 0.0}, "adversary.step_size=0.0"),
        ({"step_size": float("inf")}, "adversary.step_size=inf"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        make_adversary("pgd", make_ball("l2", 0.1), **options)
    assert message in str(error.value)


def test_an_unknown_adversary_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'pgd'"):
        make_adversary("pgdd", make_ball("l2", 0.1))
