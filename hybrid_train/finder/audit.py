"""The auditor: compares a finder's sets with the truth, which the finder itself never sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank
from hybrid_train.finder.scan import active_pairs
from hybrid_train.support.arrays import IntArray, distinct


@dataclass(frozen=True)
class Audit:
    """How a finder's sets compare with the truth.

    Attributes:
        active: pairs that are active.
        found: of those, the pairs reported.
        spurious: pairs reported that are not active.
    """

    active: int
    found: int
    spurious: int

    @property
    def recall(self) -> float:
        """Found / active; 1 where nothing is active."""
        return self.found / self.active if self.active else 1.0

    def __add__(self, other: Audit) -> Audit:
        return Audit(self.active + other.active, self.found + other.found, self.spurious + other.spurious)


def audit(
    sets: ActiveSets,
    points: Bank,
    queries: Bank,
    threshold: float,
    *,
    point_rows: IntArray | None = None,
    query_rows: IntArray | None = None,
) -> Audit:
    """Compare sets with a scan of the banks as they are now.

    Args:
        sets: what was reported, for the pairs of ``point_rows`` and ``query_rows``.
        points: the bank that was searched.
        queries: the bank that was asked about.
        threshold: b.
        point_rows: the points that count, all by default.
        query_rows: likewise the queries.
    """
    truth = active_pairs(points, queries, threshold, query_rows)
    if point_rows is not None:
        truth = truth.only(point_rows)
    if _laid_out_alike(truth, sets):
        return Audit(active=truth.nnz, found=truth.nnz, spurious=0)
    reported = distinct(sets.query_ids * sets.shape[1] + sets.point_ids)
    true = truth.query_ids * truth.shape[1] + truth.point_ids
    found = int(np.isin(true, reported, assume_unique=True).sum())
    return Audit(active=truth.nnz, found=found, spurious=sets.nnz - found)


def _laid_out_alike(truth: ActiveSets, sets: ActiveSets) -> bool:
    """Return whether two are equal pair by pair, in order: cheaper than to compare sets, and mostly so."""
    if truth.nnz != sets.nnz:
        return False
    one, other = truth.by_query().occupied(), sets.by_query().occupied()
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("rows", "indptr", "indices"))
