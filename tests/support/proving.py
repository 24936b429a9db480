"""Answers of finders with their proofs, kept in memory."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from hybrid_train.errors import CheckpointError
from hybrid_train.finder.registry import make_finder
from hybrid_train.proofs.checker import Checker, RefutedError
from hybrid_train.proofs.recording import ProofFiles, ProvingFinder
from tests.support.banks import a_tie, drawn_banks

Record = dict[str, Any]

PROVERS: list[tuple[str, dict[str, Any]]] = [
    ("scan", {}),
    ("hsr", {"leaf_size": 4}),
    ("onion", {}),
    ("skin", {}),
    ("correlation_tree", {}),
    ("sparse_columns", {}),
    ("auto", {}),
    ("grover", {"engine": "closed_form"}),
    ("grover", {"engine": "closed_form", "strategy": "warm"}),
]


class InMemory(ProofFiles):
    """Keeps records as they are read back from a file."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, bank: int, record: Record) -> None:
        file = io.BytesIO()
        np.savez(file, **record)
        file.seek(0)
        self.records.append(dict(np.load(file)))


def proven(name: str, options: dict[str, Any], kind: str, seed: int, answers: int = 3) -> list[Record]:
    """Return the records of a random sequence of answers and moves, for banks of a kind."""
    rng = np.random.default_rng(seed)
    sizes = int(rng.integers(2, 40)), int(rng.integers(1, 12))
    inner = make_finder(name, **options)
    dimension = min(int(rng.integers(1, 20)), inner.most_dimensions or 20)
    banks = drawn_banks(rng, kind, sizes, dimension, np.float64)
    files = InMemory()
    finder = ProvingFinder(inner, files, 0)
    with np.errstate(all="ignore"):
        finder.build(*(bank[:].copy() for bank in banks), a_tie(rng, banks))
        for _ in range(answers):
            finder.find(None if rng.integers(2) else rng.permutation(sizes[1])[: rng.integers(1, sizes[1] + 1)])
            side = int(rng.integers(2))
            rows = rng.permutation(sizes[side])[: rng.integers(sizes[side] + 1)]
            new = banks[side][rows] * (1 + 1e-3 * rng.standard_normal((len(rows), 1)))
            banks[side].assign(rows, new)
            (finder.move_points, finder.move_queries)[side](rows, new)
    return files.records


def refuted(records: list[Record]) -> bool:
    """Return whether the checker refuses a sequence of records; a record that it cannot even follow is refused too."""
    checker = Checker(records[0])
    try:
        for record in records[1:]:
            checker.check(record)
    except (RefutedError, CheckpointError, IndexError, ValueError, KeyError):
        return True
    return False
