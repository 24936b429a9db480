"""A finder of your own
====================

Usage: python examples/own_finder.py

It rules neurons out by their length alone: <w, x> <= ||w|| ||x||, so a neuron with ||w|| ||x|| <= b cannot fire for x
(Cauchy and Schwarz). The others are looked at one by one. That is exact, and nearly useless in many dimensions, where
all neurons are about as long: the comparison says so.
"""

# %%
# The finder
# ----------
# ``WatchingFinder`` keeps both banks and the threshold and refuses what makes no sense. What is left to write is
# who may fire, what that is charged, and that a moved vector has a new length. Membership is decided by
# ``active_pairs``, which all finders share: that is why exact ones agree set for set.

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import hybrid_train
from hybrid_train import EXACT, ActiveSets, Bank, Cost, Promise, WatchingFinder, active_pairs, checked_rows
from hybrid_train.finder.registry import FINDERS
from hybrid_train.testing import check_finder


class NormFinder(WatchingFinder):
    """Rules points out by their length; looks at all others.

    Args:
        slack: added to the length of a point, in shares of it, for rounding.
    """

    source = "Cauchy and Schwarz"

    def __init__(self, *, slack: float = 1e-9) -> None:
        super().__init__()
        self._slack = 1.0 + slack

    @property
    def promise(self) -> Promise:
        return EXACT

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()
        self._lengths = np.linalg.norm(self._points[:], axis=1)
        self.cost.inner_products += len(self._points)  # a length is an inner product with itself

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        queries = np.asarray(self._queries[asked], dtype=float)
        longest = np.linalg.norm(queries, axis=1).max(initial=0.0)
        self.cost.inner_products += len(asked)
        possible = np.flatnonzero(self._slack * self._lengths * longest > self._threshold)
        if self._threshold < 0.0:
            possible = np.arange(len(self._points))  # short vectors fire too
        self.cost.inner_products += len(asked) * len(possible)
        shape = len(self._queries), len(self._points)
        if len(asked) == 0 or len(possible) == 0:
            return ActiveSets(np.zeros(len(asked) + 1, np.int64), np.empty(0, np.int64), np.empty(0), shape, asked)
        found = active_pairs(np.asarray(self._points[possible]), queries, self._threshold)
        return ActiveSets(found.indptr, possible[found.indices], found.inner_products, shape, asked)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        where = self._points.put(rows, points)
        self._lengths[where] = np.linalg.norm(self._points[where], axis=1)
        self.cost.inner_products += len(where)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)


# %%
# Check it
# --------
# The conformance suite that our own finders pass: ties, duplicates, huge and tiny vectors, moves of both banks,
# honest cost.

print(len(check_finder(NormFinder)), "checks passed")

# %%
# Compare it
# ----------
# A distribution announces a finder by an entry point, see :doc:`/howto/plug_in`; within a script the registry is a
# dict.

FINDERS["norms"] = f"{__name__}:NormFinder"


def compared(dim: int) -> hybrid_train.Comparison:
    """Train by scan and by this finder, on points of the unit sphere."""
    config = {
        "data": {"kind": "sphere", "n": 16, "dim": dim},
        "network": {"width": 1024},
        "training": {"steps": 5},
    }
    return hybrid_train.compare(config, ["scan", "norms"])


print("dim  finder  recall  final loss  inner products")
for dim in (2, 8, 64):
    for row in compared(dim).rows:
        print(f"{dim:3}  {row['finder']:6}  {row['recall']:6}  {row['final_loss']:10.4f}  {row['inner_products']:14,}")

# %%
# The losses are those of the scan. In two dimensions only a fifth of the neurons have to be looked at; in 64 all of
# them, since Gaussian vectors are all about √d long there, and the lengths come on top.
