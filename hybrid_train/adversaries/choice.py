"""Adversaries and balls, by name. Nothing is imported until one is asked for."""

from __future__ import annotations

import inspect
from typing import Any

from hybrid_train.adversaries.ball import Ball
from hybrid_train.support.registry import load, load_class
from hybrid_train.training.adversary import Adversary

ADVERSARIES = {
    "none": "hybrid_train.adversaries.none:NoAdversary",
    "fgsm": "hybrid_train.adversaries.fgsm:FGSM",
    "pgd": "hybrid_train.adversaries.pgd:PGD",
}
"""The adversaries: name -> "module:Class"."""

NORMS = {
    "l2": "hybrid_train.adversaries.l2_ball:L2Ball",
    "linf": "hybrid_train.adversaries.linf_ball:LInfBall",
}
"""The balls, by their norm: name -> "module:Class"."""


def make_ball(norm: str, rho: float, *, kept: int = 0, on_sphere: bool = True) -> Ball:
    """Return a ball by its norm, a key of :data:`NORMS` (see :class:`hybrid_train.adversaries.Ball`).

    Raises:
        ConfigError: no such norm (the nearest name is given), or an option out of range.
    """
    ball: Ball = load(norm, NORMS, "adversary.norm", rho=rho, kept=kept, on_sphere=on_sphere)
    return ball


def make_adversary(kind: str, ball: Ball, *, seed: int = 0, **options: Any) -> Adversary:
    """Return an adversary by name.

    Args:
        kind: a key of :data:`ADVERSARIES`.
        ball: where examples may go, for those that move them.
        seed: the run's seed, for those that draw.
        options: of that adversary; those that are None are left out.

    Raises:
        ConfigError: no such adversary (the nearest name is given), or an option it does not have or out of range.
    """
    known = inspect.signature(load_class(kind, ADVERSARIES, "adversary.kind")).parameters
    for_all = {name: value for name, value in {"ball": ball, "seed": seed}.items() if name in known}
    adversary: Adversary = load(kind, ADVERSARIES, "adversary.kind", **for_all, **options)
    return adversary
