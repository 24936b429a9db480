"""One training run of an experiment: what it shares with the others, and what it leaves behind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, final

from classical.training.loop import Training
from hybrid_train.config import Config
from hybrid_train.errors import CheckpointError, ConfigError, ResourceError, is_interruption, one_line
from hybrid_train.experiments.assembly import attacked, make_training, planned_finders
from hybrid_train.experiments.folder import stopped_or_failed
from hybrid_train.experiments.held_out import HeldOutWatch
from hybrid_train.experiments.judging import judging_note
from hybrid_train.experiments.pauses import Pauses
from hybrid_train.experiments.proving import check_provable, proving_finders
from hybrid_train.experiments.results import RunDirectory
from hybrid_train.experiments.row import Row
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.snapshots import check_snapshots
from hybrid_train.experiments.tally import Tally
from hybrid_train.experiments.theorem_rate import theorem_rate
from hybrid_train.network.storing import Network, check_storable, trained_banks
from hybrid_train.support.messages import printable
from hybrid_train.support.progress import announced, with_progress
from hybrid_train.support.untrusted import reading

__all__ = ["Attempt", "Setting"]

_REHEARSAL = 8
"""Neurons and data of the step taken before the clock starts."""


@final
class Attempt:
    """One run: trains, keeps the tally, writes the results directory.

    Args:
        setting: shared with other runs.
        config: of this run alone.
        directory: where results go; None for nowhere.
        resumed: go on with what is there.

    Attributes:
        exact: whether the finder promises exact sets.
        status: "running", "done", "stopped" or "failed".
        error: why the run ended early, in one line; None if it did not.
        unwritten: why the network or the summary of a run that came to its end is not on disk; None if it is.

    Raises:
        ConfigError: proofs are asked for and cannot be given, or the finder serves no vectors of so many dimensions.
        ResourceError: the finder cannot serve banks of this size here.
    """

    def __init__(self, setting: Setting, config: Config, directory: Path | None, *, resumed: bool = False) -> None:
        self._setting, self._config, self._path, self._resumed = setting, config, directory, resumed
        self._finders = planned_finders(config, setting)
        finder = self._finders(0)
        for search in setting.kind.searches(setting.examples(config), config.training.index):
            finder.check_dimension(search[2])
            finder.check_resources(*search)
        if config.run.proof:
            check_provable(finder, setting, config, directory)
        if config.run.snapshots and directory is None:
            raise ConfigError(
                f"run.snapshots={config.run.snapshots}: expected a directory to write to; give one with --out (out= in "
                "Python)"
            )
        self.exact = finder.promise.exact
        self.error: str | None = None
        self.status = "running"
        self.unwritten: str | None = None
        self._learning_rate: float | str = config.training.learning_rate
        self._remarks: list[str] = []
        if config.training.learning_rate == "theorem":
            self._remarks.append(theorem_rate(config, setting).note)
        self._tally = Tally(
            config.finder.kind,
            config.training.index,
            str(finder.promise),
            setting.dataset,
            fresh=setting.fresh is not None,
        )
        self._watch = None if setting.test is None else HeldOutWatch(config, setting)

    @property
    def planned(self) -> dict[str, Any]:
        """What a summary says of it before it has begun."""
        return {"finder": self._config.finder.kind, "index": self._config.training.index}

    @property
    def row(self) -> Row:
        """The row of this run in a table."""
        watch = self._watch
        return self._tally.row(self._learning_rate, self.error, None if watch is None else watch.row)

    @property
    def notes(self) -> list[str]:
        """What a reader should know about how the run went, in sentences."""
        return [*self._remarks, *self._tally.notes]

    @property
    def fired(self) -> dict[str, Any] | None:
        """Fired neurons per datum, see :meth:`hybrid_train.experiments.tally.Tally.fired`."""
        kind = self._setting.kind
        return self._tally.fired(kind.neurons, kind.standard_threshold)

    def train(self, progress: bool, summary: Callable[[], dict[str, Any]]) -> Network:
        """Train and return the network.

        Whatever ends the run, what there was until then is in the row and in the directory. If its end cannot be
        written, :attr:`unwritten` says why.

        Args:
            progress: show a bar.
            summary: called at the end for the summary to write.
        """
        config = self._config
        network = self._setting.start(config)
        if self._path is not None:
            check_storable(network)
            check_snapshots(network, config, self._path)
        directory = None if self._path is None else RunDirectory(self._path, config, resumed=self._resumed)
        if directory is not None and directory.passed_over is not None:
            self._remarks.append(directory.passed_over)
        try:
            if directory is not None:
                directory.begin(summary() | {"planned": [self.planned]})
            self._pauses = Pauses(config, self._setting, network, directory, lambda: self._tally.counts_initial)
            training = self._training(network, directory)
            with announced(f"{self._label}: loading and compiling", shown=progress):
                self._rehearse()
            self._follow(training, network, directory, progress)
            self._tally.state({**training.dynamics.remarks, **training.dynamics.facts()})
            if directory is not None:  # before anything else that may fail: the network is what all this was for
                step, last, preparation = training.kept_step, config.training.steps, self._setting.preparation
                self._keep(partial(directory.checkpoint, last if step is None else step, network, preparation))
            self._judge(training, network)
            if self._watch is not None:
                self._watch.returned(training.kept_step, network)
            self.status = "done"
        except BaseException as error:
            self.error = one_line(error)
            self.status = stopped_or_failed(is_interruption(error))
            raise
        finally:
            if directory is not None:
                self._keep(partial(directory.finish, summary()))
        return network

    @property
    def _label(self) -> str:
        return f"{self._config.training.index}-{self._config.finder.kind}"

    def _training(self, network: Network, directory: RunDirectory | None) -> Training:
        """Return the training from W(0), or from the break at which the directory takes it up."""
        config, setting = self._config, self._setting
        halfway = None if directory is None else directory.halfway
        begin = None if halfway is None else halfway.progress
        finders = planned_finders(config, setting, 0 if begin is None else begin.step)
        if config.run.proof and directory is not None:
            finders = proving_finders(finders, directory.path)
        if directory is None or halfway is None:
            training = make_training(config, setting, network, finders, breaks=self._pauses)
        else:
            name = printable(f"resume={str(directory.path)!r}: checkpoint of step {halfway.progress.step}")
            with reading(name, CheckpointError, "damaged"):
                halfway.put(trained_banks(network), name)
                training = make_training(config, setting, network, finders, breaks=self._pauses, begin=begin)
            self._tally.again(directory.records, halfway.counts)
            if self._watch is not None:
                self._watch.again(directory.records)
        if training.judge is not None:
            self._remarks.append(judging_note(training.judge, setting))
        return training

    def _follow(self, training: Training, network: Network, directory: RunDirectory | None, progress: bool) -> None:
        """Train, and take note of every record; where a signal stops it between two, keep the network it had."""
        steps = iter(training)
        total = self._config.training.steps + 1
        try:
            for record in with_progress(steps, total, self._label, shown=progress, whole=True, told=self._told):
                score = None if self._watch is None else self._watch.look(record.step, network)
                if directory is not None:
                    directory.append(record.as_dict() | ({} if score is None else {"held_out": score.as_dict()}))
                    if self._config.run.snapshot_at(record.step, total - 1):
                        directory.checkpoint(record.step, network, self._setting.preparation, kind="snapshot")
                self._tally.add(record)
        except BaseException as error:
            between = isinstance(steps, Generator) and inspect.getgeneratorstate(steps) == inspect.GEN_SUSPENDED
            if between and isinstance(steps, Generator):
                steps.close()
            if between and directory is not None and is_interruption(error) and self._tally.steps is not None:
                self._keep(partial(directory.checkpoint, self._tally.steps, network, self._setting.preparation))
            raise
        finally:
            self._learning_rate = training.learning_rate
            if self._pauses.unwritten is not None:
                self._remarks.append(f"the last checkpoint could not be written: {self._pauses.unwritten}")
            if isinstance(self._config.run.checkpoint, dict) and "seconds" in self._config.run.checkpoint:
                steps_of = ", ".join(map(str, self._pauses.steps)) or "none"
                self._remarks.append(
                    f"checkpoints by the clock at the steps {steps_of}; run.checkpoint.at repeats them"
                )

    def _told(self) -> str:
        """Return what the progress line says of the last record."""
        return self._tally.text if self._watch is None else f"{self._tally.text}, {self._watch.text}"

    def _keep(self, write: Callable[[], object]) -> None:
        """Write what has been worked out; where disk or memory do not suffice, the run goes on, its result is kept."""
        try:
            write()
        except (CheckpointError, ResourceError, MemoryError) as error:
            self.unwritten = self.unwritten or one_line(error)

    def _rehearse(self) -> None:
        """Take a step with a handful of neurons and data, so that no time is charged for loading and compiling."""
        network = self._setting.kind.small(_REHEARSAL)
        try:
            for _ in make_training(self._config, self._setting, network, self._finders, n=_REHEARSAL, steps=1):
                pass
        except Exception as error:  # whatever fails here is the run's own to report
            if is_interruption(error):
                raise

    def _judge(self, training: Training, network: Network) -> None:
        """Tell the tally about the network returned, unless it is that of the last record on the same data."""
        setting = self._setting
        if setting.fresh is None and training.kept_step == training.steps:
            return
        if self._config.adversary is not None:
            look = attacked(self._config, setting, network)
            clean = look.outputs if look.clean_outputs is None else look.clean_outputs
            self._tally.returned(training.kept_step, look.loss, clean, look.outputs)
            return
        outputs = network.predict(setting.inputs)
        loss = setting.loss.value(outputs, setting.targets) / (1 if setting.fresh is None else len(outputs))
        self._tally.returned(training.kept_step, loss, outputs)
