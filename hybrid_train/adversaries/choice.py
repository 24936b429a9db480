"""Adversaries and balls by name."""

from __future__ import annotations

from typing import Literal

from hybrid_train.adversaries.ball import Ball
from hybrid_train.adversaries.fgsm import FGSM
from hybrid_train.adversaries.l2_ball import L2Ball
from hybrid_train.adversaries.linf_ball import LInfBall
from hybrid_train.adversaries.none import NoAdversary
from hybrid_train.adversaries.pgd import PGD
from hybrid_train.errors import ConfigError
from hybrid_train.support.names import nearest
from hybrid_train.training.adversary import Adversary

Kind = Literal["none", "fgsm", "pgd"]
Norm = Literal["l2", "linf"]

ADVERSARIES: tuple[Kind, ...] = ("none", "fgsm", "pgd")
NORMS: dict[Norm, type[Ball]] = {"l2": L2Ball, "linf": LInfBall}


def make_ball(norm: Norm, rho: float, *, kept: int = 0, on_sphere: bool = True) -> Ball:
    """Return a ball by its norm, "l2" or "linf" (see :class:`hybrid_train.adversaries.Ball`).

    Raises:
        ConfigError: no such norm (the nearest name is given), or an option out of range.
    """
    if norm not in NORMS:
        raise ConfigError(f"adversary.norm={norm!r}: expected one of {', '.join(NORMS)}{nearest(norm, NORMS)}")
    return NORMS[norm](rho, kept=kept, on_sphere=on_sphere)


def make_adversary(
    kind: Kind,
    ball: Ball,
    *,
    steps: int = 10,
    step_size: float | None = None,
    random_start: bool = False,
    restarts: int = 1,
    seed: int = 0,
) -> Adversary:
    """Return an adversary by name: "none", "fgsm" or "pgd", to which all options but the ball belong.

    Raises:
        ConfigError: no such adversary (the nearest name is given), or an option out of range.
    """
    if kind not in ADVERSARIES:
        known = ", ".join(ADVERSARIES)
        raise ConfigError(f"adversary.kind={kind!r}: expected one of {known}{nearest(kind, ADVERSARIES)}")
    if kind == "pgd":
        return PGD(ball, steps=steps, step_size=step_size, random_start=random_start, restarts=restarts, seed=seed)
    return FGSM(ball) if kind == "fgsm" else NoAdversary()
