"""Adds up the records of one run into the row that tables and pictures are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np

from hybrid_train.data import Dataset
from hybrid_train.errors import CheckpointError, InvariantError
from hybrid_train.experiments.row import HeldOut, Robustness, Row
from hybrid_train.finder.audit import Audit
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.network.sparsity import expected_active, sparsity_bound
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.scores import accuracy, class_labels

if TYPE_CHECKING:
    from classical.training.loop import StepRecord

_PER_STEP = ("inner_products", "nodes_visited", "oracle_calls", "verifications")


@final
class Tally:
    """What one finder did over one run.

    Args:
        finder: its registered name.
        index: "neurons" or "data".
        promise: what it promised, in words.
        dataset: the data, for the accuracy.
        fresh: whether every step draws examples of its own, so that those of ``dataset`` are held out.
    """

    def __init__(self, finder: str, index: str, promise: str, dataset: Dataset, *, fresh: bool = False) -> None:
        self.finder, self.index, self.promise = finder, index, promise
        self._labels = class_labels(dataset)
        self._accuracy_of = f"{'held-out' if fresh else 'training'} data"
        self._losses: list[float] = []
        self._clean_losses: list[float] = []
        self._costs: list[Cost] = []
        self._simulation = SimulationCost()
        self._fired: list[tuple[float, int, int]] = []
        self._counts_initial: IntArray | None = None
        self._last: StepRecord | None = None
        self._audit: Audit | None = None
        self._returned: tuple[int | None, float, FloatArray] | None = None
        self._attacked: FloatArray | None = None
        self._pairs: list[int] = []
        self._facts: dict[str, Any] = {}
        self._finder_seconds = 0.0
        self._seconds = 0.0

    def add(self, record: StepRecord) -> None:
        """Take in the next record."""
        fired = record.fired_per_datum
        if self._counts_initial is None:
            self._counts_initial = fired
        self._losses.append(record.loss)
        if record.clean_loss is not None:
            self._clean_losses.append(record.clean_loss)
        self._costs.append(record.cost)
        self._simulation += record.simulation
        self._fired.append((float(fired.mean()), int(fired.min()), int(fired.max())))
        self._pairs.append(record.active_pairs)
        self._finder_seconds += record.finder_seconds
        self._seconds += record.step_seconds
        if record.audit is not None:
            self._audit = record.audit if self._audit is None else self._audit + record.audit
        self._last = record

    def again(self, records: Sequence[Mapping[str, Any]], counts: IntArray) -> None:
        """Take in the records of a run that is taken up again, as its metrics have them.

        Args:
            records: of W(0), W(1), ..
            counts: (n,) fired neurons of each datum at W(0).

        Raises:
            CheckpointError: they are not what a run writes.
        """
        try:
            for record in records:
                self._losses.append(float(record["loss"]))
                if "clean_loss" in record:
                    self._clean_losses.append(float(record["clean_loss"]))
                self._costs.append(Cost(**record["cost"]))
                self._simulation += SimulationCost(**record["simulation"])
                fired = float(record["fired_mean"]), int(record["fired_min"]), int(record["fired_max"])
                self._fired.append(fired)
                self._pairs.append(int(record["active_pairs"]))
                self._finder_seconds += float(record["finder_s"])
                self._seconds += float(record["step_s"])
                if record["audit"] is not None:
                    audit = Audit(**record["audit"])
                    self._audit = audit if self._audit is None else self._audit + audit
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the metrics of this run are none that it wrote: {error}") from error
        self._counts_initial = counts

    @property
    def counts_initial(self) -> IntArray | None:
        """(n,) fired neurons of each datum at W(0); None before the first record."""
        return self._counts_initial

    @property
    def steps(self) -> int | None:
        """The t of the last record; None before the first."""
        return len(self._losses) - 1 if self._losses else None

    def state(self, facts: Mapping[str, Any]) -> None:
        """Take in what the finder has to say of itself at the end."""
        self._facts = dict(facts)

    def returned(self, step: int | None, loss: float, outputs: FloatArray, attacked: FloatArray | None = None) -> None:
        """Take in the network that is returned, where it is not the one of the last record.

        Args:
            step: t if it is W(t).
            loss: on the data set, or the mean over held-out data.
            outputs: (n, K) on the data set of this tally.
            attacked: (n, K) on the same data where the adversary puts them, if there is one.
        """
        self._returned, self._attacked = (step, loss, outputs), attacked

    def row(self, learning_rate: float | str, error: str | None = None, held_out: HeldOut | None = None) -> Row:
        """Return the row; with an ``error`` it holds what there was until then."""
        fired = [mean for mean, _, _ in self._fired]
        ended = bool(self._losses) and error is None
        step, loss, _ = self._outcome() if ended else (None, None, None)
        return Row(
            finder=self.finder,
            index=self.index,
            promise=self.promise,
            recall=self._audit.recall if self._audit else None,
            spurious=self._audit.spurious if self._audit else None,
            initial_loss=self._losses[0] if self._losses else None,
            final_loss=self._losses[-1] if ended else None,
            returned_step=step,
            returned_loss=loss,
            accuracy=self._accuracy(self._outcome()[2]) if ended else None,
            accuracy_of=self._accuracy_of if ended and self._labels is not None else None,
            fired_per_step=float(np.mean(self._pairs)) if fired else None,
            fired_per_datum=float(np.mean(fired)) if fired else None,
            cost=sum(self._costs, Cost()),
            simulation=self._simulation.copy(),
            finder_s=self._finder_seconds,
            wall_s=self._seconds,
            learning_rate=None if isinstance(learning_rate, str) else float(learning_rate),
            steps=max(0, len(self._losses) - 1),
            losses=list(self._losses),
            facts=self._facts,
            cost_per_step={name: [getattr(cost, name) for cost in self._costs] for name in _PER_STEP},
            robustness=self._robustness(ended) if self._clean_losses else None,
            held_out=held_out,
            error=error,
        )

    def fired(self, width: int, threshold: float | None) -> dict[str, Any] | None:
        """Return fired neurons per datum beside their expectation and the bound of PRE Lemma 3.8.

        None before the first record; without a threshold (several layers with shifts of their own) neither is known.
        """
        if self._counts_initial is None or self._last is None:
            return None
        mean, least, most = zip(*self._fired, strict=True)
        return {
            "finder": self.finder,
            "index": self.index,
            "counts_initial": self._counts_initial.tolist(),
            "counts_final": self._last.fired_per_datum.tolist(),
            "fired_mean": list(mean),
            "fired_min": list(least),
            "fired_max": list(most),
            "expected": None if threshold is None else float(expected_active(width, threshold)),
            "bound": None if threshold is None else float(sparsity_bound(width, threshold)),
            "width": width,
            "threshold": threshold,
        }

    @property
    def text(self) -> str:
        """The last loss in a few words."""
        return f"loss {self._losses[-1]:.3g}" if self._losses else ""

    @property
    def notes(self) -> list[str]:
        """Sentences for the reader: what the finder chose, and whether training stood still."""
        chosen = [f"{self.index}-{self.finder}: {self._facts['choice']}"] if "choice" in self._facts else []
        silent = self._silence()
        return chosen if silent is None else [*chosen, silent]

    def _silence(self) -> str | None:
        """Return a sentence if every neuron went silent, so that training stood still from there on."""
        means = [mean for mean, _, _ in self._fired]
        if not means or means[-1] > 0:
            return None
        silent = len(means) - next((at for at, mean in enumerate(reversed(means)) if mean > 0), len(means))
        return (
            f"{self.index}-{self.finder}: no active neuron was reported from step {silent} on, so nothing moved; "
            "a smaller learning_rate or a lower network.threshold keeps neurons alive"
        )

    def _outcome(self) -> tuple[int | None, float, FloatArray]:
        """Return step, loss and outputs of the network returned."""
        if self._returned is not None:
            return self._returned
        if self._last is None:
            raise InvariantError("Tally: there was no record")
        clean = self._last.clean_outputs
        return self._last.step, self._last.loss, self._last.outputs if clean is None else clean

    def _robustness(self, ended: bool) -> Robustness:
        """Return what an adversary adds to the row; the robust accuracy is that of the network returned."""
        attacked = self._last.outputs if self._attacked is None and self._last is not None else self._attacked
        return Robustness(
            clean_losses=list(self._clean_losses),
            final_clean_loss=self._clean_losses[-1] if ended else None,
            robust_accuracy=self._accuracy(attacked) if ended and attacked is not None else None,
        )

    def _accuracy(self, outputs: FloatArray) -> float | None:
        return None if self._labels is None else accuracy(outputs, self._labels)
