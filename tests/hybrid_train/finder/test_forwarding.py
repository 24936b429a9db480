from __future__ import annotations

import numpy as np

from hybrid_train.finder.forwarding import ForwardingFinder
from hybrid_train.finder.registry import make_finder


def test_answers_costs_and_moves_are_those_of_the_other() -> None:
    rng = np.random.default_rng(0)
    points, queries = rng.standard_normal((30, 4)), rng.standard_normal((5, 4))
    plain, watched = make_finder("hsr"), ForwardingFinder(make_finder("hsr"))
    for finder in (plain, watched):
        finder.build(points, queries, 0.5)
        finder.move_points(np.array([3]), -points[[3]])
        finder.move_queries(np.array([1]), -queries[[1]])
    one, other = plain.find(), watched.find()
    np.testing.assert_array_equal(one.indptr, other.indptr)
    np.testing.assert_array_equal(one.point_ids, other.point_ids)
    assert watched.cost == plain.cost
    assert watched.promise == plain.promise


def test_plans_reach_the_other() -> None:
    """The same seed gives the same answers through it."""
    rng = np.random.default_rng(1)
    points, queries = rng.standard_normal((60, 4)), rng.standard_normal((5, 4))
    answers = []
    for seed in (3, 3, 4):
        finder = ForwardingFinder(make_finder("grover", engine="closed_form"))
        finder.plan(seed=np.random.SeedSequence(seed), total_queries=5)
        finder.build(points, queries, 0.5)
        finder.find()
        answers.append(finder.cost)
    assert answers[0] == answers[1] != answers[2]
