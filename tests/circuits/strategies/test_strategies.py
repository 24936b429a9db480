"""Strategies against known marked sets, on the exact law."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from circuits.draws import stream_keys
from circuits.engines.closed_form import ClosedFormEngine
from circuits.engines.engine import Batch, Run
from circuits.engines.marked import MarkedItems
from circuits.law import fixed_point_iterations, fixed_point_phases, phased_probability
from circuits.oracle_calls import play
from circuits.search import Stop, Verifier, run_searches
from circuits.strategies import DEFAULT_STRATEGY, STRATEGIES, load_strategy
from circuits.strategies.state import allotment, certify, rounded_share
from circuits.strategies.strategy import Expectation
from hybrid_train.errors import ConfigError
from hybrid_train.finder.cost import Cost
from tests.support.statistics import means_agree, share_is_at_most


class TableVerifier(Verifier):
    def __init__(self, table: Any) -> None:
        self.table = table

    def inner_products(self, searches: Any, items: Any) -> Any:
        return items.astype(float), self.table[searches, items]


class Forgetful(MarkedItems):
    """A broken twin: does not unmark."""

    def unmark(self, searches: Any, items: Any) -> None:
        pass


def keys(count: Any, seed: Any = 0) -> Any:
    return stream_keys(np.random.SeedSequence(seed), np.arange(count))


def search_all(
    strategy: Any,
    n_items: Any,
    n_marked: Any,
    searches: Any,
    *,
    delta: Any = 1e-9,
    seed: Any = 0,
    extra: Any = 0,
    twin: Any = MarkedItems,
) -> Any:
    """Run one strategy on many random marked sets of the same size; return what was found, the truth and the cost."""
    rng = np.random.default_rng(seed)
    table, wide = np.zeros((searches, n_items), bool), np.zeros((searches, n_items), bool)
    for row, wider in zip(table, wide, strict=True):
        chosen = rng.choice(n_items, n_marked + extra, replace=False)
        row[chosen[:n_marked]] = wider[chosen] = True
    marked = twin(np.arange(searches + 1) * (n_marked + extra), np.nonzero(wide)[1], n_items)
    told = n_marked + extra
    started = load_strategy(strategy).start(n_items, np.full(searches, delta), keys(searches, seed), n_marked=told)
    cost = Cost()
    verifier = TableVerifier(table)
    found = run_searches(started, marked=marked, engine=ClosedFormEngine(), verifier=verifier, cost=cost)
    return found, table, cost


@pytest.mark.parametrize("n_items", [1, 2, 3, 5, 6, 7, 16, 100])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_marked_items_are_found(strategy: Any, n_items: Any) -> None:
    for n_marked in sorted({0, 1, n_items // 2, n_items - 1, n_items} - {-1}):
        found, table, _ = search_all(strategy, n_items, n_marked, 20)
        for one, truth in zip(found, table, strict=True):
            assert sorted(one.inner_products) == np.flatnonzero(truth).tolist()
            assert 0.0 <= one.stop.miss_probability <= 1e-9
            assert one.newcomers == n_marked


@pytest.mark.parametrize("strategy", ["known_k", "exact", "bbht", "fixed_point", "adaptive", "warm"])
@pytest.mark.parametrize(("n_items", "n_marked"), [(1, 1), (7, 2), (100, 0), (100, 30), (1000, 9)])
def test_simulated_counts_are_those_of_the_search_itself(strategy: Any, n_items: Any, n_marked: Any) -> None:
    """Run for run: the same keys, the same decisions, the same law."""
    _, _, cost = search_all(strategy, n_items, n_marked, 50, delta=0.01)
    started = load_strategy(strategy).start(n_items, np.full(50, 0.01), keys(50), n_marked=n_marked)
    played = play(started, n_marked)
    assert played["oracle_calls"].sum() == cost.oracle_calls
    assert played["bit_oracle_uses"].sum() == cost.bit_oracle_uses
    assert played["runs"].sum() == cost.measurements == cost.verifications


@pytest.mark.parametrize("strategy", ["coupon", "counting"])
def test_simulated_counts_of_strategies_that_do_not_unmark_have_the_same_mean(strategy: Any) -> None:
    """Which item comes again is drawn in another way there; the twin plays over half as many items again."""
    calls = [search_all(strategy, 100, 10, 1, delta=0.01, seed=seed)[2].oracle_calls for seed in range(400)]
    for n_items, alike in ((100, True), (150, False)):
        started = load_strategy(strategy).start(n_items, np.full(4000, 0.01), keys(4000))
        simulated = play(started, 10)["oracle_calls"]
        assert means_agree(calls, simulated, sees=0.15 * np.mean(calls)) == alike


def misses(run: Any, n_items: Any, n_marked: Any, trials: Any) -> Any:
    held = MarkedItems(np.arange(trials + 1) * n_marked, np.tile(np.arange(n_marked), trials), n_items)
    seeds = np.random.default_rng(n_marked).integers(0, 1 << 63, trials, np.uint64)
    return int((ClosedFormEngine().sample(Batch(held, np.arange(trials), [run] * trials, seeds)) >= n_marked).sum())


def refuted(count: Any, trials: Any, delta: Any, *, sees: Any) -> Any:
    """Whether so many misses refute the promise, with a false alarm of 1e-9."""
    return not share_is_at_most(int(count), trials, delta, sees=sees)


@pytest.mark.parametrize("n_marked", [1, 2, 5, 20, 63])
def test_certificate_misses_within_its_share(n_marked: Any) -> None:
    """4000 trials see a miss rate of 0.09 or more where 0.05 was promised."""
    length = fixed_point_iterations(64, 0.05)
    run = Run(length, fixed_point_phases(length, 0.05))
    assert not refuted(misses(run, 64, n_marked, 4000), 4000, 0.05, sees=0.04)


def test_certificate_of_half_the_length_is_refuted() -> None:
    half = fixed_point_iterations(64, 0.05) // 2
    assert refuted(misses(Run(half, fixed_point_phases(half, 0.05)), 64, 1, 4000), 4000, 0.05, sees=0.04)


@pytest.mark.parametrize("delta", [0.3, 1e-3, 1e-12])
def test_certificates_of_one_search_share_delta(delta: Any) -> None:
    assert math.fsum(allotment(delta, attempt) for attempt in range(1, 4000)) <= delta


@pytest.mark.parametrize("miss", [0.3, 0.05, 1e-4, 1e-12])
def test_certificate_is_never_shorter_than_needed(miss: Any) -> None:
    assert 0.84 * miss <= rounded_share(miss) <= miss * (1 + 1e-12)
    assert rounded_share(0.999 * rounded_share(miss) * 1.1) == rounded_share(miss)
    search = load_strategy("bbht").start(1024, [miss / 0.9], keys(1))[0]
    _, iterations, share = certify(search)
    assert share == rounded_share(miss)
    assert phased_probability(1024, 1, fixed_point_phases(iterations, share)) >= 1.0 - miss * (1 + 1e-5)


@pytest.mark.parametrize("strategy", ["bbht", "coupon", "fixed_point", "adaptive"])
def test_a_certificate_that_hits_continues_the_search(strategy: Any) -> None:
    """With delta near one the certificates come early and short: some find something, and the search goes on."""
    started = load_strategy(strategy).start(256, np.full(2000, 0.9), keys(2000))
    played = play(started, 3)
    again = (started["certificates"] > 1) & (played["missed"] == 0)
    assert again.any()
    certified = played["reason"] == 1
    assert certified.all()
    attempts = started["certificates"].astype(float)
    np.testing.assert_allclose(played["miss_probability"], [rounded_share(allotment(0.9, c)) for c in attempts])


def test_one_item_takes_one_measurement() -> None:
    for strategy in set(STRATEGIES) - {"known_k", "exact"}:
        for n_marked in (0, 1):
            found, _, cost = search_all(strategy, 1, n_marked, 1)
            assert cost == Cost(inner_products=1, verifications=1, measurements=1)
            assert found[0].stop == Stop("all items seen", 0.0)


def test_a_marked_item_is_found_once() -> None:
    """A verifier that calls everything active: every item is found, none twice, though unmarked ones keep coming."""
    marked = MarkedItems(np.array([0, 0]), np.empty(0, np.int64), 5)
    found = run_searches(
        load_strategy("bbht").start(5, [1e-9], keys(1)),
        marked=marked,
        engine=ClosedFormEngine(),
        verifier=TableVerifier(np.ones((1, 5), bool)),
        cost=Cost(),
    )
    assert sorted(found[0].inner_products) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("strategy", ["bbht", "coupon", "fixed_point", "counting", "adaptive", "warm"])
def test_an_oracle_that_marks_too_many_does_not_deceive(strategy: Any) -> None:
    """One true item among 20 that the oracle marks in vain: 1500 trials see a miss rate of 0.115 instead of 0.05."""
    found, _, _ = search_all(strategy, 64, 1, 1500, delta=0.05, extra=20)
    assert not refuted(sum(one.newcomers < 1 for one in found), 1500, 0.05, sees=0.065)


def test_a_driver_that_leaves_rejected_items_marked_certifies_falsely() -> None:
    """The broken twin of the test above: what it does not unmark keeps being measured in place of the true item.

    One of either: with many, a run for the few that should be left never succeeds, and the machine is called refuted.
    """
    found, _, _ = search_all("known_k", 64, 1, 300, extra=1)
    assert not any(one.newcomers < 1 for one in found)
    started = load_strategy("known_k").start(64, np.full(300, 0.05), keys(300), n_marked=2)
    marked = Forgetful(np.arange(301) * 2, np.tile(np.arange(2), 300), 64)
    table = np.zeros((300, 64), bool)
    table[:, 0] = True
    verifier = TableVerifier(table)
    found = run_searches(started, marked=marked, engine=ClosedFormEngine(), verifier=verifier, cost=Cost())
    assert refuted(sum(one.newcomers < 1 for one in found), 300, 0.05, sees=0.2)


@cache
def calls_without_expectation(n_marked: int) -> float:
    played = play(load_strategy("adaptive").start(1024, np.full(500, 0.05), keys(500)), n_marked)
    return float(played["oracle_calls"].mean())


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.5), (5.0, 1.0), (1000.0, 2.0), (np.nan, 1.0), (3.0, 1e6)])
@pytest.mark.parametrize("n_marked", [0, 1, 40, 1024])
def test_a_wrong_expectation_costs_time_only(mean: Any, deviation: Any, n_marked: Any) -> None:
    """500 searches would see a miss rate of 0.18 instead of 0.05; nothing may run for ever either."""
    expectation = Expectation(np.full(500, mean), np.full(500, deviation))
    started = load_strategy("adaptive").start(1024, np.full(500, 0.05), keys(500), expectation=expectation)
    played = play(started, n_marked)
    assert not refuted(int((played["missed"] > 0).sum()), 500, 0.05, sees=0.13)
    assert played["oracle_calls"].mean() < 3.0 * calls_without_expectation(n_marked) + 10.0 * math.sqrt(1024)


def test_registry_says_what_each_strategy_needs_and_promises() -> None:
    assert DEFAULT_STRATEGY in STRATEGIES
    for name in STRATEGIES:
        strategy = load_strategy(name)
        assert strategy.needs_count == (name in {"known_k", "exact"})
        assert strategy.remembers == (name == "warm")
        assert strategy.promise
        assert strategy.source
    assert len({load_strategy(name).decide for name in STRATEGIES}) == len(STRATEGIES) - 1  # warm decides as adaptive


def test_unknown_strategies_and_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"strategy='adaptve': .*did you mean 'adaptive'"):
        load_strategy("adaptve")
    with pytest.raises(ConfigError, match="prior='flt': expected one of 'flat'"):
        load_strategy("adaptive", prior="flt")
    with pytest.raises(ConfigError, match=r"growth=1.2: strategy='exact' has no growth"):
        load_strategy("exact", growth=1.2)


@pytest.mark.parametrize("known", [0, 500])
def test_expecting_more_than_there_can_be_costs_little(known: int) -> None:
    """As after a step in which all was new, in a register that is smaller now."""
    strategy, calls = load_strategy("warm"), {}
    for mean in (60.0, 5000.0):
        expected = Expectation(np.full(50, mean), np.full(50, math.sqrt(mean)))
        searches = strategy.start(600 + known, np.full(50, 1e-8), keys(50), known=known, expectation=expected)
        calls[mean] = play(searches, 60)["oracle_calls"].mean()
    assert calls[5000.0] < 1.5 * calls[60.0]
