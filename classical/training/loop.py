"""The one training loop: algorithms are choices of dynamics, batches, adversary and loss, not copies of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, final

import numpy as np

from classical.dynamics.sets import SetDynamics
from classical.training.breaks import Breaks, Progress
from classical.training.keeping import KEEPS, Judge, Keep, make_keeper
from hybrid_train.errors import ConfigError, DivergenceError
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.network.two_layer import Index, TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.declared import an, array, checked, either, inside, optional, real, seed_number, whole, word
from hybrid_train.training.adversary import Adversary
from hybrid_train.training.batches import Batch, Batches, FullBatch
from hybrid_train.training.dynamics import Dynamics, Evaluation
from hybrid_train.training.following import FollowingFinder
from hybrid_train.training.losses import Loss
from hybrid_train.training.optimisers import SCHEDULES, Optimiser, Schedule, scheduled

_ROWS = 1 << 16
"""Weights looked through at a time."""


@dataclass(frozen=True, eq=False)
class StepRecord:
    """What one step saw and spent.

    Attributes:
        step: t; the record describes the network at W(t).
        loss: of the step's examples as they were trained on (perturbed ones under an adversary): the sum over all
            data for full batches, its unbiased estimate n / B * sum for mini-batches, the mean for fresh examples.
        outputs: (B, K) network outputs at W(t) of the step's examples.
        fired_per_datum: (B,) reported active neurons of each of them.
        moved_neurons: neurons moved by the update that led from W(t - 1) here.
        cost: what the finders were charged since the previous record; at step 0, building included.
        simulation: likewise what imitating a quantum computer took.
        finder_seconds: wall time inside the finders (building, moving, finding).
        step_seconds: wall time of the whole step, without the audit.
        audit: comparison with the truth, where one was asked for.
        rows: (B,) the step's examples; None for all of them.
        clean_loss: the loss of the same examples before the adversary moved them; None without one.
        clean_outputs: (B, K) network outputs there; None without an adversary.
    """

    step: int
    loss: float
    outputs: FloatArray
    fired_per_datum: IntArray
    moved_neurons: int
    cost: Cost
    simulation: SimulationCost
    finder_seconds: float
    step_seconds: float
    audit: Audit | None
    rows: IntArray | None = None
    clean_loss: float | None = None
    clean_outputs: FloatArray | None = None

    @property
    def active_pairs(self) -> int:
        """Reported (datum, neuron) pairs."""
        return int(self.fired_per_datum.sum())

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready summary, without the arrays."""
        clean = {} if self.clean_loss is None else {"clean_loss": self.clean_loss}
        return {
            "step": self.step,
            "loss": self.loss,
            **clean,
            "active_pairs": self.active_pairs,
            "fired_mean": float(self.fired_per_datum.mean()),
            "fired_min": int(self.fired_per_datum.min()),
            "fired_max": int(self.fired_per_datum.max()),
            "moved_neurons": self.moved_neurons,
            "cost": self.cost.as_dict(),
            "simulation": self.simulation.as_dict(),
            "finder_s": self.finder_seconds,
            "step_s": self.step_seconds,
            "recall": None if self.audit is None else self.audit.recall,
            "spurious": None if self.audit is None else self.audit.spurious,
            "audit": None if self.audit is None else asdict(self.audit),
        }


@final
class _Ledger:
    """What was charged up to the last record, so that each record says what came since."""

    def __init__(self, begin: Progress | None) -> None:
        self.moved = 0
        self._cost, self._simulation, self._seconds = Cost(), SimulationCost(), 0.0
        if begin is not None:
            self.carry(begin)

    def carry(self, progress: Progress) -> None:
        """Go on with dynamics that have charged nothing yet, and owe what the former ones had."""
        self.moved = progress.moved
        self._cost, self._simulation = Cost() - progress.cost, SimulationCost() - progress.simulation
        self._seconds = -progress.finder_seconds

    def since(self, dynamics: Dynamics) -> tuple[Cost, SimulationCost, float]:
        """Return what came since the last record."""
        return (
            dynamics.cost - self._cost,
            dynamics.simulation - self._simulation,
            dynamics.finder_seconds - self._seconds,
        )

    def settle(self, dynamics: Dynamics) -> None:
        """Take note that all until now is in a record."""
        self._cost, self._simulation = dynamics.cost.copy(), dynamics.simulation.copy()
        self._seconds = dynamics.finder_seconds


