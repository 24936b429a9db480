"""Random data: points spread evenly over the unit sphere."""

from __future__ import annotations

from typing import Literal

from hybrid_train.data.checks import unit_rows
from hybrid_train.data.dataset import Dataset
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_count
from hybrid_train.support.names import nearest
from hybrid_train.support.rng import Role, generator

Targets = Literal["random_signs", "gaussian"]


def sphere(n: int, dim: int, seed: int = 0, targets: Targets = "random_signs") -> Dataset:
    """Return n points drawn evenly from the unit sphere in ``dim`` dimensions.

    Args:
        n: rows.
        dim: d.
        seed: the run's seed.
        targets: ``"random_signs"`` for -1/+1 by a fair coin, ``"gaussian"`` for N(0, 1).

    Raises:
        ConfigError: n or dim below 1, or an unknown kind of targets.
    """
    draw = generator(seed, Role.DATA)
    inputs = unit_rows(draw.standard_normal((checked_count(n, "n"), checked_count(dim, "dim"))), "sphere")
    if targets == "random_signs":
        return Dataset(inputs, draw.choice([-1.0, 1.0], size=n), "sphere")
    if targets == "gaussian":
        return Dataset(inputs, draw.standard_normal(n), "sphere")
    raise ConfigError(
        f"targets={targets!r}: no such targets{nearest(str(targets), ['random_signs', 'gaussian'])}; "
        "known: random_signs, gaussian"
    )
