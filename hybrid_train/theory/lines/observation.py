"""What the theory speaks of, measured along one training run from the weights themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.theory.lines.followed import Followed
from hybrid_train.theory.predictions.flips import FlipLog
from hybrid_train.theory.predictions.spectrum import discrete_kernel, eigenvalues
from hybrid_train.theory.predictions.step_terms import StepTerms, step_terms
from hybrid_train.training.losses import Loss

MOST_STEPS = 500
"""Weights are looked at, at most about so many times in a run."""

_MOST_SPECTRA = 11
_MOST_TERMS, _MOST_TERM_DATA = 50, 1024
"""Steps that are taken apart, and data whose kernels are multiplied out for that."""

_SPECTRUM_WORK = 2e10
_BLOCK_NUMBERS = 1 << 22


@final
@dataclass(frozen=True, eq=False)
class Observation:
    """One two-layer run as the theory sees it. Sets are those of a scan, whatever the finder reported.

    Attributes:
        inputs: (n, d) the data.
        targets: (n, K) as the loss reads them.
        width: m.
        threshold: b.
        learning_rate: eta.
        steps: (R,) the t that were looked at, from 0 to the last.
        errors: (R,) ||err(t)||^2 = sum_ik (f_k(x_i) - y_ik)^2.
        counts: (R, n) k_{i,t}, neurons that fire for each datum.
        flips: (R,) pairs (datum, neuron) that changed sides since the step looked at before; 0 at the start.
        ever_flipped: (n,) neurons of each datum outside its never-flipped set.
        movement: (R,) max_r ||w_r(t) - w_r(0)||.
        within_reach: (n,) neurons with |<w_r(0), x_i> - b| at most the largest movement.
        spectrum_steps: (S,) the t at which the kernel was looked at, from 0 to the last.
        spectra: (S, n) eigenvalues of H(t), ascending; H(0) is H^dis.
        drift: (S,) ||H(t) - H(0)||_F.
        initial_kernel: (n, n) H(0).
        initial_output: sum_ik f_k(x_i)^2 at the start.
        mean_loss: of an example at the last step looked at.
        terms: of steps that follow each other, at learning rate 1; see :func:`.step_terms`. None of several outputs.
        precision: the unit roundoff of the weights; errors below its square are rounding.
    """

    inputs: FloatArray
    targets: FloatArray
    width: int
    threshold: float
    learning_rate: float
    steps: IntArray
    errors: FloatArray
    counts: IntArray
    flips: IntArray
    ever_flipped: IntArray
    movement: FloatArray
    within_reach: IntArray
    spectrum_steps: IntArray
    spectra: FloatArray
    drift: FloatArray
    initial_kernel: FloatArray
    initial_output: float
    mean_loss: float
    precision: float
    terms: tuple[StepTerms, ...] = ()

    @property
    def every(self) -> int:
        """Looked at every so many steps."""
        return int(self.steps[1] - self.steps[0]) if len(self.steps) > 1 else 1


def observed_steps(steps: int) -> list[int]:
    """Return the steps to look at: all of up to 500, else evenly many and the last."""
    every = max(1, math.ceil(steps / MOST_STEPS))
    return sorted({*range(0, steps + 1, every), steps})


def spectrum_steps(seen: Sequence[int], n: int) -> list[int]:
    """Return at which of the steps looked at to compute the spectrum: fewer for many data, whose cost is n^3."""
    count = int(min(_MOST_SPECTRA, max(2, _SPECTRUM_WORK // n**3), len(seen)))
    return [seen[round(place)] for place in np.linspace(0, len(seen) - 1, count)] if count > 1 else list(seen[:1])


def _term_steps(steps: int, n: int, outputs: int) -> set[int]:
    """Return the k whose step to k + 1 is taken apart: evenly many, of one output and not too many data."""
    if outputs != 1 or n > _MOST_TERM_DATA or not steps:
        return set()
    return {round(place) for place in np.linspace(0, steps - 1, min(_MOST_TERMS, steps))}


@final
class Observer:
    """Looks at a network while it is trained by somebody else.

    Call ``see`` at W(0) and at every later step of ``steps``; then ``observation`` has it all.

    Args:
        network: in training; its weights are read.
        initial: (m, d) the weights at the start, which do not move.
        inputs: (n, d) the data.
        targets: (n, K) as the loss reads them.
        loss: summed over the data.
        steps: the number of updates.
    """

    def __init__(
        self, network: TwoLayerNetwork, initial: Bank, inputs: FloatArray, targets: FloatArray, loss: Loss, steps: int
    ) -> None:
        self._network, self._initial = network, initial
        self._inputs, self._targets, self._loss = inputs, targets, loss
        self.steps = observed_steps(steps)
        self.spectrum_steps = spectrum_steps(self.steps, len(inputs))
        self._followed = Followed(network, inputs)
        self._log: FlipLog | None = None
        self._initial_kernel: FloatArray = np.empty((0, 0))
        self._initial_output = 0.0
        self._mean_loss = 0.0
        self._seen: list[int] = []
        self._errors: list[float] = []
        self._counts: list[IntArray] = []
        self._flips: list[int] = []
        self._movement: list[float] = []
        self._spectra: list[FloatArray] = []
        self._terms: list[StepTerms] = []
        self._before: tuple[int, ActiveSets, FloatArray] | None = None
        self._term_steps = _term_steps(steps, len(inputs), network.outputs)
        self._drift: list[float] = []

    def see(self, step: int) -> None:
        """Look at W(step)."""
        network, n = self._network, len(self._inputs)
        sets = self._followed.look()
        outputs = network.outputs_from(sets, n)
        if self._log is None:
            self._log = FlipLog(sets)
            self._initial_kernel = discrete_kernel(sets, self._inputs, network.width)
            self._initial_output = float(np.square(outputs).sum())
        self._flips.append(self._log.add(sets))
        self._seen.append(step)
        self._mean_loss = self._loss.value(outputs, self._targets) / n
        self._errors.append(float(np.square(outputs - self._targets).sum()))
        self._counts.append(np.bincount(sets.query_ids, minlength=n))
        self._movement.append(largest_move(self._followed.weights, self._initial) if step else 0.0)
        if step in self.spectrum_steps:
            self._see_kernel(sets)
        self._see_step(step, sets, outputs)

    def _see_step(self, step: int, sets: ActiveSets, outputs: FloatArray) -> None:
        """Take the step that led here apart, if it is one of those that are."""
        if step not in self._term_steps and step - 1 not in self._term_steps:
            return
        errors = (self._targets - outputs)[:, 0]
        last, self._before = self._before, (step, sets, errors)
        if last is None or last[0] != step - 1 or last[0] not in self._term_steps:
            return
        signs = self._network.output_weights[:, 0].astype(np.float64)
        pair = last[2], errors
        self._terms.append(step_terms(last[1], sets, self._inputs, signs, pair, self._network.threshold))

    def _see_kernel(self, sets: ActiveSets) -> None:
        kernel = discrete_kernel(sets, self._inputs, self._network.width)
        self._drift.append(float(np.linalg.norm(kernel - self._initial_kernel)))
        self._spectra.append(eigenvalues(kernel))

    def observation(self, learning_rate: float) -> Observation:
        """Return everything seen.

        Args:
            learning_rate: eta of the training.
        """
        n, threshold = len(self._inputs), self._network.threshold
        ever = np.zeros(n, np.int64) if self._log is None else self._log.ever_per_datum
        reach = neurons_within(self._initial, self._inputs, threshold, max(self._movement))
        return Observation(
            inputs=self._inputs,
            targets=self._targets,
            width=self._network.width,
            threshold=threshold,
            learning_rate=learning_rate,
            steps=np.array(self._seen),
            errors=np.array(self._errors),
            counts=np.array(self._counts),
            flips=np.array(self._flips),
            ever_flipped=ever,
            movement=np.array(self._movement),
            within_reach=reach,
            spectrum_steps=np.array(self.spectrum_steps),
            spectra=np.array(self._spectra),
            drift=np.array(self._drift),
            initial_kernel=self._initial_kernel,
            initial_output=self._initial_output,
            mean_loss=self._mean_loss,
            precision=float(np.finfo(self._network.weights.dtype).eps),
            terms=tuple(self._terms),
        )


def largest_move(weights: Bank, initial: Bank) -> float:
    """Return max_r ||w_r - w_r(0)||, block by block; of weights made again from the seed, over those that moved."""
    width, dimension = weights.shape
    step = max(1, _BLOCK_NUMBERS // dimension)
    largest, moved = 0.0, weights.moved_rows() if isinstance(weights, RecreatedBank) else None
    for start in range(0, width if moved is None else len(moved), step):
        part = slice(start, min(start + step, width)) if moved is None else moved[start : start + step]
        apart = np.asarray(weights[part], dtype=np.float64) - initial[part]
        largest = max(largest, float(np.einsum("ij,ij->i", apart, apart).max()))
    return math.sqrt(largest)


def neurons_within(weights: Bank, inputs: FloatArray, threshold: float, radius: float) -> IntArray:
    """Return (n,) for each datum, how many neurons have |<w_r, x_i> - b| <= R (PRE Claim C.11, Part 1).

    A little more than R is allowed for the rounding of the inner products.
    """
    width, n = len(weights), len(inputs)
    step = max(1, _BLOCK_NUMBERS // n)
    allowed = radius * (1.0 + 1e-12) + 1e-12 * (1.0 + abs(threshold))
    counts = np.zeros(n, np.int64)
    for start in range(0, width, step):
        block = np.asarray(weights[start : min(start + step, width)], dtype=np.float64)
        counts += (np.abs(inputs @ block.T - threshold) <= allowed).sum(axis=1)
    return counts
