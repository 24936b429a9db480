"""Adds up the records of one run into the row that tables and pictures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from hybrid_train.active_sets import FloatArray, IntArray
from hybrid_train.audit import Audit
from hybrid_train.cost import Cost, SimulationCost
from hybrid_train.data import Dataset
from hybrid_train.sparsity import expected_active, sparsity_bound

if TYPE_CHECKING:
    from classical.training import StepRecord

_PER_STEP = ("inner_products", "nodes_visited", "oracle_calls", "verifications")


@final
class Tally:
    """What one finder did over one run.

    Args:
        finder: its registered name.
        index: "neurons" or "data".
        promise: what it promised, in words.
        dataset: the data, for the accuracy.
    """

    def __init__(self, finder: str, index: str, promise: str, dataset: Dataset) -> None:
        self.finder, self.index, self.promise = finder, index, promise
        self._labels = class_labels(dataset)
        self._losses: list[float] = []
        self._costs: list[Cost] = []
        self._simulation = SimulationCost()
        self._fired: list[tuple[float, int, int]] = []
        self._counts_initial: IntArray | None = None
        self._last: StepRecord | None = None
        self._audit: Audit | None = None
        self._finder_seconds = 0.0
        self._seconds = 0.0

    def add(self, record: StepRecord) -> None:
        """Take in the next record."""
        fired = record.fired_per_datum
        if self._counts_initial is None:
            self._counts_initial = fired
        self._losses.append(record.loss)
        self._costs.append(record.cost)
        self._simulation += record.simulation
        self._fired.append((float(fired.mean()), int(fired.min()), int(fired.max())))
        self._finder_seconds += record.finder_seconds
        self._seconds += record.step_seconds
        if record.audit is not None:
            self._audit = record.audit if self._audit is None else self._audit + record.audit
        self._last = record

    def row(self, learning_rate: float | str, error: str | None = None) -> dict[str, Any]:
        """Return the row: costs are totals over the run, lists have one entry for each of W(0) .. W(steps).

        ``recall``, ``spurious`` and ``accuracy`` are None where unknown (never audited, no classes). With an
        ``error`` the row holds what there was until then.
        """
        fired = [mean for mean, _, _ in self._fired]
        per_datum = float(np.mean(fired)) if fired else None
        n = 0 if self._last is None else len(self._last.fired_per_datum)
        row = {
            "finder": self.finder,
            "index": self.index,
            "promise": self.promise,
            "recall": self._audit.recall if self._audit else None,
            "spurious": self._audit.spurious if self._audit else None,
            "initial_loss": self._losses[0] if self._losses else None,
            "final_loss": self._losses[-1] if self._losses and error is None else None,
            "accuracy": None if error is not None else self._accuracy(),
            "fired_per_step": None if per_datum is None else per_datum * n,
            "fired_per_datum": per_datum,
            **sum(self._costs, Cost()).as_dict(),
            "simulation": self._simulation.as_dict(),
            "finder_s": self._finder_seconds,
            "wall_s": self._seconds,
            "learning_rate": None if isinstance(learning_rate, str) else float(learning_rate),
            "steps": max(0, len(self._losses) - 1),
            "losses": list(self._losses),
            "cost_per_step": {name: [getattr(cost, name) for cost in self._costs] for name in _PER_STEP},
        }
        return row if error is None else row | {"error": error}

    def fired(self, width: int, threshold: float) -> dict[str, Any] | None:
        """Return fired neurons per datum beside their expectation and the bound of PRE Lemma 3.8.

        None before the first record.
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
            "expected": float(expected_active(width, threshold)),
            "bound": float(sparsity_bound(width, threshold)),
            "width": width,
            "threshold": threshold,
        }

    @property
    def note(self) -> str | None:
        """A sentence for the reader if every neuron went silent, so that training stood still from there on."""
        means = [mean for mean, _, _ in self._fired]
        if not means or means[-1] > 0:
            return None
        silent = len(means) - next((at for at, mean in enumerate(reversed(means)) if mean > 0), len(means))
        return (
            f"{self.index}-{self.finder}: no active neuron was reported from step {silent} on, so nothing moved; "
            "a smaller learning_rate or a lower network.threshold keeps neurons alive"
        )

    def _accuracy(self) -> float | None:
        if self._labels is None or self._last is None:
            return None
        outputs: FloatArray = self._last.outputs
        predicted = outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
        return float((predicted == self._labels).mean())


def class_labels(dataset: Dataset) -> IntArray | None:
    """Return (n,) labels 0 .. K-1 (0 and 1 for targets -1 and +1); None where the targets are no classes."""
    if dataset.classes is not None:
        return np.asarray(dataset.targets, dtype=np.int64)
    if dataset.binary:
        return (dataset.targets > 0).astype(np.int64)
    return None
