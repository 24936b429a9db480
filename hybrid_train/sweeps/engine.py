"""The sweep: plan, have it carried out, keep each result once, put them together.

That a run counts once is not the workers' doing: a result is known by the hash of its config, and linked into its place
where nothing may be replaced.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from hybrid_train.config import load_config
from hybrid_train.config.load import CONFIG_SOURCE, ConfigSource
from hybrid_train.crew.executors import crew_of
from hybrid_train.crew.shift import Task, answers
from hybrid_train.errors import CheckpointError, ConfigError
from hybrid_train.experiments.document import versions
from hybrid_train.experiments.folder import REQUEST, Place, read_request
from hybrid_train.experiments.journal import Journal, journal, written
from hybrid_train.experiments.results import plain_config
from hybrid_train.support.declared import an, checked, either, flag, optional, sequence, size, text, whole
from hybrid_train.support.declared import path as path_kind
from hybrid_train.support.progress import with_progress
from hybrid_train.sweeps.plan import SEED, Planned, planned
from hybrid_train.sweeps.store import Store
from hybrid_train.sweeps.table import summary_row, write_table
from hybrid_train.sweeps.work import work


@final
@dataclass(frozen=True, eq=False)
class Sweep:
    """Runs side by side.

    Attributes:
        rows: one for each run, in the order of the plan; one that failed has an ``error``.
        grid: values by key.
        seeds: of each combination.
        config: what is the same in all of them.
        notes: in sentences.
        figures: the files drawn.
    """

    rows: list[dict[str, Any]]
    grid: dict[str, list[str]]
    seeds: list[int]
    config: dict[str, Any]
    notes: list[str]
    figures: tuple[Path, ...] = ()

    @property
    def errors(self) -> list[str]:
        """One line for each run that failed."""
        return [f"run {row['id']}: {row['error']}" for row in self.rows if "error" in row]

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        return {
            "rows": self.rows,
            "grid": self.grid,
            "seeds": self.seeds,
            "config": self.config,
            "versions": versions(),
            "notes": self.notes,
        }


@checked(
    config=CONFIG_SOURCE,
    grid=either(an(Mapping), an(dict)),
    seeds=sequence(whole(0)),
    out=path_kind(),
    scheduler=optional(text()),
    workers=optional(size()),
    threads=optional(size()),
    progress=flag(),
)
def sweep(
    config: ConfigSource,
    grid: Mapping[str, Sequence[str]],
    seeds: Sequence[int] = (0,),
    *,
    out: Place,
    scheduler: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Sweep:
    """Train with every combination of values and every seed, each once, and keep the results.

    Started again with the same arguments, it goes on where it was broken off; with more values or seeds, the runs that
    are there stay and the others are added. Results do not depend on how many workers there are, or in which order they
    come.

    Args:
        config: a TOML file, its tables as a dict, or a Config.
        grid: values by key, as ``--set key=value`` takes them.
        seeds: ``run.seed`` of each combination.
        out: results directory, made or gone on with.
        scheduler: address of a Dask scheduler; by default processes of this machine.
        workers: processes of this machine; by default one for each processor.
        threads: of each run.
        progress: show a bar with the time left, if standard error is a terminal.

    Raises:
        ConfigError: a combination is not valid, or ``out`` holds other results; nothing has started then.
        CheckpointError: the directory cannot be written to, or a result in it is damaged.
        InvariantError: a run that was carried out twice came to two results.
        UnwrittenError: the result cannot be written; it has the result.
    """
    valid = load_config(config)
    plan = planned(valid, grid, seeds)
    grown = {key: list(values) for key, values in grid.items()}
    tables = valid.as_dict()
    request = {"command": "sweep", "config": tables, "grid": grown, "seeds": list(seeds)}
    begun = _begun(Path(out))
    with journal(None if begun else out, out if begun else None) as kept:
        wider = begun and _wider(Path(out), plan, tables)
        kept.begin(request, [], {"grid": grown, "seeds": list(seeds), "config": tables}, wider=wider)
        found = _carried_out(plan, kept, scheduler, workers, threads, progress)
        rows = [summary_row(one, found[one.identity]) for one in plan]
        notes = [*valid.notes, *write_table(Path(out), plan, rows)]
        return written(kept, Sweep(rows, grown, list(seeds), tables, notes), _draw)


def _begun(path: Path) -> bool:
    """Return whether a sweep was begun there, which starting it again goes on with."""
    if not (path / REQUEST).exists():
        return False
    try:
        return bool(read_request(path)["command"] == "sweep")
    except CheckpointError:
        return False


def _wider(out: Path, plan: Sequence[Planned], tables: Mapping[str, Any]) -> bool:
    """Return whether a plan has all runs of the sweep that was begun there, each known by its hash, and others.

    Raises:
        ConfigError: it lacks some, of the same config; those of another one are refused by key, as ever.
    """
    before = read_request(out)
    earlier = planned(load_config(before["config"]), before["grid"], before["seeds"])
    now = {one.identity for one in plan}
    gone = [one for one in earlier if one.identity not in now]
    if not gone:
        return len(now) > len(earlier)
    if plain_config(load_config(before["config"])) == plain_config(load_config(dict(tables))):
        told = ", ".join(f"{key} = {value}" for key, value in {**gone[0].values, SEED: gone[0].seed}.items())
        raise ConfigError(
            f"out={os.fspath(out)!r}: was begun with other runs too, of {told} for instance; "
            "name these as well, and new ones are added to them, or name another directory"
        )
    return False


def _carried_out(
    plan: Sequence[Planned],
    kept: Journal,
    scheduler: str | None,
    workers: int | None,
    threads: int | None,
    progress: bool,
) -> dict[str, dict[str, Any]]:
    """Return what each run came to, from its file or from now."""
    if kept.path is None:
        raise ConfigError("out: missing, name a results directory")
    store = Store(kept.path / "runs")
    found = {one.identity: there for one in plan if (there := store.get(one.identity)) is not None}
    todo = [one for one in plan if one.identity not in found]
    if not todo:
        return found
    tasks = [Task(one.identity, work, (one.identity, one.config.as_dict())) for one in todo]
    crew = crew_of(scheduler, workers, threads)
    with closing(crew):
        for answer in with_progress(answers(crew, tasks), len(tasks), "sweep", shown=progress):
            result: dict[str, Any] = {"id": answer.name, "error": answer.error} if answer.error else answer.value
            if "error" not in result:
                store.put(result["result"], result["clock"])
            found[answer.name] = result
    return found


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.sweep import write_sweep_figure

    return write_sweep_figure(directory, document)


def sweep_place(out: str | os.PathLike[str] | None) -> Path:
    """Return the directory of a sweep.

    Raises:
        ConfigError: none is named.
    """
    if out is None:
        raise ConfigError("--out: missing, a sweep keeps its results in a directory")
    return Path(out)
