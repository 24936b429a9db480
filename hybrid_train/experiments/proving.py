"""Proofs of a run: who writes them, what they take, and checking them afterwards (``hybrid-train verify``)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_train.config import Config
from hybrid_train.errors import CheckpointError, ConfigError, ResourceError
from hybrid_train.experiments.results import StoredRun, read_checkpoint, read_run
from hybrid_train.experiments.setting import Setting
from hybrid_train.experiments.starts import Finders
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.finder.registry import make_finder
from hybrid_train.network.linearised import LinearisedNetwork
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.proofs.checker import Checker, RefutedError
from hybrid_train.proofs.recording import PROOFS, SEALS, ProofFiles, ProvingFinder
from hybrid_train.support.archives import opened_archive
from hybrid_train.support.files import file_digest
from hybrid_train.support.messages import printable
from hybrid_train.support.untrusted import GIB, MIB, memory_limit, read_bytes, reading, size_text

_SEAL = re.compile(r"([0-9a-f]{64})  bank-([0-9]{1,6})/([0-9]{6,12})\.npz")
_LARGEST_PROOF = 16 * GIB
_PAIR_BYTES = 24


def check_provable(finder: ActiveSetFinder, setting: Setting, config: Config, directory: Path | None) -> None:
    """Refuse, before anything is computed, proofs that could not be given or do not fit on the disk.

    Raises:
        ConfigError: there is no directory for them, or the finder has none.
        ResourceError: they may take more than is free.
    """
    if directory is None:
        raise ConfigError("run.proof=True: expected a directory to write to; give one with --out (out= in Python)")
    finder.prepare_proofs()
    looks = (config.training.steps + 1) * (2 if config.adversary is None else 16)
    searches = setting.kind.searches(setting.examples(config), config.training.index)
    numbers = sum((search.points + search.queries) * (8 * search.dimension + _PAIR_BYTES) for search in searches)
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if numbers * looks > free:
        raise ResourceError(
            f"run.proof=True: up to {size_text(numbers * looks)} of proofs, {size_text(free)} are free at "
            f"{printable(os.fspath(directory))}; take smaller data.n, network.width or training.steps"
        )


def proving_finders(finders: Finders, directory: Path) -> Finders:
    """Return what makes the same finders, each of which writes its proofs to the directory of the run."""
    files = ProofFiles(directory)
    return lambda bank: ProvingFinder(finders(bank), files, bank)


def verify(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """Check the proofs of a run: that every answer of its finder is complete, and that it is this run's.

    Each answer is judged by :class:`hybrid_train.proofs.checker.Checker`, which shares no code with the finders. For
    networks of two layers the proofs also have to begin at W(0) and the data of the config, to be about its threshold,
    to list the pairs that the metrics count, and to end at the network that was kept.

    Args:
        directory: results of a run with ``run.proof = true``.

    Returns:
        ``answers``, and over all of them pairs ``listed``, ``evaluated`` and ``ruled_out``; ``may_miss``, with which
        probability any answer at most misses a pair; ``bound_to_run``, what ties them to the run.

    Raises:
        CheckpointError: not such a directory, or something in it is damaged or does not hold; the message says what.
    """
    path, name = Path(directory), f"run={printable(repr(os.fspath(directory)))}"
    run = read_run(path)
    if run.summary is None or run.summary.get("status") != "done":
        raise CheckpointError(f"{name}: did not come to its end, so there is nothing to verify")
    if not (path / SEALS).is_file():
        raise CheckpointError(f"{name}: holds no proofs; run it with run.proof = true")
    total = {"answers": 0, "listed": 0, "evaluated": 0, "ruled_out": 0}
    promised = make_finder(run.config.finder.kind, **run.config.finder.options).promise.delta
    spent, ends, listed = 0.0, {}, []
    for bank, files in _sealed(path).items():
        checker: Checker | None = None
        for record, file in _records(path, files):
            try:
                with reading(file, CheckpointError, "damaged"), np.errstate(all="ignore"):
                    if "threshold" in record:
                        checker = _begun(record, promised)
                        continue
                    if checker is None:
                        raise CheckpointError(f"{file}: an answer before the banks that it is about")
                    counts = checker.check(record)
            except CheckpointError as error:
                if isinstance(error.__cause__, RefutedError):
                    raise CheckpointError(f"{file}: refuted: {error.__cause__}") from None
                raise
            total["answers"] += len(record["asked"]) > 0
            if bank == 0 and len(record["asked"]):
                listed.append(counts["listed"])
            for key in counts:
                total[key] += counts[key]
        if checker is None:
            raise CheckpointError(f"{name}: proofs of bank {bank} without the banks that they are about")
        spent, ends[bank] = spent + checker.spent, checker
    ties = _tied(name, path, run, ends, listed)
    return {**total, "may_miss": min(1.0, spent), "bound_to_run": ties}


def _begun(record: dict[str, Any], promised: float) -> Checker:
    checker = Checker(record)
    finite = np.isfinite(checker.threshold) and np.isfinite(checker.points).all() and np.isfinite(checker.queries).all()
    if not finite or not checker.delta <= promised:
        raise RefutedError("start: not finite, or more may be missed than the finder of the config promises")
    return checker


def _sealed(path: Path) -> dict[int, list[tuple[str, str]]]:
    """Return (SHA-256, name) of the proofs of each bank, in order."""
    name = printable(os.fspath(path / SEALS))
    with reading(name, CheckpointError, "damaged"):
        lines = read_bytes(path / SEALS, 64 * MIB).decode("ascii").splitlines()
        found: dict[int, list[tuple[str, str]]] = {}
        for line in lines:
            match = _SEAL.fullmatch(line)
            if match is None or int(match[3]) != len(found.setdefault(int(match[2]), [])):
                raise CheckpointError(f"{name}: damaged: its lines are not those of the proofs 0, 1, 2, .. of a bank")
            found[int(match[2])].append((match[1], f"{PROOFS}/{line[66:]}"))
    if not found:
        raise CheckpointError(f"{name}: names no proof")
    return found


def _records(path: Path, files: list[tuple[str, str]]) -> Iterator[tuple[dict[str, Any], str]]:
    limit = memory_limit(_LARGEST_PROOF, 2)
    for seal, file in files:
        shown = printable(os.fspath(path / file))
        with reading(shown, CheckpointError, "damaged"):
            with opened_archive(path / file, limit) as archive:
                record = {key: archive[key] for key in archive}
            if file_digest(path / file)[1] != seal:
                raise CheckpointError(f"{shown}: not the file that was written: its SHA-256 differs")
        yield record, shown


def _tied(name: str, path: Path, run: StoredRun, ends: dict[int, Checker], listed: list[int]) -> list[str]:
    """Compare the proofs with the run; return what was compared."""
    config = run.config
    setting = Setting.of(config)
    network = setting.start(config)
    moves = not isinstance(network, LinearisedNetwork)
    if isinstance(network, LinearisedNetwork):
        network = network.base
    if not isinstance(network, TwoLayerNetwork):
        return []
    sides = ("points", "queries") if config.training.index == "neurons" else ("queries", "points")
    neurons, examples = (_first(path, side) for side in sides)
    ties = {"weights at the start": np.array_equal(neurons, np.asarray(network.weights[:], np.float64))}
    ties["threshold"] = ends[0].threshold == float(network.threshold)
    if setting.fresh is None and config.training.batch_size is None and config.adversary is None:
        ties["data"] = np.array_equal(examples, np.asarray(setting.inputs, np.float64))
        counted = [int(record["active_pairs"]) for record in run.metrics]
        ties["pairs of every step"] = listed[: len(counted)] == counted
    if moves and config.training.kept == "last" and run.checkpoints:
        kept = read_checkpoint(run.checkpoints[max(run.checkpoints)])["weights"]
        ties["weights at the end"] = np.array_equal(np.asarray(kept, np.float64), getattr(ends[0], sides[0]))
    for what, holds in ties.items():
        if not holds:
            raise CheckpointError(f"{name}: refuted: the proofs are not about this run: {what}")
    return list(ties)


def _first(path: Path, side: str) -> Any:
    with opened_archive(path / f"{PROOFS}/bank-0/000000.npz", memory_limit(_LARGEST_PROOF, 2)) as archive:
        return np.asarray(archive[side], np.float64)
