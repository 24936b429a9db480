"""Where a run may be taken up again: one file for each break, plain arrays alone, checked against the run on reading.

A file ``checkpoints/resume-NNNNNN.npz`` holds the weights at W(step) (of banks that are made again from the seed, the
rows that moved), what optimiser and keeper remember, the learning rate, what is charged but in no record yet, and how
long ``metrics.jsonl`` was, with its SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

import numpy as np

from classical.training.breaks import Progress
from hybrid_train.errors import CheckpointError
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.cost import Cost, SimulationCost
from hybrid_train.finder.recreated import RecreatedBank
from hybrid_train.support.archives import opened_archive
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.files import replacing
from hybrid_train.support.untrusted import GIB, memory_limit, reading

_VERSION = 1
_LARGEST = 64 * GIB
_BANK, _ROWS, _MEMORY, _KEPT = "bank_", "rows_", "memory_", "kept_"


@final
@dataclass(frozen=True, eq=False)
class Halfway:
    """A run at a break.

    Attributes:
        progress: of the training loop.
        banks: the weights, bank by bank, (m, d); of a bank that is made again the rows that moved, (k, d).
        rows: of the latter, which rows these are, (k,); None of others.
        metrics: bytes and SHA-256 of the metrics until here.
        counts: (n,) fired neurons of each datum at W(0).
        breaks: the steps of all breaks until here, this one included.
    """

    progress: Progress
    banks: Sequence[FloatArray]
    rows: Sequence[IntArray | None]
    metrics: tuple[int, str]
    counts: IntArray
    breaks: Sequence[int]

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        progress = self.progress
        arrays: dict[str, Any] = {f"{_BANK}{at}": one for at, one in enumerate(self.banks)}
        arrays |= {f"{_ROWS}{at}": one for at, one in enumerate(self.rows) if one is not None}
        arrays |= {f"{_MEMORY}{name}": value for name, value in progress.memory.items()}
        arrays |= {f"{_KEPT}{name}": value for name, value in progress.kept.items()}
        numbers = {
            "version": _VERSION,
            "step": progress.step,
            "moved": progress.moved,
            "cost": progress.cost.as_dict(),
            "simulation": progress.simulation.as_dict(),
            "metrics_bytes": self.metrics[0],
            "metrics_sha256": self.metrics[1],
            "breaks": list(self.breaks),
        }
        arrays |= {"numbers": json.dumps(numbers), "counts": self.counts}
        arrays["rates"] = np.array([progress.learning_rate, progress.finder_seconds])
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def read(cls, path: Path, name: str) -> Halfway:
        """Read it back.

        Raises:
            CheckpointError: unreadable or damaged; ``name`` is what the message calls it.
        """
        with (
            reading(f"{name}: not a readable checkpoint", CheckpointError, "damaged"),
            opened_archive(path, memory_limit(_LARGEST, 2)) as arrays,
        ):
            numbers = json.loads(str(arrays["numbers"]))
            if numbers["version"] != _VERSION:
                raise CheckpointError(f"{name}: of another version; run again")
            rate, seconds = arrays["rates"].tolist()
            banks = range(sum(one.startswith(_BANK) for one in arrays))
            progress = Progress(
                numbers["step"],
                rate,
                numbers["moved"],
                Cost(**_counters(numbers["cost"], Cost)),
                SimulationCost(**_counters(numbers["simulation"], SimulationCost)),
                seconds,
                _part(arrays, _MEMORY),
                _part(arrays, _KEPT),
            )
            return cls(
                progress,
                [arrays[f"{_BANK}{at}"] for at in banks],
                [arrays.get(f"{_ROWS}{at}") for at in banks],
                (int(numbers["metrics_bytes"]), str(numbers["metrics_sha256"])),
                np.asarray(arrays["counts"], np.int64),
                [int(step) for step in numbers["breaks"]],
            )

    def put(self, banks: Sequence[Bank], name: str) -> None:
        """Put the weights into the banks of the run.

        Raises:
            CheckpointError: they are of other shapes or types, or not finite.
        """
        if len(banks) != len(self.banks):
            raise CheckpointError(f"{name}: damaged: weights of {len(self.banks)} banks, the network has {len(banks)}")
        for bank, vectors, rows in zip(banks, self.banks, self.rows, strict=True):
            if not _fits(bank, vectors, rows):
                raise CheckpointError(f"{name}: damaged: weights {vectors.shape} do not fit a bank {bank.shape}")
            if isinstance(bank, RecreatedBank) and rows is not None:
                bank.put_moved(rows, vectors)
            else:
                bank.assign(np.arange(len(bank)), vectors)


def settled(banks: Iterable[Bank]) -> tuple[list[FloatArray], list[IntArray | None]]:
    """Return the weights as :class:`Halfway` has them; banks that are made again keep what moved in one place."""
    weights: list[FloatArray] = []
    rows: list[IntArray | None] = []
    for bank in banks:
        if isinstance(bank, RecreatedBank):
            moved, vectors = bank.moved()
            bank.put_moved(moved, np.array(vectors))
        else:
            moved, vectors = None, bank[:]
        weights.append(vectors)
        rows.append(moved)
    return weights, rows


def _fits(bank: Bank, vectors: FloatArray, rows: IntArray | None) -> bool:
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
        return False
    if not isinstance(bank, RecreatedBank):
        return rows is None and vectors.shape == bank.shape and vectors.dtype == bank.dtype
    return rows is not None and bank.takes(rows, vectors)


def _part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def _counters(given: Mapping[str, Any], kind: type[Cost] | type[SimulationCost]) -> dict[str, int]:
    return {one.name: int(given[one.name]) for one in fields(kind)}
