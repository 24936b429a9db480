"""Answers of a Grover finder: verified pairs, put together from what was known and what searches found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from circuits.scope import CandidatePairs, Scope
from circuits.search import Found, Step, Stop, Verifier
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Watched
from hybrid_train.finder.predicate import inner_products
from hybrid_train.support.arrays import FloatArray, IntArray


def active_sets(
    asked: IntArray, queries: IntArray, points: IntArray, values: FloatArray, shape: tuple[int, int]
) -> ActiveSets:
    """Return the found pairs in compressed rows, ascending."""
    order = np.lexsort((points, queries))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=len(asked)))])
    return ActiveSets(indptr, points[order], values[order], shape, asked)


def evaluated(
    points: Watched, vectors: FloatArray, threshold: float, queries: IntArray, items: IntArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the inner product of each (query, point) pair and whether it is active, by the shared predicate."""
    values = inner_products(np.ascontiguousarray(points[items]), vectors, np.arange(len(items)), queries)
    return values, values > threshold


class Known(NamedTuple):
    """Pairs of the last answer, evaluated anew."""

    queries: IntArray
    points: IntArray
    values: FloatArray
    active: npt.NDArray[np.bool_]

    @classmethod
    def nothing(cls) -> Known:
        none = np.empty(0, np.int64)
        return cls(none, none, np.empty(0), np.empty(0, np.bool_))


class Answer(NamedTuple):
    """Active pairs of some queries, numbered in the order asked; known ones come first."""

    queries: IntArray
    points: IntArray
    inner_products: FloatArray
    newcomers: IntArray
    stops: list[Stop]
    schedules: list[Sequence[Step]]

    @classmethod
    def of(cls, n_queries: int, old: Known, found: list[Found], scope: Scope | None) -> Answer:
        """Put together what searches found, and what was known and is not among it."""
        still = old.queries[old.active], old.points[old.active]
        parts = [(*still, old.values[old.active])] if scope is None or isinstance(scope, CandidatePairs) else []
        if scope is not None:
            sizes = [len(one.inner_products) for one in found]
            items = np.fromiter((item for one in found for item in one.inner_products), np.int64, sum(sizes))
            values = (value for one in found for value in one.inner_products.values())
            pairs = scope.pairs(np.repeat(np.arange(len(found)), sizes), items)
            parts.append((*pairs, np.fromiter(values, np.float64, sum(sizes))))
        queries, points, products = (np.concatenate(part) for part in zip(*parts, strict=True))
        newcomers = np.bincount(queries, minlength=n_queries) - np.bincount(still[0], minlength=n_queries)
        stops, schedules = [one.stop for one in found], [one.schedule for one in found]
        return cls(queries, points, products, newcomers, stops, schedules)


@final
class PredicateVerifier(Verifier):
    """The shared predicate on the actual vectors."""

    def __init__(self, points: Watched, vectors: FloatArray, threshold: float, scope: Scope) -> None:
        self._points, self._vectors, self._threshold, self._scope = points, vectors, threshold, scope

    def inner_products(self, searches: IntArray, items: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        return evaluated(self._points, self._vectors, self._threshold, *self._scope.pairs(searches, items))
