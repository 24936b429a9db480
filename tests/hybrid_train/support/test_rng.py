"""Seeds name every random choice."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid_train.errors import ConfigError
from hybrid_train.support.rng import Role, generator


def test_every_key_draws_its_own_numbers_again_and_again() -> None:
    keys = [(root, role, step) for root in (0, 1) for role in Role for step in (0, 1)]
    drawn = {key: generator(*key).random() for key in keys}
    assert len(set(drawn.values())) == len(keys)
    assert all(generator(*key).random() == value for key, value in drawn.items())


@pytest.mark.parametrize("root", [-1, 1.5, True, "0"])
def test_a_seed_is_a_non_negative_integer(root: Any) -> None:
    with pytest.raises(ConfigError, match="non-negative integer"):
        generator(root, Role.DATA)
