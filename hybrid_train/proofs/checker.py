"""The checker of proofs, in NumPy alone: it shares no code with the finders whose answers it judges.

A :class:`Checker` holds both banks. Every record says which vectors moved, which pairs (query, point) an answer lists,
and for a reason why no other pair fires; the checker works out for itself whether that is so. Whatever it leaves open
is evaluated in the arithmetic that defines what fires: products in float64, summed in eight lanes that are folded
8 -> 4 -> 2 -> 1, then the last d mod 8 of them one after the other. Rough products are trusted to
(d + 8) eps ||p|| ||q|| + d tiny + 4 eps |b| (Higham 2002, section 3.1); one that is not finite decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn, final

import numpy as np

Record = Mapping[str, Any]
Array = np.ndarray[Any, Any]

_EPS, _TINY = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).tiny)
_BLOCK = 1 << 22
_CERTAIN = 1e-20
"""A run that misses with less finds something for certain: rounding alone is more."""


class RefutedError(Exception):
    """An entry of a proof does not hold; the message says which."""


def inner(p: Array, q: Array) -> Array:
    """Return (k,) the deciding inner products of the rows of p and q (k, d) float64."""
    terms, body = p * q, p.shape[1] - p.shape[1] % 8
    lanes, tail = np.zeros((len(terms), 8)), np.zeros(len(terms))
    for at in range(0, body, 8):
        lanes = lanes + terms[:, at : at + 8]
    while lanes.shape[1] > 1:
        lanes = lanes[:, : lanes.shape[1] // 2] + lanes[:, lanes.shape[1] // 2 :]
    for at in range(body, p.shape[1]):
        tail = tail + terms[:, at]
    return lanes[:, 0] + tail


def norms(vectors: Array) -> Array:
    """Return (k,) upper bounds of the norms of vectors (k, d)."""
    dimension = vectors.shape[1]
    bounds: Array = np.sqrt((vectors * vectors).sum(axis=1)) * (1 + (dimension + 2) * _EPS) + np.sqrt(dimension * _TINY)
    return bounds


@final
class Checker:
    """Checks the answers of one finder, in their order.

    Args:
        start: ``points`` (N, d), ``queries`` (Q, d), ``threshold`` b, and ``delta``, what all answers together may miss
            with.

    Attributes:
        points: where they are.
        queries: likewise.
        spent: the most probable it can be that any answer so far misses a pair.
    """

    def __init__(self, start: Record) -> None:
        self.points, self.queries = (np.array(start[name], np.float64) for name in ("points", "queries"))
        self.threshold, self.delta, self.spent = float(start["threshold"]), float(start["delta"]), 0.0

    def check(self, record: Record) -> dict[str, int]:
        """Check the next answer and return how many pairs it lists, and how many were evaluated and ruled out.

        Args:
            record: ``moved_points`` and ``moved_queries``, rows that are now at ``points`` and ``queries``; ``asked``,
                distinct queries; ``pairs`` (k, 2), the listed (query, point), ascending; ``reason`` and what it needs.

        Raises:
            RefutedError: an entry does not hold.
        """
        with np.errstate(all="ignore"):
            for name, bank in (("points", self.points), ("queries", self.queries)):
                bank[record[f"moved_{name}"]] = record[name]
            pairs, asked, size = record["pairs"], record["asked"], len(self.points)
            if len(np.unique(asked)) != len(asked) or not np.isin(pairs[:, 0], asked).all():
                _refute("asked: a query is asked twice, or listed and not asked")
            listed = pairs[:, 0] * size + pairs[:, 1]
            if (np.diff(listed) <= 0).any() or (pairs < 0).any() or (pairs[:, 1] >= size).any():
                _refute("pairs: not ascending, or of a point that is not there")
            opened = {"all": self._all, "boxes": self._boxes, "lists": self._lists, "search": self._search}
            if (reason := str(record["reason"])) not in opened:
                _refute(f"reason: {reason!r} is none that can be checked")
            codes, looked = [np.empty(0, np.int64)], 0
            for query, point in opened[reason](record, asked, listed):
                value = inner(self.points[point], self.queries[query])
                codes.append((query * size + point)[value > self.threshold])
                looked += len(value)
            fired = np.unique(np.concatenate(codes))
            for wrong, what in ((np.setdiff1d(fired, listed), "fires but is not listed"),
                                (np.setdiff1d(listed, fired), "is listed but does not fire")):  # fmt: skip
                if len(wrong):
                    _refute(f"pairs: query {wrong[0] // size}, point {wrong[0] % size} {what}")
        return {"listed": len(listed), "evaluated": looked, "ruled_out": len(asked) * size - looked}

    def _all(self, record: Record, asked: Array, listed: Array) -> Iterator[tuple[Array, Array]]:
        """Look at all pairs: ``nearest`` is the largest inner product of a query with a point that is not listed."""
        size, dimension = self.points.shape
        weights = (dimension + 8) * _EPS * norms(self.points)
        for start in range(0, len(asked), max(1, _BLOCK // size)):
            part = asked[start : start + max(1, _BLOCK // size)]
            rough = self.queries[part] @ self.points.T
            margin = norms(self.queries[part])[:, None] * weights + dimension * _TINY + 4 * _EPS * abs(self.threshold)
            unlisted = ~np.isin(part[:, None] * size + np.arange(size), listed)
            top = np.fmax.reduce(np.where(unlisted, rough - margin, -np.inf), axis=1, initial=-np.inf)
            row, point = np.nonzero(unlisted & ~(rough + margin < top[:, None]))
            nearest = np.full(len(part), -np.inf)
            np.fmax.at(nearest, row, inner(self.points[point], self.queries[part[row]]))
            self._same(nearest, record["nearest"][start : start + len(part)], "nearest", part)
            row, point = np.nonzero(~(rough + margin < self.threshold))
            yield part[row], point

    def _boxes(self, record: Record, asked: Array, listed: Array) -> Iterator[tuple[Array, Array]]:
        """Rule out whole boxes: no point of one has a larger inner product with a query than its extreme corner."""
        members, low, high, ends = (record[name] for name in ("members", "low", "high", "ranges"))
        if not np.array_equal(np.sort(members), np.arange(len(self.points))):
            _refute("members: not every point once")
        for box, (first, last) in enumerate(ends.tolist()):
            inside = self.points[members[first:last]]
            if not ((low[box] <= inside) & (inside <= high[box])).all():
                _refute(f"box {box}: a member lies outside")
        at, box = record["cut"].T
        query = self.queries[asked[at]]
        bound = inner(np.where(query > 0, high[box], low[box]), query)
        self._same(bound, record["bound"], "bound", at)
        if not (bound <= self.threshold).all():
            _refute(f"bound {np.argmin(bound <= self.threshold)}: the box may hold points that fire")
        opened = np.ones((len(asked), len(self.points)), bool)
        for query, (first, last) in zip(at.tolist(), ends[box].tolist(), strict=True):
            opened[query, members[first:last]] = False
        row, point = np.nonzero(opened)
        yield asked[row], point

    def _lists(self, record: Record, asked: Array, listed: Array) -> Iterator[tuple[Array, Array]]:
        """Rule out what no list holds: at its last scan a row was farther from it than both have moved since."""
        of_points = str(record["side"]) == "points"
        now, columns = (self.points, self.queries) if of_points else (self.queries, self.points)
        scanned, dimension = record["scanned"], now.shape[1]
        if record["afresh"]:
            if not np.array_equal(scanned, np.arange(len(now))):
                _refute("scanned: not every row, though lists were made afresh")
            self._reference, self._anchors = columns.copy(), now.copy()
            self._gap, self._list = np.empty(len(now)), [np.empty(0, np.int64)] * len(now)
        starts, scale = record["list_starts"], norms(self._reference)
        self._gap[scanned], self._anchors[scanned] = record["gap"], now[scanned]
        for at, row in enumerate(scanned.tolist()):
            self._list[row] = column = record["lists"][starts[at] : starts[at + 1]]
            distance = (self.threshold - self._reference @ now[row]) / scale
            distance[column] = np.inf
            if len(np.unique(column)) != len(column) or not (distance >= self._gap[row]).all():
                _refute(f"gap of row {row}: a vector that is not in its list is nearer")
        changed = np.flatnonzero((columns != self._reference).any(axis=1))
        sway = (norms(columns[changed] - self._reference[changed]) / scale[changed]).max(initial=0.0)
        drift = norms(now - self._anchors)
        norm, sizes = norms(self._anchors) + drift, np.array([len(one) for one in self._list])
        need = drift + norm * sway + (dimension + 8) * _EPS * norm * (1 + sway) + 2 * np.sqrt(dimension * _TINY)
        spent = ~(need < self._gap) & (sizes < len(columns))
        if spent.any():
            _refute(f"row {np.argmax(spent)}: moved farther since its last scan than its gap allows")
        row, column = np.repeat(np.arange(len(now)), sizes), np.concatenate(self._list)
        query, point = (column, row) if of_points else (row, column)
        kept = np.isin(query, asked)
        yield query[kept], point[kept]

    def _search(self, record: Record, asked: Array, listed: Array) -> Iterator[tuple[Array, Array]]:
        """Follow the schedule: a last run that finds something, were anything left, but for its ``miss``, certifies.

        Runs of one ``phase`` that found nothing since the last hit have ruled 1, 2, .., K items out, each being certain
        to find something if so many are left. The last one has to find any of more than K, and does if
        sqrt(1 - (K + 1)/N) cosh(acosh(1 / sqrt(miss)) / (2 l + 1)) <= 1 (Yoder, Low, Chuang 2014, eq. 1). The c-th such
        run of a query may miss with ``first`` of the query's share, from c = 2 on with (1 - first) / (c (c - 1)) of it,
        and the shares of all queries with delta. A monitored run, of ``stages`` (iterations, damping), certifies if its
        silence and last measurement miss with no more for any number of items; a find ends it early.
        """
        iterations, miss, share = record["iterations"], record["miss"], record["share"]
        ends, opened = record["run_ends"].tolist(), []
        self.spent, split = self.spent + float(share.sum()), float(record["first"])
        if not 0 < split < 1 or not (record["stages"] >= 0).all():
            _refute("first, stages: out of range")
        if not len(ends) == len(share) == len(asked) or not (share > 0).all() or [0, *ends][-1] != len(miss):
            _refute("share: not one for every query")
        if not self.spent <= self.delta * (1 + 1e-9):
            _refute(f"share: all answers together may miss with more than delta={self.delta:g}")
        order = np.argsort(asked)
        counts = np.bincount(order[np.searchsorted(asked[order], listed // len(self.points))], minlength=len(asked))
        self._same(counts, record["found"], "found", asked)
        if iterations.sum() != record["calls"]:
            _refute("iterations: they do not add up to the oracle calls that were charged")
        for at, (first, last) in enumerate(zip([0, *ends], ends, strict=False)):
            runs = first + np.flatnonzero(miss[first:last] > 0)
            number, certificate = np.arange(1, len(runs) + 1), miss[runs]
            reach = np.cosh(np.arccosh(1 / np.sqrt(certificate)) / (2 * iterations[runs] + 1))
            fewest = self._ruled_out(record, first, last, int(asked[at]))[runs - first] + 1
            short = np.sqrt(np.maximum(1 - fewest / len(self.points), 0)) * reach > 1 + 1e-12
            damped = record["stages"][runs, :, 1].any(axis=1)
            stages = record["stages"][runs[damped]]
            silent = np.array([_silent(len(self.points), one) for one in map(tuple, stages.reshape(-1, 4).tolist())])
            if (short & ~damped).any() or (silent > certificate[damped] * (1 + 1e-6)).any():
                _refute(f"query {asked[at]}: a certificate is too short for what it may miss with")
            allowed = np.where(number == 1, split, (1 - split) / np.maximum(number * (number - 1), 1))
            if not (certificate <= share[at] * allowed * (1 + 1e-12)).all():
                _refute(f"query {asked[at]}: its certificates may miss with more than its share")
            if not len(runs) or runs[-1] != last - 1:
                opened.append(at)
        row, point = np.nonzero(np.ones((len(opened), len(self.points)), bool))
        yield asked[np.array(opened, np.int64)[row]], point
        yield listed // len(self.points), listed % len(self.points)

    def _ruled_out(self, record: Record, first: int, last: int, query: int) -> Array:
        """Return (last - first,) how many counts, from one item left on, are ruled out before each run of a query."""
        before, ruled_out = np.empty(last - first, np.int64), 0
        for at in range(first, last):
            before[at - first] = ruled_out
            iterations, phase = int(record["iterations"][at]), float(record["phase"][at])
            if record["hit"][at]:
                ruled_out = 0
            elif phase:
                if not _missed(len(self.points), ruled_out + 1, iterations, phase) <= _CERTAIN:
                    _refute(f"query {query}: a run is not certain to find one of {ruled_out + 1}")
                ruled_out += 1
        return before

    def _same(self, found: Array, claimed: Array, name: str, where: Array) -> None:
        if len(found) != len(claimed) or not np.array_equal(found, claimed, equal_nan=True):
            wrong = int(np.argmin(found == claimed)) if len(found) == len(claimed) else 0
            _refute(f"{name} {where[wrong] if len(where) else ''}: is not what it says")


def _missed(n_items: int, n_marked: int, iterations: int, phase: float) -> float:
    """Return the chance that Grover iterations whose phases all equal ``phase`` measure no marked item."""
    if n_marked >= n_items:
        return 0.0
    here, there = np.sqrt(n_marked / n_items), np.sqrt(1 - n_marked / n_items)
    marked, other, turn = complex(here), complex(there), complex(np.exp(1j * phase))
    for _ in range(iterations):
        marked *= turn
        spread = (turn - 1) * (here * marked + there * other)
        marked, other = marked + spread * here, other + spread * there
    return float(abs(other) ** 2)


@lru_cache(maxsize=64)
def _silent(n_items: int, stages: tuple[float, ...]) -> float:
    """Return the largest chance, over 1 to N items, that a monitored run is silent and measures none of them.

    Silence multiplies the amplitude of marked items by -exp(-2 damping); then comes the turn about the uniform state.
    """
    share = np.arange(1, n_items) / n_items
    here, there = np.sqrt(share), np.sqrt(1 - share)
    marked, other = here.copy(), there.copy()
    for length, damping in zip(stages[::2], stages[1::2], strict=True):
        for _ in range(int(length)):
            marked *= -np.exp(-2 * damping)
            overlap = 2 * (here * marked + there * other)
            marked, other = overlap * here - marked, overlap * there - other
    return float((other**2).max(initial=0.0))


def _refute(entry: str) -> NoReturn:
    raise RefutedError(entry)
