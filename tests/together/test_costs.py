"""What quantum search is charged, beside counts taken by others: of the engine's runs, and of the predicate's calls."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from circuits.answers import PredicateVerifier, evaluated
from circuits.engines.closed_form import ClosedFormEngine
from circuits.engines.engine import Batch
from circuits.finder import GroverFinder
from circuits.strategies import STRATEGIES
from hybrid_train.finder.cost import Cost

counts: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count what the engine is given to run, and every pair that a searcher has evaluated."""
    counts.clear()
    sample, check = ClosedFormEngine.sample, PredicateVerifier.inner_products
    monitored = ClosedFormEngine.sample_monitored

    def counted_sample(self: ClosedFormEngine, batch: Batch) -> Any:
        for run in batch.runs:
            counts["oracle_calls"] += run.iterations if run.phases is None else len(run.phases.oracle)
            counts["bit_oracle_uses"] += run.iterations * (1 if run.phases is None else 2)
            counts["measurements"] += 1
        return sample(self, batch)

    def counted_monitored(self: ClosedFormEngine, batch: Batch) -> Any:
        items, taken = monitored(self, batch)
        for run, time in zip(batch.runs, taken.tolist(), strict=True):
            dampings = [damping for length, damping in run.stages for _ in range(length)][:time]
            counts["oracle_calls"] += len(dampings)
            counts["bit_oracle_uses"] += len(dampings)
            counts["mid_measurements"] += sum(damping > 0.0 for damping in dampings)
            counts["measurements"] += 1
        return items, taken

    def counted_check(self: PredicateVerifier, searches: Any, items: Any) -> Any:
        counts["verifications"] += len(items)
        return check(self, searches, items)

    def counted_again(points: Any, vectors: Any, threshold: float, queries: Any, items: Any) -> Any:
        counts["again"] += len(items)
        return evaluated(points, vectors, threshold, queries, items)

    monkeypatch.setattr(ClosedFormEngine, "sample", counted_sample)
    monkeypatch.setattr(ClosedFormEngine, "sample_monitored", counted_monitored)
    monkeypatch.setattr(PredicateVerifier, "inner_products", counted_check)
    monkeypatch.setattr("circuits.finder.evaluated", counted_again)


def searched(**options: Any) -> Cost:
    """Return what three answers over moving banks are charged."""
    rng = np.random.default_rng(3)
    points, queries = rng.standard_normal((60, 4)), rng.standard_normal((5, 4))
    finder = GroverFinder(engine="closed_form", **options)
    finder.plan(seed=np.random.SeedSequence(1), total_queries=15)
    finder.build(points, queries, 1.2)
    for _ in range(3):
        finder.find()
        finder.move_points(np.arange(10), points[:10] + 0.1 * rng.standard_normal((10, 4)))
    return finder.cost


@pytest.mark.parametrize("scope", ["query", "pairs"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_is_charged_what_was_run_and_evaluated(strategy: str, scope: Any) -> None:
    cost = searched(strategy=strategy, scope=scope).as_dict()
    assert cost.pop("inner_products") == counts["verifications"] + counts.pop("again", 0)
    assert {name: value for name, value in cost.items() if value} == dict(counts)
    assert counts["oracle_calls"] > 0


def test_a_cost_that_is_not_counted_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circuits.engines.engine.Run.bit_oracle_uses", property(lambda run: run.iterations))
    assert searched().bit_oracle_uses < counts["bit_oracle_uses"]
