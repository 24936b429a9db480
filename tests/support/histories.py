"""Histories: what a finder, or the dynamics of a training, may go through, as state machines for Hypothesis.

After every answer the truth is worked out afresh from the vectors as they are, by arithmetic that is not the finders'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from scipy import sparse

from hybrid_train.finder import ActiveSetFinder
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from tests.support.hostile_banks import HOSTILE, all_products, at_a_fence, hostile, hostile_threshold

played: Counter[str] = Counter()
"""How many sequences were played, and runs compared, in this process."""

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "hsr": [{"leaf_size": 1}, {"leaf_size": 4}, {}],
    "onion": [{}, {"room": 0.0}, {"room": 1.0}],
    "skin": [{}, {"skin": 1e-9}, {"skin": 0.3}, {"skin": 50.0}],
    "correlation_tree": [{}, {"fanout": 2}],
    "lsh": [{"tables": 3, "bits": 2}, {}],
    "grover": [
        {"engine": "closed_form", "delta": 1e-15} | more
        for more in (
            {},
            {"strategy": "warm"},
            {"strategy": "bbht"},
            {"strategy": "fixed_point"},
            {"strategy": "coupon"},
            {"scope": "pairs"},
            {"scope": "pairs", "candidates": "skin", "strategy": "warm"},
            {"oracle": "arithmetic"},
        )
    ],
}
"""Options worth trying, by finder; the default ones alone for others. A search misses with 1e-15 a history at most."""

ACCURACY = {"skin": 1e-9, "auto": 1e-9}
"""How far reported inner products may be from the deciding ones, in units of the norms; equal for other finders."""

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(0, 1)


class FinderHistory(RuleBasedStateMachine):
    """A finder is built, asked, and told of moves of both banks, in any order.

    Args:
        kind: of the finder.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.finder: ActiveSetFinder | None = None

    @initialize(
        seed=SEEDS,
        kinds=st.tuples(st.sampled_from(HOSTILE), st.sampled_from(HOSTILE)),
        shape=st.tuples(st.integers(1, 40), st.integers(1, 9), st.integers(1, 19)),
        single=st.tuples(st.booleans(), st.booleans()),
        live=st.booleans(),
        fence=st.sampled_from([None, "start", "end"]),
    )
    def begin(self, seed: int, kinds: Any, shape: Any, single: Any, live: bool, fence: str | None) -> None:
        played["sequences"] += 1
        self.rng = np.random.default_rng(seed)
        options = OPTIONS.get(self.kind, [{}])
        self.finder = make_finder(self.kind, seed=seed, **options[int(self.rng.integers(len(options)))])
        self._build(kinds, shape, single, live, fence)

    @rule(
        kinds=st.tuples(st.sampled_from(HOSTILE), st.sampled_from(HOSTILE)),
        shape=st.tuples(st.integers(1, 12), st.integers(1, 5), st.integers(1, 9)),
        live=st.booleans(),
    )
    def build_anew(self, kinds: Any, shape: Any, live: bool) -> None:
        self._build(kinds, shape, (False, False), live, None)

    @rule()
    def ask_all(self) -> None:
        self._check(None)

    @rule()
    def ask_some(self) -> None:
        self._check(self.rng.permutation(len(self.banks[1]))[: self.rng.integers(0, len(self.banks[1]) + 1)])

    @rule(
        side=SIDES,
        how=st.sampled_from(["replaced", "nudged", "copied", "scaled", "turned", "told"]),
        size=st.sampled_from([1e-15, 1e-9, 1e-3, 0.3]),
    )
    def move(self, side: int, how: str, size: float) -> None:
        bank, rng = self.banks[side], self.rng
        rows = rng.permutation(len(bank))[: rng.integers(0, len(bank) + 1)]
        old = bank[rows].copy()
        with np.errstate(all="ignore"):
            ways: dict[str, Callable[[], Any]] = {
                "replaced": lambda: hostile(rng, self.kinds[side], old.shape, bank.dtype),
                "nudged": lambda: old * (1 + size * rng.standard_normal(old.shape)),
                "copied": lambda: bank[rng.integers(0, len(bank), len(rows))],
                "scaled": lambda: old * 2.0 ** rng.integers(-40, 40, (len(rows), 1)),
                "turned": lambda: -old,
                "told": lambda: old,
            }
            new = np.asarray(ways[how](), bank.dtype)
        new = np.where(np.isfinite(new), new, old)
        bank.assign(rows, new)
        (self.finder.move_points, self.finder.move_queries)[side](rows, new.copy())

    @rule(side=SIDES, size=st.sampled_from([1e-12, 1e-3, 0.05, 1.0, 1e3]))
    def move_along(self, side: int, size: float) -> None:
        bank, other, rng = self.banks[side], self.banks[1 - side], self.rng
        rows = np.sort(rng.permutation(len(bank))[: rng.integers(0, len(bank) + 1)])
        steps = sparse.random_array((len(rows), len(other)), density=0.5, rng=rng, format="csr")
        steps.data = size * (steps.data - 0.5)
        with np.errstate(all="ignore"):
            size_of = abs(steps) @ np.abs(other[:].astype(np.float64)) + np.abs(bank[rows])
        if size_of.size and not size_of.max() < float(np.finfo(bank.dtype).max) / 4:
            return
        motion = bank.move_along(rows, steps, other[:])
        (self.finder.move_points_along, self.finder.move_queries_along)[side](motion)

    def teardown(self) -> None:
        if self.finder is not None:
            self._check(None)

    def _build(self, kinds: Any, shape: Any, single: Any, live: bool, fence: str | None) -> None:
        self.kinds = kinds
        dimension = min(shape[2], self.finder.most_dimensions or shape[2])
        drawn = [
            hostile(self.rng, kind, (size, dimension), np.float32 if short else np.float64)
            for kind, size, short in zip(kinds, shape[:2], single, strict=True)
        ]
        if fence is not None:
            drawn = [at_a_fence(one, place, before=fence == "start") for place, one in enumerate(drawn)]
        self.banks = [DenseBank(one, copy=fence is None) for one in drawn]
        self.threshold = hostile_threshold(self.rng, all_products(*drawn))
        given = self.banks if live else [bank[:].copy() for bank in self.banks]
        self.finder.build(*given, self.threshold)

    def _check(self, rows: np.ndarray | None) -> None:
        points, queries = (bank[:] for bank in self.banks)
        found = self.finder.find(rows)
        products = all_products(points, queries)
        if self.kind == "scan":
            assert found.same_sets(active_pairs(points, queries, self.threshold, rows))
        promise = self.finder.promise
        check_sets(found, products, self.threshold, rows, whole=promise.exact)
        norms = [np.sqrt(np.maximum(all_products(one, one).diagonal(), 0)) for one in (points, queries)]
        check_values(found, products, norms, self._accuracy())

    def _accuracy(self) -> float:
        spacing = max(float(np.finfo(bank.dtype).eps) for bank in self.banks)
        least = ACCURACY.get(self.kind, 0.0)
        return max(least, 64 * spacing) if least else 0.0


