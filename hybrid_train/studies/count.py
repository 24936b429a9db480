"""Oracle calls to find all fired neurons, for any width: played out on the exact law beside what theory predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from scipy import stats

from circuits.law import LEAST_SHARE
from circuits.register import MOST_ITEMS
from circuits.strategies import compared_strategies, load_strategy
from hybrid_train.crew.executors import hired
from hybrid_train.crew.shift import Task
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.document import versions
from hybrid_train.experiments.folder import Place
from hybrid_train.experiments.journal import journal, written
from hybrid_train.experiments.quality import qualities
from hybrid_train.experiments.side_by_side import worked_out
from hybrid_train.studies.count_formulas import formulas
from hybrid_train.studies.count_rows import data_row, neurons_row, pairs_row
from hybrid_train.studies.count_rules import LARGEST, CountRule, checked_widths, marked_counts, width
from hybrid_train.studies.quality import COUNT
from hybrid_train.support.checks import checked_probability, checked_whole
from hybrid_train.support.declared import (
    checked,
    either,
    flag,
    function,
    inside,
    name_of,
    names,
    optional,
    path,
    proportion,
    seed_number,
    sequence,
    share,
    size,
    text,
    whole,
    word,
)
from hybrid_train.support.power_law import PowerLaw

DEFAULT_STRATEGIES = compared_strategies()
DEFAULT_WIDTHS = "2^10..2^20"
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
        counted = {"rows": self.rows, "fits": self.fits}
        return counted | {
            "quality": qualities(COUNT, counted),
            "options": self.options,
            "versions": versions(),
            "notes": self.notes,
            "formulas": formulas(self.rows, self.options),
        }


@checked(
    widths=sequence(width()),
    strategies=names(name_of("strategy")),
    counts=inside(optional(either(whole(0), sequence(whole(0)), function()))),
    trials=inside(optional(size())),
    delta=inside(proportion()),
    seed=seed_number(),
    index=word("neurons", "data"),
    n=inside(size()),
    newcomers=inside(share()),
    scope=word("query", "pairs"),
    out=optional(path()),
    resume=optional(path()),
    workers=optional(size()),
    scheduler=optional(text()),
    progress=flag(),
)
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
    scope: Literal["query", "pairs"] = "query",
    out: Place | None = None,
    resume: Place | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = False,
) -> OracleCalls:
    """Count the oracle calls to find all active points, by playing searches out on the closed-form law.

    With index "neurons" a row is one query: a search for k of m neurons. With index "data" it is one step: m searches,
    one for each neuron, over n data, of which each is active with probability Q(b), b = sqrt(0.4 ln m); of later steps,
    which ask again only the neurons that fire, and of the searches that find nothing, it has columns of their own. With
    scope "pairs" a row is one step either way: one search over all n m pairs.

    Args:
        widths: m.
        strategies: names of :data:`circuits.strategies.STRATEGIES`.
        counts: how many neurons fire, see :func:`.marked_counts`; not with index "data".
        trials: searches played for each row; by default as many as take seconds, 4 to 200.
        delta: in (0, 1), what a row's searches may miss anything with, all together.
        seed: of everything drawn.
        index: "neurons" or "data".
        n: data, for index "data" and for scope "pairs".
        newcomers: share of the marked items that ``warm`` has not found last time; it expects about as many.
        scope: "query" or "pairs", what one search runs over.
        out: results directory to make; nothing is written without one. Each row is there as soon as it is counted.
        resume: in place of ``out``, a results directory to go on in: rows that are there are not counted again.
        workers: processes that count rows side by side; by default they are counted in this one.
        scheduler: address of a Dask scheduler, whose workers count them.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: an argument is not valid, ``out`` holds results, another process writes there, or ``resume`` holds
            those of other arguments, which are named; nothing has started then.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        UnwrittenError: the result cannot be written; it has the result.
    """
    sizes = checked_widths(widths)
    checked_probability(delta, "delta", LEAST_SHARE)
    _check(strategies, trials, index, n, newcomers, counts)
    _check_scope(scope, n, sizes)
    marked = marked_counts(counts, sizes) if index == "neurons" else [0] * len(sizes)
    options: dict[str, Any] = {"delta": delta, "seed": seed, "index": index, "scope": scope}
    options |= {"n": n, "newcomers": newcomers, "trials": trials}
    row = pairs_row if scope == "pairs" else neurons_row if index == "neurons" else data_row
    plan = [(width, count, name) for width, count in zip(sizes, marked, strict=True) for name in strategies]
    tasks = [Task(f"m={one[0]} {one[2]}", row, (*one, options)) for one in plan]
    with hired(scheduler, workers) as crew, journal(out, resume) as kept:
        planned = [{"m": width, "strategy": name} for width, _, name in plan]
        kept.begin({"command": "count", "plan": plan, "options": options}, planned, {"options": options})
        rows = worked_out(kept, tasks, crew, "count", progress=progress)
        result = OracleCalls(rows, _fits(rows, strategies), options, _notes(rows))
        return written(kept, result, _draw)


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


def _check_scope(scope: str, n: int, sizes: Sequence[int]) -> None:
    if scope not in {"query", "pairs"}:
        raise ConfigError(f"scope={scope!r}: expected 'query' or 'pairs'")
    if scope == "pairs" and n * max(sizes) > MOST_ITEMS:
        raise ConfigError(f"n={n}: {n * max(sizes)} pairs are too many; at most 2^62 can be counted")


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
