"""Machines that do not follow the law of their circuits: every search ends, and none of them proves anything."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qiskit.primitives import BaseSamplerV2, StatevectorSampler
from qiskit_aer.primitives import SamplerV2

from circuits.finder import GroverFinder
from circuits.law import best_iterations, plain_law
from circuits.strategies import STRATEGIES, load_strategy
from circuits.strategies.state import FALSE_ALARM, TRUSTED_SHARE
from hybrid_train.errors import ResourceError
from hybrid_train.finder.interface import APPROXIMATE

TOLD = ("known_k", "exact")


class Reading(BaseSamplerV2):
    """Ignores its circuits and reads what a function of (number of the run, size of the register) says."""

    def __init__(self, read: Any) -> None:
        self.read = read
        self.runs = 0

    def run(self, pubs: Any, *, shots: Any = None) -> Any:
        return SimpleNamespace(result=lambda: [self._shot(pub[0].num_clbits) for pub in pubs])

    def _shot(self, width: Any) -> Any:
        self.runs += 1
        bits = format(self.read(self.runs, 1 << width), f"0{width}b")
        return SimpleNamespace(data=SimpleNamespace(item=SimpleNamespace(get_bitstrings=lambda: [bits])))


MACHINES = {
    "zero": lambda run, size: 0,
    "last": lambda run, size: size - 1,
    "one": lambda run, size: 1,
    "alternating": lambda run, size: run % 2,
    "garbage": lambda run, size: int(np.random.default_rng(run).integers(size)),
}


def searched(strategy: Any, sampler: Any, n_points: Any = 11) -> Any:
    """Search among points of which the first four are active."""
    points = np.where(np.arange(n_points) < 4, 1.0, -1.0)[:, None]
    finder = GroverFinder(strategy=strategy, sampler=sampler)
    finder.plan(seed=np.random.SeedSequence(0), total_queries=10)
    finder.build(points, np.ones((1, 1)), 0.0)
    return finder, finder.find()


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if not load_strategy(name).monitors])
@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_that_does_not_follow_the_law_ends_every_search_and_certifies_none(
    machine: Any, strategy: Any
) -> None:
    sampler = Reading(MACHINES[machine])
    if strategy in TOLD and machine != "garbage":
        with pytest.raises(ResourceError, match=r"measured none of the .* items left of 4 .*give it a new seed"):
            searched(strategy, sampler)
        return
    finder, found = searched(strategy, sampler)
    assert set(found.indices.tolist()) <= set(range(4))
    if strategy not in TOLD:
        assert {(stop.reason, stop.miss_probability) for stop in finder.stops} == {("nothing more measured", 1.0)}
    assert finder.promise == APPROXIMATE
    assert "none" in finder.facts()["certificates"]


def test_noiseless_simulators_still_certify() -> None:
    points, queries = np.array([[1.0], [1.0], [-1.0], [-1.0], [-1.0]]), np.ones((1, 1))
    for engine in ("aer", "closed_form"):
        finder = GroverFinder(engine=engine)
        finder.build(points, queries, 0.0)
        finder.find()
        assert finder.stops[0].reason == "certified"
        assert not finder.facts()


def test_one_item_that_a_machine_never_reads_has_not_been_seen() -> None:
    finder, found = searched("adaptive", Reading(MACHINES["last"]), n_points=1)
    assert found.nnz == 0
    assert finder.stops[0] == ("nothing more measured", 1.0)


@pytest.mark.parametrize("repeating", [lambda: StatevectorSampler(seed=1), lambda: SamplerV2(seed=1)])
def test_samplers_that_repeat_their_shots_end_too(repeating: Any) -> None:
    """Either the first shot of every circuit happens to be good, or the machine is refuted."""
    rng = np.random.default_rng(0)
    finder = GroverFinder(strategy="known_k", sampler=repeating())
    finder.plan(seed=np.random.SeedSequence(0))
    finder.build(rng.standard_normal((11, 4)), rng.standard_normal((5, 4)), 0.5)
    with pytest.raises(ResourceError, match="repeats its shots"):
        finder.find()


def test_a_sampler_seeded_as_documented_finds_all() -> None:
    _, found = searched("known_k", StatevectorSampler(seed=np.random.default_rng(1)))
    assert found.indices.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("strategy", TOLD)
def test_machines_are_refuted_no_sooner_than_the_false_alarm_allows(strategy: Any) -> None:
    sampler = Reading(MACHINES["last"])
    with pytest.raises(ResourceError):
        searched(strategy, sampler)
    success = plain_law(11, 4, best_iterations(11, 4)) if strategy == "known_k" else 1.0
    miss = 1.0 - TRUSTED_SHARE * success
    assert miss**sampler.runs < FALSE_ALARM / 4 <= miss ** (sampler.runs - 1)
