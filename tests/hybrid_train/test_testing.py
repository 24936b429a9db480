"""The conformance suite itself: ours pass it, and every broken twin fails it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from classical.empty import EmptyFinder
from classical.scan import ScanFinder
from hybrid_train.errors import DataError
from hybrid_train.finder import APPROXIMATE, EXACT, ActiveSetFinder, Promise
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Watched, checked_threshold
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import FINDERS, make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.testing import ConformanceError, check_finder


@pytest.mark.parametrize("kind", FINDERS)
def test_every_registered_finder_conforms(kind: str) -> None:
    passed = check_finder(lambda: make_finder(kind, seed=5))
    assert len(passed) > 20


@pytest.mark.parametrize("options", [{}, {"scope": "pairs"}, {"scope": "pairs", "candidates": "skin"}], ids=str)
def test_grover_conforms_in_closed_form(options: dict[str, Any]) -> None:
    check_finder(lambda: make_finder("grover", seed=5, engine="closed_form", strategy="warm", **options))
    check_finder(lambda: make_finder("grover", seed=5, engine="closed_form", **options))


class Unbuilt:
    """Stands for a bank that was never given."""

    def __len__(self) -> None:
        raise DataError("build comes first")

    def put(self, rows: Any, vectors: np.ndarray) -> None:
        len(self)


class Plain(ActiveSetFinder):
    """A correct finder written from the interface alone; the twins below each break one thing."""

    @property
    def promise(self) -> Promise:
        return EXACT

    points: Any = Unbuilt()
    queries: Any = Unbuilt()
    threshold = 0.5

    def build(self, points: Any, queries: Any, threshold: float) -> None:
        self.cost = Cost()
        self.points, self.queries = Watched(points, "points"), Watched(queries, "queries")
        checked_threshold(threshold)
        if self.points.shape[1] != self.queries.shape[1]:
            ScanFinder().build(points, queries, threshold)
        self.threshold = threshold

    def find(self, rows: Any = None) -> ActiveSets:
        self.cost.inner_products += 1
        return active_pairs(self.points, self.queries, self.threshold, rows)

    def move_points(self, rows: Any, points: Any) -> None:
        self.points.put(rows, points)

    def move_queries(self, rows: Any, queries: Any) -> None:
        self.queries.put(rows, queries)


def edited(sets: ActiveSets, keep: np.ndarray, values: np.ndarray | None = None) -> ActiveSets:
    counts = np.bincount(np.repeat(np.arange(len(sets.rows)), sets.counts)[keep], minlength=len(sets.rows))
    values = sets.inner_products if values is None else values
    return ActiveSets(np.concatenate([[0], np.cumsum(counts)]), sets.indices[keep], values[keep], sets.shape, sets.rows)


class DropsOne(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        return edited(sets, np.arange(sets.nnz) != 2)


class NotStrict(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        return active_pairs(self.points, self.queries, np.nextafter(self.threshold, -np.inf), rows)


class OwnArithmetic(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        self.cost.inner_products += 1
        asked = np.arange(len(self.queries)) if rows is None else np.asarray(rows, dtype=np.int64)
        if len(asked) and (asked.min() < 0 or asked.max() >= len(self.queries)):
            return super().find(rows)
        with np.errstate(all="ignore"):
            products = np.array([[np.sum(p * q) for p in self.points[:]] for q in self.queries[:][asked]])
        hit = products.reshape(len(asked), len(self.points)) > self.threshold
        return ActiveSets(
            np.concatenate([[0], np.cumsum(hit.sum(1))]),
            np.nonzero(hit)[1],
            products[hit] if hit.size else np.empty(0),
            (len(self.queries), len(self.points)),
            asked,
        )


class Single(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, threshold)
        self.points = Watched(np.asarray(points, dtype=np.float32), "points")


class ForgetsPointMoves(Plain):
    def move_points(self, rows: Any, points: Any) -> None:
        Watched(np.asarray(self.points[:]), "points").put(rows, points)


class ForgetsQueryMoves(Plain):
    def move_queries(self, rows: Any, queries: Any) -> None:
        Watched(np.asarray(self.queries[:]), "queries").put(rows, queries)


class CachesAnswer(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, threshold)
        self.answer: ActiveSets | None = None

    def find(self, rows: Any = None) -> ActiveSets:
        if rows is not None:
            return super().find(rows)
        self.answer = self.answer or super().find()
        return self.answer


class IgnoresRows(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        super().find(rows)
        return super().find()


class SortsRows(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        super().find(rows)
        return super().find(rows if rows is None else np.sort(rows))


class WrongValues(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        return edited(sets, np.ones(sets.nnz, bool), sets.inner_products - self.threshold)


class Uncharged(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        return active_pairs(self.points, self.queries, self.threshold, rows)


class NeverResetsCost(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        cost = self.cost
        super().build(points, queries, threshold)
        self.cost = cost


class WritesToArrays(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, threshold)
        self.given = points

    def move_points(self, rows: Any, points: Any) -> None:
        super().move_points(rows, points)
        if isinstance(self.given, np.ndarray):
            self.given[-1] = 0.0


class KeepsReference(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, threshold)
        self.given = queries

    def find(self, rows: Any = None) -> ActiveSets:
        self.cost.inner_products += 1
        return active_pairs(self.points, self.given, self.threshold, rows)

    def move_queries(self, rows: Any, queries: Any) -> None:
        super().move_queries(rows, queries)
        self.given = self.queries


class Unrepeatable(Plain):
    @property
    def promise(self) -> Promise:
        return APPROXIMATE

    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        return edited(sets, np.random.default_rng().random(sets.nnz) < 0.5)


class AcceptsNaN(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(np.nan_to_num(np.asarray(points)), queries, threshold)


class AcceptsComplexNumbers(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(np.real(np.asarray(points)), queries, threshold)


class AcceptsTruthValues(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        queries = np.asarray(queries)
        super().build(points, queries.astype(float) if queries.dtype == bool else queries, threshold)


class AcceptsWords(Plain):
    def move_points(self, rows: Any, points: Any) -> None:
        super().move_points(rows, np.asarray(points).astype(float) if np.asarray(points).dtype.kind == "U" else points)


class AcceptsFractionsOfRows(Plain):
    def find(self, rows: Any = None) -> Any:
        return super().find(None if rows is None else np.asarray(rows).astype(int))


class AnswersInObjects(Plain):
    def find(self, rows: Any = None) -> Any:
        sets = super().find(rows)
        return edited(sets, np.ones(sets.nnz, bool), sets.inner_products.astype(object))


class AcceptsAnyThreshold(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        bad = isinstance(threshold, str | bool) or not np.isfinite(threshold)
        super().build(points, queries, 0.5 if bad else threshold)


class AcceptsInfiniteThresholds(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, 1e300 if threshold == np.inf else threshold)


class AttributeErrorBeforeBuild(Plain):
    points: Any = ()
    queries: Any = ()


class AnswersBeforeBuild(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        if not isinstance(self.points, Watched):
            return ActiveSets(np.zeros(1, int), np.empty(0, int), np.empty(0), (0, 0))
        return super().find(rows)


class ReportsPairsTwice(Plain):
    """By query, side by side."""

    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        counts, twice = 2 * sets.counts, np.repeat(np.arange(sets.nnz), 2)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return ActiveSets(indptr, sets.indices[twice], sets.inner_products[twice], sets.shape, sets.rows)


class ReportsPointsTwice(Plain):
    """By point, in two rows of the same point."""

    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        if rows is not None:
            return sets
        by = sets.by_point()
        indptr = np.concatenate([by.indptr, by.indptr[1:] + by.nnz])
        twice = [np.concatenate([part, part]) for part in (by.indices, by.inner_products, by.rows)]
        return ActiveSets(indptr, twice[0], twice[1], by.shape, twice[2], "point")


class MissesDuplicates(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        keys = [(q, v) for q, v in zip(sets.query_ids.tolist(), sets.inner_products.tolist(), strict=True)]
        return edited(sets, np.array([keys.index(key) == at for at, key in enumerate(keys)], dtype=bool))


class KeepsFirstThreshold(Plain):
    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, self.__dict__.get("threshold", threshold))


class SharesState(Plain):
    shared: ClassVar[dict[str, Watched]] = {}

    def build(self, points: Any, queries: Any, threshold: float) -> None:
        super().build(points, queries, threshold)
        SharesState.shared["points"] = self.points

    def find(self, rows: Any = None) -> ActiveSets:
        self.cost.inner_products += 1
        return active_pairs(self.shared["points"], self.queries, self.threshold, rows)

    def move_points(self, rows: Any, points: Any) -> None:
        self.shared["points"].put(rows, points)


class ReusesBuffers(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        buffer = self.__dict__.setdefault("buffer", np.empty(10**5))
        buffer[: sets.nnz] = sets.inner_products
        return ActiveSets(sets.indptr, sets.indices, buffer[: sets.nnz], sets.shape, sets.rows)


class LosesLaterBlocks(Plain):
    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        return edited(sets, sets.query_ids < 128)


class Overpromises(Plain):
    """Misses a pair in one answer of twenty, and promises one run in a thousand."""

    calls = 0

    @property
    def promise(self) -> Promise:
        return Promise(exact=True, delta=1e-3)

    def find(self, rows: Any = None) -> ActiveSets:
        sets = super().find(rows)
        Overpromises.calls += 1
        return edited(sets, np.arange(sets.nnz) > (0 if Overpromises.calls % 3 == 0 else -1))

    def plan(self, *, seed: Any = None, total_queries: Any = None) -> None:
        Overpromises.calls = 0


BROKEN = Plain.__subclasses__()


def test_the_plain_finder_conforms() -> None:
    check_finder(Plain)


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_finders_fail(broken: type[Plain]) -> None:
    with pytest.raises(ConformanceError):
        check_finder(broken)


def test_the_control_passes_because_it_promises_nothing() -> None:
    assert str(EmptyFinder().promise) == "approximate"
    check_finder(EmptyFinder)
