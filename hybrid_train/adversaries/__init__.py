"""Adversaries: where they may put an example, and how they choose."""

from hybrid_train.adversaries.ball import Ball
from hybrid_train.adversaries.choice import ADVERSARIES, NORMS, make_adversary, make_ball
from hybrid_train.adversaries.fgsm import FGSM
from hybrid_train.adversaries.l2_ball import L2Ball
from hybrid_train.adversaries.linf_ball import LInfBall
from hybrid_train.adversaries.none import NoAdversary
from hybrid_train.adversaries.pgd import PGD
from hybrid_train.adversaries.worst_case import WorstCase, worst_case

__all__ = [
    "ADVERSARIES",
    "FGSM",
    "NORMS",
    "PGD",
    "Ball",
    "L2Ball",
    "LInfBall",
    "NoAdversary",
    "WorstCase",
    "make_adversary",
    "make_ball",
    "worst_case",
]