def check_sets(
    found: ActiveSets, products: np.ndarray, threshold: float, rows: np.ndarray | None, *, whole: bool
) -> None:
    """Raise AssertionError unless an answer has its form and lists what fires: nothing else, and all if ``whole``."""
    asked = np.arange(len(products)) if rows is None else rows
    assert found.shape == products.shape
    assert found.major == "point" or np.array_equal(found.rows, asked)
    assert all((np.diff(indices) > 0).all() for _, indices, _ in found)
    listed = np.zeros(products.shape, np.int64)
    np.add.at(listed, (found.query_ids, found.point_ids), 1)
    fires = np.zeros(products.shape, bool)
    fires[asked] = products[asked] > threshold
    assert not (listed > fires).any()
    assert not whole or np.array_equal(listed, fires)


def check_values(found: ActiveSets, products: np.ndarray, norms: list[np.ndarray], accuracy: float) -> None:
    """Raise AssertionError unless the inner products are the deciding ones, to this share of the norms."""
    query, point = found.query_ids, found.point_ids
    true = products[query, point]
    if not accuracy:
        np.testing.assert_array_equal(found.inner_products, true)
        return
    with np.errstate(all="ignore"):
        room = accuracy * np.maximum(norms[0][point] * norms[1][query], np.abs(true))
        off = np.abs(found.inner_products - true)
    assert ((found.inner_products == true) | (off <= room)).all()
