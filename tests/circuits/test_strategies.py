"""Strategies against known marked sets, on the exact law."""

import math

import numpy as np
import pytest
from scipy import stats

from circuits.engines.closed_form import ClosedFormEngine
from circuits.law import fixed_point_iterations, fixed_point_phases
from circuits.marked import MarkedItems
from circuits.search import Batch, Run, Stop, Verifier, run_searches
from circuits.strategies import DEFAULT_STRATEGY, STRATEGIES, load_strategy
from circuits.strategies.bbht import bbht
from circuits.strategies.certificate import allotment, certificate_run
from circuits.strategies.known_k import known_k
from hybrid_train.cost import Cost

FALSE_ALARM = 1e-9


class TableVerifier(Verifier):
    def __init__(self, table):
        self.table = table

    def inner_products(self, searches, items):
        return items.astype(float), self.table[searches, items]


def search_all(start, n_items, n_marked, searches, seed=0):
    """Run one strategy on many random marked sets of the same size; return what was found and the truth."""
    rng = np.random.default_rng(seed)
    table = np.zeros((searches, n_items), bool)
    for row in table:
        row[rng.choice(n_items, n_marked, replace=False)] = True
    marked = MarkedItems(np.arange(searches + 1) * n_marked, np.nonzero(table)[1], n_items)
    generators = [np.random.default_rng([seed, at]) for at in range(searches)]
    cost = Cost()
    found = run_searches(
        [start(generator) for generator in generators],
        generators,
        marked=marked,
        engine=ClosedFormEngine(),
        verifier=TableVerifier(table),
        cost=cost,
    )
    return found, table, cost


def until_last_hit(search, record):
    """Pass a search through and record its calls (iterations and one verification a run) up to its last find."""
    calls = last = 0
    run = next(search)
    while True:
        calls += run.iterations + 1 if run.phases is None else 0
        hit = yield run
        last = calls if hit else last
        try:
            run = search.send(hit)
        except StopIteration as stop:
            record.append(last)
            return stop.value


