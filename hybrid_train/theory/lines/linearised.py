"""Linearised networks: SGD on features beside its regret bound, full batches beside the recursion they follow exactly.

SGD Theorem 5.6 speaks of these trainers themselves, not of a limit: its bound on the mean loss is

    L(f*) + L R C M / sqrt(m d) + M^2 / (2 eta T) + eta L^2 C^2 / 2

for any rate eta, and least at eta = M / (sqrt(T) L C).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from hybrid_train.data import input_bound
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.scan import active_pairs
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.support.arrays import FloatArray
from hybrid_train.theory.lines.line import CONFIDENCE, Line, at_most, trained_exactly, unit_data
from hybrid_train.theory.lines.sgd import outside_the_space, radius_of
from hybrid_train.theory.predictions.sgd import regret_bound, sgd_rate
from hybrid_train.training.losses import Loss, SquaredLoss

SECTION = "training on features"
_EXACT = 1e-9
"""Share of the largest error so far that rounding may leave between a run and the recursion."""


@final
@dataclass(frozen=True, eq=False)
class LinearisedCase:
    """A run of V on the features of W(0).

    Attributes:
        network: at V(T).
        inputs: (n, d) the data, held-out ones where every step draws fresh ones.
        targets: (n, K) as the loss reads them.
        loss: of an example.
        rate: eta.
        steps: T.
        losses: (T + 1,) of each step; with fresh examples the mean over those of the step, before the update.
        errors: (T + 1,) ||err(t)||^2 of full batches; empty of others.
        fresh: whether every step draws its examples anew.
        norm: M, the kernel norm of the target, from above; None if the target is not the values of a known polynomial.
        output_weight: B.
        start: "gaussian" or "paired".
        promise: of the finder.
        plain: whether a step moves along the gradient at a constant rate.
    """

    network: LinearisedNetwork
    inputs: FloatArray
    targets: FloatArray
    loss: Loss
    rate: float
    steps: int
    losses: FloatArray
    errors: FloatArray
    fresh: bool
    norm: float | None
    output_weight: float = 1.0
    start: str = "gaussian"
    promise: Promise = EXACT
    plain: bool = True

    @property
    def features(self) -> int:
        """m, the neurons drawn independently."""
        return self.network.base.width // (2 if self.start == "paired" else 1)

    @property
    def feature_rate(self) -> float:
        """The rate in units of features without the output weights B: they are B times as long."""
        return self.rate * self.output_weight**2

    @property
    def zero_loss(self) -> float:
        """The mean loss of a network of zero output."""
        return self.loss.value(np.zeros_like(self.targets), self.targets) / len(self.targets)

    @property
    def bound(self) -> float | None:
        """The bound of Theorem 5.6 at this rate; None where it has none."""
        lipschitz = self.loss.lipschitz
        if self.norm is None or lipschitz is None or not self.steps or not math.isfinite(self.norm):
            return None
        dimension, reach = self.inputs.shape[1], input_bound(self.inputs)
        sizes = (self.features, self.steps, dimension, self.norm, reach, self.feature_rate)
        return regret_bound(*sizes, lipschitz=lipschitz)

    @property
    def trained_otherwise(self) -> tuple[str, ...]:
        """What every line here wants of the training and this one lacks."""
        return trained_exactly(self.plain, self.promise)

    @property
    def missing(self) -> tuple[str, ...]:
        """What Theorem 5.6 wants and this run lacks."""
        found = [*self.trained_otherwise, *unit_data(self.inputs)]
        if not self.fresh:
            found.append("fresh examples in every step are wanted (no data.n)")
        found += outside_the_space(self.norm)
        if self.loss.lipschitz is None or not self.loss.convex:
            found.append("a convex Lipschitz loss is wanted (training.loss = 'absolute' or 'huber')")
        if self.start == "gaussian" and self.network.offset:
            found.append("a start of zero output is wanted (start = paired)")
        return tuple(found)


def data_bound(case: LinearisedCase) -> Line:
    """R of the data, which no unit data exceed sqrt(d) by."""
    return radius_of(case.inputs, SECTION)


def mean_loss(case: LinearisedCase) -> Line:
    """The mean loss over V(0) .. V(T - 1), each on examples it has not seen, against the regret bound.

    That is the loss of the V(t) for a random t, which SGD Algorithm 1 returns. The bound is of its mean over starts and
    examples: one run refutes it only from a hundred times that on (Markov).
    """
    bound = case.bound
    measured = float(np.mean(case.losses[:-1])) if case.fresh and case.steps else None
    missing = case.missing
    if bound is not None and measured is not None and bound < measured <= bound / CONFIDENCE:
        chance = bound / measured
        missing += (f"the mean over starts is bounded; one run may be so far above with probability {chance:.2g}",)
    return Line(
        SECTION,
        "mean loss over V(0) .. V(T - 1), above the target's",
        "L R C M/sqrt(m d) + M^2/(2 eta T) + eta L^2 C^2/2",
        "SGD Theorem 5.6",
        "<=" if bound is not None and measured is not None else "",
        bound,
        measured,
        None if bound is None or measured is None else at_most(measured, bound),
        missing,
        "" if case.norm is None else f"M = {case.norm:.4g}, m = {case.features} features, C = 1",
        empty="a network of zero output is below it" if bound is not None and case.zero_loss <= bound else "",
    )


def rate_taken(case: LinearisedCase) -> Line:
    """The rate beside the one that makes the bound least."""
    lipschitz, predicted = case.loss.lipschitz, None
    if case.norm is not None and math.isfinite(case.norm) and lipschitz is not None and case.steps:
        predicted = sgd_rate(case.steps, case.norm, lipschitz=lipschitz) / case.output_weight**2
    return Line(
        SECTION,
        "learning rate",
        "M / (sqrt(T) L C)",
        "SGD Theorem 5.6",
        "",
        predicted,
        case.rate,
        None,
        (*case.missing, "the bound holds at any rate"),
        "training.learning_rate='theorem' takes it",
    )


def exact_course(case: LinearisedCase) -> Line:
    """||err(t)||^2 of full batches on the squared loss, which a recursion of the kernel at W(0) gives exactly."""
    missing = case.trained_otherwise
    full = len(case.errors) == case.steps + 1
    if not full:
        missing += ("full-batch gradient descent is wanted",)
    if not isinstance(case.loss, SquaredLoss):
        missing += ("the squared loss is wanted",)
    predicted = _recursion(case) if full and isinstance(case.loss, SquaredLoss) else None
    apart = np.zeros(1) if predicted is None else np.abs(predicted - case.errors)
    followed = bool((apart <= _EXACT * np.maximum.accumulate(case.errors)).all()) if predicted is not None else None
    return Line(
        SECTION,
        "||err(T)||^2",
        "||(I - eta H)^T err(0)||^2, H the kernel at W(0)",
        "SGD Appendix B.1",
        "~",
        None if predicted is None else float(predicted[-1]),
        float(case.errors[-1]) if full else None,
        followed,
        missing,
        "" if predicted is None else f"largest difference of all steps {apart.max():.2g}",
    )


def _recursion(case: LinearisedCase) -> FloatArray:
    """Return (T + 1,) ||(I - eta H)^t err(0)||^2 for t = 0 .. T."""
    base, (n, outputs) = case.network.base, case.targets.shape
    values, vectors = np.linalg.eigh(feature_kernel(case.network, case.inputs))
    start = base.predict(case.inputs) if case.network.offset else np.zeros((n, outputs))
    parts = np.square(vectors.T @ (start - case.targets).ravel())
    steps = np.arange(case.steps + 1)[:, None]
    return np.asarray((((1.0 - case.rate * values) ** 2) ** steps) @ parts)


def feature_kernel(network: LinearisedNetwork, inputs: FloatArray) -> FloatArray:
    """Return (n K, n K) H_(ik)(jl) = <x_i, x_j> scale^2 sum_r a_rk a_rl 1[r fires for i and j]."""
    base = network.base
    fired = active_pairs(base.weights, inputs, base.threshold).to_scipy()
    fired.data[:] = 1.0
    signs = base.output_weights.astype(np.float64)
    gram, n, outputs = inputs @ inputs.T, len(inputs), base.outputs
    kernel = np.empty((n, outputs, n, outputs))
    for k in range(outputs):
        for other in range(outputs):
            weighted = fired.multiply((signs[:, k] * signs[:, other])[None, :]).tocsr()
            kernel[:, k, :, other] = gram * (weighted @ fired.T).toarray() * base.scale**2
    return kernel.reshape(n * outputs, n * outputs)


LINES = (data_bound, mean_loss, rate_taken, exact_course)
