"""One row of ``hybrid-train count``: searches of one strategy at one width, played beside what was expected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtr

from circuits.draws import stream_keys
from circuits.oracle_calls import Played, start_and_play
from circuits.strategies import load_strategy
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.strategy import Expectation
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.rng import Role, seed_key

Options = Mapping[str, Any]

_WORK = 4_000_000
"""Marked items over all trials of a row, if the number of trials is left open."""

_DATA_TRIALS = 2000


def neurons_row(width: int, count: int, name: str, options: Options) -> dict[str, Any]:
    """Search m neurons for the k that one datum fires."""
    return _one_search(width, width, count, name, options) | {
        "k": count,
        "paper_m_9_10": width**0.9,
        "true_k_line": math.sqrt(width * count),
    }


def pairs_row(width: int, count: int, name: str, options: Options) -> dict[str, Any]:
    """Search all pairs of n data and m neurons at once, n k of which fire; with index "data" as many as expected."""
    n = options["n"]
    marked = n * count if options["index"] == "neurons" else round(n * width * firing_share(width))
    return _one_search(width, n * width, marked, name, options) | {
        "k": marked,
        "paper_m_9_10": n * width**0.9,
        "true_k_line": math.sqrt(n * width * marked),
    }


def _one_search(width: int, items: int, count: int, name: str, options: Options) -> dict[str, Any]:
    """Search some items for those that are marked; a strategy that remembers has met most of them before."""
    strategy = load_strategy(name)
    trials = options["trials"] or max(4, min(200, _WORK // (count + 1)))
    new = round(count * options["newcomers"]) if strategy.remembers else count
    played = _played(name, items, np.full(trials, count), np.full(trials, new), options["delta"], options["seed"])
    iterations, runs = expected_known_k(items, count)
    return _row(width, items, 1, name, played, options) | {
        "newcomers": new,
        "predicted": strategy.expected_iterations(items, new, options["delta"], known=count - new),
        "predicted_within": strategy.prediction_error,
        "reference_known_k": iterations + runs,
    }


def data_row(width: int, count: int, name: str, options: Options) -> dict[str, Any]:
    """For each of m neurons, search n data for those that fire it."""
    n, share = options["n"], firing_share(width)
    trials = options["trials"] or _DATA_TRIALS
    rng = np.random.default_rng(seed_key(options["seed"], Role.DATA, width))
    counts = rng.binomial(n, share, trials)
    new = rng.binomial(counts, options["newcomers"]) if load_strategy(name).remembers else counts
    delta = options["delta"] / width
    played = _played(name, n, counts, new, delta, options["seed"])
    values, frequency = np.unique(counts, return_counts=True)
    known = [sum(expected_known_k(n, int(value))) for value in values]
    fresh, weight = np.unique(new, return_counts=True)
    predicted = [load_strategy(name).expected_iterations(n, int(value), delta) for value in fresh]
    row = _row(width, n, width, name, played, options)
    return (
        row
        | {
            "k": n * share,
            "newcomers": float(new.mean()),
            "predicted": float(np.average(predicted, weights=weight)),
            "predicted_within": load_strategy(name).prediction_error,
            "reference_known_k": float(np.average(known, weights=frequency)),
            "paper_m_9_10": n * width**0.9,
            "true_k_line": n * width * math.sqrt(share),
        }
        | _by_step(width, counts, new, name, played, options)
    )


def _by_step(
    width: int, counts: IntArray, new: IntArray, name: str, played: Played, options: Options
) -> dict[str, Any]:
    """Tell the first step from later ones, and what empty searches cost from what Lemma G.6 charges.

    The first step asks all neurons afresh; later ones ask those that have fired (Algorithm 8), which were asked before.
    """
    n, delta = options["n"], options["delta"] / width
    firing = 1.0 - (1.0 - firing_share(width)) ** n
    empty, again = counts == 0, counts > 0
    first = played
    if load_strategy(name).remembers:  # in the first step there is nothing to remember
        first = _played(name, n, counts, counts, delta, options["seed"], first=True)
    later = played["oracle_calls"][again]
    nothing = first["oracle_calls"][empty]
    return {
        "first_total_calls_mean": float(first["oracle_calls"].mean()) * width,
        "later_searches": width * firing,
        "later_total_calls_mean": float(later.mean()) * width * firing if len(later) else 0.0,
        "empty_share": float((1.0 - firing_share(width)) ** n),
        "empty_calls_mean": float(nothing.mean())
        if len(nothing)
        else load_strategy(name).expected_iterations(n, 0, delta),
        "lemma_g6_calls": width * math.sqrt(n) * float(np.sqrt(counts).mean()),
    }


def firing_share(width: int) -> float:
    """Return Q(b), b = sqrt(0.4 ln m): the probability that a neuron fires for a unit datum at the start."""
    return float(ndtr(-auto_threshold(width)))


def _played(
    name: str, n_items: int, counts: IntArray, new: IntArray, delta: float, seed: int, *, first: bool = False
) -> Played:
    """Play one search for each count; what is not new is excluded beforehand."""
    keys = stream_keys(seed_key(seed, Role.FINDER), np.arange(len(counts)), n_items)
    mean = float(new.mean())
    last_time = Expectation(np.full(len(new), mean), np.full(len(new), math.sqrt(mean) + 0.5))
    expectation = None if first else last_time
    return start_and_play(load_strategy(name), n_items, delta, keys, new, known=counts - new, expectation=expectation)


def _row(width: int, items: int, searches: int, name: str, played: Played, options: Options) -> dict[str, Any]:
    """Return what was measured; means are of one search, totals of all."""
    calls, error = _mean(played["oracle_calls"])
    last, last_error = _mean(played["until_last_hit"])
    return {
        "m": width,
        "strategy": name,
        "index": options["index"],
        "scope": options["scope"],
        "items": items,
        "searches": searches,
        "trials": len(played),
        "delta": options["delta"],
        "oracle_calls_mean": calls,
        "oracle_calls_sem": error,
        "until_last_hit_mean": last,
        "until_last_hit_sem": last_error,
        "verifications_mean": float(played["runs"].mean()),
        "bit_oracle_uses_mean": float(played["bit_oracle_uses"].mean()),
        "mid_measurements_mean": float(played["mid_measurements"].mean()),
        "certificate_calls_mean": float(played["certificate_calls"].mean()),
        "total_calls_mean": calls * searches,
        "total_calls_sem": error * searches,
        "missed": int((played["missed"] > 0).sum()),
        "scan": items * searches,
        "van_dam": (items / 2.0 + math.sqrt(items)) * searches,
    }


def _mean(values: IntArray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
