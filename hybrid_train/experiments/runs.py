"""Experiments: one training run, or the same run with several finders side by side."""

from __future__ import annotations

import contextlib
import hashlib
import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np

from hybrid_train.config import Config, load_config
from hybrid_train.config.combinations import combination_errors
from hybrid_train.config.data_kinds import Given
from hybrid_train.config.load import CONFIG_SOURCE, ConfigSource, finder_errors
from hybrid_train.config.threads import in_its_threads
from hybrid_train.errors import CheckpointError, ConfigError, UnwrittenError, is_interruption, one_line
from hybrid_train.experiments.attempt import Attempt
from hybrid_train.experiments.document import draw_document, stored_figures, versions, write_summary
from hybrid_train.experiments.folder import Place, claimed, finish, stopped_or_failed
from hybrid_train.experiments.manifest import Manifest
from hybrid_train.experiments.model import Model, load
from hybrid_train.experiments.quality import ESTIMATED, RUN, qualities
from hybrid_train.experiments.results import is_done, read_run
from hybrid_train.experiments.row import Row
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.stored_row import StoredRow
from hybrid_train.network.storing import Network
from hybrid_train.support.declared import checked, flag, inside, name_of, names, optional, pair, path, word

Index = Literal["neurons", "data"]
INDEXES: tuple[Index, ...] = ("neurons", "data")

Trained = Attempt | StoredRow
"""A row of a comparison, from a run of now or one that was read back."""


