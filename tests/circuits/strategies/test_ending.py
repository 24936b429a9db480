"""The end of a search: runs that rule single counts out, then a certificate for all others."""

import os
from typing import Any

import numpy as np
import pytest

from circuits.draws import stream_keys
from circuits.law import exact_plan
from circuits.oracle_calls import law, play
from circuits.strategies import load_strategy
from circuits.strategies.ending import clear, counts_to_clear, end, end_costs
from circuits.strategies.posterior import begin
from circuits.strategies.state import CERTIFIED, MATCHED, PLAIN, ROBUST, STOP
from tests.support.statistics import share_is_at_most

TRIALS = int(os.environ.get("HYBRID_TRAIN_ENDURANCE", "1500"))
"""Searches; ``make endurance`` plays ten thousand of each."""


def started(n_items: Any, delta: Any, trials: Any = 1, **options: Any) -> Any:
    return load_strategy("adaptive").start(
        n_items, np.full(trials, delta), stream_keys(np.random.SeedSequence(0), np.arange(trials)), **options
    )


def runs_of(search: Any) -> Any:
    """Return the runs of an end in which nothing is found."""
    runs: list[Any] = []
    while not runs or runs[-1][0] not in (ROBUST, STOP):
        runs.append(end(search))
        clear(search, True)
    return runs


@pytest.mark.parametrize(
    ("delta", "cleared", "length"), [(1e-3, 0, 2.07), (1e-6, 1, 3.47), (1e-9, 2, 4.53), (1e-12, 3, 5.42)]
)
def test_the_end_is_as_long_as_the_formula_says(delta: Any, cleared: Any, length: Any) -> None:
    """In units of sqrt(m); rounding the share adds a thirtieth at most."""
    runs = runs_of(started(1 << 20, delta)[0])
    assert [kind for kind, _, _ in runs] == [MATCHED] * cleared + [ROBUST]
    assert length < sum(iterations for _, iterations, _ in runs) / 1024.0 < 1.04 * length


def missed(n_items: Any, n_marked: Any, runs: Any) -> float:
    """Return the chance that none of the runs measures a marked item."""
    return float(np.prod([1.0 - law(n_items, n_marked, *run) for run in runs if run[0] != STOP]))


@pytest.mark.parametrize("n_items", [2, 3, 5, 16, 64, 100])
@pytest.mark.parametrize("delta", [1e-3, 1e-6, 1e-12])
def test_an_end_misses_with_its_share_at_most_whatever_is_left(n_items: Any, delta: Any) -> None:
    search = started(n_items, delta)[0]
    runs = runs_of(search)
    assert all(missed(n_items, left, runs) <= max(search["miss"], 1e-25) * (1 + 1e-9) for left in range(1, n_items + 1))
    assert search["miss"] <= delta


def test_an_end_without_the_run_for_one_item_is_refuted() -> None:
    """The broken twin: what follows the exact runs alone does not find a single item."""
    search = started(100, 1e-6)[0]
    assert missed(100, 1, runs_of(search)[1:]) > 1e3 * search["miss"]


def test_few_items_are_ruled_out_one_count_after_the_other() -> None:
    """Of 100 items 98 have been found: then there is no certificate, for nothing is left that it could find."""
    search = started(100, 1e-12)[0]
    search["found"] = 98
    runs = runs_of(search)
    assert runs[-1][0] == STOP
    assert search["reason"] == CERTIFIED
    assert search["miss"] == 0.0
    assert all(kind in (MATCHED, PLAIN) for kind, _, _ in runs[:-1])


def test_a_find_voids_what_was_ruled_out() -> None:
    search = started(1024, 1e-12)[0]
    for cleared in (1, 2):
        assert end(search)[1:] == exact_plan(1024, cleared)
        clear(search, True)
        assert search["cleared"] == cleared
    end(search)
    clear(search, False)
    assert search["cleared"] == 0
    assert end(search)[1:] == exact_plan(1024, 1)


def test_its_cost_is_what_its_runs_take() -> None:
    """Under each hypothesis, up to the next find: against the laws of its runs, one by one."""
    search = started(256, 1e-9)[0]
    begin(search)
    costs = np.empty(int(search["nodes"]))
    end_costs(search, costs)
    left = search["total"][: int(search["nodes"])].copy()
    assert counts_to_clear(search) == 2
    runs = runs_of(search)
    for at in np.flatnonzero(left < 256):
        alive, expected = 1.0, 0.0
        for run in runs:
            expected += alive * (run[1] + 1.0)
            alive *= 1.0 - law(256, left[at], *run) if left[at] else 1.0
        assert costs[at] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n_marked", [1, 2, 3, 6])
@pytest.mark.parametrize("n_items", [64, 1024])
def test_searches_that_end_with_exact_runs_miss_within_delta(n_items: Any, n_marked: Any) -> None:
    """A false alarm in 1e-9; 1500 searches see that eight in a thousand miss where one in a million was promised."""
    ended = play(started(n_items, 1e-6, TRIALS), n_marked)
    assert share_is_at_most(int((ended["missed"] > 0).sum()), TRIALS, 1e-6, sees=8e-3)
    assert (ended["miss_probability"] <= 1e-6).all()


def test_searches_that_take_counts_for_ruled_out_are_refuted() -> None:
    """The broken twin: counts up to 40 are taken for ruled out before the first run."""
    searches = started(1024, 1e-6, 300)
    searches["cleared"] = 40
    assert not share_is_at_most(int((play(searches, 1)["missed"] > 0).sum()), 300, 1e-6, sees=0.04)
