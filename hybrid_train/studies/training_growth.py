"""How a training's counted work grows with the width: measured at several widths, extrapolated by power laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from classical.training.loop import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.forwarding import ForwardingFinder
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_counts
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.training.losses import make_loss

TRAINING_STEPS = 100
"""Trainings are measured over at most so many steps."""

FEWEST_ENTRIES = 2.0
"""List entries touched for each neuron that fires, however thin the skin: it is followed, and it is reported."""

_SMALLEST, _LARGEST = 12, 16
_MOST_NUMBERS = 1 << 23
"""Weights and inner products that a measured training may hold; the largest width is chosen by it."""


@final
@dataclass(frozen=True)
class TrainingCounts:
    """What was counted in one training, per query and step after the first scan, but for ``fired``.

    Attributes:
        width: m.
        fired: mean neurons that fire for a datum.
        newcomers: of those, the ones that did not fire for it a step ago.
        entries: list entries the ``skin`` finder touched.
        inner_products: inner products it evaluated.
        partners: data that fire one neuron, mean over those that fire any.
    """

    width: int
    fired: float
    newcomers: float
    entries: float
    inner_products: float
    partners: float


@final
@dataclass(frozen=True)
class TrainingGrowth:
    """Laws fitted to counts at several widths.

    Attributes:
        counts: by width.
        newcomers: of neurons, per query and step.
        entries_per_fired: list entries touched for each neuron that fires.
        inner_products: of rescans, per query and step.
        partners: data that fire one neuron.
    """

    counts: list[TrainingCounts]
    newcomers: PowerLaw
    entries_per_fired: PowerLaw
    inner_products: PowerLaw
    partners: PowerLaw

    @classmethod
    def of(cls, counts: list[TrainingCounts]) -> Self:
        """Fit the laws."""
        widths = [one.width for one in counts]

        def law(value: Callable[[TrainingCounts], float]) -> PowerLaw:
            return PowerLaw.fit(widths, [value(one) for one in counts])

        return cls(
            counts,
            newcomers=law(lambda one: one.newcomers),
            entries_per_fired=law(lambda one: one.entries / max(one.fired, 1.0)),
            inner_products=law(lambda one: one.inner_products),
            partners=law(lambda one: one.partners),
        )

    def entries(self, width: int) -> float:
        """Return the list entries touched per query and step, no fewer than the fired neurons ask for."""
        return expected_fired(width) * max(FEWEST_ENTRIES, self.entries_per_fired(width))

    def operations_an_entry(self, width: int) -> float:
        """Return the multiply-adds of following one list entry: one for each datum that moved its neuron."""
        return max(1.0, self.partners(width))

    def as_dict(self) -> dict[str, Any]:
        """Return counts and laws, ready for JSON."""
        return asdict(self)


def measured_widths(n: int, dim: int) -> list[int]:
    """Return the five widths to train at: powers of two that keep a training within seconds."""
    top = (_MOST_NUMBERS // (n + dim)).bit_length() - 1
    top = min(max(top, _SMALLEST), _LARGEST)
    return [1 << exponent for exponent in range(top - 4, top + 1)]


def measured_training(width: int, n: int, dim: int, steps: int, seed: int = 0) -> TrainingCounts:
    """Train at one width and return the counts.

    Full-batch gradient descent on n points of the unit sphere with random signs as targets, squared loss, by the
    ``skin`` finder.

    Args:
        width: m.
        n: queries.
        dim: d.
        steps: at most :data:`TRAINING_STEPS` are taken.
        seed: of data and weights.

    Raises:
        ConfigError: a size below 1.
    """
    checked_counts(n=n, dim=dim, steps=steps)
    dataset, loss = sphere(n, dim, seed), make_loss("squared")
    watched = _Watched(make_finder("skin"))
    network = TwoLayerNetwork.initialize(width, dim, seed=seed)
    taken = min(steps, TRAINING_STEPS)
    targets = loss.encode(dataset, 1)
    _, *records = gradient_descent(network, dataset.inputs, targets, loss, watched, steps=taken)
    moved = [one for one in records if one.moved_neurons]
    return TrainingCounts(
        width=width,
        fired=float(np.mean([one.fired_per_datum.mean() for one in records])),
        newcomers=watched.newcomers / n / taken,
        entries=sum(one.cost.nodes_visited for one in records) / n / taken,
        inner_products=sum(one.cost.inner_products for one in records) / n / taken,
        partners=float(np.mean([one.active_pairs / one.moved_neurons for one in moved])) if moved else 0.0,
    )


@final
class _Watched(ForwardingFinder):
    """Counts the pairs that are in an answer but not in the one before."""

    def __init__(self, finder: ActiveSetFinder) -> None:
        super().__init__(finder)
        self._last: IntArray | None = None
        self.newcomers = 0

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        sets = super().find(rows)
        pairs = sets.query_ids * sets.shape[1] + sets.point_ids
        if self._last is not None:
            self.newcomers += len(np.setdiff1d(pairs, self._last, assume_unique=True))
        self._last = pairs
        return sets
