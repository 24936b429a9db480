"""Experiments: one training run, or the same run with several finders side by side."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

from hybrid_train.config import Config, load_config
from hybrid_train.config.combinations import combination_errors
from hybrid_train.config.data_kinds import Given
from hybrid_train.config.load import ConfigSource, finder_errors
from hybrid_train.config.threads import in_its_threads
from hybrid_train.errors import CheckpointError, ConfigError, UnwrittenError, is_interruption
from hybrid_train.experiments.attempt import Attempt, one_line
from hybrid_train.experiments.document import check_vacant, draw_document, make_directory, versions, write_summary
from hybrid_train.experiments.model import Model
from hybrid_train.experiments.row import Row
from hybrid_train.experiments.setting import Setting
from hybrid_train.network.storing import Network

Index = Literal["neurons", "data"]
INDEXES: tuple[Index, ...] = ("neurons", "data")


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
    """

    config: Config
    rows: list[Row]
    fired: dict[str, Any] | None
    notes: list[str]
    figures: tuple[Path, ...] = ()

    @property
    def errors(self) -> list[str]:
        """One line for each run that failed."""
        return [f"{row.finder} (index {row.index}): {row.error}" for row in self.rows if row.error is not None]

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        return {
            "rows": [row.as_dict() for row in self.rows],
            "fired": self.fired,
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


def run(
    config: ConfigSource,
    *,
    data: Any = None,
    test: Any = None,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> RunResult:
    """Train once.

    Args:
        config: a TOML file, its tables as a dict, or a Config.
        data: (X, y) to train on, arrays or a pandas frame and series, in place of the data that the config names; its
            ``[data]`` may be left out, or say how arrays are prepared.
        test: (X, y) to hold out.
        out: results directory to make, see :mod:`hybrid_train.experiments.results`; nothing is written without one.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: the config is not valid, or ``out`` holds results; nothing has started then.
        DataError: the data are not usable.
        ResourceError: it would not fit this machine; nothing has started then.
        DivergenceError: the loss left the finite numbers.
        UnwrittenError: network or summary cannot be written; it has the result.
    """
    return _run(*_with_data(config, data, test), out=out, progress=progress)


@in_its_threads
def _run(valid: Config, given: Given | None, *, out: str | os.PathLike[str] | None, progress: bool) -> RunResult:
    directory = _vacant(out)
    setting = Setting.of(valid, given)
    attempt = Attempt(setting, valid, directory)
    network = attempt.train(progress, lambda: _joined(valid, setting, [attempt]).document())
    table = _joined(valid, setting, [attempt])
    model = Model(network, setting.preparation, setting.loss)
    if attempt.unwritten is not None:
        raise UnwrittenError(attempt.unwritten, RunResult(network, table, model))
    if directory is not None:
        table = replace(table, figures=draw_document(directory, table.document(), _draw_run))
    return RunResult(network, table, model)


def compare(
    config: ConfigSource,
    finders: Sequence[str],
    *,
    data: Any = None,
    test: Any = None,
    indexes: Sequence[Index] | None = None,
    out: str | os.PathLike[str] | None = None,
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
        progress: show a bar for each run, if standard error is a terminal.

    Raises:
        ConfigError: the config, a finder or an index is not valid, or ``out`` holds results; nothing has started then.
        DataError: the data are not usable.
        ResourceError: a run would not fit this machine; nothing has started then.
        UnwrittenError: the summary cannot be written; it has the result.
    """
    return _compare(*_with_data(config, data, test), finders, indexes=indexes, out=out, progress=progress)


@in_its_threads
def _compare(
    valid: Config,
    given: Given | None,
    finders: Sequence[str],
    *,
    indexes: Sequence[Index] | None,
    out: str | os.PathLike[str] | None,
    progress: bool,
) -> Comparison:
    chosen = (valid.training.index,) if indexes is None else indexes
    _check_choice(valid, finders, chosen)
    directory = _vacant(out)
    setting = Setting.of(valid, given)
    plan = [valid.with_finder(finder, index) for index in chosen for finder in finders]
    attempts = [Attempt(setting, single, _place(directory, single)) for single in plan]
    if directory is not None:
        make_directory(directory)
    started: list[Attempt] = []
    try:
        for attempt, single in zip(attempts, plan, strict=True):
            started.append(attempt)
            _try_to_train(attempt, single, setting, progress)
    except BaseException:
        if directory is not None:
            with contextlib.suppress(CheckpointError):
                write_summary(directory, _joined(valid, setting, started).document())
        raise
    table = _joined(valid, setting, started)
    if directory is not None:
        try:
            write_summary(directory, table.document())
        except CheckpointError as error:
            raise UnwrittenError(str(error), table) from error
        table = replace(table, figures=draw_document(directory, table.document(), _draw_comparison))
    return table


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
        attempt.train(progress, lambda: _joined(config, setting, [attempt]).document())
        attempt.error = attempt.unwritten
    except Exception as error:
        if is_interruption(error):
            raise
        attempt.error = one_line(error)
        if os.environ.get("HYBRID_TRAIN_DEBUG") == "1":
            traceback.print_exception(error)


def _joined(config: Config, setting: Setting, attempts: Sequence[Attempt]) -> Comparison:
    best_first = sorted(attempts, key=lambda attempt: (attempt.error is not None, not attempt.exact))
    fired = best_first[0].fired if best_first else None
    notes = dict.fromkeys([*setting.notes, *(note for attempt in attempts for note in attempt.notes)])
    return Comparison(config, [attempt.row for attempt in attempts], fired, list(notes))


def _vacant(out: str | os.PathLike[str] | None) -> Path | None:
    if out is None:
        return None
    check_vacant(Path(out))
    return Path(out)


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
