"""Oracle calls step by step along a real training run: searching afresh against starting from the last step's sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from circuits.budget import DeltaBudget
from circuits.draws import stream_keys
from circuits.law import LEAST_SHARE
from circuits.oracle_calls import start_and_play
from circuits.scope import AllPairs, EachQuery, Scope
from circuits.strategies import compared_strategies, load_strategy
from circuits.strategies.strategy import Expectation
from classical.training.loop import Training
from hybrid_train.config import Config, load_config
from hybrid_train.config.load import CONFIG_SOURCE, ConfigSource
from hybrid_train.config.schema import FinderConfig
from hybrid_train.config.threads import in_its_threads
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.assembly import make_training, planned_queries
from hybrid_train.experiments.document import versions
from hybrid_train.experiments.folder import Place
from hybrid_train.experiments.journal import journal, written
from hybrid_train.experiments.quality import qualities
from hybrid_train.experiments.setting import Setting
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.registry import make_finder
from hybrid_train.studies.quality import ALONG
from hybrid_train.studies.recorder import Asked, Recorder
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_probability
from hybrid_train.support.declared import (
    checked,
    flag,
    inside,
    name_of,
    names,
    optional,
    path,
    proportion,
    seed_number,
    word,
)
from hybrid_train.support.progress import with_progress
from hybrid_train.support.rng import Role, seed_key

AS_PRINTED = "bbht"
"""Algorithm 7 searches afresh at every step, the number of fired neurons unknown."""

ALONG_STRATEGIES = tuple(dict.fromkeys((AS_PRINTED, *compared_strategies())))


@final
@dataclass(frozen=True, eq=False)
class CallsAlong:
    """Oracle calls of every step of one training run.

    Attributes:
        config: of the run.
        rows: one for each step and strategy: sums over the queries of the step.
        totals: one for each strategy: sums over the run, and how many times fewer calls than Algorithm 7 as printed.
        notes: what a reader should know, in sentences.
        figures: the files drawn; none without a results directory.
    """

    config: Config
    rows: list[dict[str, Any]]
    totals: list[dict[str, Any]]
    notes: list[str]
    figures: tuple[Path, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        counted = {"rows": self.rows, "totals": self.totals}
        return counted | {
            "quality": qualities(ALONG, counted),
            "config": self.config.as_dict(),
            "versions": versions(),
            "notes": self.notes,
        }


@checked(
    config=CONFIG_SOURCE,
    strategies=names(name_of("strategy")),
    delta=inside(proportion()),
    seed=optional(seed_number()),
    scope=optional(word("query", "pairs")),
    out=optional(path()),
    resume=optional(path()),
    progress=flag(),
)
@in_its_threads
def count_along(
    config: ConfigSource,
    strategies: Sequence[str] = ALONG_STRATEGIES,
    *,
    delta: float = 1e-6,
    seed: int | None = None,
    scope: Literal["query", "pairs"] | None = None,
    out: Place | None = None,
    resume: Place | None = None,
    progress: bool = False,
) -> CallsAlong:
    """Train once with a classical finder and play every step's searches out on the closed-form law.

    ``warm`` starts from what each query had when it was last asked, at one inner product for each old point; the
    other strategies start afresh. The failure probability is shared out over all queries of the run as a Grover
    finder does.

    Args:
        config: of the run, as for :func:`hybrid_train.run`. Its finder answers if it is classical and exact, a scan
            otherwise.
        strategies: names of :data:`circuits.strategies.STRATEGIES`.
        delta: in (0, 1), what the whole run may miss anything with.
        seed: of the searches that are played; that of the run, ``run.seed``, if left out.
        scope: what one search runs over, each query of a step or all of its pairs; that of the config's finder, a
            Grover finder's or "query", if left out.
        out: results directory to make; nothing is written without one. Each step is there as soon as it is counted.
        resume: in place of ``out``, a results directory to go on in: it trains again, which is the lesser part, and
            plays out only the steps that are not there.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: the config or an argument is not valid, ``out`` holds results, another process writes there, or
            ``resume`` holds those of another request, whose keys are named; nothing has started then.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        DataError: the data are not usable.
        ResourceError: it would not fit this machine.
        DivergenceError: the loss left the finite numbers.
        UnwrittenError: the result cannot be written; it has the result.
    """
    valid = load_config(config)
    two_layer = valid.two_layer
    checked_probability(delta, "delta", LEAST_SHARE)
    if isinstance(strategies, str) or not strategies or len(set(strategies)) < len(strategies):
        raise ConfigError(f"strategies={strategies!r}: expected a list of different names, at least one")
    for name in strategies:
        load_strategy(name)
    chosen = valid.finder.options.get("scope", "query") if scope is None else scope
    if chosen not in {"query", "pairs"}:
        raise ConfigError(f"scope={chosen!r}: expected 'query' or 'pairs'")
    recorder, valid, notes = _recorder(valid)
    played_seed = valid.run.seed if seed is None else seed
    seed_key(played_seed, Role.FINDER)
    request = {"strategies": list(strategies), "delta": delta, "seed": played_seed, "scope": chosen}
    tables = valid.as_dict()
    with journal(out, resume) as kept:
        setting = Setting.of(valid)
        planned = [{"step": step} for step in range(valid.training.steps + 1)]
        kept.begin({"command": "count --along", **request, "config": tables}, planned, {"config": tables})
        n_points = two_layer.width if valid.training.index == "neurons" else len(setting.dataset)
        budgets = {name: DeltaBudget(delta, planned_queries(valid, setting)) for name in strategies}
        rows: list[dict[str, Any]] = []
        training = _training(valid, setting, recorder)
        for step, _ in enumerate(with_progress(training, valid.training.steps + 1, "count", shown=progress)):
            asked = recorder.asked.pop()
            shares = {name: budget.take(len(asked.rows)) for name, budget in budgets.items()}
            work = partial(_step_rows, asked, _scope(chosen, asked, n_points), shares, played_seed, step)
            rows += kept.piece(f"step {step}", work)
        result = CallsAlong(valid, rows, _totals(rows, strategies), [*setting.notes, *notes])
        return written(kept, result, _draw)


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.oracle_calls import write_along_figure

    return write_along_figure(directory, document)


def _recorder(config: Config) -> tuple[Recorder, Config, list[str]]:
    finder = make_finder(config.finder.kind, **config.finder.options)
    finder.ignore_clock()
    if finder.promise.exact and not finder.promise.delta and config.finder.kind != "grover":
        return Recorder(finder), config, []
    scan = replace(config, finder=FinderConfig("scan"))
    return Recorder(make_finder("scan")), scan, [f"a scan stood in for finder {config.finder.kind!r} to train"]


def _training(config: Config, setting: Setting, finder: ActiveSetFinder) -> Training:
    unaudited = replace(config, run=config.run.model_copy(update={"audit_every": 0}))
    return make_training(unaudited, setting, setting.start(config), lambda layer: finder)


def _scope(name: str, asked: Asked, n_points: int) -> Scope:
    if name == "pairs" and len(asked.rows):
        return AllPairs(len(asked.rows), n_points)
    return EachQuery(len(asked.rows), n_points)


def _streams(scope: Scope, asked: Asked) -> IntArray:
    """Return what tells the random streams of the searches of a step apart: the query, if it has one of its own."""
    return asked.rows if isinstance(scope, EachQuery) else np.zeros(scope.n_searches, np.int64)


def _step_rows(
    asked: Asked, scope: Scope, shares: Mapping[str, npt.NDArray[np.float64]], seed: int, step: int
) -> list[dict[str, Any]]:
    """Return a row for each strategy."""
    return [{"step": step} | _step_row(name, asked, scope, shares[name], seed, step) for name in shares]


def _step_row(
    name: str, asked: Asked, scope: Scope, shares: npt.NDArray[np.float64], seed: int, step: int
) -> dict[str, Any]:
    """Play the searches of one step; return sums over its queries."""
    strategy = load_strategy(name)
    marked, known = (asked.newcomers, asked.known) if strategy.remembers else (asked.active, np.zeros_like(asked.known))
    to_find, excluded, before = (
        scope.summed(each.astype(np.float64)) for each in (marked, known, asked.newcomers_before)
    )
    keys = stream_keys(seed_key(seed, Role.FINDER), _streams(scope, asked), step)
    played = start_and_play(
        strategy,
        scope.register.n_items,
        scope.summed(shares),
        keys,
        to_find.astype(np.int64),
        known=excluded.astype(np.int64),
        expectation=Expectation(before, np.sqrt(before) + 0.5),
    )
    return {
        "strategy": name,
        "queries": len(asked.rows),
        "searches": scope.n_searches,
        "active": int(asked.active.sum()),
        "newcomers": int(asked.newcomers.sum()),
        "oracle_calls": int(played["oracle_calls"].sum()),
        "bit_oracle_uses": int(played["bit_oracle_uses"].sum()),
        "mid_measurements": int(played["mid_measurements"].sum()),
        "certificate_calls": int(played["certificate_calls"].sum()),
        "verifications": int(played["runs"].sum()),
        "inner_products": int(played["runs"].sum() + known.sum()),
        "missed": int((played["missed"] > 0).sum()),
        "scan": scope.n_searches * scope.register.n_items,
    }


_SUMMED = (
    *("oracle_calls", "bit_oracle_uses", "mid_measurements", "certificate_calls", "verifications", "inner_products"),
    *("missed", "scan"),
)


def _totals(rows: Sequence[Mapping[str, Any]], strategies: Sequence[str]) -> list[dict[str, Any]]:
    totals: list[dict[str, Any]] = []
    for name in strategies:
        own = [row for row in rows if row["strategy"] == name]
        totals.append({"strategy": name} | {key: sum(row[key] for row in own) for key in _SUMMED})
    printed = next((total["oracle_calls"] for total in totals if total["strategy"] == AS_PRINTED), None)
    for total in totals:
        calls = total["oracle_calls"]
        total["fewer_than_printed"] = printed / calls if printed is not None and calls else None
    return totals
