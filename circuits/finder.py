"""The Grover finder: half-space reporting by quantum search, with each measured index verified classically."""

from __future__ import annotations

from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from circuits.arithmetic.fixed_point import accumulator_bits, checked_bits
from circuits.arithmetic.rounding import Rounding
from circuits.budget import DeltaBudget
from circuits.draws import stream_keys
from circuits.engines.choice import make_engine
from circuits.engines.marked import MarkedItems
from circuits.law import LEAST_SHARE
from circuits.recollection import Recollection
from circuits.search import Found, Stop, Verifier, run_searches
from circuits.strategies import DEFAULT_STRATEGY, StrategyName, load_strategy
from circuits.strategies.strategy import Expectation
from hybrid_train.errors import ConfigError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Watched, checked_rows
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import APPROXIMATE, Promise
from hybrid_train.finder.predicate import inner_products
from hybrid_train.finder.scan import active_pairs
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.network.sparsity import expected_active
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_probability


@final
class GroverFinder(WatchingFinder):
    """Grover search over the points for each query, on a simulator.

    Searching the neurons for every datum is Algorithm 7 of the preprocessing paper, searching the data for every
    neuron its Algorithm 8. A measured index counts only once its inner product has been verified, so nothing
    spurious is ever reported; whether something was missed is bounded by ``delta``.

    Args:
        strategy: how to search with the number of active points unknown, see :mod:`circuits.strategies`; ``known_k``
            and ``exact`` are references that are told it, ``warm`` starts from the query's last answer.
        engine: ``aer`` simulates the circuits, ``closed_form`` samples their exact law, for any number of points.
        oracle: ``lookup`` marks by a table of the active points; ``arithmetic`` computes each inner product in fixed
            point, as a quantum computer would: it may mark a few points too many, which verification rejects, and
            takes many more qubits (:class:`circuits.arithmetic.ArithmeticOracle`).
        bits: for ``arithmetic``, of a point's component, sign included; 4 by default.
        query_bits: for ``arithmetic``, of a query's component; as ``bits`` by default.
        delta: in (0, 1), the probability that any answer since ``build`` misses a point; shared out over the
            queries.
        growth: factor of the ``bbht`` cap on run lengths after a miss, in (1, 4/3); 1.2 by default.
        prior: what ``adaptive`` expects before it searches: "flat" (the default), "sparsity" for Gaussian points
            (PRE Lemma 3.8), or "previous" for as many as the query had last. It changes the cost, not the promise.
        noise: for ``aer``, rates of :class:`circuits.engines.noise.Noise`: ``depolarizing`` for each gate of the
            rewritten circuits, ``readout`` for each measured bit. What may fault promises nothing: a certificate
            holds on a machine without noise.
        sampler: for ``aer``, a ``BaseSamplerV2`` to run the circuits on instead of the built-in simulator. Its
            shots are its own: they do not follow the planned seed. It must not repeat them from call to call: seed
            Qiskit's as ``StatevectorSampler(seed=numpy.random.default_rng(1))`` (an integer starts over at each call),
            and leave Aer's ``SamplerV2`` without a seed. One that does repeat them, reads one index for ever, or errs
            nearly always, may miss anything; ``known_k`` and ``exact``, which stop only when all is found, then raise
            ResourceError, by mistake with probability 1e-9 at most if it is a tenth as good as the law.
        pass_manager: for ``aer``, a Qiskit ``PassManager`` applied to every circuit first.
        backend: for ``aer``, a Qiskit ``BackendV2`` to run on instead, hardware for example; circuits are transpiled
            to it unless there is a ``pass_manager``.

    Attributes:
        stops: why each search of the last ``find`` ended and what it may have missed with, in the order asked.

    Raises:
        ConfigError: an option is out of range, or given where it does not apply.
    """

    source = "Song, Yang, Zhang 2021 (Algorithms 7, 8); Boyer, Brassard, Hoyer, Tapp 1998; Yoder, Low, Chuang 2014"

    def __init__(
        self,
        *,
        strategy: StrategyName = DEFAULT_STRATEGY,
        engine: Literal["aer", "closed_form"] = "aer",
        oracle: Literal["lookup", "arithmetic"] = "lookup",
        bits: int | None = None,
        query_bits: int | None = None,
        delta: float = 1e-6,
        growth: float | None = None,
        prior: Literal["flat", "sparsity", "previous"] | None = None,
        noise: dict[Literal["depolarizing", "readout"], float] | None = None,
        sampler: Any = None,
        pass_manager: Any = None,
        backend: Any = None,
    ) -> None:
        super().__init__()
        self._delta = checked_probability(delta, "delta", LEAST_SHARE)
        self._strategy = load_strategy(strategy, growth=growth, prior=prior)
        self._engine = make_engine(engine, noise=noise, sampler=sampler, pass_manager=pass_manager, backend=backend)
        self._arithmetic = _arithmetic_bits(oracle, bits, query_bits)
        if self._arithmetic is not None and noise is not None:
            raise ConfigError("noise: simulated for oracle='lookup' alone; leave it out, or the arithmetic oracle")
        self._planned: int | None = None
        self._seed = np.random.SeedSequence()
        self.stops: tuple[Stop, ...] = ()

    @property
    def promise(self) -> Promise:
        if self._engine.may_fault:
            return APPROXIMATE
        return Promise(exact=True, delta=0.0 if self._strategy.needs_count else self._delta)

    def facts(self) -> dict[str, Any]:
        if not self._engine.may_fault:
            return {}
        return {"certificates": "none: the machine may fault, so what it does not find may still be there"}

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
        if total_queries is not None and total_queries < 1:
            raise ConfigError(f"total_queries={total_queries}: a plan needs at least one query; or leave it out")
        if total_queries is not None and self._delta / (2.0 * total_queries) < LEAST_SHARE:
            raise ConfigError(
                f"delta={self._delta:g}: shared out over {total_queries} queries, each may miss with less than the "
                f"{LEAST_SHARE:g} that phases kept in double precision can hold; take at least "
                f"{2.0 * total_queries * LEAST_SHARE:.1e}"
            )
        self._planned = total_queries
        if seed is not None:
            self._seed = seed

    def check_resources(self, n_points: int, n_queries: int, dimension: int) -> None:
        self._engine.check_resources(n_points)
        if self._arithmetic is not None:
            bits, query_bits = self._arithmetic
            live_bit = 1
            self._engine.check_register(n_points, bits + accumulator_bits(dimension, bits, query_bits) + live_bit)

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self._budget = DeltaBudget(self._delta, self._planned)
        self._calls = 0
        self._last = Recollection()
        self.stops = ()
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
        self._last.keep(asked, found)
        self.stops = tuple(one.stop for one in found)
        return self._sets(asked, found)

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._points.put(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)

    def _find_together(self, asked: IntArray, shares: npt.NDArray[np.float64]) -> list[Found]:
        """Search for the active points of some queries, in lockstep."""
        n_points = len(self._points)
        marked = self._marked(asked)
        verifier = _PredicateVerifier(self._points, self._queries[asked], self._threshold)
        known, excluded = self._known(asked, marked, verifier)
        searches = self._strategy.start(
            n_points,
            shares,
            stream_keys(self._seed, asked, self._calls),
            n_marked=marked.counts,
            known=excluded,
            expectation=self._expected(asked),
        )
        return run_searches(
            searches, marked=marked, engine=self._engine, verifier=verifier, cost=self.cost, known=known
        )

    def _marked(self, asked: IntArray) -> MarkedItems:
        """Return what the oracles of these queries mark: what a simulator has to know, and no strategy may see."""
        n_points = len(self._points)
        self.simulation.oracle_entries += len(asked) * n_points
        truth = active_pairs(self._points, self._queries, self._threshold, asked)
        if self._arithmetic is None:
            return MarkedItems(truth.indptr, truth.indices, n_points)
        rounding = Rounding(self._points[:], self._queries[asked], self._threshold, *self._arithmetic)
        indptr, items = rounding.marked()
        self.simulation.extra_marks += len(items) - truth.nnz
        return MarkedItems(indptr, items, n_points, rounding)

    def _known(
        self, asked: IntArray, marked: MarkedItems, verifier: Verifier
    ) -> tuple[list[dict[int, float]] | None, IntArray]:
        """Verify what the queries had last time, and exclude it from the oracles; return what is still active."""
        if not self._strategy.remembers:
            return None, np.zeros(len(asked), np.int64)
        searches, items = self._last.pairs(asked)
        values, active = verifier.inner_products(searches, items)
        self.cost.inner_products += len(items)
        marked.unmark(searches, items)
        known: list[dict[int, float]] = [{} for _ in asked]
        still = zip(searches[active].tolist(), items[active].tolist(), values[active].tolist(), strict=True)
        for at, item, value in still:
            known[at][item] = value
        return known, np.bincount(searches, minlength=len(asked))

    def _expected(self, asked: IntArray) -> Expectation | None:
        """Return what may be known before the search, as the strategy's prior asks for."""
        match self._strategy.prior:
            case "sparsity":
                norms = np.linalg.norm(self._queries[asked], axis=1)
                mean = expected_active(len(self._points), self._threshold, norms)
                return Expectation(mean, np.sqrt(mean * (1.0 - mean / len(self._points))))
            case "previous":
                last = self._last
                return last.newcomers_expected(asked) if self._strategy.remembers else last.items_expected(asked)
        return None

    def _sets(self, asked: IntArray, found: list[Found]) -> ActiveSets:
        """Return the found items in compressed rows, ascending."""
        counts = np.fromiter((len(one.inner_products) for one in found), np.int64, len(found))
        total = int(counts.sum())
        items = np.fromiter((item for one in found for item in one.inner_products), np.int64, total)
        values = np.fromiter((value for one in found for value in one.inner_products.values()), np.float64, total)
        order = np.lexsort((items, np.repeat(np.arange(len(found)), counts)))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return ActiveSets(indptr, items[order], values[order], (len(self._queries), len(self._points)), asked)


def _arithmetic_bits(oracle: str, bits: int | None, query_bits: int | None) -> tuple[int, int] | None:
    """Return (bits, query bits) of an arithmetic oracle, None for another."""
    if oracle not in ("lookup", "arithmetic"):
        raise ConfigError(f"oracle={oracle!r}: must be 'lookup' or 'arithmetic'")
    if oracle == "arithmetic":
        bits = 4 if bits is None else bits
        return checked_bits(bits, "bits"), checked_bits(bits if query_bits is None else query_bits, "query_bits")
    for name, value in (("bits", bits), ("query_bits", query_bits)):
        if value is not None:
            raise ConfigError(f"{name}={value}: belongs to oracle='arithmetic'; leave it out")
    return None


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
