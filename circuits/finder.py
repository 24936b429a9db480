"""The Grover finder: half-space reporting by quantum search, with each measured index verified classically."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from circuits.answers import Answer, Known, PredicateVerifier, active_sets, evaluated
from circuits.arithmetic.fixed_point import accumulator_bits, checked_bits
from circuits.arithmetic.rounding import PairRounding, QueryRounding
from circuits.budget import DeltaBudget
from circuits.draws import stream_keys
from circuits.engines.choice import make_engine
from circuits.engines.marked import MarkedItems
from circuits.law import LEAST_SHARE
from circuits.recollection import Recollection
from circuits.register import Register
from circuits.scope import AllPairs, CandidatePairs, EachQuery, Scope
from circuits.search import Step, Stop, run_searches
from circuits.strategies import DEFAULT_STRATEGY, StrategyName, load_strategy
from circuits.strategies.strategy import Expectation
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Motion, checked_rows
from hybrid_train.finder.candidates import CandidateFinder
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import APPROXIMATE, Promise
from hybrid_train.finder.proof import Proof
from hybrid_train.finder.registry import make_finder
from hybrid_train.finder.scan import active_pairs
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.network.sparsity import expected_active
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.checks import checked_probability
from hybrid_train.support.declared import (
    checked,
    inside,
    name_of,
    named,
    optional,
    proportion,
    rates,
    real,
    size,
    whole,
    word,
)


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
        scope: ``query`` searches the points of each query on its own; ``pairs`` searches all (query, point) pairs of a
            ``find`` at once, on a register for both, so that it pays for one certificate only.
        candidates: for ``pairs``, ``skin`` has the classical finder of that name rule pairs out first: one search runs
            over the pairs that are left, which the oracle looks up in a list. Its scans are charged.
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
        shots: for a sampler or backend, of each circuit in a job (1): those left over serve later runs of the same
            circuit.
        method: for ``aer``, of the simulator: "statevector" by default.
        device: for ``aer``, "CPU" or "GPU".
        precision: for ``aer``, "double" or "single".

    Attributes:
        stops: why each search of the last ``find`` ended and what it may have missed with, in the order asked.

    Raises:
        ConfigError: an option is out of range, or given where it does not apply.
    """

    source = "Song, Yang, Zhang 2021 (Algorithms 7, 8); Boyer, Brassard, Hoyer, Tapp 1998; Yoder, Low, Chuang 2014"

    @checked(
        strategy=name_of("strategy"),
        engine=name_of("engine"),
        oracle=word("lookup", "arithmetic"),
        bits=optional(whole(2, 24)),
        query_bits=optional(whole(2, 24)),
        scope=word("query", "pairs"),
        candidates=optional(word("skin")),
        delta=inside(proportion()),
        growth=optional(real(above=1, below=4 / 3)),
        prior=optional(word("flat", "sparsity", "previous")),
        noise=inside(optional(rates())),
        sampler=optional(named("BaseSamplerV2")),
        pass_manager=optional(named("PassManager")),
        backend=optional(named("BackendV2")),
        shots=optional(size()),
        method=optional(word("statevector", "density_matrix", "matrix_product_state")),
        device=optional(word("CPU", "GPU")),
        precision=optional(word("double", "single")),
    )
    def __init__(
        self,
        *,
        strategy: StrategyName = DEFAULT_STRATEGY,
        engine: Literal["aer", "closed_form"] = "aer",
        oracle: Literal["lookup", "arithmetic"] = "lookup",
        bits: int | None = None,
        query_bits: int | None = None,
        scope: Literal["query", "pairs"] = "query",
        candidates: Literal["skin"] | None = None,
        delta: float = 1e-6,
        growth: float | None = None,
        prior: Literal["flat", "sparsity", "previous"] | None = None,
        noise: dict[Literal["depolarizing", "readout"], float] | None = None,
        sampler: Any = None,
        pass_manager: Any = None,
        backend: Any = None,
        shots: int | None = None,
        method: Literal["statevector", "density_matrix", "matrix_product_state"] | None = None,
        device: Literal["CPU", "GPU"] | None = None,
        precision: Literal["double", "single"] | None = None,
    ) -> None:
        super().__init__()
        self._delta = checked_probability(delta, "delta", LEAST_SHARE)
        self._strategy = load_strategy(strategy, growth=growth, prior=prior)
        machine: dict[str, Any] = {
            "noise": noise,
            "sampler": sampler,
            "pass_manager": pass_manager,
            "backend": backend,
            "shots": shots,
        }
        self._engine = make_engine(engine, **machine, method=method, device=device, precision=precision)
        self._engine.check_monitors(strategy, self._strategy.monitors)
        self._arithmetic = _arithmetic_bits(oracle, bits, query_bits)
        if self._arithmetic is not None and noise is not None:
            raise ConfigError("noise: simulated for oracle='lookup' alone; leave it out, or the arithmetic oracle")
        self._pairs = scope == "pairs"
        self._ruling_out = _checked_scope(scope, candidates, oracle)
        self._n_candidates = 0
        self._planned: int | None = None
        self._proving = False
        self._seed = np.random.SeedSequence()
        self.stops: tuple[Stop, ...] = ()

    @property
    def promise(self) -> Promise:
        if self._engine.may_fault:
            return APPROXIMATE
        return Promise(exact=True, delta=0.0 if self._strategy.needs_count else self._delta)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {} if self._ruling_out is None else {"candidates": self._n_candidates}
        if not self._engine.may_fault:
            return facts
        return facts | {"certificates": "none: the machine may fault, so what it does not find may still be there"}

    def plan(self, *, seed: np.random.SeedSequence | None = None, total_queries: int | None = None) -> None:
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
        if self._ruling_out is not None:
            self._ruling_out.check_resources(n_points, n_queries, dimension)
            return
        register = Register((n_queries, n_points) if self._pairs else (n_points,))
        self._engine.check_resources(register)
        n_word = 0
        if self._arithmetic is not None:
            bits, query_bits = self._arithmetic
            word = bits + query_bits if self._pairs else bits
            live_bit = 1
            n_word = word + accumulator_bits(dimension, bits, query_bits) + live_bit
            self._engine.check_register(register, n_word)
        if self._strategy.monitors:
            self._engine.check_monitored(register, n_word)

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self._budget = DeltaBudget(self._delta, self._planned)
        self._calls = 0
        self._proven: tuple[list[Sequence[Step]], FloatArray, int] = [], np.empty(0), 0
        self._last = Recollection()
        self.stops = ()
        self.cost = Cost()
        self.simulation = self._engine.start_over()
        self.check_resources(len(self._points), len(self._queries), self._points.shape[1])
        if self._ruling_out is not None:
            self._ruling_out.build(points, queries, threshold)
            self._charged = Cost()
            self._charge_ruling_out()

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        asked = checked_rows(rows, len(self._queries), "queries")
        shares = self._budget.take(len(asked))
        size = max(1, len(asked))
        if not self._pairs:
            size = self._engine.searches_at_once(Register((len(self._points),)))
        charged = self.cost.oracle_calls
        parts = [slice(start, start + size) for start in range(0, len(asked), size)]
        answers = [self._answer(asked[part], shares[part]) for part in parts]
        self._calls += 1
        self.stops = tuple(stop for answer in answers for stop in answer.stops)
        if self._proving:
            self._proven = (
                [one for answer in answers for one in answer.schedules],
                shares,
                self.cost.oracle_calls - charged,
            )
        queries = [answer.queries + part.start for answer, part in zip(answers, parts, strict=True)]
        empty = np.empty(0, np.int64)
        found = np.concatenate([empty, *queries]), np.concatenate([empty, *(one.points for one in answers)])
        self._last.keep(asked, *found, np.concatenate([empty, *(one.newcomers for one in answers)]))
        values = np.concatenate([np.empty(0), *(one.inner_products for one in answers)])
        return active_sets(asked, *found, values, (len(self._queries), len(self._points)))

    def prepare_proofs(self) -> None:
        if self._strategy.needs_count:
            raise ConfigError("GroverFinder: no proofs: this strategy is told how much there is; take 'adaptive'")
        if self._engine.may_fault:
            raise ConfigError("GroverFinder: no proofs: the machine may fault; leave noise, sampler and backend out")
        if self._pairs:
            raise ConfigError("GroverFinder: no proofs: one search over all pairs has none yet; take scope='query'")
        self._proving = True

    def proof(self, sets: ActiveSets) -> Proof:
        """Return the schedule of each search, and what it may have missed with.

        For each asked query its ``share`` of delta, how many points were ``found``, and where its runs end,
        ``run_ends`` (R,); for each run its ``iterations``, and for a certificate the ``miss`` with which it finds
        nothing though something is left (0 for other runs), the ``phase`` of one that rules a count out (0 for other
        runs), the lengths and dampings of its ``stages`` (R, 2, 2) if it is monitored, and whether it was a ``hit``.
        ``first`` of its share goes to a query's first certificate. ``calls`` are the oracle calls that were charged.
        """
        schedules, shares, calls = self._proven
        steps = [step for schedule in schedules for step in schedule]
        return Proof(
            "search",
            {
                "share": shares,
                "found": sets.counts,
                "run_ends": np.cumsum([len(schedule) for schedule in schedules], dtype=np.int64),
                "iterations": np.array([step.iterations for step in steps], np.int64),
                "miss": np.array([step.miss for step in steps], np.float64),
                "phase": np.array([step.phase for step in steps], np.float64),
                "hit": np.array([step.hit for step in steps], np.bool_),
                "stages": np.array([_two_stages(step) for step in steps], np.float64).reshape(-1, 2, 2),
                "first": np.array(self._strategy.first_share),
                "calls": np.array(calls),
            },
        )

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._points.put(rows, points)
        if self._ruling_out is not None:
            self._ruling_out.move_points(rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries.put(rows, queries)
        if self._ruling_out is not None:
            self._ruling_out.move_queries(rows, queries)

    def move_points_along(self, motion: Motion) -> None:
        if self._ruling_out is None:
            super().move_points_along(motion)
            return
        self._points.put(motion.rows, motion.vectors)
        self._ruling_out.move_points_along(motion)

    def move_queries_along(self, motion: Motion) -> None:
        if self._ruling_out is None:
            super().move_queries_along(motion)
            return
        self._queries.put(motion.rows, motion.vectors)
        self._ruling_out.move_queries_along(motion)

    def _answer(self, asked: IntArray, shares: FloatArray) -> Answer:
        """Search for the active points of some queries: each in a search of its own, in lockstep, or all in one."""
        vectors = self._queries[asked]
        old = self._verified(asked, vectors)
        scope = self._scope(asked, old)
        if scope is None:
            return Answer.of(len(asked), old, [], None)
        marked = self._marked(asked, vectors, scope)
        known, excluded = self._excluded(scope, marked, old)
        searches = self._strategy.start(
            marked.n_items,
            scope.summed(shares),
            stream_keys(self._seed, asked if scope.n_searches == len(asked) else np.zeros(1, np.int64), self._calls),
            n_marked=marked.counts,
            known=excluded,
            expectation=self._expected(asked, scope),
        )
        verifier = PredicateVerifier(self._points, vectors, self._threshold, scope)
        found = run_searches(
            searches,
            marked=marked,
            engine=self._engine,
            verifier=verifier,
            cost=self.cost,
            known=known,
            keep=self._proving,
        )
        return Answer.of(len(asked), old, found, scope)

    def _verified(self, asked: IntArray, vectors: FloatArray) -> Known:
        """Evaluate what the queries had last time, if the strategy wants to start from there."""
        if not self._strategy.remembers:
            return Known.nothing()
        queries, points = self._last.pairs(asked)
        values, active = evaluated(self._points, vectors, self._threshold, queries, points)
        self.cost.inner_products += len(points)
        return Known(queries, points, values, active)

    def _scope(self, asked: IntArray, old: Known) -> Scope | None:
        """Return what is searched; None if nothing is in doubt."""
        n_points = len(self._points)
        if not self._pairs:
            return EachQuery(len(asked), n_points)
        if self._ruling_out is None:
            return AllPairs(len(asked), n_points)
        indptr, points = self._ruling_out.candidates_of(asked)
        self._charge_ruling_out()
        queries = np.repeat(np.arange(len(asked)), np.diff(indptr))
        self._n_candidates = len(points)
        doubtful = ~np.isin(queries * n_points + points, old.queries * n_points + old.points)
        if not doubtful.any():
            return None
        scope = CandidatePairs(queries[doubtful], points[doubtful], n_points)
        self._engine.check_resources(scope.register)
        if self._strategy.monitors:
            self._engine.check_monitored(scope.register)
        return scope

    def _charge_ruling_out(self) -> None:
        """Charge what ruling pairs out has cost since the last time."""
        if self._ruling_out is None:
            return
        spent = self._ruling_out.cost.copy()
        for name, value in (spent - self._charged).as_dict().items():
            setattr(self.cost, name, getattr(self.cost, name) + value)
        self._charged = spent

    def _marked(self, asked: IntArray, vectors: FloatArray, scope: Scope) -> MarkedItems:
        """Return what the oracles mark: what a simulator has to know, and no strategy may see."""
        self.simulation.oracle_entries += scope.n_searches * scope.register.n_items
        if isinstance(scope, CandidatePairs):
            items = np.arange(scope.register.n_items)
            _, active = evaluated(self._points, vectors, self._threshold, *scope.pairs(np.zeros_like(items), items))
            return MarkedItems(np.array([0, active.sum()]), items[active], scope.register)
        truth = active_pairs(self._points, self._queries, self._threshold, asked)
        pairs = np.repeat(np.arange(len(asked)), truth.counts), truth.indices
        if self._arithmetic is None:
            return MarkedItems(*scope.rows_of(*pairs), scope.register)
        rounded = PairRounding if self._pairs else QueryRounding
        rounding = rounded(self._points[:], vectors, self._threshold, *self._arithmetic)
        marks = scope.rows_of(*rounding.marked())
        self.simulation.extra_marks += len(marks[1]) - truth.nnz
        return MarkedItems(*marks, scope.register, rounding)

    def _excluded(
        self, scope: Scope, marked: MarkedItems, old: Known
    ) -> tuple[list[dict[int, float]] | None, IntArray]:
        """Unmark what was verified; return what of it is still active, and how many items each search leaves out."""
        if not len(old.points) or isinstance(scope, CandidatePairs):  # candidates are those that were not verified
            return None, np.zeros(scope.n_searches, np.int64)
        searches, items = scope.items(old.queries, old.points)
        marked.unmark(searches, items)
        known: list[dict[int, float]] = [{} for _ in range(scope.n_searches)]
        active = old.active
        still = zip(searches[active].tolist(), items[active].tolist(), old.values[active].tolist(), strict=True)
        for at, item, value in still:
            known[at][item] = value
        return known, np.bincount(searches, minlength=scope.n_searches)

    def _expected(self, asked: IntArray, scope: Scope) -> Expectation | None:
        """Return what may be known before the search, as the strategy's prior asks for."""
        match self._strategy.prior:
            case "sparsity":
                norms = np.linalg.norm(self._queries[asked], axis=1)
                mean = expected_active(len(self._points), self._threshold, norms)
                variance = mean * (1.0 - mean / len(self._points))
                return Expectation(scope.summed(mean), np.sqrt(scope.summed(variance)))
            case "previous":
                last = self._last.newcomers(asked) if self._strategy.remembers else self._last.items(asked)
                mean = scope.summed(last)  # as last time, give or take its square root
                return Expectation(mean, np.sqrt(mean) + 0.5)
        return None


def _two_stages(step: Step) -> list[tuple[int, float]]:
    """Return the stages of a run, filled up to two."""
    return [*step.stages, (0, 0.0), (0, 0.0)][:2]


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


def _checked_scope(scope: str, candidates: str | None, oracle: str) -> CandidateFinder | None:
    """Return what rules pairs out first, None if nothing does.

    Raises:
        ConfigError: no such scope, or candidates that do not go with it or with the oracle.
    """
    if scope not in ("query", "pairs"):
        raise ConfigError(f"scope={scope!r}: must be 'query' or 'pairs'")
    if candidates is None:
        return None
    if candidates != "skin":
        raise ConfigError(f"candidates={candidates!r}: must be 'skin', or left out")
    if scope != "pairs":
        raise ConfigError("candidates='skin': one search runs over all of them; take scope='pairs', or leave it out")
    if oracle != "lookup":
        raise ConfigError(
            "candidates='skin': the oracle looks them up in a list; take oracle='lookup', or leave them out"
        )
    finder = make_finder(candidates)
    if not isinstance(finder, CandidateFinder):
        raise InvariantError(f"finder {candidates!r} does not say what it cannot rule out")
    finder.rule_out_only()
    return finder
