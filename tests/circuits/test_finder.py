from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.primitives import BackendSamplerV2, BaseSamplerV2, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager

import circuits.finder as finder_module
from circuits.engines import ENGINES, aer
from circuits.engines.engine import Engine
from circuits.finder import GroverFinder
from circuits.search import Stop, run_searches
from circuits.strategies import DEFAULT_STRATEGY, STRATEGIES, load_strategy
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.registry import finder_options, make_finder
from hybrid_train.finder.scan import active_pairs


def banks(n_points: int, n_queries: int, dimension: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_points, dimension)), rng.standard_normal((n_queries, dimension))


def planned(seed: int = 0, total: int = 1000, **options: Any) -> GroverFinder:
    finder = GroverFinder(**options)
    finder.plan(seed=np.random.SeedSequence(seed), total_queries=total)
    return finder


class RecordingSampler(BaseSamplerV2):
    """Counts, from the circuits alone, what the finder should be charged for."""

    def __init__(self) -> None:
        self.inner = StatevectorSampler(seed=1)
        self.circuits: list[QuantumCircuit] = []

    def run(self, pubs: Any, *, shots: Any = None) -> Any:
        self.circuits += [pub[0] for pub in pubs]
        return self.inner.run(pubs, shots=shots)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n_points", [1, 2, 3, 5, 6, 7, 8, 30])