@final
class Training:
    """Gradient descent in which every step touches only active neurons.

    Iterating trains: it yields ``steps + 1`` records, for W(0) to W(steps), and moves the network's weights; the last
    record is on the whole data set if there is one. When it is exhausted the weights are those that ``keep`` names.

    Args:
        dynamics: the network with its examples and finders, not started.
        batches: the examples of each step.
        loss: added up over examples.
        steps: number of updates, at least 0.
        learning_rate: eta, or "auto": 1 / (lambda_max(H) sup l''), H the kernel of the first batch, each example
            counted with its factor (or the larger one that a smaller batch will give it). That is half the edge of
            stability of H: gradient descent on the linearised network contracts every error direction at this rate
            (PRE Lemma 5.2 asks for a far smaller one).
        adversary: moves the examples of each step before they are learnt from.
        keep: which W(t) is returned, see :func:`classical.training.keeping.make_keeper`.
        seed: the run's seed, for ``keep="random"``.
        judge: for ``keep="best"`` where a step does not see all data, so that its loss is an estimate from its own
            examples: tells which W(t) is best. Like audits, its looks are neither timed nor charged.
        schedule: what the rate is multiplied by as steps go by, see :func:`hybrid_train.training.optimisers.scheduled`.
        audit_every: compare the sets with a scan at every so many steps and at the last one; 0 for never. Audits
            are neither timed nor charged.
        breaks: when the run is written down and goes on anew; None for never.
        begin: where it is taken up, the weights being those of that step; None at W(0).

    Raises:
        ConfigError: an option out of range, or ``keep="best"`` with nobody to judge.
    """

    @checked(
        dynamics=an(Dynamics),
        batches=an(Batches),
        loss=an(Loss),
        steps=whole(0),
        learning_rate=either(word("auto"), real(above=0)),
        adversary=optional(an(Adversary)),
        keep=word(*KEEPS),
        seed=seed_number(),
        audit_every=whole(0),
        judge=optional(an(Judge)),
        schedule=word(*SCHEDULES),
        breaks=optional(an(Breaks)),
        begin=optional(an(Progress)),
    )
    def __init__(
        self,
        dynamics: Dynamics,
        batches: Batches,
        loss: Loss,
        *,
        steps: int,
        learning_rate: float | Literal["auto"] = "auto",
        adversary: Adversary | None = None,
        keep: Keep = "last",
        seed: int = 0,
        audit_every: int = 0,
        judge: Judge | None = None,
        schedule: Schedule = "constant",
        breaks: Breaks | None = None,
        begin: Progress | None = None,
    ) -> None:
        if keep == "best" and judge is None and not isinstance(batches, FullBatch):
            raise ConfigError("training.keep='best': the losses of different batches do not compare; give a judge")
        self.dynamics = dynamics
        self.batches = batches
        self.loss = loss
        self.steps = steps
        self.learning_rate = learning_rate
        self.adversary = adversary
        self.audit_every = audit_every
        self.judge = judge
        self.schedule = schedule
        self._keeper = make_keeper(keep, dynamics.banks, steps, seed, 1 if judge is None else judge.every)
        self._clean = np.array(dynamics.examples[:])
        self._breaks, self._begin = breaks, begin
        if begin is not None:
            self.learning_rate = begin.learning_rate
            self._keeper.restore(begin.kept)
            dynamics.recall(begin.memory)

    @property
    def kept_step(self) -> int | None:
        """Which W(t) is the one that ``keep`` names, once the run is over; None for an average."""
        return self._keeper.step

    def __iter__(self) -> Iterator[StepRecord]:
        try:
            yield from self._steps()
        finally:
            self.dynamics.finish()
        self._check_weights()
        self._keeper.settle()

    def _steps(self) -> Iterator[StepRecord]:
        ledger = _Ledger(self._begin)
        first = 0 if self._begin is None else self._begin.step
        started = time.perf_counter()
        self.dynamics.start()
        for step in range(first, self.steps + 1):
            if step > first and self._breaks is not None and self._breaks.due(step):
                self._pause(step, ledger, self._breaks)
                started = time.perf_counter()
                self.dynamics.start()
            batch = self._batch(step)
            evaluation, clean = self._evaluated(batch, step)
            clean_loss = None if clean is None else self._loss(clean, batch, step)
            loss = self._loss(evaluation, batch, step)
            slope = self.loss.derivative(evaluation.outputs, batch.targets) * batch.factors[:, None]
            if self.learning_rate == "auto":
                self.learning_rate = self._stable_rate(batch)
            seconds = time.perf_counter() - started
            self._keeper.see(step, self.judge.loss if self.judge else partial(float, loss))
            audited = self.audit_every > 0 and (step % self.audit_every == 0 or step == self.steps)
            cost, simulation, finder_seconds = ledger.since(self.dynamics)
            yield StepRecord(
                step=step,
                loss=loss,
                outputs=evaluation.outputs,
                fired_per_datum=evaluation.fired,
                moved_neurons=ledger.moved,
                cost=cost,
                simulation=simulation,
                finder_seconds=finder_seconds,
                step_seconds=seconds,
                audit=self.dynamics.audit() if audited else None,
                rows=batch.rows,
                clean_loss=clean_loss,
                clean_outputs=None if clean is None else clean.outputs,
            )
            if step == self.steps:
                return
            ledger.settle(self.dynamics)
            started = time.perf_counter()
            rate = float(self.learning_rate) * scheduled(self.schedule, step / self.steps)
            ledger.moved = self.dynamics.descend(slope, rate)

    def _pause(self, step: int, ledger: _Ledger, breaks: Breaks) -> None:
        """Finish the dynamics, have W(step) written down, and go on with new ones."""
        dynamics, rate = self.dynamics, float(self.learning_rate)
        dynamics.finish()
        memory = dynamics.memory()
        progress = Progress(step, rate, ledger.moved, *ledger.since(dynamics), memory, self._keeper.state())
        breaks.keep(progress, dynamics)
        self.dynamics = breaks.anew(step)
        self.dynamics.recall(memory)
        ledger.carry(progress)

    def _batch(self, step: int) -> Batch:
        """Return the batch of a step: at the end the whole data set, if there is one."""
        everything = self.batches.targets
        if step < self.steps or everything is None:
            return self.batches.at(step)
        return Batch(None, everything, np.ones(len(everything)))

    def _evaluated(self, batch: Batch, step: int) -> tuple[Evaluation, Evaluation | None]:
        """Put the examples where they belong in this step; return the network on them (and on the clean ones)."""
        dynamics = self.dynamics
        if batch.inputs is not None:
            dynamics.move_examples(np.arange(len(batch.inputs)), batch.inputs)
        if self.adversary is None:
            return dynamics.evaluate(batch.rows), None
        if self.adversary.looks == 0:
            evaluation = dynamics.evaluate(batch.rows)
            return evaluation, evaluation
        rows = np.arange(len(batch.targets)) if batch.rows is None else batch.rows
        clean = batch.inputs
        if clean is None:
            clean = self._clean[rows]
            dynamics.move_examples(rows, clean)
        before = dynamics.evaluate(batch.rows)
        self.adversary.attack(dynamics, rows, clean, batch.targets, self.loss, step)
        return dynamics.evaluate(batch.rows), before

    def _loss(self, evaluation: Evaluation, batch: Batch, step: int) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            if (batch.factors == 1.0).all():
                loss = self.loss.value(evaluation.outputs, batch.targets)
            else:
                loss = float((self.loss.values(evaluation.outputs, batch.targets) * batch.factors).sum())
        if not np.isfinite(loss):
            if step == 0:
                raise DivergenceError(
                    f"the loss is {loss} at step 0, before any update: the outputs or the targets are too large for "
                    "it; scale the data or the output weights down"
                )
            raise DivergenceError(
                f"the loss is {loss} at step {step} with learning_rate={self.learning_rate}: take a smaller one"
            )
        return loss

    def _check_weights(self) -> None:
        """Raise DivergenceError if a weight is no finite number: its neuron may not fire, so that no loss shows it."""
        for bank in self.dynamics.banks:
            if isinstance(bank, RecreatedBank):  # holds none of its rows
                continue
            for start in range(0, len(bank), _ROWS):
                if not np.isfinite(bank[start : start + _ROWS]).all():
                    raise DivergenceError(
                        f"weights left the finite numbers with learning_rate={self.learning_rate}: take a smaller one"
                    )

    def _stable_rate(self, batch: Batch) -> float:
        """Return half the edge of stability; 1 where nothing is active, since nothing moves then.

        Raises:
            ConfigError: the loss has unbounded curvature, so that no rate follows from the kernel.
        """
        if self.dynamics.auto_rate is not None:
            return self.dynamics.auto_rate
        if self.loss.curvature is None:
            raise ConfigError("training.learning_rate='auto' needs a loss of bounded curvature; give a number instead")
        factors = batch.factors
        if (factors == factors[0]).all():
            top = self.dynamics.top_eigenvalue() * float(factors[0])
        else:
            top = self.dynamics.top_eigenvalue(factors)
        top *= self.batches.largest_factor
        return 1.0 / (top * self.loss.curvature) if top > 0 else 1.0


