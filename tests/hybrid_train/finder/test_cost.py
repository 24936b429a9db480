"""Counters add up, and seeds name every random choice."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid_train.errors import ConfigError
from hybrid_train.finder.cost import Cost
from hybrid_train.support.rng import Role, generator


def test_costs_add_subtract_and_snapshot() -> None:
    cost = Cost(inner_products=5, oracle_calls=2)
    before = cost.copy()
    cost.inner_products += 3
    assert (cost - before).as_dict() == Cost(inner_products=3).as_dict()
    assert before + Cost(verifications=1) == Cost(inner_products=5, oracle_calls=2, verifications=1)


def test_every_key_draws_its_own_numbers_again_and_again() -> None:
    keys = [(root, role, step) for root in (0, 1) for role in Role for step in (0, 1)]
    drawn = {key: generator(*key).random() for key in keys}
    assert len(set(drawn.values())) == len(keys)
    assert all(generator(*key).random() == value for key, value in drawn.items())


@pytest.mark.parametrize("root", [-1, 1.5, True, "0"])
def test_a_seed_is_a_non_negative_integer(root: Any) -> None:
    with pytest.raises(ConfigError, match="non-negative integer"):
        generator(root, Role.DATA)
