"""What one search runs over: the points of one query, all pairs of the queries asked, or those that are in doubt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np
import numpy.typing as npt

from circuits.register import Register
from hybrid_train.support.arrays import FloatArray, IntArray

Pairs = tuple[IntArray, IntArray]
"""Two arrays of one length, entry by entry."""


class Scope(ABC):
    """How the (query, point) pairs that are asked about are spread over searches.

    Queries are numbered in the order asked.

    Attributes:
        register: that the items of each search lie on.
        n_searches: how many searches there are.
    """

    register: Register
    n_searches: int

    @abstractmethod
    def pairs(self, searches: IntArray, items: IntArray) -> Pairs:
        """Return (query, point) of each (search, item)."""

    @abstractmethod
    def items(self, queries: IntArray, points: IntArray) -> Pairs:
        """Return (search, item) of each (query, point)."""

    @abstractmethod
    def summed(self, values: FloatArray) -> FloatArray:
        """Return (n_searches,) what each search gets of a value that each query has."""

    def rows_of(self, queries: IntArray, points: IntArray) -> Pairs:
        """Return pairs in compressed rows, (indptr, items): one row for each search, queries ascending."""
        searches, items = self.items(queries, points)
        return np.concatenate([[0], np.cumsum(np.bincount(searches, minlength=self.n_searches))]), items


@final
class EachQuery(Scope):
    """One search over the points for each query.

    Args:
        n_queries: asked.
        n_points: searched.
    """

    def __init__(self, n_queries: int, n_points: int) -> None:
        self.register, self.n_searches = Register((n_points,)), n_queries

    def pairs(self, searches: IntArray, items: IntArray) -> Pairs:
        return searches, items

    def items(self, queries: IntArray, points: IntArray) -> Pairs:
        return queries, points

    def summed(self, values: FloatArray) -> FloatArray:
        return values


class _OneSearch(Scope):
    """All pairs in one search."""

    n_searches = 1

    def summed(self, values: npt.ArrayLike) -> FloatArray:
        """Return (1,) the sum; where a value is not known, the mean of the others stands for it."""
        given = np.asarray(values, np.float64)
        known = np.isfinite(given)
        return np.array([given.sum() if known.all() else len(given) * given[known].mean() if known.any() else np.nan])


@final
class AllPairs(_OneSearch):
    """One search over every (query, point).

    Args:
        n_queries: asked.
        n_points: searched.
    """

    def __init__(self, n_queries: int, n_points: int) -> None:
        self.register = Register((n_queries, n_points))

    def pairs(self, searches: IntArray, items: IntArray) -> Pairs:
        queries, points = np.divmod(items, self.register.shape[1])
        return queries, points

    def items(self, queries: IntArray, points: IntArray) -> Pairs:
        return np.zeros(len(queries), np.int64), queries * self.register.shape[1] + points


@final
class CandidatePairs(_OneSearch):
    """One search over the pairs that are in doubt, numbered as they are listed.

    Args:
        queries: (C,) of each candidate, ascending; C >= 1.
        points: (C,) of each, ascending within a query.
        n_points: there are.
    """

    def __init__(self, queries: IntArray, points: IntArray, n_points: int) -> None:
        self.register = Register((len(queries),))
        self._queries, self._points, self._n_points = queries, points, n_points
        self._names = queries * n_points + points

    def pairs(self, searches: IntArray, items: IntArray) -> Pairs:
        return self._queries[items], self._points[items]

    def items(self, queries: IntArray, points: IntArray) -> Pairs:
        """Return the places of pairs that are all among the candidates."""
        return np.zeros(len(queries), np.int64), np.searchsorted(self._names, queries * self._n_points + points)
