"""The posterior is Bayes' rule, run by run."""

from __future__ import annotations

import numpy as np
import pytest

from circuits.law import success_probability
from circuits.strategies.adaptive import Adaptive
from circuits.strategies.posterior import begin, learn_outcome
from circuits.strategies.state import HIT, MISS

ITEMS = 12


@pytest.mark.parametrize("iterations", [0, 1, 2])
@pytest.mark.parametrize("outcome", [HIT, MISS])
def test_a_run_multiplies_each_hypothesis_by_its_law(iterations: int, outcome: int) -> None:
    (search,) = Adaptive().start(ITEMS, [1e-6], np.zeros(1, np.uint64))
    begin(search)
    counts = search["total"][: search["nodes"]].copy()
    assert counts.tolist() == list(range(ITEMS + 1))
    before = search["weight"][: len(counts)].copy()
    search["iterations"] = iterations
    search["found"] += outcome == HIT
    learn_outcome(search, outcome)
    # what remained before the run: everything, for nothing had been found then
    hits = success_probability(ITEMS, counts, iterations)
    expected = before * (hits if outcome == HIT else 1 - hits)
    nodes = int(search["nodes"])
    found = dict(zip(search["total"][:nodes].tolist(), search["weight"][:nodes].tolist(), strict=True))
    after = np.array([found.get(float(count), 0.0) for count in counts])
    assert after == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_a_row_of_misses_against_all_odds_refutes_what_was_believed() -> None:
    """11 of 12 are said to be marked, and each run misses with probability 1/12: the fourth is one too many."""
    (search,) = Adaptive().start(ITEMS, [1e-6], np.zeros(1, np.uint64))
    begin(search)
    search["weight"][:] = 0.0
    search["weight"][11] = 1.0
    for misses in range(1, 5):
        learn_outcome(search, MISS)
        believed = np.flatnonzero(search["weight"][: int(search["nodes"])])
        assert (believed.tolist() == [11]) == (misses < 4)
    assert search["weight"][0] > 0.0  # that nothing is left is among what may be