@checked(
    network=an(TwoLayerNetwork),
    inputs=inside(array(2)),
    targets=array(2),
    loss=an(Loss),
    finder=an(ActiveSetFinder),
    index=inside(word("neurons", "data")),
)
def gradient_descent(
    network: TwoLayerNetwork,
    inputs: FloatArray,
    targets: FloatArray,
    loss: Loss,
    finder: ActiveSetFinder,
    *,
    index: Index = "neurons",
    steps: int,
    learning_rate: float | Literal["auto"] = "auto",
    audit_every: int = 0,
) -> Training:
    """Return full-batch gradient descent on a two-layer network (PRE Algorithms 2/5, 3/6, 7, 8).

    Args:
        network: starts at W(0) and ends at W(steps).
        inputs: (n, d).
        targets: as ``loss.encode`` gives them.
        loss: summed over the data.
        finder: fresh.
        index: which bank is searched.
        steps: number of updates.
        learning_rate: eta, or "auto".
        audit_every: see :class:`Training`.

    Raises:
        ConfigError: an option out of range.
        DataError: inputs of the wrong shape or not finite.
    """
    dynamics = two_layer_dynamics(network, inputs, finder, index)
    batches = FullBatch(targets)
    return Training(dynamics, batches, loss, steps=steps, learning_rate=learning_rate, audit_every=audit_every)