def test_finds_what_the_scan_finds(engine: str, strategy: str, n_points: int) -> None:
    points, queries = banks(n_points, 5)
    points[n_points // 2] = points[0]
    for threshold in (-100.0, 0.3, 100.0):
        finder = planned(engine=engine, strategy=strategy)
        finder.build(points, queries, threshold)
        found, truth = finder.find(), active_pairs(points, queries, threshold)
        assert found.same_sets(truth)
        np.testing.assert_array_equal(found.indptr, truth.indptr)
        np.testing.assert_array_equal(found.indices, truth.indices)
        np.testing.assert_array_equal(found.inner_products, truth.inner_products)


@pytest.mark.parametrize("engine", ENGINES)
def test_follows_both_banks(engine: str) -> None:
    points, queries = banks(20, 6)
    live = DenseBank(points)
    finder = planned(engine=engine)
    finder.build(live, queries, 0.5)
    points[[3, 4]] += 1.0
    live.assign(np.array([3, 4]), points[[3, 4]])
    finder.move_points([3, 4], points[[3, 4]])
    queries[2] *= -1.0
    finder.move_queries([2], queries[[2]])
    found = finder.find([4, 2, 0])
    assert found.rows.tolist() == [4, 2, 0]
    assert found.same_sets(active_pairs(points, queries, 0.5, [4, 2, 0]))
    assert finder.find([]).nnz == 0


def test_cost_agrees_with_a_count_of_the_circuits_themselves() -> None:
    """Iterations are counted as the multi-controlled phases of the diffusions, one each where nothing is marked."""
    sampler = RecordingSampler()
    finder = planned(sampler=sampler)
    finder.build(-np.ones((6, 3)), np.ones((4, 3)), 0.0)
    assert finder.find().nnz == 0
    turns = [sum(step.operation.name in {"mcphase", "mcp"} for step in circuit.data) for circuit in sampler.circuits]
    # Away from the ends of searches all phases are pi, one bit-oracle use an iteration instead of two.
    plain = [
        all(step.operation.params[0] == np.pi for step in circuit.data if step.operation.name == "mcphase")
        for circuit in sampler.circuits
    ]
    cost = finder.cost
    assert cost.measurements == len(sampler.circuits) == finder.simulation.circuits
    assert cost.verifications == cost.inner_products == len(sampler.circuits)
    assert cost.oracle_calls == sum(turns)
    assert cost.bit_oracle_uses == sum(
        turn if is_plain else 2 * turn for turn, is_plain in zip(turns, plain, strict=True)
    )
    assert cost.nodes_visited == cost.controlled_calls == 0
    assert plain.count(False) == 4 * 5  # for each query four exact runs and a certificate
    assert finder.simulation.oracle_entries == 4 * 6
    assert finder.simulation.gates == sum(len(circuit.data) for circuit in sampler.circuits)


@pytest.mark.parametrize("engine", ENGINES)
def test_same_seed_same_answer_and_cost(engine: str) -> None:
    points, queries = banks(30, 5)
    seen = []
    for seed in (7, 7, 8):
        finder = planned(seed=seed, engine=engine)
        finder.build(points, queries, 0.5)
        finder.find()
        finder.find([2, 3])
        seen.append(finder.cost)
    assert seen[0] == seen[1] != seen[2]


def test_order_and_grouping_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points, queries = banks(40, 12)

    def cost(order: np.ndarray) -> Cost:
        finder = planned(engine="closed_form")
        finder.build(points, queries, 0.5)
        finder.find(order)
        return finder.cost

    together = cost(np.arange(12))
    assert cost(np.arange(12)[::-1]) == together
    monkeypatch.setattr(Engine, "searches_at_once", lambda self, n_items: 5)
    assert cost(np.arange(12)) == together


def test_calls_draw_independently() -> None:
    points, queries = banks(40, 12)
    finder = planned(engine="closed_form")
    finder.build(points, queries, 0.5)
    finder.find()
    first = finder.cost.copy()
    finder.find()
    assert finder.cost - first != first


def test_build_starts_over() -> None:
    points, queries = banks(40, 5)
    finder = planned()
    costs = []
    for _ in range(2):
        finder.build(points, queries, 0.5)
        finder.find()
        costs.append((finder.cost, finder.simulation))
    assert costs[0] == costs[1]
    assert costs[0][1].circuits > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategy_starts_from_nothing_but_sizes_unless_it_is_a_reference(
    monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    """What a search knows at its start: m, its delta and its stream; the count only where that is the point."""
    started = []

    def spy(searches: np.ndarray, **others: Any) -> Any:
        started.append(searches.copy())
        return run_searches(searches, **others)

    monkeypatch.setattr(finder_module, "run_searches", spy)
    finder = planned(engine="closed_form", strategy=strategy, delta=0.01, total=10)
    points, queries = banks(9, 3)
    finder.build(points, queries, 0.5)
    counts = finder.find().counts
    (searches,) = started
    assert searches["items"].tolist() == [9] * 3
    assert searches["delta"].tolist() == [0.01 / 20] * 3
    assert len(set(searches["key"].tolist())) == 3
    told = counts if load_strategy(strategy).needs_count else [-1] * 3
    assert searches["told"].tolist() == list(told)
    assert not searches["known"].any()
    assert not searches["found"].any()
    assert (searches["flat"] == 1.0).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("extra", [1, 3, 12])
def test_what_an_oracle_marks_and_verification_rejects_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, strategy: str, extra: int
) -> None:
    """An oracle that marks a few items too many: they are unmarked as they turn up, and everything is found."""
    points, queries = banks(60, 20)
    truth = active_pairs(points, queries, 1.5)

    def too_many(p: Any, q: Any, b: Any, rows: Any) -> ActiveSets:
        wide = active_pairs(p, q, b, rows).to_scipy().toarray() != 0
        for row in wide:
            row[np.flatnonzero(~row)[:extra]] = True
        return ActiveSets(
            np.concatenate([[0], np.cumsum(wide.sum(axis=1))]),
            np.nonzero(wide)[1],
            np.ones(wide.sum()),
            wide.shape,
            rows,
        )

    monkeypatch.setattr(finder_module, "active_pairs", too_many)
    finder = planned(engine="closed_form", strategy=strategy)
    finder.build(points, queries, 1.5)
    for _ in range(3):
        found = finder.find()
        assert found.same_sets(truth)
        np.testing.assert_array_equal(found.inner_products, truth.inner_products)


def test_stops_say_why_and_what_may_be_missed() -> None:
    points, queries = banks(40, 5)
    finder = planned(engine="closed_form", delta=0.1, total=5)
    finder.build(points, queries, 0.5)
    finder.find([3, 1])
    assert len(finder.stops) == 2
    assert all(stop.reason == "certified" and 0.0 < stop.miss_probability <= 0.1 / 10 for stop in finder.stops)
    finder = planned(engine="closed_form", strategy="exact")
    finder.build(points, queries, 0.5)
    finder.find()
    assert set(finder.stops) == {Stop("all marked items found", 0.0)}


def test_warm_searches_for_newcomers_only() -> None:
    points, queries = banks(400, 10)
    points[0] = 0.0
    live = DenseBank(points)
    finder, cold = planned(engine="closed_form", strategy="warm"), planned(engine="closed_form")
    finder.build(live, queries, 0.5)
    cold.build(live, queries, 0.5)
    kept = finder.find()
    cold.find()
    points[[0, 7]] = 10.0 * queries[0], -points[7]
    live.assign(np.array([0, 7]), points[[0, 7]])
    for each in (finder, cold):
        each.move_points([0, 7], points[[0, 7]])
    before, cold_before = finder.cost.copy(), cold.cost.copy()
    truth = active_pairs(points, queries, 0.5)
    assert finder.find().same_sets(truth)
    assert cold.find().same_sets(truth)
    spent, cold_spent = finder.cost - before, cold.cost - cold_before
    assert spent.inner_products == spent.verifications + kept.nnz
    assert spent.oracle_calls < 0.5 * cold_spent.oracle_calls


def test_warm_after_a_query_jumped_finds_all() -> None:
    """The last answer is worth nothing then, and nothing is lost but time."""
    points, queries = banks(100, 6)
    finder = planned(engine="closed_form", strategy="warm")
    finder.build(points, queries, 0.5)
    finder.find()
    finder.move_queries(np.arange(6), -queries)
    assert finder.find().same_sets(active_pairs(points, -queries, 0.5))


@pytest.mark.parametrize("prior", ["flat", "sparsity", "previous"])
@pytest.mark.parametrize("scale", [1.0, 0.3, 3.0])
def test_priors_change_the_cost_and_not_the_answer(prior: str, scale: float) -> None:
    """Gaussian points of another variance than the sparsity lemma expects: a wrong prior."""
    points, queries = banks(300, 5)
    points *= scale
    finder = planned(engine="closed_form", prior=prior)
    finder.build(points, queries, 1.5)
    truth = active_pairs(points, queries, 1.5)
    assert finder.find().same_sets(truth)
    assert finder.find().same_sets(truth)


def test_transpiled_circuits_find_the_same() -> None:
    points, queries = banks(5, 2)
    manager = generate_preset_pass_manager(1, basis_gates=["rz", "sx", "cx"], seed_transpiler=0)
    finder = planned(pass_manager=manager, delta=0.1)
    finder.build(points, queries, 0.5)
    assert finder.find().same_sets(active_pairs(points, queries, 0.5))


def test_a_noisy_register_may_name_items_that_do_not_exist() -> None:
    class Stray(RecordingSampler):
        def run(self, pubs: Any, *, shots: Any = None) -> Any:
            return super().run([(transpile(self._flipped(pub[0])),) for pub in pubs], shots=shots)

        def _flipped(self, circuit: QuantumCircuit) -> QuantumCircuit:
            flipped = circuit.copy_empty_like()
            for step in circuit.data:
                if step.operation.name == "measure" and len(self.circuits) % 5 == 0:
                    flipped.x(step.qubits[0])
                flipped.append(step)
            return flipped

    finder = planned(sampler=Stray())
    points, queries = banks(5, 2)
    finder.build(points, queries, 0.5)
    assert finder.find().nnz <= active_pairs(points, queries, 0.5).nnz
    assert finder.cost.verifications <= finder.cost.measurements


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": 0.0}, "delta=0.0"),
        ({"delta": 1.0}, "delta=1.0"),
        ({"delta": float("nan")}, "delta=nan"),
        ({"strategy": "bbht", "growth": 1.0}, "growth=1.0"),
        ({"strategy": "bbht", "growth": 1.4}, "growth=1.4"),
        ({"strategy": "warm", "prior": "flat"}, "prior=flat: strategy='warm' has no prior"),
        ({"strategy": "known_k", "growth": 1.2}, "growth=1.2: strategy='known_k' has no growth"),
        ({"engine": "closed_form", "sampler": StatevectorSampler()}, "leave out sampler"),
    ],
)
def test_bad_options_are_refused_at_birth(options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GroverFinder(**options)


def test_plan_without_queries_is_refused() -> None:
    with pytest.raises(ConfigError, match="total_queries=0"):
        GroverFinder().plan(total_queries=0)


def test_too_large_a_bank_is_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer, "available_bytes", lambda: 1 << 12)
    with pytest.raises(ResourceError, match="closed_form"):
        GroverFinder().check_resources(64, 3, 4)
    finder = GroverFinder()
    with pytest.raises(ResourceError, match="64 points"):
        finder.build(*banks(64, 3), 0.5)
    GroverFinder(engine="closed_form").build(*banks(64, 3), 0.5)


