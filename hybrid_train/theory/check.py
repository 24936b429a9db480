"""``hybrid-train theory``: every prediction of the papers for a config's run beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

from hybrid_train.config import Config, load_config
from hybrid_train.config.deep_networks import DeepSection
from hybrid_train.config.load import CONFIG_SOURCE, ConfigSource
from hybrid_train.config.schema import NetworkConfig
from hybrid_train.config.threads import in_its_threads
from hybrid_train.errors import ConfigError
from hybrid_train.experiments.document import Draw, versions
from hybrid_train.experiments.folder import Place
from hybrid_train.experiments.journal import journal, written
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.theorem_rate import theorem_rate
from hybrid_train.support.declared import checked, flag, optional, path, sequence, whole
from hybrid_train.theory import deep_check, jumping_check, linearised_check, two_layer_check
from hybrid_train.theory.checked import Request, Subject
from hybrid_train.theory.lines.costs import CostGrowth
from hybrid_train.theory.lines.line import Line
from hybrid_train.theory.repeated import Repeated, repeated, trial_of

_FEWEST_WIDTHS, _MOST_WIDTH = 3, 1 << 20

SUBJECTS: tuple[Subject, ...] = (
    deep_check.SUBJECT,
    jumping_check.SUBJECT,
    two_layer_check.SUBJECT,
    *linearised_check.SUBJECTS,
)
"""The kinds of runs that the papers speak of; a config describes one of them."""


@final
@dataclass(frozen=True, eq=False)
class TheoryCheck:
    """The table and what the pictures show.

    Attributes:
        config: valid, with defaults filled in.
        lines: the table.
        growths: counted cost by finder; empty if it was not asked for, and for runs whose costs nobody bounds.
        series: numbers for the pictures: along a two-layer run, or the landscape of a deep one.
        notes: what a reader should know about the data, and a learning rate that a theorem names, in sentences.
        repeated: each line over several starts; empty where one was asked for.
        figures: the files drawn; none without a results directory.
    """

    config: Config
    lines: list[Line]
    growths: list[CostGrowth]
    series: dict[str, Any]
    notes: list[str]
    figures: tuple[Path, ...] = ()
    repeated: tuple[Repeated, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        return {
            "rows": [line.as_dict() for line in self.lines],
            "costs": [growth.as_dict() for growth in self.growths],
            "series": self.series,
            "repeated": [line.as_dict() for line in self.repeated],
            "config": self.config.as_dict(),
            "versions": versions(),
            "notes": self.notes,
        }


@checked(
    config=CONFIG_SOURCE,
    costs=flag(),
    widths=optional(sequence(whole(1, 1 << 40), 3)),
    seeds=whole(1, 10**6),
    out=optional(path()),
    resume=optional(path()),
    progress=flag(),
)
@in_its_threads
def check_theory(
    config: ConfigSource,
    *,
    costs: bool = True,
    widths: Sequence[int] | None = None,
    seeds: int = 1,
    out: Place | None = None,
    resume: Place | None = None,
    progress: bool = False,
) -> TheoryCheck:
    """Train as a config says and put each lemma's prediction beside the measured value.

    Args:
        config: a TOML file, its tables as a dict, or a Config.
        costs: also count the cost of a step at several widths with every finder, and fit exponents; of two layers of
            ReLUs, and of adversarial training of networks that jump.
        widths: those widths, three or more; by default 2^10 .. 2^14. Exponents are those of the range they are fitted
            over.
        seeds: train also from so many less one further seeds, those after the config's, data that are drawn included,
            and count how often each line failed, beside how often its theorem lets it.
        out: results directory to make, with pictures; nothing is written without one. Each line, and each training
            beside, is there as soon as it is worked out.
        resume: in place of ``out``, a results directory to go on in: trainings beside that are there are not run again.
        progress: show a bar, if standard error is a terminal.

    Raises:
        ConfigError: the config is not valid or describes a run the theory here does not speak of, ``out`` holds
            results, another process writes there, or ``resume`` holds those of another request, whose keys are named;
            nothing has started then.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        DataError: the data are not usable.
        ResourceError: it would not fit this machine.
        DivergenceError: the loss left the finite numbers.
        UnwrittenError: the result cannot be written; it has the result.
    """
    valid = load_config(config)
    subject = _subject(valid)
    wanted = _checked_widths(widths, costs and valid.training.algorithm in subject.counted)
    with journal(out, resume) as kept:
        setting = Setting.of(valid)
        tables = valid.as_dict()
        request_of = {"command": "theory", "config": tables, "costs": costs, "widths": list(wanted)}
        request_of |= {"seeds": seeds} if seeds > 1 else {}
        kept.begin(request_of, [], {"config": tables})
        pictured = kept.path is not None
        request = Request(valid, setting, costs=costs, pictured=pictured, progress=progress, widths=wanted, kept=kept)
        found = subject.check(request)
        over = _over_starts(subject, request, found.lines, seeds) if seeds > 1 else ()
        notes = [*setting.notes, *_rate_notes(valid, setting)]
        result = TheoryCheck(valid, found.lines, found.growths, found.series, notes, repeated=over)
        return written(kept, result, _all_of(found.draws))


def _rate_notes(config: Config, setting: Setting) -> list[str]:
    """Return where the learning rate comes from, if a theorem names it."""
    return [theorem_rate(config, setting).note] if config.training.learning_rate == "theorem" else []


def _over_starts(subject: Subject, request: Request, first: Sequence[Line], seeds: int) -> tuple[Repeated, ...]:
    """Return every line over so many starts, the first of which is known; each start is a piece of the journal."""

    def trial(seed: int) -> list[dict[str, Any]]:
        run = request.config.run.model_copy(update={"seed": seed})
        config = replace(request.config, run=run)
        alone = Request(config, Setting.of(config), progress=request.progress)
        return [trial_of(line) for line in subject.check(alone).lines]

    root = request.config.run.seed
    trials = [
        request.kept.piece(f"start of seed {seed}", partial(trial, seed)) for seed in range(root + 1, root + seeds)
    ]
    known = {(row["section"], row["quantity"], row["source"]) for rows in trials for row in rows}
    begun = [trial_of(line) for line in first if (line.section, line.quantity, line.source) in known]
    return tuple(repeated([begun, *trials]))


def _checked_widths(widths: Sequence[int] | None, counted: bool) -> tuple[int, ...]:
    """Return the widths at which costs are counted; none for the default ones.

    Raises:
        ConfigError: fewer than three, one that is out of range, or no costs are counted.
    """
    if widths is None:
        return ()
    if not counted:
        raise ConfigError("widths: costs are not counted here; leave widths out")
    found = tuple(sorted(set(widths)))
    if len(found) < _FEWEST_WIDTHS or not 2 <= found[0] <= found[-1] <= _MOST_WIDTH:
        raise ConfigError(
            f"widths={list(widths)}: expected {_FEWEST_WIDTHS} or more different ones from 2 to {_MOST_WIDTH:,}"
        )
    return found


def _subject(config: Config) -> Subject:
    """Return the kind of run a config describes.

    Raises:
        ConfigError: the lines do not speak of its algorithm.
    """
    network = config.network
    if isinstance(network, NetworkConfig) and network.storage == "live":
        raise ConfigError("network.storage='live': expected 'stored' or 'seeded', since the lines speak of all neurons")
    if isinstance(network, DeepSection) and network.joint:
        raise ConfigError("network.joint=True: expected false, since the lines speak of networks whose A and B stay")
    subject = next(one for one in SUBJECTS if one.fits(config))
    algorithm = str(config.training.algorithm)
    if algorithm not in subject.algorithms:
        raise ConfigError(
            f"training.algorithm={algorithm!r}: expected one of {', '.join(subject.algorithms)}; "
            f"no theory of others is checked for network.kind={config.network.kind!r}"
        )
    return subject


def _all_of(draws: Sequence[Draw]) -> Draw:
    """Return who draws the pictures of all of them."""

    def draw(directory: Path, document: dict[str, Any]) -> list[Path]:
        return [path for one in draws for path in one(directory, document)]

    return draw
