"""Searches with a measured ancilla: what they miss and cost, and the same on circuits."""

from typing import Any

import numpy as np
import pytest

import circuits
from circuits.draws import stream_keys
from circuits.engines.aer import AerEngine
from circuits.engines.closed_form import ClosedFormEngine
from circuits.engines.engine import Batch, Run
from circuits.engines.marked import MarkedItems
from circuits.oracle_calls import play
from circuits.strategies import load_strategy
from circuits.strategies.known_k import expected_known_k
from hybrid_train.errors import ConfigError
from tests.support.statistics import counts_agree, mean_is_at_most, share_is_at_most


def keys(trials: Any) -> Any:
    return stream_keys(np.random.SeedSequence(3), np.arange(trials))


def played(name: Any, n_items: Any, n_marked: Any, trials: Any, delta: Any = 1e-6) -> Any:
    return play(load_strategy(name).start(n_items, np.full(trials, delta), keys(trials)), n_marked)


def refuted(missed: Any, trials: Any, delta: Any) -> Any:
    return not share_is_at_most(int(missed), trials, delta, sees=0.06)


@pytest.mark.parametrize(
    ("n_items", "n_marked", "trials"),
    [
        (64, 1, 2000),
        (200, 2, 2000),
        *(pytest.param(m, k, 10000, marks=pytest.mark.slow) for m in (64, 1024) for k in (1, 3, 49)),
    ],
)
@pytest.mark.parametrize("delta", [1e-6, 0.05])
def test_misses_stay_within_delta(n_items: Any, n_marked: Any, trials: Any, delta: Any) -> None:
    """2000 searches see a rate of 0.11 where 0.05 was promised."""
    ended = played("monitored", n_items, n_marked, trials, delta)
    assert not refuted((ended["missed"] > 0).sum(), trials, delta)
    assert (ended["miss_probability"] <= delta).all()


def test_a_certificate_half_as_long_is_refuted() -> None:
    """The broken twin."""
    searches = load_strategy("monitored").start(1024, np.full(3000, 0.05), keys(3000))
    searches["plan_lengths"][:, :, 1] //= 4
    assert refuted((play(searches, 1)["missed"] > 0).sum(), 3000, 0.05)


def test_nothing_marked_takes_less_than_adaptive() -> None:
    """Nothing is random there."""
    calls = [played(name, 65536, 0, 1)["oracle_calls"][0] for name in ("monitored", "adaptive")]
    assert 0.75 * calls[1] < calls[0] < 0.96 * calls[1]


def until_last_find(name: Any, n_marked: Any, trials: Any, n_items: Any = 16384) -> Any:
    """Return calls and measurements up to the last find, in units of what a search that is told their number takes."""
    return played(name, n_items, n_marked, trials)["until_last_hit"] / sum(expected_known_k(n_items, n_marked))


def test_few_items_are_found_nearly_as_soon_as_if_they_were_counted() -> None:
    """`adaptive` is the broken twin: it takes 1.2."""
    trials, most = 1500, 1.11
    assert mean_is_at_most(until_last_find("monitored", 6, trials), most, sees=0.1)
    assert not mean_is_at_most(until_last_find("adaptive", 6, 2 * trials), most, sees=0.1)


def test_every_damped_iteration_is_a_measurement() -> None:
    ended = played("monitored", 1024, 0, 3)
    assert (ended["mid_measurements"] > 0).all()
    assert (ended["mid_measurements"] <= ended["oracle_calls"]).all()
    assert (played("adaptive", 1024, 0, 3)["mid_measurements"] == 0).all()


def ends(engine: Any, run: Any, trials: Any) -> Any:
    """Return how often a run ended after so many iterations with a marked item, and with another."""
    marked = MarkedItems(np.arange(trials + 1) * 2, np.tile([1, 6], trials), 8)
    seeds = np.random.default_rng(1).integers(0, 1 << 63, trials, np.uint64)
    items, taken = engine.sample_monitored(Batch(marked, np.arange(trials), [run] * trials, seeds))
    return np.bincount(taken * 2 + np.isin(items, [1, 6]), minlength=2 * run.iterations + 2)


def test_engines_follow_one_law() -> None:
    """The twin, damped more, is refuted."""
    run = Run(4, stages=((1, 0.0), (3, 0.2)))
    twin = Run(4, stages=((1, 0.0), (3, 0.3)))
    on_aer, drawn = ends(AerEngine(), run, 4000), ends(ClosedFormEngine(), run, 20000)
    for other, alike in ((drawn, True), (ends(ClosedFormEngine(), twin, 20000), False)):
        table = np.array([on_aer, other])
        table = table[:, table.sum(axis=0) >= 40]
        assert counts_agree(table, sees=0.09) == alike


@pytest.mark.parametrize("engine", ["aer", "closed_form"])
def test_it_finds_all_that_an_oracle_marks(engine: Any) -> None:
    found = circuits.find_all([3, 17, 40], 64, strategy="monitored", engine=engine, delta=0.01)
    assert found.items.tolist() == [3, 17, 40]
    assert 0 < found.cost.mid_measurements <= found.cost.oracle_calls == found.cost.bit_oracle_uses
    assert found.stop.miss_probability <= 0.01


def test_its_circuits_are_reported() -> None:
    found = circuits.find_all([3], 64, strategy="monitored", engine="closed_form", delta=0.3)
    rows = found.report()
    assert any(row["mid_measurements"] for row in rows)
    assert all(row["two_qubit_gates"] > 0 for row in rows if row["iterations"])
    assert all(circuit.num_clbits for circuit, _ in found.circuits())


def test_machines_that_cannot_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"strategy='monitored': measures an ancilla .* without noise, sampler"):
        circuits.GroverFinder(strategy="monitored", noise={"readout": 0.01})