def test_promise_states_delta() -> None:
    assert str(GroverFinder(delta=1e-3).promise) == "exact with probability 1 - 0.001"
    assert str(GroverFinder(strategy="known_k").promise) == "exact"


def test_registry_and_schema_name_the_same_choices() -> None:
    fields = finder_options("grover").model_fields
    assert set(fields["strategy"].annotation.__args__) == set(STRATEGIES)
    assert set(fields["engine"].annotation.__args__) == set(ENGINES)
    assert fields["strategy"].default == DEFAULT_STRATEGY
    finder = make_finder("grover", seed=1, engine="closed_form", strategy="bbht", growth=1.25)
    finder.build(*banks(9, 3), 0.5)
    assert finder.find().same_sets(active_pairs(*banks(9, 3), 0.5))


def test_many_queries_over_few_points() -> None:
    points, queries = banks(16, 3000)
    finder = planned(engine="closed_form", total=3000)
    finder.build(points, queries, 2.0)
    assert finder.find().same_sets(active_pairs(points, queries, 2.0))


class TestArithmeticOracle:
    """Oracles that compute in fixed point: nothing is missed, and what is marked too many is rejected."""

    @staticmethod
    def found(engine: str, bits: int, *, n_points: int = 13, **options: Any) -> Any:
        rng = np.random.default_rng(8)
        points, queries = rng.standard_normal((n_points, 2)), rng.standard_normal((3, 2))
        finder = GroverFinder(engine=engine, oracle="arithmetic", bits=bits, delta=1e-6, **options)
        finder.plan(seed=np.random.SeedSequence(2))
        finder.build(points, queries, 0.9)
        sets = finder.find()
        assert sets.same_sets(active_pairs(points, queries, 0.9))
        return finder, active_pairs(points, queries, 0.9).nnz

    @pytest.mark.parametrize(("engine", "n_points"), [("closed_form", 13), ("aer", 7)])
    @pytest.mark.parametrize("strategy", ["adaptive", "bbht", "known_k"])
    def test_finds_all_though_too_many_are_marked(self, engine: str, n_points: int, strategy: str) -> None:
        finder, active = self.found(engine, 3, n_points=n_points, strategy=strategy)
        assert finder.simulation.extra_marks > 0
        assert finder.cost.verifications >= active
        assert {stop.reason for stop in finder.stops} <= {"certified", "all marked items found", "all items seen"}

    def test_more_bits_mark_fewer(self) -> None:
        extra = [self.found("closed_form", bits)[0].simulation.extra_marks for bits in (2, 4, 8, 16)]
        assert extra == sorted(extra, reverse=True)
        assert extra[0] > extra[-1] == 0

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"bits": 4}, "bits=4: belongs to oracle='arithmetic'"),
            ({"oracle": "arithmetic", "bits": 1}, "bits=1"),
            ({"oracle": "arithmetic", "query_bits": 99}, "query_bits=99"),
            ({"oracle": "arithmetic", "noise": {"readout": 0.1}}, "noise"),
        ],
    )
    def test_options_that_do_not_fit_are_refused(self, options: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            GroverFinder(**options)

    def test_a_register_too_wide_is_refused_with_numbers(self) -> None:
        finder = GroverFinder(oracle="arithmetic", bits=16)
        with pytest.raises(ResourceError, match=r"simulating 62 qubits needs \d+ bytes .* not even two points fit"):
            finder.check_resources(1024, 1, 8)
        with pytest.raises(ResourceError, match=r"at most \d+ points fit here"):
            GroverFinder(oracle="arithmetic", bits=3).check_resources(1 << 40, 1, 2)
        GroverFinder(oracle="arithmetic", bits=16, engine="closed_form").check_resources(1024, 1, 8)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-3, float("nan"), True, "1e-6", 5e-324, 1e-21])
