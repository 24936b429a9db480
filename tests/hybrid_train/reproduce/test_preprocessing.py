"""Each verdict says no to numbers that the claim forbids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hybrid_train.network.sparsity import expected_fired, sparsity_bound
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.reproduce.claim import Effort
from hybrid_train.reproduce.preprocessing import (
    family_threshold,
    fired_counts,
    judged_costs,
    judged_family,
    judged_sparsity,
    spectrum,
)
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.theory.lines.costs import SEARCHERS, CostGrowth, StepCost

EFFORT = Effort(True, 0, lambda key, work: work())
WIDTHS = [256, 512, 1024, 2048]


def test_sparsity_of_gaussian_starts_is_seen_and_that_of_others_is_not() -> None:
    counts = fired_counts(EFFORT, WIDTHS, 4, auto_threshold)
    assert judged_sparsity(WIDTHS, counts).holds == "yes"
    assert judged_sparsity(WIDTHS, 2 * counts).holds == "no"  # twice what m Q(b) says
    bounds = np.array([sparsity_bound(m, auto_threshold(m)) for m in WIDTHS])
    assert judged_sparsity(WIDTHS, np.broadcast_to(1.1 * bounds[:, None, None], counts.shape)).holds == "no"
    steep = np.array([expected_fired(m) for m in WIDTHS]) * (np.array(WIDTHS) / 722.0) ** 0.15
    assert judged_sparsity(WIDTHS, np.broadcast_to(steep[:, None, None], counts.shape)).holds == "no"


def test_an_exponent_that_the_bound_equals_may_exceed_it_by_chance_and_no_more() -> None:
    alphas, rng = np.array([0.2, 1.0]), np.random.default_rng(0)
    fired = [np.array(WIDTHS) ** 0.75, np.array(WIDTHS) / 2.0]
    for _ in range(50):
        drawn = [rng.poisson(5 * one) / 5 for one in fired]
        assert judged_family(alphas, WIDTHS, drawn, 5).holds == "yes"
    assert judged_family(alphas, WIDTHS, [fired[1], fired[1]], 5).holds == "no"


def growth(kind: str, exponent: float) -> CostGrowth:
    searcher = next(one for one in SEARCHERS if one.kind == kind)
    costs = tuple(StepCost(m**exponent, 1.0, 1.0, 1.0, 0.1) for m in WIDTHS)
    return CostGrowth(searcher, 2, tuple(WIDTHS), costs, PowerLaw(1.0, exponent, 0.01))


def test_an_algorithm_whose_cost_grows_too_fast_is_named() -> None:
    assert judged_costs([growth("onion", 0.78), growth("grover", 0.88)]).holds == "yes"
    found = judged_costs([growth("onion", 0.78), growth("grover", 0.95)])
    assert found.holds == "no"
    assert found.measured == "Algorithm 7 in d = 2: m^0.95, not 0.9"
    assert found.panels[0].title == "cost of a step, d = 2"


def test_the_spectrum_lies_within_its_bounds() -> None:
    found = spectrum(EFFORT)
    assert found.holds == "yes"
    lower, upper = (found.panels[0].curves[place].y for place in (1, 2))
    assert all(low < high for low, high in zip(lower, upper, strict=True))
    assert replace(found, holds="no").as_dict()["holds"] == "no"


def test_the_family_has_the_papers_threshold_at_a_fifth() -> None:
    assert family_threshold(0.2, 1000) == auto_threshold(1000)
