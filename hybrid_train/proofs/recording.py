"""Recording proofs: what a finder was asked, where both banks were, what it answered, and why that is complete.

::

    proofs/bank-0/000000.npz    the banks and the threshold at ``build``
    proofs/bank-0/000001.npz    the first proof; then one for each answer, with the vectors that moved since the last
    proofs/seals.txt            SHA-256 and name of each file, in order, as ``sha256sum -c`` reads them

The arrays are those that :class:`hybrid_train.proofs.checker.Checker` takes. No pickle.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Motion, Watched, watch_both
from hybrid_train.finder.forwarding import ForwardingFinder
from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.support.arrays import IntArray, distinct
from hybrid_train.support.files import append_line, file_digest, replacing, write_text, writing

PROOFS, SEALS = "proofs", "proofs/seals.txt"


@final
class ProofFiles:
    """Writes the proofs of a run, each file whole and sealed before the next.

    Args:
        directory: of the run; it exists.

    Raises:
        CheckpointError: it cannot be written to.
    """

    def __init__(self, directory: Path) -> None:
        self._place, self._seals = directory / PROOFS, directory / SEALS
        self._written: dict[int, int] = {}
        with writing(self._place):
            if self._place.exists():  # of a run that was broken off and begins again
                shutil.rmtree(self._place)
            self._place.mkdir()
        write_text(self._seals, "")

    def write(self, bank: int, record: dict[str, Any]) -> None:
        """Write the next record of a bank of neurons."""
        number = self._written.get(bank, 0)
        self._written[bank] = number + 1
        name = f"bank-{bank}/{number:06d}.npz"
        with writing(self._place / name):
            (self._place / name).parent.mkdir(exist_ok=True)
        with replacing(self._place / name) as partial, open(partial, "wb") as file:
            np.savez(file, **record)
        with writing(self._place / name):
            _, seal = file_digest(self._place / name)
        append_line(self._seals, f"{seal}  {name}")


@final
class ProvingFinder(ForwardingFinder):
    """Answers as another finder does, and records why each answer is complete.

    It is asked for its sets: dynamics that train without asking have no answers to prove. What recording takes is in
    the times of the finder, and not in its cost.

    Args:
        finder: who answers.
        files: where its proofs go.
        bank: number of the neurons that it serves.

    Raises:
        ConfigError: the finder has no proofs.
    """

    def __init__(self, finder: ActiveSetFinder, files: ProofFiles, bank: int) -> None:
        super().__init__(finder)
        self._files, self._bank = files, bank
        finder.prepare_proofs()

    def facts(self) -> dict[str, Any]:
        return self._finder.facts()

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        super().build(points, queries, threshold)
        self._watched = watch_both(points, queries)
        self._moved: tuple[list[IntArray], list[IntArray]] = [], []
        start = {name: bank[:] for name, bank in zip(("points", "queries"), self._watched, strict=True)}
        self._files.write(self._bank, start | {"threshold": float(threshold), "delta": self.promise.delta})
        nothing = np.empty(0, np.int64)
        shape = len(self._watched[1]), len(self._watched[0])
        self._record(ActiveSets(np.zeros(1, np.int64), nothing, np.empty(0), shape, nothing))

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        sets = super().find(rows)
        self._record(_by_query(sets))
        self.cost, self.simulation = self._finder.cost, self._finder.simulation
        return sets

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        super().move_points(rows, points)
        self._note(0, rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        super().move_queries(rows, queries)
        self._note(1, rows, queries)

    def move_points_along(self, motion: Motion) -> None:
        super().move_points_along(motion)
        self._note(0, motion.rows, () if self._watched[0].live else motion.vectors)

    def move_queries_along(self, motion: Motion) -> None:
        super().move_queries_along(motion)
        self._note(1, motion.rows, () if self._watched[1].live else motion.vectors)

    def _note(self, side: int, rows: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        self._moved[side].append(self._watched[side].put(rows, vectors))
        self.cost, self.simulation = self._finder.cost, self._finder.simulation

    def _record(self, sets: ActiveSets) -> None:
        proof = self._finder.proof(sets)
        record: dict[str, Any] = {"asked": sets.rows, "reason": proof.reason, **proof.arrays}
        order = np.lexsort((sets.indices, sets.query_ids))
        record["pairs"] = np.stack([sets.query_ids[order], sets.indices[order]], axis=1)
        for bank, moved in zip(self._watched, self._moved, strict=True):
            record[f"moved_{bank.name}"], record[bank.name] = _news(bank, moved)
            moved.clear()
        self._files.write(self._bank, record)


def _news(bank: Watched, moved: list[IntArray]) -> tuple[IntArray, npt.NDArray[Any]]:
    """Return the rows that moved, ascending, and where they are."""
    rows = distinct(np.concatenate([np.empty(0, np.int64), *moved]))
    return rows, bank.taken(rows)


def _by_query(sets: ActiveSets) -> ActiveSets:
    """Return the same pairs with a row for every query that was asked."""
    if sets.major == "query":
        return sets
    pairs, asked = sets.by_query(), np.arange(sets.shape[0])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(pairs.query_ids, minlength=len(asked)))])
    return ActiveSets(indptr, pairs.indices, pairs.inner_products, sets.shape, asked)
