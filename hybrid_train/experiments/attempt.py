"""One training run of an experiment: what it shares with the others, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, final

from classical.training.loop import Training
from hybrid_train.config import Config
from hybrid_train.errors import CheckpointError, HybridTrainError, is_interruption
from hybrid_train.experiments.assembly import attacked, make_training, planned_finders
from hybrid_train.experiments.held_out import HeldOutWatch
from hybrid_train.experiments.judging import judging_note
from hybrid_train.experiments.results import RunDirectory
from hybrid_train.experiments.row import Row
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.tally import Tally
from hybrid_train.network.storing import Network
from hybrid_train.support.progress import announced, with_progress

__all__ = ["Attempt", "Setting", "one_line"]

_REHEARSAL = 8
"""Neurons and data of the step taken before the clock starts."""


@final
class Attempt:
    """One run: trains, keeps the tally, writes the results directory.

    Args:
        setting: shared with other runs.
        config: of this run alone.
        directory: where results go; None for nowhere.

    Attributes:
        error: why the run ended early, in one line; None if it did not.
        unwritten: why the network or the summary of a run that came to its end is not on disk; None if it is.

    Raises:
        ResourceError: the finder cannot serve banks of this size here.
    """

    def __init__(self, setting: Setting, config: Config, directory: Path | None) -> None:
        self._setting, self._config, self._path = setting, config, directory
        self._finders = planned_finders(config, setting)
        finder = self._finders(0)
        for search in setting.kind.searches(setting.examples(config), config.training.index):
            finder.check_resources(*search)
        self.exact = finder.promise.exact
        self.error: str | None = None
        self.unwritten: str | None = None
        self._learning_rate: float | str = config.training.learning_rate
        self._judging: tuple[str, ...] = ()
        self._tally = Tally(
            config.finder.kind,
            config.training.index,
            str(finder.promise),
            setting.dataset,
            fresh=setting.fresh is not None,
        )
        self._watch = None if setting.test is None else HeldOutWatch(config, setting)

    @property
    def row(self) -> Row:
        """The row of this run in a table."""
        watch = self._watch
        return self._tally.row(self._learning_rate, self.error, None if watch is None else watch.row)

    @property
    def notes(self) -> list[str]:
        """What a reader should know about how the run went, in sentences."""
        return [*self._judging, *self._tally.notes]

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
        directory = None if self._path is None else RunDirectory(self._path, config)
        network = self._setting.start(config)
        training = make_training(config, self._setting, network, self._finders)
        if training.judge is not None:
            self._judging = (judging_note(training.judge, self._setting),)
        label = f"{config.training.index}-{config.finder.kind}"
        try:
            with announced(f"{label}: loading and compiling", shown=progress):
                self._rehearse()
            records = with_progress(
                training, config.training.steps + 1, label, shown=progress, whole=True, told=self._told
            )
            for record in records:
                score = None if self._watch is None else self._watch.look(record.step, network)
                if directory is not None:
                    directory.append(record.as_dict() | ({} if score is None else {"held_out": score.as_dict()}))
                self._tally.add(record)
            self._tally.state({**training.dynamics.remarks, **training.dynamics.facts()})
            if directory is not None:  # before anything else that may fail: the network is what all this was for
                step, last, preparation = training.kept_step, config.training.steps, self._setting.preparation
                self._keep(partial(directory.checkpoint, last if step is None else step, network, preparation))
            self._judge(training, network)
            if self._watch is not None:
                self._watch.returned(training.kept_step, network)
        except BaseException as error:
            self.error = one_line(error)
            raise
        finally:
            self._learning_rate = training.learning_rate
            if directory is not None:
                self._keep(partial(directory.finish, summary()))
        return network

    def _told(self) -> str:
        """Return what the progress line says of the last record."""
        return self._tally.text if self._watch is None else f"{self._tally.text}, {self._watch.text}"

    def _keep(self, write: Callable[[], object]) -> None:
        """Write what has been worked out; where that fails, a full disk, the run goes on and what it found is kept."""
        try:
            write()
        except CheckpointError as error:
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


def one_line(error: BaseException) -> str:
    """Return an exception as one line, naming its type unless it is an error made for users."""
    if is_interruption(error):
        return "interrupted"
    text = " ".join(str(error).split())
    return text if isinstance(error, HybridTrainError) and text else f"{type(error).__name__}: {text}"