@final
@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs from one start, side by side.

    Attributes:
        config: valid, with defaults filled in.
        rows: one for each run, in the order asked for; a run that failed has an ``error``.
        fired: fired neurons per datum of the first run that promised exact sets; see
            :meth:`hybrid_train.experiments.tally.Tally.fired`. None if no run came to its first step.
        notes: what a reader should know about the data and the runs, in sentences.
        figures: the files drawn; none without a results directory.
        status: "running", "done", "stopped" by a signal, or "failed".
    """

    config: Config
    rows: list[Row]
    fired: dict[str, Any] | None
    notes: list[str]
    figures: tuple[Path, ...] = ()
    status: str = "done"

    @property
    def errors(self) -> list[str]:
        """One line for each run that failed."""
        return [f"{row.finder} (index {row.index}): {row.error}" for row in self.rows if row.error is not None]

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        found = {"status": self.status, "rows": [row.as_dict() for row in self.rows], "fired": self.fired}
        flags = RUN if self.config.training.algorithm == "gd" else ESTIMATED
        return found | {
            "quality": qualities(flags, found),
            "config": self.config.as_dict(),
            "versions": versions(),
            "notes": self.notes,
        }


@final
@dataclass(frozen=True, eq=False)
class RunResult:
    """One training run.

    Attributes:
        network: at W(steps), or what ``training.keep`` names.
        table: the run as a comparison of one: config, row, notes, figures.
        model: the network with what prepares rows for it, which predicts in the terms of the data.
    """

    network: Network
    table: Comparison
    model: Model

    @property
    def row(self) -> Row:
        """Losses, recall, cost and times."""
        return self.table.rows[0]

    @property
    def losses(self) -> list[float]:
        """The loss at W(0) .. W(steps), summed over the data; estimates of it in the steps of SGD."""
        return list(self.row.losses)

    def document(self) -> dict[str, Any]:
        """Return everything but the network as one document, as ``--json`` prints it."""
        return self.table.document()


@checked(
    config=CONFIG_SOURCE,
    data=inside(optional(pair())),
    test=inside(optional(pair())),
    out=optional(path()),
    resume=optional(path()),
    progress=flag(),
)
def run(
    config: ConfigSource,
    *,
    data: Any = None,
    test: Any = None,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> RunResult:
    """Train once.

    Args:
        config: a TOML file, its tables as a dict, or a Config.
        data: (X, y) to train on, arrays or a pandas frame and series, in place of the data that the config names; its
            ``[data]`` may be left out, or say how arrays are prepared.
        test: (X, y) to hold out.
        out: results directory to make, see :mod:`hybrid_train.experiments.results`; nothing is written without one.
        resume: in place of ``out``, a results directory to go on in: from the last checkpoint of a run of the same
            config and data that did not come to its end (``run.checkpoint``), or from the beginning; a run that did
            is read back.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: the config is not valid, ``out`` holds results, another process writes there, or ``resume`` holds
            those of another config or data, whose keys are named; nothing has started then.
        DataError: the data are not usable.
        ResourceError: it would not fit this machine; nothing has started then.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        DivergenceError: the loss left the finite numbers.
        UnwrittenError: network or summary cannot be written; it has the result.
    """
    return _run(*_with_data(config, data, test), out=out, resume=resume, progress=progress)


@in_its_threads
def _run(valid: Config, given: Given | None, *, out: Place | None, resume: Place | None, progress: bool) -> RunResult:
    with contextlib.ExitStack() as held:
        folder = claimed(out, resume)
        directory = None if folder is None else held.enter_context(folder).path
        setting = Setting.of(valid, given)
        attempt = Attempt(setting, valid, directory, resumed=resume is not None)
        if folder is not None:
            folder.agree(_request("run", valid, setting))
            if folder.begun and is_done(folder.path):
                return _read_back(folder.path)
        network = attempt.train(progress, lambda: _joined(valid, setting, [attempt], attempt.status).document())
        table = _joined(valid, setting, [attempt])
        model = Model(network, setting.preparation, setting.loss)
        if attempt.unwritten is not None:
            raise UnwrittenError(attempt.unwritten, RunResult(network, table, model))
        if directory is not None:
            table = replace(table, figures=draw_document(directory, table.document(), _draw_run))
        return RunResult(network, table, model)


@checked(
    config=CONFIG_SOURCE,
    finders=names(name_of("finder")),
    data=inside(optional(pair())),
    test=inside(optional(pair())),
    indexes=optional(names(word("neurons", "data"))),
    out=optional(path()),
    resume=optional(path()),
    progress=flag(),
)
def compare(
    config: ConfigSource,
    finders: Sequence[str],
    *,
    data: Any = None,
    test: Any = None,
    indexes: Sequence[Index] | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Comparison:
    """Train with every finder and index: same data, same start.

    A finder takes the options of ``[finder]`` if it is of that kind, and those of ``[finders.<kind>]``. One that fails
    while it runs has an ``error`` in its row and leaves the other rows untouched.

    Args:
        config: a TOML file, its tables as a dict, or a Config.
        finders: registered names.
        data: (X, y) to train on, as :func:`run` takes them.
        test: (X, y) to hold out.
        indexes: "neurons", "data" or both; by default the config's.
        out: results directory to make; nothing is written without one.
        resume: in place of ``out``, a results directory to go on in, as :func:`run` does: rows that are done are read
            back, the others are gone on with.
        progress: show a bar for each run, if standard error is a terminal.

    Raises:
        ConfigError: the config, a finder or an index is not valid, ``out`` holds results, another process writes
            there, or ``resume`` holds those of another request; nothing has started then.
        DataError: the data are not usable.
        ResourceError: a run would not fit this machine; nothing has started then.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        UnwrittenError: the summary cannot be written; it has the result.
    """
    valid, given = _with_data(config, data, test)
    return _compare(valid, given, finders, indexes=indexes, out=out, resume=resume, progress=progress)


@in_its_threads
def _compare(
    valid: Config,
    given: Given | None,
    finders: Sequence[str],
    *,
    indexes: Sequence[Index] | None,
    out: Place | None,
    resume: Place | None,
    progress: bool,
) -> Comparison:
    chosen = (valid.training.index,) if indexes is None else indexes
    _check_choice(valid, finders, chosen)
    with contextlib.ExitStack() as held:
        folder = claimed(out, resume)
        directory = None if folder is None else held.enter_context(folder).path
        setting = Setting.of(valid, given)
        plan = [valid.with_finder(finder, index) for index in chosen for finder in finders]
        attempts = [Attempt(setting, one, _place(directory, one), resumed=resume is not None) for one in plan]
        if folder is not None:
            folder.agree(_request("compare", valid, setting) | {"finders": list(finders), "indexes": list(chosen)})
        table = _trained(valid, setting, list(zip(plan, attempts, strict=True)), directory, progress)
        if directory is not None:
            try:
                write_summary(directory, table.document())
                finish(directory, Manifest(), table.status)
            except CheckpointError as error:
                raise UnwrittenError(str(error), table) from error
            table = replace(table, figures=draw_document(directory, table.document(), _draw_comparison))
        return table


def _trained(
    valid: Config, setting: Setting, plan: Sequence[tuple[Config, Attempt]], directory: Path | None, progress: bool
) -> Comparison:
    """Train, or read back, every row; the summary of the directory says how far this has come."""
    started: list[Trained] = []

    def note(status: str) -> None:
        if directory is not None:
            rest = {"planned": [attempt.planned for _, attempt in plan[len(started) :]]}
            write_summary(directory, _joined(valid, setting, started, status).document() | rest)
            manifest = Manifest()
            if status == "running":
                manifest.write(directory)
            else:
                finish(directory, manifest, status)

    try:
        for single, attempt in plan:
            note("running")
            place = _place(directory, single)
            if place is not None and is_done(place):
                started.append(StoredRow.of(place, attempt.exact, single))
                continue
            started.append(attempt)
            _try_to_train(attempt, single, setting, progress)
    except BaseException as error:
        with contextlib.suppress(CheckpointError):
            note(stopped_or_failed(is_interruption(error)))
        raise
    return _joined(valid, setting, started)


def _request(command: str, config: Config, setting: Setting) -> dict[str, Any]:
    """Return what is asked for, as ``--resume`` compares it: the config, and a digest of the data it came to."""
    digest = hashlib.sha256()
    for one in (setting.dataset, setting.test):
        for array in () if one is None else (one.inputs, one.targets):
            digest.update(np.ascontiguousarray(array).tobytes())
    return {"command": command, "config": config.as_dict(), "data_sha256": digest.hexdigest()}


def _read_back(directory: Path) -> RunResult:
    """Return a run that came to its end."""
    model = load(directory)
    stored = read_run(directory)
    row = StoredRow.of(directory, True, stored.config)
    table = Comparison(stored.config, [row.row], row.fired, row.notes, stored_figures(directory))
    return RunResult(model.network, table, model)


def _with_data(config: ConfigSource, data: Any, test: Any) -> tuple[Config, Given | None]:
    """Return the config, and the arrays that take the place of the data it names, if there are any."""
    if data is not None:
        return load_config(config, ["data.kind=arrays"]), Given(data, test)
    if test is not None:
        raise ConfigError("test=(X, y): give data=(X, y) too, what is to be trained on")
    return load_config(config), None


def _draw_run(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report import write_run_figures  # Matplotlib is slow to load

    return write_run_figures(directory, document)


def _draw_comparison(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report import write_comparison_figures

    return write_comparison_figures(directory, document)


def _try_to_train(attempt: Attempt, config: Config, setting: Setting, progress: bool) -> None:
    """Train; a failure stays with the attempt, only an interruption goes on."""
    try:
        attempt.train(progress, lambda: _joined(config, setting, [attempt], attempt.status).document())
        attempt.error = attempt.unwritten
    except Exception as error:
        if is_interruption(error):
            raise
        attempt.error = one_line(error)
        if os.environ.get("HYBRID_TRAIN_DEBUG") == "1":
            traceback.print_exception(error)


def _joined(config: Config, setting: Setting, attempts: Sequence[Trained], status: str = "done") -> Comparison:
    best_first = sorted(attempts, key=lambda attempt: (attempt.error is not None, not attempt.exact))
    fired = best_first[0].fired if best_first else None
    notes = dict.fromkeys([*setting.notes, *(note for attempt in attempts for note in attempt.notes)])
    return Comparison(config, [attempt.row for attempt in attempts], fired, list(notes), status=status)


def _place(directory: Path | None, config: Config) -> Path | None:
    return None if directory is None else directory / f"{config.training.index}-{config.finder.kind}"


def _check_choice(config: Config, finders: Sequence[str], indexes: Sequence[str]) -> None:
    """Raise one ConfigError with everything wrong about the finders and indexes of a comparison."""
    errors = []
    for name, values in (("finders", finders), ("indexes", indexes)):
        if isinstance(values, str) or not values:
            errors.append(f"{name}={values!r}: expected a list of at least one name")
        elif len(set(values)) < len(values):
            errors.append(f"{name}={','.join(values)}: expected each name once")
    if not errors:
        errors += [f"index={index!r}: expected 'neurons' or 'data'" for index in indexes if index not in INDEXES]
        for finder in finders:
            errors += finder_errors(finder, config.options_of(finder), "finder")
        single = [config.with_finder(finder, index) for finder in finders for index in INDEXES if index in indexes]
        errors += dict.fromkeys(error for one in single for error in combination_errors(one))
    if errors:
        raise ConfigError("\n".join(errors))
