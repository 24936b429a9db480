"""Finders that can say which pairs they cannot rule out: what another finder then has to look at."""

from __future__ import annotations

from abc import abstractmethod

import numpy.typing as npt

from hybrid_train.finder.interface import ActiveSetFinder
from hybrid_train.support.arrays import IntArray


class CandidateFinder(ActiveSetFinder):
    """A finder that works by ruling pairs out, and can leave it at that."""

    @abstractmethod
    def rule_out_only(self) -> None:
        """From the next ``build`` on, evaluate only what ruling pairs out takes; ``find`` is not asked then."""

    @abstractmethod
    def candidates_of(self, rows: npt.ArrayLike | None = None) -> tuple[IntArray, IntArray]:
        """Return the points that cannot be ruled out for the given queries, all by default.

        Args:
            rows: distinct query indices.

        Returns:
            ((R + 1,) offsets, point indices ascending within a query), a row for each query in the order asked. Every
            active pair is among them, with certainty.
        """
