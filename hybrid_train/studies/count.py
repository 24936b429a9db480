"""Oracle calls to find all fired neurons, for any width: played out on the exact law beside what theory predicts."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from scipy import stats
from scipy.special import ndtr

from circuits.draws import stream_keys
from circuits.law import LEAST_SHARE
from circuits.oracle_calls import Played, start_and_play
from circuits.strategies import compared_strategies, load_strategy
from circuits.strategies.known_k import expected_known_k
from circuits.strategies.strategy import Expectation
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.document import check_vacant, versions, with_files
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.studies.count_rules import LARGEST, CountRule, checked_widths, marked_counts
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_probability, checked_whole
from hybrid_train.support.power_law import PowerLaw
from hybrid_train.support.progress import with_progress
from hybrid_train.support.rng import Role, seed_key

DEFAULT_STRATEGIES = compared_strategies()
DEFAULT_WIDTHS = "2^10..2^20"
_WORK = 4_000_000
"""Marked items over all trials of a row, if the number of trials is left open."""
_MOST_TRIALS = 100_000
"""Each takes nine kilobytes while it is played."""


@final
@dataclass(frozen=True, eq=False)
class OracleCalls:
    """Counted oracle calls.

    Attributes:
        rows: one for each width and strategy.
        fits: the exponent of the total calls in m for each strategy, with its standard error.
        options: what was counted.
        notes: what a reader should know, in sentences.
        figures: the files drawn; none without a results directory.
    """

    rows: list[dict[str, Any]]
    fits: list[dict[str, Any]]
    options: dict[str, Any]
    notes: list[str]
    figures: tuple[Path, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        return {
            "rows": self.rows,
            "fits": self.fits,
            "options": self.options,
            "versions": versions(),
            "notes": self.notes,
        }


def count_oracle_calls(
    widths: Sequence[int],
    strategies: Sequence[str] = DEFAULT_STRATEGIES,
    *,
    counts: CountRule | None = None,
    trials: int | None = None,
    delta: float = 1e-6,
    seed: int = 0,
    index: Literal["neurons", "data"] = "neurons",
    n: int = 64,
    newcomers: float = 0.01,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> OracleCalls:
    """Count the oracle calls to find all active points, by playing searches out on the closed-form law.

    With index "neurons" a row is one query: a search for k of m neurons. With index "data" it is one step: m searches,
    one for each neuron, over n data, of which each is active with probability Q(b), b = sqrt(0.4 ln m).

    Args:
        widths: m.
        strategies: names of :data:`circuits.strategies.STRATEGIES`.
        counts: how many neurons fire, see :func:`.marked_counts`; not with index "data".
        trials: searches played for each row; by default as many as take seconds, 4 to 200.
        delta: in (0, 1), what a row's searches may miss anything with, all together.
        seed: of everything drawn.
        index: "neurons" or "data".
        n: data, for index "data".
        newcomers: share of the marked items that ``warm`` has not found last time; it expects about as many.
        out: results directory to make; nothing is written without one.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: an argument is not valid, or ``out`` holds results; nothing has started then.
        UnwrittenError: the result cannot be written; it has the result.
    """
    sizes = checked_widths(widths)
    checked_probability(delta, "delta", LEAST_SHARE)
    _check(strategies, trials, index, n, newcomers, counts)
    marked = marked_counts(counts, sizes) if index == "neurons" else [0] * len(sizes)
    if out is not None:
        check_vacant(Path(out))
    options = {"delta": delta, "seed": seed, "index": index, "n": n, "newcomers": newcomers, "trials": trials}
    plan = [(width, count, name) for width, count in zip(sizes, marked, strict=True) for name in strategies]
    rows = [
        _neurons_row(*one, options) if index == "neurons" else _data_row(one[0], one[2], options)
        for one in with_progress(plan, len(plan), "count", shown=progress)
    ]
    result = OracleCalls(rows, _fits(rows, strategies), options, _notes(rows))
    return with_files(result, out, _draw)


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.oracle_calls import write_count_figure

    return write_count_figure(directory, document)


def _check(
    strategies: Sequence[str], trials: int | None, index: str, n: int, newcomers: float, counts: CountRule | None
) -> None:
    if isinstance(strategies, str) or not strategies or len(set(strategies)) < len(strategies):
        raise ConfigError(f"strategies={strategies!r}: expected a list of different names, at least one")
    for name in strategies:
        load_strategy(name)
    if trials is not None and checked_whole(trials, "trials", 0, _MOST_TRIALS) < 2:
        raise ConfigError(f"trials={trials}: at least 2 are needed for a standard error")
    if index not in {"neurons", "data"}:
        raise ConfigError(f"index={index!r}: expected 'neurons' or 'data'")
    checked_whole(n, "n", 1, LARGEST)
    if isinstance(newcomers, bool) or not isinstance(newcomers, int | float) or not 0.0 <= newcomers <= 1.0:
        raise ConfigError(f"newcomers={newcomers}: expected a share from 0 to 1")
    if index == "data" and counts is not None:
        raise ConfigError(
            "counts: with index 'data' the number of active data follows from the threshold; leave it out"
        )


def _neurons_row(width: int, count: int, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Search m neurons for the k that one datum fires."""
    trials = options["trials"] or max(4, min(200, _WORK // (count + 1)))
    new = round(count * options["newcomers"]) if load_strategy(name).remembers else count
    played = _played(name, width, np.full(trials, count), np.full(trials, new), options["delta"], options["seed"])
    iterations, runs = expected_known_k(width, count)
    row = _row(width, width, 1, name, played, options)
    return row | {
        "k": count,
        "newcomers": new,
        "predicted": load_strategy(name).expected_iterations(width, new, options["delta"], known=count - new),
        "predicted_within": load_strategy(name).prediction_error,
        "reference_known_k": iterations + runs,
        "paper_m_9_10": width**0.9,
        "true_k_line": math.sqrt(width * count),
    }


def _data_row(width: int, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """For each of m neurons, search n data for those that fire it."""
    n, share = options["n"], float(ndtr(-auto_threshold(width)))
    trials = options["trials"] or 2000
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
    return row | {
        "k": n * share,
        "newcomers": float(new.mean()),
        "predicted": float(np.average(predicted, weights=weight)),
        "predicted_within": load_strategy(name).prediction_error,
        "reference_known_k": float(np.average(known, weights=frequency)),
        "paper_m_9_10": n * width**0.9,
        "true_k_line": n * width * math.sqrt(share),
    }


def _played(name: str, n_items: int, counts: IntArray, new: IntArray, delta: float, seed: int) -> Played:
    """Play one search for each count; what is not new is excluded beforehand."""
    strategy = load_strategy(name)
    keys = stream_keys(seed_key(seed, Role.FINDER), np.arange(len(counts)), n_items)
    mean = float(new.mean())
    last_time = Expectation(np.full(len(new), mean), np.full(len(new), math.sqrt(mean) + 0.5))
    return start_and_play(strategy, n_items, delta, keys, new, known=counts - new, expectation=last_time)


def _row(
    width: int, items: int, searches: int, name: str, played: Played, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was measured; means are of one search, totals of all."""
    calls, error = _mean(played["oracle_calls"])
    last, last_error = _mean(played["until_last_hit"])
    return {
        "m": width,
        "strategy": name,
        "index": options["index"],
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
        "certificate_calls_mean": float(played["certificate_calls"].mean()),
        "total_calls_mean": calls * searches,
        "total_calls_sem": error * searches,
        "missed": int((played["missed"] > 0).sum()),
        "scan": items * searches,
        "van_dam": (items / 2.0 + math.sqrt(items)) * searches,
    }


def _mean(values: IntArray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def _fits(rows: Sequence[Mapping[str, Any]], strategies: Sequence[str]) -> list[dict[str, Any]]:
    """Fit log(total calls) against log(m), by strategy and for the reference lines."""
    fits = []
    for name in strategies:
        own = [row for row in rows if row["strategy"] == name and row["total_calls_mean"] > 0 and row["m"] > 1]
        fits.append({"strategy": name} | _exponent([row["m"] for row in own], [row["total_calls_mean"] for row in own]))
    first = [row for row in rows if row["strategy"] == strategies[0] and row["m"] > 1 and row["true_k_line"] > 0]
    lines = ("true_k_line", "paper_m_9_10", "scan")
    widths = [row["m"] for row in first]
    return fits + [{"strategy": line} | _exponent(widths, [row[line] for row in first]) for line in lines]


def _exponent(widths: Sequence[float], calls: Sequence[float]) -> dict[str, Any]:
    if len(set(widths)) < 2:
        return {"exponent": None, "exponent_sem": None}
    law = PowerLaw.fit(widths, calls)
    return {"exponent": law.exponent, "exponent_sem": law.exponent_sem if len(widths) > 2 else None}


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = []
    for row in rows:
        refuted = stats.binomtest(row["missed"], row["trials"], row["delta"], alternative="greater").pvalue < 1e-9
        if refuted:
            notes.append(f"{row['strategy']} at m={row['m']} missed more often than delta={row['delta']} allows")
    return notes