@pytest.mark.parametrize("n_items", [1, 2, 3, 5, 6, 7, 16, 100])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_marked_items_are_found(strategy, n_items):
    start = load_strategy(strategy)
    for n_marked in sorted({0, 1, n_items // 2, n_items - 1, n_items} - {-1}):
        extra = {"n_marked": n_marked} if start.needs_count else {}
        found, table, _ = search_all(lambda g, e=extra: start.start(n_items, 1e-9, g, **e), n_items, n_marked, 20)
        for one, truth in zip(found, table, strict=True):
            assert sorted(one.inner_products) == np.flatnonzero(truth).tolist()
            assert 0.0 <= one.stop.miss_probability <= 1e-9


# Means of an independent simulation of both schedules, without a certificate. The test allows 3 % of bias (a
# certificate may find one of the last items for free) and seven standard errors, a false alarm below 1e-9 each; it
# sees a mean that is 7 % off.
REFERENCE = [
    (known_k, 1024, 49, 308),
    (bbht, 1024, 49, 638),
    (known_k, 4096, 140, 1065),
    (bbht, 4096, 140, 2276),
    (known_k, 1024, 256, 825),
    (bbht, 1024, 256, 1446),
    pytest.param(known_k, 65536, 1153, 12425, marks=pytest.mark.slow),
    pytest.param(bbht, 65536, 1153, 27460, marks=pytest.mark.slow),
]


def mean_calls(strategy, n_items, n_marked, **options):
    record = []
    extra = {"n_marked": n_marked} if strategy is known_k else options
    search_all(
        lambda generator: until_last_hit(strategy(n_items, 1e-9, generator, **extra), record),
        n_items,
        n_marked,
        400 if n_items < 10000 else 60,
    )
    return np.mean(record), stats.sem(record)


@pytest.mark.parametrize(("strategy", "n_items", "n_marked", "reference"), REFERENCE)
def test_mean_calls_reproduce_the_reference(strategy, n_items, n_marked, reference):
    mean, error = mean_calls(strategy, n_items, n_marked)
    assert abs(mean - reference) < 0.03 * reference + 7.0 * error


def test_mean_calls_tell_another_growth_from_the_reference():
    mean, error = mean_calls(bbht, 1024, 49, growth=1.05)
    assert abs(mean - 638) > 0.03 * 638 + 7.0 * error


def misses(run, n_items, n_marked, trials):
    held = MarkedItems(np.arange(trials + 1) * n_marked, np.tile(np.arange(n_marked), trials), n_items)
    seeds = np.random.default_rng(n_marked).integers(0, 1 << 63, trials, np.uint64)
    return int((ClosedFormEngine().sample(Batch(held, np.arange(trials), [run] * trials, seeds)) >= n_marked).sum())


def refuted(count, trials, delta):
    """Whether so many misses refute the promise, with a false alarm of 1e-9."""
    return stats.binomtest(count, trials, delta, alternative="greater").pvalue < FALSE_ALARM


@pytest.mark.parametrize("n_marked", [1, 2, 5, 20, 63])
def test_certificate_misses_within_delta(n_marked):
    """4000 trials see a miss rate of 0.08 or more where 0.05 was promised."""
    assert not refuted(misses(certificate_run(64, 0.05), 64, n_marked, 4000), 4000, 0.05)


def test_certificate_of_half_the_length_is_refuted():
    half = fixed_point_iterations(64, 0.05) // 2
    assert refuted(misses(Run(half, fixed_point_phases(half, 0.05)), 64, 1, 4000), 4000, 0.05)


@pytest.mark.parametrize("n_marked", [1, 3])
def test_whole_search_misses_within_delta(n_marked):
    found, _, _ = search_all(lambda g: bbht(64, 0.05, g), 64, n_marked, 3000)
    assert not refuted(sum(len(one.inner_products) < n_marked for one in found), 3000, 0.05)


def without_a_certificate(n_items, generator):
    """The broken twin: gives up where the real strategy asks for a certificate."""
    search = bbht(n_items, 0.05, generator)
    run = next(search)
    while True:
        if run.phases is not None:
            return Stop("gave up", 0.0)
        hit = yield run
        try:
            run = search.send(hit)
        except StopIteration as stop:
            return stop.value


def test_search_without_a_certificate_is_refuted():
    found, _, _ = search_all(lambda g: without_a_certificate(64, g), 64, 1, 3000)
    assert refuted(sum(len(one.inner_products) < 1 for one in found), 3000, 0.05)


@pytest.mark.parametrize("delta", [0.3, 1e-3, 1e-12])
def test_certificates_of_one_search_share_delta(delta):
    assert math.fsum(allotment(delta, attempt) for attempt in range(1, 60)) <= delta


@pytest.mark.parametrize("miss", [0.3, 0.05, 1e-4, 1e-12])
def test_certificate_is_never_shorter_than_needed(miss):
    needed = fixed_point_iterations(1024, miss)
    assert needed <= certificate_run(1024, miss).iterations <= needed + 0.1 * math.sqrt(1024) + 1
    assert certificate_run(1024, miss).phases is certificate_run(1024, 0.999 * miss).phases or miss == 1e-12


def test_certificate_that_hits_continues_the_search():
    search = bbht(64, 0.01, np.random.default_rng(0))
    run = next(search)
    while run.phases is None:
        run = search.send(False)
    first = run.iterations
    run = search.send(True)
    assert run == Run(0)
    while run.phases is None:
        run = search.send(False)
    assert run.iterations > first
    with pytest.raises(StopIteration) as stop:
        search.send(False)
    assert stop.value.value == Stop("certified", 0.01 / 4)


def test_one_item_takes_one_measurement():
    for n_marked in (0, 1):
        found, _, cost = search_all(lambda g: bbht(1, 0.01, g), 1, n_marked, 1)
        assert cost == Cost(inner_products=1, verifications=1, measurements=1)
        assert found[0].stop == Stop("all items seen", 0.0)


def test_a_marked_item_is_found_once():
    """A verifier that calls everything active: every item is found, none twice, though unmarked ones keep coming."""
    marked = MarkedItems(np.array([0, 0]), np.empty(0, np.int64), 5)
    generator = np.random.default_rng(0)
    found = run_searches(
        [bbht(5, 1e-9, generator)],
        [generator],
        marked=marked,
        engine=ClosedFormEngine(),
        verifier=TableVerifier(np.ones((1, 5), bool)),
        cost=Cost(),
    )
    assert sorted(found[0].inner_products) == [0, 1, 2, 3, 4]


def test_registry_says_what_each_strategy_needs():
    assert DEFAULT_STRATEGY in STRATEGIES
    assert load_strategy("known_k").needs_count
    assert not load_strategy("bbht").needs_count
    assert load_strategy("bbht").options == {"growth": 1.2}
