"""Counters add up and subtract."""

from __future__ import annotations

from hybrid_train.finder.cost import Cost


def test_costs_add_subtract_and_snapshot() -> None:
    cost = Cost(inner_products=5, oracle_calls=2)
    before = cost.copy()
    cost.inner_products += 3
    assert (cost - before).as_dict() == Cost(inner_products=3).as_dict()
    assert before + Cost(inner_products=4) == Cost(inner_products=9, oracle_calls=2)
    assert before + Cost(verifications=1) == Cost(inner_products=5, oracle_calls=2, verifications=1)
    assert (Cost() - before).as_dict()["inner_products"] == -5  # what is owed
