"""How many oracle calls a strategy spends, as a function of the width: played out, and extrapolated by stated laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt
from typing import Any, Self, final

import numpy as np

from circuits.draws import stream_keys
from circuits.oracle_calls import start_and_play
from circuits.strategies import load_strategy
from circuits.strategies.strategy import Expectation, Strategy
from hybrid_train.network.sparsity import expected_fired
from hybrid_train.support.arrays import FloatArray
from hybrid_train.support.power_law import PowerLaw

PLAYED_EXPONENTS = tuple(range(10, 25, 2))
"""Searches are played out at these powers of two."""

_TRIALS = 24
_MOST_FOUND = 1 << 18
"""Items found at one width, all trials together, beyond which two trials must do."""

_REFERENCE = "known_k"
_TOLD = (1.376, -0.558, -0.881)
"""``call_terms`` of the reference that is told k: no search does with fewer calls, nor may its extrapolation."""


@final
@dataclass(frozen=True)
class SearchGrowth:
    """Laws fitted to searches for k of m items, played out with k = m P(N(0,1) > b) or k newcomers.

    ``oracle_calls`` = (c_0 + c_1 g) sqrt(m k) + c_2 sqrt(m): the certificate, and a correction g that vanishes with
    the share of marked items for most strategies: see :meth:`circuits.strategies.strategy.Strategy.call_correction`.
    ``runs`` = (c_0 + c_1 ln(m / k)) k + c_2.

    Attributes:
        strategy: its name.
        warm: whether only newcomers are searched for, old items being verified.
        call_terms: c of the oracle calls.
        run_terms: c of the runs, each of which ends in a verification.
        error: the largest relative error of the fitted oracle calls among the widths played.
    """

    strategy: str
    warm: bool
    call_terms: tuple[float, float, float]
    run_terms: tuple[float, float, float]
    error: float

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the laws that ``dataclasses.asdict`` gave, as JSON has them."""
        terms = {name: _triple(np.asarray(fields[name])) for name in ("call_terms", "run_terms")}
        return cls(**{**fields, **terms})

    def oracle_calls(self, width: int, marked: float) -> float:
        """Return the Grover iterations to find ``marked`` items and certify that none is left."""
        fitted = float(_call_features(load_strategy(self.strategy), width, marked) @ self.call_terms)
        return max(0.0, fitted, float(_call_features(load_strategy(_REFERENCE), width, marked) @ _TOLD))

    def runs(self, width: int, marked: float) -> float:
        """Return the runs, one verification each."""
        return max(marked, float(_run_features(width, marked) @ self.run_terms))


def played_searches(name: str, delta: float, newcomers: PowerLaw, seed: int = 0) -> SearchGrowth:
    """Play a strategy out at several widths and fit its laws.

    Args:
        name: of the strategy.
        delta: in (0, 1), the probability that a search misses something.
        newcomers: how many a warm search finds, by width.
        seed: of all searches.

    Raises:
        ConfigError: no such strategy.
    """
    strategy = load_strategy(name)
    features: list[tuple[FloatArray, FloatArray]] = []
    means = []
    for exponent in PLAYED_EXPONENTS:
        width = 1 << exponent
        marked = newcomers(width) if strategy.remembers else expected_fired(width)
        played, true = _play(strategy, width, marked, delta, np.random.SeedSequence(seed, spawn_key=(exponent,)))
        means.append([float(played["oracle_calls"].mean()), float(played["runs"].mean())])
        features.append((_call_features(strategy, width, true), _run_features(width, true)))
    calls, runs = np.array(means).T
    call_terms = _fit(np.array([one for one, _ in features]), calls)
    run_terms = _fit(np.array([one for _, one in features]), runs)
    fitted = np.array([one for one, _ in features]) @ call_terms
    error = float(np.max(np.abs(fitted / np.maximum(calls, 1.0) - 1.0)))
    return SearchGrowth(name, strategy.remembers, _triple(call_terms), _triple(run_terms), error)


def _play(
    strategy: Strategy, width: int, marked: float, delta: float, seed: np.random.SeedSequence
) -> tuple[Any, float]:
    """Play one width; warm searches meet a number of newcomers that varies by chance. Also return the mean number."""
    trials = int(min(_TRIALS, max(2, _MOST_FOUND // max(marked, 1.0))))
    if strategy.remembers:
        number = np.minimum(np.random.default_rng(seed).poisson(marked, trials), width)
        known = round(expected_fired(width) - marked)
    else:
        number, known = np.full(trials, round(marked)), 0
    expectation = Expectation(np.full(trials, marked), np.full(trials, sqrt(marked)))
    keys = stream_keys(seed, np.arange(trials))
    played = start_and_play(strategy, width, delta, keys, number, known=max(0, known), expectation=expectation)
    return played, float(number.mean())


def _call_features(strategy: Strategy, width: int, marked: float) -> FloatArray:
    correction = strategy.call_correction(width, marked)
    return np.array([1.0, correction, 1.0]) * [sqrt(width * marked), sqrt(width * marked), sqrt(width)]


def _run_features(width: int, marked: float) -> FloatArray:
    return np.array([marked, marked * log(width / max(marked, 1.0)), 1.0])


def _fit(features: FloatArray, values: FloatArray) -> FloatArray:
    """Fit by least relative squares."""
    scale = np.maximum(values, 1.0)[:, None]
    return np.asarray(np.linalg.lstsq(features / scale, values / scale[:, 0], rcond=None)[0])


def _triple(terms: FloatArray) -> tuple[float, float, float]:
    first, second, third = terms.tolist()
    return first, second, third
