"""The one training loop: algorithms are choices of index, finder, batch and network, not copies of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from scipy import sparse

from hybrid_train.active_sets import ActiveSets, FloatArray, IntArray
from hybrid_train.audit import Audit, audit
from hybrid_train.bank import Bank, DenseBank, Motion
from hybrid_train.cost import Cost, SimulationCost
from hybrid_train.errors import ConfigError, DivergenceError
from hybrid_train.finder import ActiveSetFinder
from hybrid_train.losses import Loss
from hybrid_train.network import Index, TwoLayerNetwork


@dataclass(frozen=True, eq=False)
class StepRecord:
    """What one step saw and spent.

    Attributes:
        step: t; the record describes the network at W(t).
        loss: L(W(t)), summed over the data.
        outputs: (n, K) network outputs at W(t).
        fired_per_datum: (n,) reported active neurons of each datum.
        moved_neurons: neurons moved by the update that led from W(t - 1) here.
        cost: what the finder was charged since the previous record; at step 0, building included.
        simulation: likewise what imitating a quantum computer took.
        finder_seconds: wall time inside the finder (building, moving, finding).
        step_seconds: wall time of the whole step, without the audit.
        audit: comparison with the truth, where one was asked for.
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

    @property
    def active_pairs(self) -> int:
        """Reported (datum, neuron) pairs."""
        return int(self.fired_per_datum.sum())

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready summary, without the arrays."""
        return {
            "step": self.step,
            "loss": self.loss,
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
        }


@final
class Training:
    """Full-batch gradient descent in which every step touches only active pairs.

    With ``index="neurons"`` the finder searches the weights for every datum (PRE Algorithms 2/5; 7 with Grover
    search). With ``index="data"`` it searches the data for every neuron, and after the first step only neurons that
    moved are asked again (PRE Algorithms 3/6; 8 with Grover search): the sets of a datum and of a neuron are each
    other's transpose, so only one of them is stored.

    Iterating trains: it yields ``steps + 1`` records, for W(0) to W(steps), and moves ``network.weights``.

    Args:
        network: starts at W(0) and ends at W(steps).
        inputs: (n, d).
        targets: as ``loss.encode`` gives them.
        loss: summed over the data.
        finder: fresh; it is built here.
        index: which bank is searched.
        steps: number of updates, at least 0.
        learning_rate: eta, or "auto" (see :func:`auto_learning_rate`).
        audit_every: compare the sets with a scan at every so many steps and at the last one; 0 for never. Audits
            are neither timed nor charged.

    Raises:
        ConfigError: an option out of range.
        DataError: inputs of the wrong shape or not finite.
    """

    def __init__(
        self,
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
    ) -> None:
        if index not in ("neurons", "data"):
            raise ConfigError(f"training.index={index!r}: expected 'neurons' or 'data'")
        if steps < 0:
            raise ConfigError(f"training.steps={steps}: expected at least 0")
        if learning_rate != "auto" and not (np.isfinite(learning_rate) and learning_rate > 0):
            raise ConfigError(f"training.learning_rate={learning_rate}: expected a positive number or 'auto'")
        if audit_every < 0:
            raise ConfigError(f"run.audit_every={audit_every}: expected at least 0")
        self.network = network
        self.examples = DenseBank(inputs, "inputs")
        self.targets = targets
        self.loss = loss
        self.finder = finder
        self.index: Index = index
        self.steps = steps
        self.learning_rate = learning_rate
        self.audit_every = audit_every

    def __iter__(self) -> Iterator[StepRecord]:
        finder, network = self.finder, self.network
        points: Bank = network.weights if self.index == "neurons" else self.examples
        queries: Bank = self.examples if self.index == "neurons" else network.weights
        charged, simulated = Cost(), SimulationCost()
        started = time.perf_counter()
        finder.build(points, queries, network.threshold)
        sets = self._stored(finder.find())
        found = time.perf_counter()
        finder_seconds, moved = found - started, 0
        for step in range(self.steps + 1):
            outputs = network.outputs_from(sets, len(self.examples), self.index)
            with np.errstate(over="ignore", invalid="ignore"):
                loss = self.loss.value(outputs, self.targets)
            if not np.isfinite(loss):
                raise DivergenceError(
                    f"the loss is {loss} at step {step} with learning_rate={self.learning_rate}: take a smaller one"
                )
            if self.learning_rate == "auto":
                self.learning_rate = auto_learning_rate(network, sets, self.examples[:], self.loss, self.index)
            update = self._descent(sets, outputs) if step < self.steps else None
            step_seconds = time.perf_counter() - started
            yield StepRecord(
                step=step,
                loss=float(loss),
                outputs=outputs,
                fired_per_datum=np.bincount(self._datum_ids(sets), minlength=len(self.examples)),
                moved_neurons=moved,
                cost=finder.cost - charged,
                simulation=finder.simulation - simulated,
                finder_seconds=finder_seconds,
                step_seconds=step_seconds,
                audit=audit(sets, points, queries, network.threshold) if self._audited(step) else None,
            )
            if update is None:
                return
            charged, simulated = finder.cost.copy(), finder.simulation.copy()
            started = time.perf_counter()
            motion = network.weights.move_along(*update, self.examples[:])
            moved = len(motion.rows)
            before_finder = time.perf_counter()
            sets = self._follow(motion, sets)
            finder_seconds = time.perf_counter() - before_finder

    def _stored(self, sets: ActiveSets) -> ActiveSets:
        """Return the sets of the whole bank as the step reads them: by neuron when neurons are asked one by one."""
        return sets if self.index == "neurons" else sets.by_query().occupied()

    def _follow(self, motion: Motion, sets: ActiveSets) -> ActiveSets:
        """Tell the finder how the neurons moved and return the sets they have now."""
        if self.index == "neurons":
            self.finder.move_points_along(motion)
            return self._stored(self.finder.find())
        self.finder.move_queries_along(motion)
        return sets.replaced(self.finder.find(motion.rows))

    def _descent(self, sets: ActiveSets, outputs: FloatArray) -> tuple[IntArray, sparse.csr_array]:
        """Return the neurons to move and C with dW = C X (PRE Eq. 2: C_ri = -eta m^{-1/2} a_r dL/df_i)."""
        by_neuron = sets.by_point() if self.index == "neurons" else sets
        neurons = np.repeat(by_neuron.rows, by_neuron.counts)
        slope = self.loss.derivative(outputs, self.targets)
        rate = float(self.learning_rate) / np.sqrt(self.network.width)
        pull = np.einsum("pk,pk->p", self.network.output_weights[neurons], slope[by_neuron.indices])
        shape = (len(by_neuron.rows), len(self.examples))
        coefficients = sparse.csr_array((-rate * pull, by_neuron.indices, by_neuron.indptr), shape=shape)
        moving = np.logical_or.reduceat(pull != 0, by_neuron.indptr[:-1]) if len(pull) else np.empty(0, bool)
        if moving.all():
            return by_neuron.rows, coefficients
        return by_neuron.rows[moving], coefficients[np.flatnonzero(moving)]

    def _datum_ids(self, sets: ActiveSets) -> IntArray:
        return sets.query_ids if self.index == "neurons" else sets.point_ids

    def _audited(self, step: int) -> bool:
        return self.audit_every > 0 and (step % self.audit_every == 0 or step == self.steps)


def auto_learning_rate(
    network: TwoLayerNetwork, sets: ActiveSets, inputs: FloatArray, loss: Loss, index: Index
) -> float:
    """Return 1 / (lambda_max(H) sup l''), H the kernel of the active sets: half the edge of stability of H.

    Gradient descent on the linearised network contracts every error direction at this rate (PRE Lemma 5.2 asks for
    a far smaller one). 1 where nothing is active, since nothing moves then.

    Raises:
        ConfigError: the loss has unbounded curvature, so that no rate follows from the kernel.
    """
    if loss.curvature is None:
        raise ConfigError("training.learning_rate='auto' needs a loss of bounded curvature; give a number instead")
    top = network.kernel_top_eigenvalue(sets, inputs, index)
    return 1.0 / (top * loss.curvature) if top > 0 else 1.0
