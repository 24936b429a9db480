"""``hybrid-train reproduce``: measures the claims of a paper, one after the other, each kept as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from hybrid_train.crew.executors import hired
from hybrid_train.crew.shift import Answer, Task, answers
from hybrid_train.errors import ConfigError, HybridTrainError, is_interruption, one_line
from hybrid_train.experiments.document import versions
from hybrid_train.experiments.folder import Place
from hybrid_train.experiments.journal import Journal, journal, written
from hybrid_train.reproduce import adversarial, deep, preprocessing, sgd
from hybrid_train.reproduce.claim import Claim, Effort
from hybrid_train.support.declared import checked, flag, optional, path, seed_number, sequence, size, text
from hybrid_train.support.messages import quoted
from hybrid_train.support.names import nearest
from hybrid_train.support.progress import announced, with_progress

PAPERS: dict[str, tuple[Claim, ...]] = {
    "pre": preprocessing.CLAIMS,
    "sgd": sgd.CLAIMS,
    "adv": adversarial.CLAIMS,
    "deep": deep.CLAIMS,
}
"""The claims of each paper, by its short name."""


@final
@dataclass(frozen=True, eq=False)
class Reproduction:
    """What was found of a paper's claims.

    Attributes:
        paper: its short name.
        rows: one for each claim.
        options: how it was measured.
        notes: what a reader should know, in sentences.
        figures: the files drawn; none without a results directory.
    """

    paper: str
    rows: list[dict[str, Any]]
    options: dict[str, Any]
    notes: list[str]
    figures: tuple[Path, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return everything but the files as one document, as ``--json`` prints it."""
        return {
            "paper": self.paper,
            "rows": self.rows,
            "options": self.options,
            "versions": versions(),
            "notes": self.notes,
        }


@checked(
    paper=text(),
    quick=flag(),
    claims=optional(sequence(text())),
    seed=seed_number(),
    out=optional(path()),
    resume=optional(path()),
    workers=optional(size()),
    scheduler=optional(text()),
    progress=flag(),
)
def reproduce(
    paper: str,
    *,
    quick: bool = False,
    claims: list[str] | None = None,
    seed: int = 0,
    out: Place | None = None,
    resume: Place | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = False,
) -> Reproduction:
    """Measure the claims of a paper and say of each whether it is seen at the sizes measured.

    Args:
        paper: "pre", "sgd", "adv" or "deep".
        quick: smaller sizes, about a minute in all; else up to ten minutes a claim on two processors.
        claims: names of those to measure; all by default.
        seed: of everything drawn.
        out: results directory to make, with a picture for each claim; nothing is written without one.
        resume: in place of ``out``, a results directory to go on in: claims, and parts of one, that are there are not
            measured again.
        workers: processes that measure claims side by side; by default they are measured in this one. What a process
            that dies had of its claim is measured again then.
        scheduler: address of a Dask scheduler, whose workers measure them.
        progress: say which claim is measured, if standard error is a terminal.

    Raises:
        ConfigError: no such paper or claim, ``out`` holds results, or ``resume`` those of another request.
        CheckpointError: the directory cannot be written to, or what is to be gone on with is damaged.
        UnwrittenError: the result cannot be written; it has the result.
    """
    chosen = _chosen(paper, claims)
    options = {"quick": quick, "claims": [claim.name for claim in chosen], "seed": seed}
    with hired(scheduler, workers) as crew, journal(out, resume) as kept:
        kept.begin({"command": "reproduce", "paper": paper, **options}, [], {"paper": paper, "options": options})
        if crew is None:
            rows = [_row(claim, kept, quick=quick, seed=seed, progress=progress) for claim in chosen]
        else:
            rows = _rows(answers(crew, _tasks(chosen, paper, kept, options)), chosen, kept, progress=progress)
        notes = ["sizes are those of a quick look: --quick"] if quick else []
        return written(kept, Reproduction(paper, rows, options, notes), _draw)


def _chosen(paper: str, names: list[str] | None) -> list[Claim]:
    if paper not in PAPERS:
        raise ConfigError(f"paper={quoted(paper)}: expected one of {', '.join(PAPERS)}{nearest(paper, PAPERS)}")
    known = {claim.name: claim for claim in PAPERS[paper]}
    for name in names or ():
        if name not in known:
            raise ConfigError(f"claims={quoted(name)}: expected some of {', '.join(known)}{nearest(name, known)}")
    return [known[name] for name in dict.fromkeys(names or known)]


def _row(claim: Claim, kept: Journal, *, quick: bool, seed: int, progress: bool) -> dict[str, Any]:
    """Return the row of a claim; one that fails has a verdict too: it could not be measured."""

    def piece(key: str, work: Callable[[], Any]) -> Any:
        return kept.piece(f"{claim.name}: {key}", work)

    def work() -> dict[str, Any]:
        begun = time.perf_counter()
        found = claim.work(Effort(quick, seed, piece)).as_dict()
        return found | {"seconds": time.perf_counter() - begun}

    with announced(f"{claim.source}: {claim.says}", shown=progress):
        try:
            found: dict[str, Any] = kept.piece(f"claim {claim.name}", work)
            return _named(claim) | found
        except HybridTrainError as error:
            if is_interruption(error):
                raise
            return _not_measured(claim, one_line(error))


def _named(claim: Claim) -> dict[str, Any]:
    return {"claim": claim.name, "source": claim.source, "says": claim.says}


def _not_measured(claim: Claim, why: str) -> dict[str, Any]:
    return _named(claim) | {"holds": "not measured", "note": why, "panels": []}


def _tasks(chosen: Sequence[Claim], paper: str, kept: Journal, options: dict[str, Any]) -> list[Task]:
    asked = options["quick"], options["seed"]
    return [Task(claim.name, _measured, (paper, claim.name, *asked, _known(claim, kept))) for claim in chosen]


def _known(claim: Claim, kept: Journal) -> dict[str, Any]:
    """Return what is known of a claim: itself, or parts."""
    whole, part = f"claim {claim.name}", f"{claim.name}: "
    return {key: value for key, value in kept.known.items() if key == whole or key.startswith(part)}


def _measured(paper: str, name: str, quick: bool, seed: int, known: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a claim, and the pieces of it that were not known."""
    (claim,) = _chosen(paper, [name])
    kept = Journal(known=known)
    row = _row(claim, kept, quick=quick, seed=seed, progress=False)
    return {"row": row, "pieces": {key: value for key, value in kept.known.items() if key not in known}}


def _rows(found: Iterator[Answer], chosen: Sequence[Claim], kept: Journal, *, progress: bool) -> list[dict[str, Any]]:
    """Return the rows of the claims in their order, as workers bring them; their pieces are kept as they come."""
    claims, rows = {claim.name: claim for claim in chosen}, {}
    for answer in with_progress(found, len(chosen), "reproduce", shown=progress):
        if answer.error is not None:
            rows[answer.name] = _not_measured(claims[answer.name], answer.error)
            continue
        for key, value in answer.value["pieces"].items():
            kept.keep(key, value)
        rows[answer.name] = answer.value["row"]
    return [rows[claim.name] for claim in chosen]


def _draw(directory: Path, document: dict[str, Any]) -> list[Path]:
    from hybrid_train.report.claims import write_claim_figures

    return write_claim_figures(directory, document)
