"""A strategy in a file of its own and one line of the registry: everything else takes it from there."""

from __future__ import annotations

from typing import Any

import pytest

import hybrid_train
from circuits.strategies import STRATEGIES, load_strategy
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.state import certificate_calls, certify, plain
from circuits.strategies.strategy import Strategy
from hybrid_train.errors import ConfigError
from hybrid_train.studies.crossover_costs import CrossoverOptions
from hybrid_train.studies.search_growth import played_searches
from hybrid_train.support.kernels import kernel
from hybrid_train.support.power_law import PowerLaw


@kernel
def decide(search: Any, outcome: Any) -> Any:
    """Ask for twenty samples without an iteration between any two certificates."""
    search.misses += 1
    if search.misses > 20:
        search.misses = 0
        return certify(search)
    return plain(search, 0)


class Sampling(Strategy):
    """Samples and certifies."""

    decide = staticmethod(decide)
    promise = "misses any with probability at most delta"
    source = "this test"

    def expected_iterations(self, n_items: int, n_marked: int, delta: float, *, known: int = 0) -> float:
        return float(expected_known_k(n_items, 0)[0]) + float(certificate_calls(n_items, delta, 1.0))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "sampling", f"{__name__}:Sampling")


def test_it_is_counted_beside_the_others() -> None:
    rows = hybrid_train.count_oracle_calls([64], ["sampling", "bbht"], counts=0, trials=5).rows
    assert rows[0]["oracle_calls_mean"] == rows[0]["predicted"] > 0
    assert rows[0]["predicted_within"] is None
    (found,) = hybrid_train.count_oracle_calls([64], ["sampling"], counts=9, trials=5).rows
    assert found["missed"] == 0
    assert found["certificate_calls_mean"] == found["oracle_calls_mean"] > 0


def test_it_crosses_over() -> None:
    assert CrossoverOptions(strategies=("sampling",)).strategies == ("sampling",)
    assert played_searches("sampling", 1e-6, PowerLaw(1.0, 0.0, 0.0)).strategy == "sampling"


def test_errors_list_it() -> None:
    with pytest.raises(ConfigError, match=r"expected one of known_k, .*, warm, sampling, did you mean 'sampling'"):
        load_strategy("samplin")
    with pytest.raises(ConfigError, match=r"growth=1\.2: strategy='sampling' has no growth"):
        load_strategy("sampling", growth=1.2)
