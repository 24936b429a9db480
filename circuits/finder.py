"""The Grover finder: half-space reporting by quantum search, with each measured index verified classically."""

from __future__ import annotations

import functools
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from circuits.budget import DeltaBudget
from circuits.engines.choice import make_engine
from circuits.marked import MarkedItems
from circuits.search import Found, Verifier, run_searches
from circuits.strategies import COUNT, Strategy, load_strategy
from hybrid_train.active_sets import ActiveSets, FloatArray, IntArray
from hybrid_train.bank import Bank, Watched, checked_rows, watch_both
from hybrid_train.cost import Cost
from hybrid_train.errors import ConfigError
from hybrid_train.finder import APPROXIMATE, ActiveSetFinder, Promise
from hybrid_train.predicate import active_pairs, inner_products


@final
class GroverFinder(ActiveSetFinder):
    """Grover search over the points for each query, on a simulator.

    Searching the neurons for every datum is Algorithm 7 of the preprocessing paper, searching the data for every
    neuron its Algorithm 8. A measured index counts only once its inner product has been verified, so nothing
    spurious is ever reported; whether something was missed is bounded by ``delta``.

    Args:
        strategy: how to search with the number of active points unknown; ``known_k`` is a reference that is told it.
        engine: ``aer`` simulates the circuits, ``closed_form`` samples their exact law, for any number of points.
        delta: in (0, 1), the probability that any answer since ``build`` misses a point; shared out over the
            queries.
        growth: factor of the ``bbht`` cap on run lengths after a miss, in (1, 4/3); 1.2 by default.
        noise: for ``aer``, rates of :class:`circuits.engines.noise.Noise`: ``depolarizing`` for each gate of the
            rewritten circuits, ``readout`` for each measured bit. What may fault promises nothing: a certificate
            holds on a machine without noise.
        sampler: for ``aer``, a ``BaseSamplerV2`` to run the circuits on instead of the built-in simulator. Its
            shots are its own: they do not follow the planned seed.
        pass_manager: for ``aer``, a Qiskit ``PassManager`` applied to every circuit first.
        backend: for ``aer``, a Qiskit ``BackendV2`` to run on instead, hardware for example; circuits are transpiled
            to it unless there is a ``pass_manager``.

    Raises:
        ConfigError: an option is out of range, or given where it does not apply.
    """

    source = "Song, Yang, Zhang 2021 (Algorithms 7, 8); Boyer, Brassard, Hoyer, Tapp 1998; Yoder, Low, Chuang 2014"

    def __init__(
        self,
        *,
        strategy: Literal["bbht", "known_k"] = "bbht",
        engine: Literal["aer", "closed_form"] = "aer",
        delta: float = 1e-6,
        growth: float | None = None,
        noise: dict[Literal["depolarizing", "readout"], float] | None = None,
        sampler: Any = None,
        pass_manager: Any = None,
        backend: Any = None,
    ) -> None:
        super().__init__()
        if not 0.0 < delta < 1.0:
            raise ConfigError(f"delta={delta}: must lie strictly between 0 and 1")
        self._delta = delta
        self._strategy = load_strategy(strategy)
        self._options = _strategy_options(self._strategy, growth)
        self._engine = make_engine(engine, noise=noise, sampler=sampler, pass_manager=pass_manager, backend=backend)
        self._may_fault = not (noise is None and sampler is None and backend is None)
        self._planned: int | None = None
        self._key = _philox_key(None)

    @property
    def promise(self) -> Promise:
        if self._may_fault:
            return APPROXIMATE
        return Promise(exact=True, delta=0.0 if self._strategy.needs_count else self._delta)

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        if total_queries is not None and total_queries < 1:
            raise ConfigError(f"total_queries={total_queries}: a plan needs at least one query; or leave it out")
        self._planned = total_queries
        if seed is not None:
            self._key = _philox_key(seed)

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        self._engine.check_resources(n_points)

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._points, self._queries = watch_both(points, queries)
        self._threshold = threshold
        self._budget = DeltaBudget(self._delta, self._planned)
        self._calls = 0
        self.cost = Cost()
        self.simulation = self._engine.start_over()
        self.check_resources(len(self._points), len(self._queries), self._points.shape[1])

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        shares = self._budget.take(len(asked))
        size = self._engine.searches_at_once(len(self._points))
        found: list[Found] = []
        for start in range(0, len(asked), size):
            part = slice(start, start + size)
            found += self._find_together(asked[part], shares[part])
        self._calls += 1
        return self._sets(asked, found)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._points.put(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)

    def _find_together(self, asked: IntArray, shares: npt.NDArray[np.float64]) -> list[Found]:
        """Search for the active points of some queries, in lockstep."""
        n_points = len(self._points)
        truth = active_pairs(self._points, self._queries, self._threshold, asked)
        self.simulation.oracle_entries += len(asked) * n_points
        marked = MarkedItems(truth.indptr, truth.indices, n_points)
        generators = [self._generator(int(row)) for row in asked]
        start = functools.partial(self._strategy.start, n_points, **self._options)
        if self._strategy.needs_count:
            counts = marked.counts.tolist()
            searches = [
                start(share, generator, **{COUNT: count})
                for share, generator, count in zip(shares.tolist(), generators, counts, strict=True)
            ]
        else:
            searches = [start(*search) for search in zip(shares.tolist(), generators, strict=True)]
        verifier = _PredicateVerifier(self._points, self._queries[asked], self._threshold)
        return run_searches(searches, generators, marked=marked, engine=self._engine, verifier=verifier, cost=self.cost)

    def _generator(self, row: int) -> np.random.Generator:
        """Return the generator of one query of this call: the order of work cannot change what it draws."""
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, row, self._calls]))

    def _sets(self, asked: IntArray, found: list[Found]) -> ActiveSets:
        """Return the found items in compressed rows, ascending."""
        counts = np.fromiter((len(one.inner_products) for one in found), np.int64, len(found))
        total = int(counts.sum())
        items = np.fromiter((item for one in found for item in one.inner_products), np.int64, total)
        values = np.fromiter((value for one in found for value in one.inner_products.values()), np.float64, total)
        order = np.lexsort((items, np.repeat(np.arange(len(found)), counts)))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return ActiveSets(indptr, items[order], values[order], (len(self._queries), len(self._points)), asked)


@final
class _PredicateVerifier(Verifier):
    """The shared predicate on the actual vectors."""

    def __init__(self, points: Watched, queries: FloatArray, threshold: float) -> None:
        self._points = points
        self._queries = queries
        self._threshold = threshold

    def inner_products(self, searches: IntArray, items: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        vectors = np.ascontiguousarray(self._points[items])
        values = inner_products(vectors, self._queries, np.arange(len(items)), searches)
        return values, values > self._threshold


def _strategy_options(strategy: Strategy, growth: float | None) -> dict[str, float]:
    if growth is None:
        return {}
    if "growth" not in strategy.options:
        raise ConfigError(f"growth={growth}: strategy={strategy.name!r} has no growth; leave it out")
    if not 1.0 < growth < 4.0 / 3.0:
        raise ConfigError(f"growth={growth}: must lie strictly between 1 and 4/3")
    return {"growth": growth}


def _philox_key(seed: np.random.SeedSequence | None) -> npt.NDArray[np.uint64]:
    key: npt.NDArray[np.uint64] = (seed or np.random.SeedSequence()).generate_state(2, np.uint64).astype(np.uint64)
    return key
