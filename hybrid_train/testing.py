"""The conformance suite of finders: what every implementation, ours or a plug-in, has to satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse, stats

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.interface import ActiveSetFinder, Promise
from hybrid_train.finder.scan import active_pairs
from hybrid_train.support.arrays import FloatArray, IntArray

MakeFinder = Callable[[], ActiveSetFinder]

FALSE_ALARM = 1e-9
"""Probability that a correct finder that may miss (promise.delta > 0) fails the recall check."""


class ConformanceError(AssertionError):
    """A finder broke a rule of the interface; the message says which, and on what input."""


@dataclass(frozen=True)
class Case:
    """A pair of banks and a threshold that finders get wrong."""

    name: str
    points: FloatArray
    queries: FloatArray
    threshold: float


def check_finder(make_finder: MakeFinder, *, seed: int = 0) -> list[str]:
    """Check a finder against the rules of :class:`hybrid_train.finder.ActiveSetFinder`.

    What is checked depends on the finder's promise. Every finder: the form of its answers, no pair that is not
    active, inner products, rows asked in any order, moves of both banks, banks left untouched, repeatable answers,
    cost accounting, bad input refused. An exact one: equal sets on banks with ties, duplicates, zero, huge and tiny
    rows, and across moves. One exact with probability 1 - delta: at most as many misses as delta allows, at a
    false-alarm rate of 1e-9.

    Args:
        make_finder: makes a fresh finder; called many times.
        seed: of the random banks.

    Returns:
        The names of the checks that were passed.

    Raises:
        ConformanceError: at the first rule broken.
    """
    if not isinstance(make_finder(), ActiveSetFinder):
        raise ConformanceError("make_finder() does not return an ActiveSetFinder")
    suite = _Suite(make_finder, np.random.default_rng(seed))
    passed = []
    for name, check in suite.checks():
        try:
            check()
        except ConformanceError as error:
            raise ConformanceError(f"{name}: {error}") from None
        except Exception as error:
            raise ConformanceError(f"{name}: the finder raised {type(error).__name__}: {error}") from error
        passed.append(name)
    return passed


@dataclass
class Recall:
    """Counts runs, and runs that missed an active pair, and holds their number against the promise.

    Attributes:
        promise: of the finder judged.
        runs: runs seen (a run lasts from build to its last answer).
        missed: runs in which a pair was missed.
    """

    promise: Promise
    runs: int = 0
    missed: int = 0
    last: str = ""

    def record(self, missed_pairs: int, where: str) -> None:
        """Take note of a run; one miss is too many for a finder that promised certainty."""
        self.runs += 1
        if missed_pairs:
            self.missed += 1
            self.last = f"missed {missed_pairs} active pairs ({where})"
            if self.promise.exact and self.promise.delta == 0:
                raise ConformanceError(f"promised exact sets, {self.last}")

    def check(self) -> None:
        """Raise if a finder that keeps its promise would miss in so many runs with probability below 1e-9."""
        if not self.promise.exact or not self.missed:
            return
        if stats.binom.sf(self.missed - 1, self.runs, self.promise.delta) < FALSE_ALARM:
            raise ConformanceError(
                f"promised to miss in a run with probability {self.promise.delta:g}, "
                f"missed in {self.missed} of {self.runs}: {self.last}"
            )


def _cases(rng: np.random.Generator, most: int | None) -> Iterator[Case]:
    """Yield banks that go wrong easily; small, because a simulated quantum search answers them too."""
    usual, few, many = (min(d, most or d) for d in (5, 3, 67))
    gauss = rng.standard_normal((24, usual))
    unit = rng.standard_normal((4, usual))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    grid = rng.integers(-2, 3, (24, few)).astype(float)
    yield Case("gaussian points", gauss, unit, 0.8)
    yield Case("float32 points", gauss.astype(np.float32), unit.astype(np.float32), 0.8)
    yield Case("ties on an integer grid", grid, grid[:4] + 1.0, 2.0)
    yield Case("duplicate points", np.repeat(gauss[:6], 3, axis=0), unit, 0.5)
    yield Case("zero rows, threshold zero", np.vstack([grid[:6], np.zeros((3, few))]), grid[6:9], 0.0)
    yield Case("negative threshold", gauss[:12], unit, -0.5)
    yield Case("everything active", gauss[:9], unit, -100.0)
    yield Case("nothing active", gauss, unit, 100.0)
    yield Case("huge and tiny rows", gauss * 10.0 ** rng.integers(-160, 150, (24, 1)), unit, 0.5)
    yield Case("one point, one query", gauss[:1], gauss[:1], 0.5)
    yield Case("more queries than points", gauss[:3], rng.standard_normal((9, usual)), 0.5)
    yield Case("many queries", gauss[:6], rng.standard_normal((150, usual)), 0.8)
    yield Case("a few hundred points", rng.standard_normal((700, usual)), unit[:2], 2.4)
    wide = rng.standard_normal((16, many)), rng.standard_normal((3, many))
    for label, nudge in (("exactly at", 0), ("one rounding step above", -1), ("one rounding step below", +1)):
        # an inner product is taken as the threshold, or one float beside it: any other arithmetic gives it away
        value = float(active_pairs(*wide, -np.inf).inner_products[21])
        yield Case(f"a point {label} the threshold", *wide, float(np.nextafter(value, value + nudge)))


@dataclass
class _Run:
    """One finder on one pair of banks, whose true positions are kept beside it."""

    finder: ActiveSetFinder
    points: FloatArray
    queries: FloatArray
    threshold: float
    missed: int = 0

    def build(self) -> _Run:
        self.finder.build(self.points.copy(), self.queries.copy(), self.threshold)
        return self

    def ask(self, rows: IntArray | None = None) -> ActiveSets:
        """Ask the finder and check form and values of the answer; count what it missed."""
        sets = self.finder.find(rows)
        asked = np.arange(len(self.queries)) if rows is None else rows
        self._check_form(sets, asked, everything=rows is None)
        truth = active_pairs(self.points, self.queries, self.threshold, asked)
        values = dict(zip(_codes(truth), truth.inner_products, strict=True))
        reported = dict(zip(_codes(sets), sets.inner_products, strict=True))
        for code, value in reported.items():
            query, point = divmod(code, len(self.points))
            if code not in values:
                raise ConformanceError(
                    f"point {point} is reported for query {query}, but <p, q> > b does not hold "
                    f"(b = {self.threshold!r}, reported <p, q> = {value!r})"
                )
            scale = max(np.linalg.norm(self.points[point]) * np.linalg.norm(self.queries[query]), abs(values[code]))
            if not abs(value - values[code]) <= 1e-9 * scale:
                raise ConformanceError(
                    f"<p, q> of point {point} and query {query} is {values[code]!r}, reported as {value!r}"
                )
        self.missed += len(values) - len(reported)
        return sets

    def _check_form(self, sets: ActiveSets, asked: IntArray, *, everything: bool) -> None:
        if not isinstance(sets, ActiveSets):
            raise ConformanceError(f"find() returned {type(sets).__name__}, expected ActiveSets")
        if sets.shape != (len(self.queries), len(self.points)):
            expected = len(self.queries), len(self.points)
            raise ConformanceError(f"shape is {sets.shape}, expected (queries, points) = {expected}")
        if sets.major == "query" and not np.array_equal(sets.rows, asked):
            raise ConformanceError(f"rows are {sets.rows.tolist()}, expected the asked {asked.tolist()} in that order")
        if sets.major == "point" and not everything:
            raise ConformanceError("an answer about some of the queries must be stored by query")
        if sets.major == "point" and len(np.unique(sets.rows)) != len(sets.rows):
            raise ConformanceError(f"a point has two rows, so its pairs may be reported twice: {sets.rows.tolist()}")
        for row, indices, _ in sets:
            if len(np.unique(indices)) != len(indices):
                raise ConformanceError(f"a pair of row {row} is reported twice: {indices.tolist()}")
            if (np.diff(indices) <= 0).any():
                raise ConformanceError(f"the indices of row {row} do not ascend strictly: {indices.tolist()}")
        if sets.inner_products.dtype.kind != "f":
            raise ConformanceError(f"inner products are of {sets.inner_products.dtype}, expected floating point")
        width = sets.shape[1 if sets.major == "query" else 0]
        if sets.nnz and not (sets.indices.min() >= 0 and sets.indices.max() < width):
            raise ConformanceError("an index lies outside its bank")


def _codes(sets: ActiveSets) -> list[int]:
    codes: list[int] = (sets.query_ids * sets.shape[1] + sets.point_ids).tolist()
    return codes


@dataclass
class _Suite:
    make_finder: MakeFinder
    rng: np.random.Generator
    recall: Recall = field(init=False)
    most: int | None = field(init=False)

    def __post_init__(self) -> None:
        finder = self.make_finder()
        self.recall, self.most = Recall(finder.promise), finder.most_dimensions

    def checks(self) -> Iterator[tuple[str, Callable[[], None]]]:
        for case in _cases(self.rng, self.most):
            yield case.name, partial(self.answers, case)
        yield "some of the queries, in any order", self.some_rows
        yield "points that move", partial(self.moves, "points")
        yield "queries that move", partial(self.moves, "queries")
        yield "points that move along the queries", partial(self.motion, "points")
        yield "queries that move along the points", partial(self.motion, "queries")
        yield "a second build starts over", self.rebuild
        yield "arrays stay the caller's", self.ownership
        yield "answers stay as they were given", self.keeping
        yield "two finders share nothing", self.independence
        yield "the same seed, the same answers", self.repeatable
        yield "cost is counted from build on", self.cost
        yield "bad input is refused", self.bad_input
        yield "nothing is answered before build", self.before_build
        yield "misses within the promise", self.recall.check

    def run(self) -> _Run:
        dimension = min(4, self.most or 4)
        points, queries = (self.rng.standard_normal((rows, dimension)) for rows in (20, 5))
        return _Run(self.make_finder(), points, queries, 1.2)

    def answers(self, case: Case) -> None:
        run = _Run(self.make_finder(), case.points, case.queries, case.threshold).build()
        run.ask()
        self.recall.record(run.missed, case.name)

    def some_rows(self) -> None:
        run = self.run().build()
        for rows in ([3, 0], [4], [], [1, 2, 4, 0, 3]):
            run.ask(np.array(rows, dtype=np.int64))
        self.recall.record(run.missed, "some rows")

    def moves(self, which: str) -> None:
        run = self.run().build()
        run.ask()
        bank = run.points if which == "points" else run.queries
        move = run.finder.move_points if which == "points" else run.finder.move_queries
        for keep, size in ((1.0, 0.05), (1.0, 0.05), (0.0, 1.0), (0.0, 5.0), (0.0, 0.0)):
            rows = self.rng.permutation(len(bank))[: len(bank) // 2]
            bank[rows] = keep * bank[rows] + size * self.rng.standard_normal(bank[rows].shape)
            move(rows, bank[rows].copy())
            run.ask()
        self.recall.record(run.missed, f"{which} moved")

    def motion(self, which: str) -> None:
        run = self.run()
        banks = DenseBank(run.points), DenseBank(run.queries)
        run.finder.build(*banks, run.threshold)
        run.ask()
        moving, other = banks if which == "points" else banks[::-1]
        move = run.finder.move_points_along if which == "points" else run.finder.move_queries_along
        for _ in range(3):
            rows = np.sort(self.rng.permutation(len(moving))[:4])
            step = sparse.random_array((4, len(other)), density=0.5, rng=self.rng, format="csr")
            move(moving.move_along(rows, step, other[:]))
            run.points, run.queries = banks[0][:].copy(), banks[1][:].copy()
            run.ask()
        self.recall.record(run.missed, f"{which} moved along the other bank")

    def rebuild(self) -> None:
        first = self.run().build()
        first.ask()
        second = self.run()
        second.finder, second.threshold = first.finder, 0.3
        second.points, second.queries = second.points[:7, :3], second.queries[:4, :3]
        second.build().ask()
        self.recall.record(first.missed + second.missed, "rebuilt")

    def independence(self) -> None:
        first, second = self.run().build(), self.run().build()
        first.ask()
        second.ask()
        first.points[:4] += 1.0
        first.finder.move_points(np.arange(4), first.points[:4])
        second.ask()
        first.ask()
        self.recall.record(first.missed, "beside another finder")
        self.recall.record(second.missed, "beside another finder")

    def keeping(self) -> None:
        run = self.run().build()
        kept = run.ask()
        before = [part.copy() for part in (kept.indptr, kept.indices, kept.inner_products, kept.rows)]
        run.points[:] = -run.points
        run.finder.move_points(np.arange(len(run.points)), run.points)
        run.ask()
        after = (kept.indptr, kept.indices, kept.inner_products, kept.rows)
        if not all(np.array_equal(was, now) for was, now in zip(before, after, strict=True)):
            raise ConformanceError("an answer given earlier changed when the next one was asked for")
        self.recall.record(run.missed, "all points moved")

    def ownership(self) -> None:
        run = self.run()
        points, queries = run.points.copy(), run.queries.copy()
        run.finder.build(points, queries, run.threshold)
        run.ask()
        rows = np.array([0, 1])
        run.points[rows] += 1.0
        moved = run.points[rows].copy()
        run.finder.move_points(rows, moved)
        run.ask()
        if not (np.array_equal(points[2:], run.points[2:]) and np.array_equal(queries, run.queries)):
            raise ConformanceError("the finder wrote to an array it was given")
        for array in (points, queries, moved):
            array[:] = 7.0
        run.ask()
        self.recall.record(run.missed, "arrays overwritten by the caller")

    def repeatable(self) -> None:
        model = self.run()
        seen = []
        for _ in range(2):
            finder = self.make_finder()
            finder.plan(seed=np.random.SeedSequence(11), total_queries=2 * len(model.queries))
            finder.build(model.points, model.queries, model.threshold)
            answers = [finder.find().by_query().indices.tolist() for _ in range(2)]
            seen.append((answers, finder.cost.as_dict()))
        if seen[0] != seen[1]:
            raise ConformanceError(f"two runs with one seed differ: {seen[0]} and {seen[1]}")

    def cost(self) -> None:
        run = self.run().build()
        built = run.finder.cost.copy()
        before, reported = built, 0
        for _ in range(3):
            reported += run.ask().nnz
            after = run.finder.cost.copy()
            if min((after - before).as_dict().values()) < 0:
                raise ConformanceError(f"a counter went down: {before} to {after}")
            before = after
        if reported and not any(before.as_dict().values()):
            raise ConformanceError(f"{reported} active pairs were reported, but nothing was charged")
        run.build()
        if run.finder.cost != built:
            raise ConformanceError(f"build does not start cost afresh: {run.finder.cost}, the first time {built}")

    def bad_input(self) -> None:
        good = np.ones((3, 2))
        nan = np.array([[1.0, np.nan], [1.0, 1.0], [0.0, 1.0]])
        for name, points, queries in (
            ("NaN in the points", nan, good),
            ("infinity in the queries", good, np.where(np.isnan(nan), np.inf, nan)),
            ("no points", good[:0], good),
            ("no queries", good, good[:0]),
            ("dimensions that differ", good, np.ones((3, 4))),
            ("a one-dimensional bank", np.ones(3), good),
            ("complex points", good + 1j, good),
            ("queries that are true or false", good, good > 0),
            ("words for points", good.astype(str), good),
        ):
            _refused(name, partial(self.make_finder().build, points, queries, 0.5))
        thresholds: tuple[Any, ...] = (np.nan, np.inf, -np.inf, True, "0.5")
        for threshold in thresholds:
            _refused(f"threshold={threshold!r}", partial(self.make_finder().build, good, good, threshold))
        finder = self.make_finder()
        finder.build(good, good, 0.5)
        for name, rows, vectors in (
            ("rows out of range", [3], [[0.0, 0.0]]),
            ("repeated rows", [1, 1], [[0.0, 0.0], [1.0, 1.0]]),
            ("vectors of another shape", [1], [[0.0, 0.0, 0.0]]),
            ("NaN", [1], [[0.0, np.nan]]),
            ("complex vectors", [1], [[0.0, 1j]]),
            ("words for vectors", [1], [["0", "1"]]),
            ("rows that are no whole numbers", [1.5], [[0.0, 0.0]]),
        ):
            _refused(f"move_points with {name}", partial(finder.move_points, rows, vectors))
            _refused(f"move_queries with {name}", partial(finder.move_queries, rows, vectors))
        _refused("find with rows out of range", partial(finder.find, [3]))
        _refused("find with rows that are no whole numbers", partial(finder.find, [0.5]))

    def before_build(self) -> None:
        vector = np.ones((1, 2))
        for name, call in (
            ("find()", lambda finder: finder.find()),
            ("find of a row", lambda finder: finder.find([0])),
            ("find of no rows", lambda finder: finder.find([])),
            ("move_points", lambda finder: finder.move_points([0], vector)),
            ("move_queries", lambda finder: finder.move_queries([0], vector)),
        ):
            _refused(f"{name} before build", partial(call, self.make_finder()), (ConfigError, DataError))


def _refused(name: str, call: Callable[[], object], errors: tuple[type[Exception], ...] = (DataError,)) -> None:
    expected = " or ".join(error.__name__ for error in errors)
    try:
        call()
    except errors:
        return
    except Exception as error:
        raise ConformanceError(f"{name} should raise {expected}, not {type(error).__name__}: {error}") from error
    raise ConformanceError(f"{name} should raise {expected}")