def two_layer_dynamics(
    network: TwoLayerNetwork,
    inputs: FloatArray,
    finder: ActiveSetFinder,
    index: Index = "neurons",
    *,
    reach: float | None = None,
    in_batches: bool = False,
    fresh: bool = False,
    optimiser: Optimiser | None = None,
) -> Dynamics:
    """Return the dynamics of a two-layer network on given examples: the finder's own if it has any.

    Args:
        network: to be trained.
        inputs: (n, d) the examples.
        finder: fresh.
        index: which bank is searched.
        reach: how far an adversary will move them, in Euclidean distance, be it 0; None if nobody moves them.
        in_batches: whether a step sees only some of them.
        fresh: whether they are others in every step, an adversary's moves included.
        optimiser: turns gradients into moves; None for plain descent.

    Raises:
        ConfigError: an unknown index.
        DataError: inputs of the wrong shape or not finite.
    """
    own = None
    if isinstance(finder, FollowingFinder):
        if fresh:
            own = finder.dynamics_for_fresh(network, inputs, optimiser)
        elif optimiser is not None:
            own = finder.dynamics_by(network, inputs, optimiser) if reach is None else None
        elif reach is not None:
            own = finder.dynamics_within(network, inputs, reach)
        else:
            own = finder.dynamics_for_batches(network, inputs) if in_batches else finder.dynamics(network, inputs)
    return SetDynamics(network, inputs, finder, index, optimiser) if own is None else own
