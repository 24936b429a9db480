"""What the papers predict of a run, as functions, and beside what is measured.

Each prediction is a function of its own, named for what it gives, with the theorem it comes from; ``check_theory``
trains and compares (``hybrid-train theory`` on the command line).
"""

from __future__ import annotations

from hybrid_train.theory.check import TheoryCheck, check_theory
from hybrid_train.theory.lines.line import Line
from hybrid_train.theory.predictions.adversarial import activation_bound, activation_failure, flip_count_bound
from hybrid_train.theory.predictions.convergence import (
    error_bound,
    movement_bound,
    theorem_rate,
    theorem_steps,
    theorem_width,
)
from hybrid_train.theory.predictions.counts import (
    fired_bound,
    flip_bound,
    flip_failure,
    reach_probability,
    sparsity_failure,
)
from hybrid_train.theory.predictions.flips import FlipLog, flipped_pairs
from hybrid_train.theory.predictions.kernel import joint_firing, shifted_kernel
from hybrid_train.theory.predictions.sgd import excess_loss_bound, sgd_rate, sgd_steps, sgd_width
from hybrid_train.theory.predictions.spectrum import (
    discrete_kernel,
    discrete_kernel_failure,
    eigenvalues,
    spectral_bounds,
)
from hybrid_train.theory.text import theory_text

__all__ = [
    "FlipLog",
    "Line",
    "TheoryCheck",
    "activation_bound",
    "activation_failure",
    "check_theory",
    "discrete_kernel",
    "discrete_kernel_failure",
    "eigenvalues",
    "error_bound",
    "excess_loss_bound",
    "fired_bound",
    "flip_bound",
    "flip_count_bound",
    "flip_failure",
    "flipped_pairs",
    "joint_firing",
    "movement_bound",
    "reach_probability",
    "sgd_rate",
    "sgd_steps",
    "sgd_width",
    "shifted_kernel",
    "sparsity_failure",
    "spectral_bounds",
    "theorem_rate",
    "theorem_steps",
    "theorem_width",
    "theory_text",
]
