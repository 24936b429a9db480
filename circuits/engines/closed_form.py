"""The closed-form engine: samples the exact two-dimensional law of Grover's algorithm, for any number of items."""

from __future__ import annotations

from functools import lru_cache
from typing import final

import numpy as np

from circuits.draws import STEP, uniform
from circuits.engines.engine import Batch, Engine
from circuits.law import phased_probability, success_probability
from circuits.monitored_law import monitored_end
from hybrid_train.support.arrays import IntArray


@final
class ClosedFormEngine(Engine):
    """Measures a marked item with the probability the law gives, uniform among marked and among unmarked items.

    It is the sampling law of the circuits, no more and no less, and needs no statevector.
    """

    monitors = True

    def sample(self, batch: Batch) -> IntArray:
        counts = batch.marked.counts[batch.searches]
        iterations = np.fromiter((run.iterations for run in batch.runs), np.int64, len(batch))
        probabilities = success_probability(batch.marked.n_items, counts, iterations)
        for job, run in enumerate(batch.runs):
            if run.phases is not None and counts[job]:
                probabilities[job] = _phased(batch.marked.n_items, int(counts[job]), run.phases)
        return batch.marked.draw(batch.searches, probabilities, batch.seeds)

    def sample_monitored(self, batch: Batch) -> tuple[IntArray, IntArray]:
        counts = batch.marked.counts[batch.searches]
        taken, found, seeds = np.empty(len(batch), np.int64), np.empty(len(batch)), batch.seeds + STEP
        for job, run in enumerate(batch.runs):
            chance = uniform(seeds[job])
            taken[job], found[job] = monitored_end(batch.marked.n_items, counts[job], *run.schedule, chance)
        return batch.marked.draw(batch.searches, found, seeds), taken


_phased = lru_cache(maxsize=1 << 14)(phased_probability)
"""Phases compare by identity, and the strategies share theirs."""
