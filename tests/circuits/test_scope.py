"""One search over all pairs finds what a search for each query finds, for one certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from circuits.finder import GroverFinder
from circuits.scope import AllPairs, CandidatePairs, EachQuery, Scope
from circuits.strategies import STRATEGIES
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.scan import active_pairs


def banks(n_points: int, n_queries: int, dimension: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_points, dimension)), rng.standard_normal((n_queries, dimension))


def planned(seed: int = 0, total: int = 1000, **options: Any) -> GroverFinder:
    finder = GroverFinder(**{"scope": "pairs", "engine": "closed_form"} | options)
    finder.plan(seed=np.random.SeedSequence(seed), total_queries=total)
    return finder


SCOPES = [EachQuery(3, 5), AllPairs(3, 5), CandidatePairs(np.array([0, 0, 1, 2]), np.array([1, 4, 0, 3]), 5)]


@pytest.mark.parametrize("scope", SCOPES)
def test_pairs_and_items_undo_each_other(scope: Scope) -> None:
    searches = np.repeat(np.arange(scope.n_searches), scope.register.n_items)
    items = np.tile(np.arange(scope.register.n_items), scope.n_searches)
    there = scope.items(*scope.pairs(searches, items))
    np.testing.assert_array_equal(there, (searches, items))


def test_what_is_not_known_of_a_query_is_taken_to_be_as_with_the_others() -> None:
    assert AllPairs(3, 5).summed(np.array([2.0, np.nan, 4.0])).tolist() == [9.0]
    assert np.isnan(AllPairs(2, 5).summed(np.array([np.nan, np.nan]))).all()
    assert EachQuery(2, 5).summed(np.array([2.0, 4.0])).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("options", [{}, {"candidates": "skin"}, {"engine": "aer"}], ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 5), (6, 5)])
def test_finds_what_the_scan_finds(shape: tuple[int, int], options: dict[str, Any], strategy: str) -> None:
    points, queries = banks(*shape)
    for threshold in (-100.0, 0.3, 100.0):
        finder = planned(strategy=strategy, **options)
        finder.build(points, queries, threshold)
        for _ in range(2):
            found, truth = finder.find(), active_pairs(points, queries, threshold)
            assert found.same_sets(truth)
            np.testing.assert_array_equal(found.indptr, truth.indptr)
            np.testing.assert_array_equal(found.indices, truth.indices)
            np.testing.assert_array_equal(found.inner_products, truth.inner_products)


@pytest.mark.parametrize("strategy", ["adaptive", "warm"])
@pytest.mark.parametrize("options", [{}, {"candidates": "skin"}, {"oracle": "arithmetic", "bits": 3}], ids=str)
def test_follows_both_banks_and_answers_some_queries(options: dict[str, Any], strategy: str) -> None:
    points, queries = banks(40, 9)
    live, rng = DenseBank(points), np.random.default_rng(1)
    finder = planned(strategy=strategy, **options)
    finder.build(live, queries, 0.8)
    for rows in (None, [4, 2, 8], [], [5], None):
        found = finder.find(rows)
        truth = active_pairs(points, queries, 0.8, rows)
        assert found.same_sets(truth)
        np.testing.assert_array_equal(found.rows, truth.rows)
        points[[3, 4]] += 0.3 * rng.standard_normal((2, 3))
        live.assign(np.array([3, 4]), points[[3, 4]])
        finder.move_points([3, 4], points[[3, 4]])
        queries[2] += 0.1
        finder.move_queries([2], queries[[2]])


def test_arithmetic_on_aer() -> None:
    points, queries = banks(3, 2, 1)
    finder = planned(engine="aer", oracle="arithmetic", bits=2, strategy="warm")
    finder.build(points, queries, 0.2)
    for _ in range(2):
        assert finder.find().same_sets(active_pairs(points, queries, 0.2))
    assert finder.simulation.circuits > 0


def test_one_certificate_instead_of_one_a_query() -> None:
    """With nothing to find, sixteen searches of 64 cost 16 sqrt(64), one of 1024 costs sqrt(1024)."""
    points, queries = banks(64, 16)
    calls = {}
    for scope in ("query", "pairs"):
        finder = planned(scope=scope)
        finder.build(points, queries, 100.0)
        assert finder.find().nnz == 0
        calls[scope] = finder.cost.oracle_calls
        assert len(finder.stops) == (16 if scope == "query" else 1)
        assert all(stop.miss_probability > 0.0 for stop in finder.stops)
    assert 3.5 * calls["pairs"] < calls["query"]


def test_the_search_over_pairs_may_miss_with_what_its_queries_may() -> None:
    points, queries = banks(64, 16)
    finder = planned(delta=1e-3, total=16)
    finder.build(points, queries, 1.0)
    finder.find()
    (stop,) = finder.stops
    assert stop.reason == "certified"
    assert stop.miss_probability <= 1e-3 / 2


def test_later_steps_search_newcomers_only() -> None:
    points, queries = banks(200, 20)
    finder = planned(strategy="warm")
    finder.build(points, queries, 0.8)
    first = finder.find()
    before = finder.cost.copy()
    points[:3] += 0.5
    finder.move_points([0, 1, 2], points[:3])
    assert finder.find().same_sets(active_pairs(points, queries, 0.8))
    later = finder.cost - before
    assert later.oracle_calls < before.oracle_calls / 3
    assert later.inner_products == first.nnz + later.verifications


def test_candidates_are_searched_and_what_rules_out_is_charged() -> None:
    points, queries = banks(300, 10)
    finder = planned(strategy="warm", candidates="skin")
    finder.build(points, queries, 2.0)
    assert finder.cost.inner_products == 3000  # the lists are made by looking at every pair once
    first = finder.find()
    assert first.nnz < finder.facts()["candidates"] < 1500
    before = finder.cost.copy()
    points += 1e-4
    finder.move_points(np.arange(300), points)
    assert finder.find().same_sets(active_pairs(points, queries, 2.0))
    later = finder.cost - before
    assert later.inner_products == first.nnz + later.verifications < 1500
    assert 0 < later.oracle_calls < before.oracle_calls


def test_a_candidate_that_is_left_out_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    points, queries = banks(60, 6)
    finder = planned(candidates="skin")
    finder.build(points, queries, 0.5)
    ruling_out: Any = finder._ruling_out
    whole = ruling_out.candidates_of
    monkeypatch.setattr(ruling_out, "candidates_of", lambda rows: (np.array([0, 0, 0, 0, 0, 0, 1]), whole(rows)[1][:1]))
    assert not finder.find().same_sets(active_pairs(points, queries, 0.5))


def test_same_seed_same_cost() -> None:
    points, queries = banks(30, 5)
    seen = []
    for seed in (7, 7, 8):
        finder = planned(seed=seed, strategy="bbht")
        finder.build(points, queries, 0.5)
        finder.find()
        finder.find([2, 3])
        seen.append(finder.cost)
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scope": "all"}, "scope='all'"),
        ({"candidates": "hsr"}, "candidates='hsr'"),
        ({"scope": "query", "candidates": "skin"}, "scope='pairs'"),
        ({"candidates": "skin", "oracle": "arithmetic"}, "oracle='lookup'"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        planned(**options)


def test_too_many_pairs_are_refused_at_once() -> None:
    with pytest.raises(ResourceError, match="pairs"):
        planned(engine="aer").check_resources(1 << 20, 64, 4)
    with pytest.raises(ResourceError, match=r"at most .* pairs fit|not even two pairs fit"):
        planned(engine="aer", oracle="arithmetic", bits=20).check_resources(64, 64, 4)
    planned().check_resources(1 << 20, 64, 4)