def test_a_delta_that_nothing_can_keep_is_refused(delta: Any) -> None:
    with pytest.raises(ConfigError, match="delta="):
        GroverFinder(delta=delta)


def test_a_delta_that_cannot_be_shared_out_over_the_run_is_refused_before_it() -> None:
    finder = GroverFinder(delta=1e-19)
    finder.plan(total_queries=4)
    with pytest.raises(ConfigError, match=r"delta=1e-19: shared out over 10 queries, .* take at least 2\.0e-19"):
        finder.plan(total_queries=10)


@pytest.mark.parametrize("given", ["backend", "sampler"])
def test_the_machine_that_runs_the_circuits_is_the_one_that_is_asked(given: str) -> None:
    """16 points of 3 components at 16 bits take 4 + 51 qubits, at 3 bits 4 + 12."""

    def finder(n_qubits: int, bits: int) -> GroverFinder:
        backend = GenericBackendV2(n_qubits, seed=1)
        machine: Any = backend if given == "backend" else BackendSamplerV2(backend=backend)
        return GroverFinder(oracle="arithmetic", bits=bits, **{given: machine})

    finder(60, 16).check_resources(16, 1, 3)
    finder(16, 3).check_resources(16, 1, 3)
    with pytest.raises(
        ResourceError, match=r"backend='generic_backend_15q': .* takes 16 qubits but it has 15; at most 8"
    ):
        finder(15, 3).check_resources(16, 1, 3)
    with pytest.raises(ResourceError, match=r"takes 16 qubits but it has 5; not even two points fit"):
        finder(5, 3).build(np.zeros((16, 3)), np.zeros((1, 3)), 1.0)


@pytest.mark.parametrize("options", [{}, {"pass_manager": PassManager()}, {"sampler": StatevectorSampler()}])
def test_what_is_simulated_here_must_fit_this_memory(options: dict[str, Any]) -> None:
    with pytest.raises(ResourceError, match=r"simulating 55 qubits needs \d+ bytes"):
        GroverFinder(oracle="arithmetic", bits=16, **options).check_resources(16, 1, 3)
    with pytest.raises(ResourceError, match=r"needs \d+ bytes"):
        GroverFinder(**options).check_resources(1 << 50, 1, 3)
