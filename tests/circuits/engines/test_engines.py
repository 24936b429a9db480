"""Both engines follow one sampling law.

With 4096 shots over 11 items chi-square sees a run one iteration off, a marked item dropped and repeated shots; each of
these broken twins must fail it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.primitives import BaseSamplerV2, DataBin, SamplerPubResult, StatevectorSampler
from qiskit.quantum_info import Statevector
from qiskit_aer import AerError, AerSimulator

from circuits.engines import aer
from circuits.engines.aer import AerEngine
from circuits.engines.closed_form import ClosedFormEngine
from circuits.engines.compact import CircuitBuilder
from circuits.engines.direct import DirectAer, _tried, direct
from circuits.engines.engine import Batch, Engine, Run
from circuits.engines.marked import MarkedItems
from circuits.engines.sampler import SamplerEngine
from circuits.law import Phases, exact_phases, exact_plan, fixed_point_phases, phased_probability, success_probability
from circuits.register import Register
from hybrid_train.errors import ResourceError
from hybrid_train.support.arrays import IntArray
from tests.support.statistics import counts_agree, counts_are

ITEMS = 11
MARKED = np.array([2, 7])
SEARCHES = 256
ROUNDS = 16
RUNS = {
    "uniform": Run(0),
    "plain": Run(1),
    "phased": Run(2, fixed_point_phases(2, 0.5)),
}


def oracles(marked: IntArray = MARKED, n_items: int = ITEMS, searches: int = SEARCHES) -> MarkedItems:
    indptr = np.arange(searches + 1) * len(marked)
    return MarkedItems(indptr, np.tile(marked, searches), n_items)


def shots(engine: Engine, run: Run, marked: IntArray = MARKED, rounds: int = ROUNDS, seed: int = 0) -> np.ndarray:
    """Every search runs the same circuit once a round."""
    rng = np.random.default_rng(seed)
    held = oracles(marked)
    drawn = []
    for _ in range(rounds):
        seeds = rng.integers(0, 1 << 63, SEARCHES, np.uint64)
        drawn.append(engine.sample(Batch(held, np.arange(SEARCHES), [run] * SEARCHES, seeds)))
    return np.concatenate(drawn)


def law(run: Run, n_items: int = ITEMS, marked: IntArray = MARKED) -> np.ndarray:
    """How likely each item is measured."""
    if run.phases is None:
        hit = float(success_probability(n_items, len(marked), run.iterations))
    else:
        hit = phased_probability(n_items, len(marked), run.phases)
    shares = np.full(n_items, (1.0 - hit) / (n_items - len(marked)))
    shares[marked] = hit / len(marked)
    return shares


def follow(measured: np.ndarray, run: Run, sees: float = 0.2) -> bool:
    return counts_are(np.bincount(measured, minlength=ITEMS), law(run), sees=sees)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("engine", [AerEngine, ClosedFormEngine])
def test_engine_follows_the_law(engine: Callable[[], Engine], run: Run) -> None:
    assert follow(shots(engine(), run), run)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_engines_agree_with_each_other(run: Run) -> None:
    table = [np.bincount(shots(engine(), run), minlength=ITEMS) for engine in (AerEngine, ClosedFormEngine)]
    assert counts_agree(table, sees=0.15)
    longer = np.bincount(shots(ClosedFormEngine(), Run(run.iterations + 1)), minlength=ITEMS)
    assert not counts_agree([table[0], longer], sees=0.15)


@pytest.mark.parametrize("engine", [AerEngine, ClosedFormEngine])
def test_broken_twins_are_seen(engine: Callable[[], Engine]) -> None:
    one_off = shots(engine(), Run(2))
    assert not follow(one_off, Run(1))
    one_dropped = shots(engine(), Run(1), MARKED[:-1])
    assert not follow(one_dropped, Run(1))
    repeated = np.tile(shots(engine(), Run(1), rounds=1)[:32], ROUNDS * SEARCHES // 32)
    assert not follow(repeated, Run(1))


@pytest.mark.parametrize("engine", [AerEngine, ClosedFormEngine])
def test_equal_runs_of_a_batch_are_independent(engine: Callable[[], Engine]) -> None:
    """Pairs of neighbouring shots: repeated seeds within or between calls would make them agree."""
    measured = shots(engine(), Run(1))
    kinds = np.select([measured == item for item in MARKED], [0, 1], 2)
    table = np.zeros((3, 3))
    np.add.at(table, (kinds[::2], kinds[1::2]), 1)
    assert counts_agree(table, sees=0.3)
    assert not counts_agree(0.7 * table + 0.3 * np.diag(table.sum(axis=1)), sees=0.3)


@pytest.mark.parametrize("engine", [AerEngine, ClosedFormEngine])
def test_same_seeds_same_shots(engine: Callable[[], Engine]) -> None:
    first, again, other = (shots(engine(), Run(1), rounds=2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("spoiled", [None, "refuses", "another_law"])
def test_the_direct_way_is_that_of_aer_or_is_not_taken(spoiled: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same shots either way; one that raises, or gives others, is found out and left."""

    def words(way: DirectAer, programs: Any, shots: int, seed: int) -> list[list[str]]:
        if spoiled == "refuses":
            raise TypeError("unknown arguments")
        return own(way, programs, shots, seed + 1)

    own = DirectAer.words
    measured = {}
    for name, run in RUNS.items():
        engine = AerEngine()
        assert engine._direct is not None
        measured[name] = shots(engine, run, rounds=1)
    if spoiled:
        monkeypatch.setattr(DirectAer, "words", words)
    _tried.cache_clear()
    engine = AerEngine()
    assert (engine._direct is None) == bool(spoiled)
    engine._direct = None
    for name, run in RUNS.items():
        engine.start_over()
        np.testing.assert_array_equal(shots(engine, run, rounds=1), measured[name])
    _tried.cache_clear()


def test_a_failed_simulation_is_told() -> None:
    builder = CircuitBuilder(Register.of(4))
    builder._from_ones[0].handed = "superop", ([0], np.eye(4, dtype=np.complex128), -1, None)
    way = direct(AerSimulator(method="statevector"))
    assert way is not None
    with pytest.raises(AerError, match="superop"):
        way.words([builder.plain([], 1)], 4, 5)


def test_threads_do_not_take_each_others_seeds() -> None:
    """Without the lock a thread's seed is written over before its simulation begins."""
    builder, way = CircuitBuilder(Register.of(8)), DirectAer(AerSimulator(method="statevector"))
    program, seeds, execute = builder.plain([], 0), range(1, 11), way._execute

    def slowly(*asked: Any) -> Any:
        time.sleep(1e-3)
        return execute(*asked)

    alone = [way.words([program], 8, seed) for seed in seeds]
    way._execute = slowly
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: way.words([program], 8, seed), seeds)) == alone


def test_a_simulator_of_a_class_of_its_own_is_called_as_it_wants() -> None:
    class Other(AerSimulator):
        pass

    assert direct(Other(method="statevector")) is None


def test_aer_forgets_its_shots_when_it_starts_over() -> None:
    engine = AerEngine()
    first = shots(engine, Run(1), rounds=1)
    counted = engine.simulation.circuits
    assert counted <= SEARCHES // 8
    engine.start_over()
    np.testing.assert_array_equal(shots(engine, Run(1), rounds=1), first)
    assert engine.simulation.circuits == counted


@pytest.mark.parametrize("run", [RUNS["plain"], RUNS["phased"]], ids=["plain", "phased"])
@pytest.mark.parametrize("n_items", [2, 8, 11])
def test_searches_in_one_circuit_have_the_states_of_their_own(n_items: int, run: Run) -> None:
    marked = [np.arange(n_items)[at::3] for at in range(3)]
    joint = CircuitBuilder(Register.of(n_items)).joint(marked, run.iterations, run.phases).circuit()
    state = Statevector(joint.remove_final_measurements(inplace=False)).data.reshape(4, -1)
    np.testing.assert_allclose(np.linalg.norm(state, axis=1), [3**-0.5] * 3 + [0.0], atol=1e-12)
    for search, items in enumerate(marked):
        alone = Statevector(np.sqrt(3.0) * state[search])
        assert alone.equiv(Statevector(state_by_hand(n_items, items, run)))


@pytest.mark.parametrize("run", [RUNS["plain"], RUNS["phased"]], ids=["plain", "phased"])
def test_searches_in_one_circuit_keep_to_their_own_marks(run: Run) -> None:
    """Searches that mark one item less, and others: each kind follows its law, and no other's."""
    rng, engine, kinds = np.random.default_rng(0), AerEngine(), [np.array([2, 7]), np.array([5])]
    held = MarkedItems(np.cumsum([0, *[2, 1] * 64]), np.tile([2, 7, 5], 64), ITEMS)
    keys = [rng.integers(0, 1 << 63, 128, np.uint64) for _ in range(48)]
    drawn = np.array([engine.sample(Batch(held, np.arange(128), [run] * 128, seeds)) for seeds in keys])
    assert engine.simulation.circuits < 48 * 128 / 32
    for kind, marked in enumerate(kinds):
        counts = np.bincount(drawn[:, kind::2].ravel(), minlength=ITEMS)
        assert counts_are(counts, law(run, marked=marked), sees=0.2)
        assert not counts_are(counts, law(run, marked=kinds[1 - kind]), sees=0.2)


def test_every_call_gets_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one shot for each search that shares a circuit a third gets none, and is run alone in the same batch."""

    def words(way: DirectAer, programs: Any, shots: int, seed: int) -> list[list[str]]:
        seeds.append(seed)
        return own(way, programs, shots, seed)

    own, seeds = DirectAer.words, list[int]()
    engine = AerEngine()
    monkeypatch.setattr(DirectAer, "words", words)
    monkeypatch.setattr(aer, "_SHOTS_TOGETHER", 1)
    assert follow(shots(engine, Run(1), rounds=12), Run(1))
    assert engine.simulation.circuits > 2 * len(set(seeds)) > 100
    assert len(set(seeds)) == len(seeds)


def test_a_wide_run_finds_what_exact_phases_promise() -> None:
    """As Aer turns and flips many qubits; with fewer items marked than the phases are for it misses."""
    marked, searches = np.arange(30) * 68 + 5, np.arange(6)
    run = Run(*_exact(2048, 30))
    for n_marked, sure in ((30, True), (10, False)):
        engine = AerEngine()
        held = oracles(marked[:n_marked], 2048, 6)
        rounds = [engine.sample(Batch(held, searches, [run] * 6, searches.astype(np.uint64) + at)) for at in (0, 9, 18)]
        assert np.isin(rounds, marked[:n_marked]).all() == sure


def _exact(n_items: int, n_marked: int) -> tuple[int, Phases]:
    iterations, phase = exact_plan(n_items, n_marked)
    return int(iterations), exact_phases(int(iterations), float(phase))


def test_aer_simulates_equal_circuits_once() -> None:
    engine = AerEngine()
    shots(engine, Run(0), rounds=4)
    assert engine.simulation.circuits <= 8
    shots(engine, Run(3), marked=MARKED[:0], rounds=1)
    assert engine.simulation.circuits <= 8 + 2


def test_closed_form_does_not_depend_on_the_order_of_work() -> None:
    engine, held = ClosedFormEngine(), oracles()
    seeds = np.random.default_rng(0).integers(0, 1 << 63, SEARCHES, np.uint64)
    together = engine.sample(Batch(held, np.arange(SEARCHES), [Run(1)] * SEARCHES, seeds))
    order = np.random.default_rng(1).permutation(SEARCHES)
    shuffled = engine.sample(Batch(held, order, [Run(1)] * SEARCHES, seeds[order]))
    np.testing.assert_array_equal(shuffled, together[order])


@pytest.mark.parametrize("n_items", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("engine", [AerEngine, ClosedFormEngine])
def test_all_or_nothing_marked(engine: Callable[[], Engine], n_items: int) -> None:
    searches = np.arange(20)
    seeds = np.arange(20, dtype=np.uint64)
    for marked in (np.arange(0), np.arange(n_items)):
        held = oracles(marked, n_items, 20)
        measured = engine().sample(Batch(held, searches, [Run(1)] * 20, seeds))
        assert ((measured >= 0) & (measured < n_items)).all()


def test_unmarking_moves_an_item_to_the_other_kind() -> None:
    held = oracles(np.array([4, 0, 9]), 10, 3)
    held.unmark(np.array([0, 2]), np.array([4, 9]))
    held.unmark(np.array([2]), np.array([9]))
    assert [sorted(held.items(search).tolist()) for search in range(3)] == [[0, 9], [0, 4, 9], [0, 4]]
    sure = held.draw(np.repeat([0, 1, 2], 200), np.ones(600), np.arange(600, dtype=np.uint64)).reshape(3, 200)
    assert [set(row.tolist()) for row in sure] == [{0, 9}, {0, 4, 9}, {0, 4}]
    never = held.draw(np.repeat([0], 200), np.zeros(200), np.arange(200, dtype=np.uint64))
    assert set(never.tolist()) == set(range(10)) - {0, 9}


@pytest.mark.parametrize("order", list(permutations([4, 0, 9, 7])))
def test_items_are_unmarked_in_any_order(order: tuple[int, ...]) -> None:
    held = oracles(np.array([4, 0, 9, 7]), 10, 1)
    for count, item in enumerate(order, start=1):
        held.unmark(np.array([0]), np.array([item]))
        assert sorted(held.items(0).tolist()) == sorted(order[count:])
        assert not held.are_marked(np.zeros(count, np.int64), np.array(order[:count])).any()


def test_any_sampler_will_do() -> None:
    engine = SamplerEngine(StatevectorSampler(seed=3))
    held = oracles(np.array([1]), 4, 6)
    measured = engine.sample(Batch(held, np.arange(6), [Run(1)] * 6, np.arange(6, dtype=np.uint64)))
    assert measured.tolist() == [1] * 6
    assert engine.simulation.circuits == 6


def state_by_hand(n_items: int, marked: IntArray, run: Run) -> np.ndarray:
    """The state before the measurement, by matrices that know nothing of circuits."""
    size = max(2, 1 << (n_items - 1).bit_length())
    uniform = np.where(np.arange(size) < n_items, n_items**-0.5, 0.0)
    turns = [(np.pi, np.pi)] * run.iterations
    if run.phases is not None:
        turns = list(zip(run.phases.oracle, run.phases.diffusion, strict=True))
    state = uniform.astype(complex)
    for oracle, diffusion in turns:
        state[marked] *= np.exp(1j * oracle)
        state += (np.exp(1j * diffusion) - 1.0) * uniform * (uniform @ state)
    return state


@pytest.mark.parametrize("n_items", [1, 2, 5, 8, 11])
def test_an_injected_sampler_sees_the_circuit_of_every_run(n_items: int) -> None:
    class Recorder(StatevectorSampler):
        def run(self, pubs: Any, *, shots: Any = None) -> Any:
            seen.extend(pub[0] for pub in pubs)
            assert shots == 1
            return super().run(pubs, shots=shots)

    seen: list[Any] = []
    rng = np.random.default_rng(n_items)
    runs = [*RUNS.values(), Run(3), Run(5, fixed_point_phases(5, 0.01))]
    marked = [np.sort(rng.choice(n_items, rng.integers(n_items + 1), replace=False)) for _ in runs]
    indptr = np.cumsum([0, *(len(items) for items in marked)])
    held = MarkedItems(indptr, np.concatenate(marked), n_items)
    SamplerEngine(Recorder()).sample(Batch(held, np.arange(5), runs, np.arange(5, dtype=np.uint64)))
    assert len(seen) == len(runs)
    for circuit, items, run in zip(seen, marked, runs, strict=True):
        state = Statevector(circuit.remove_final_measurements(inplace=False))
        assert state.equiv(Statevector(state_by_hand(n_items, items, run)))


def test_aers_own_sampler_gets_fresh_seeds_from_the_batch() -> None:
    held, searches = oracles(np.empty(0, np.int64), 1024, 8), np.arange(8)
    first, again, other = (
        SamplerEngine().sample(Batch(held, searches, [Run(0)] * 8, np.arange(seed, seed + 8, dtype=np.uint64) << 8))
        for seed in (1, 1, 50)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len(set(first.tolist())) > 1


def test_too_many_items_for_memory_are_refused_with_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer, "available_bytes", lambda: 1 << 20)
    with pytest.raises(ResourceError, match=r"needs \d+ bytes of memory but 1048576 are available; at most 16 poi"):
        AerEngine().check_resources(1 << 14)
    AerEngine().check_resources(16)
    ClosedFormEngine().check_resources(1 << 30)


def test_a_batch_is_split_to_stay_within_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer, "_BATCH_BYTES", 1 << 12)
    assert follow(shots(AerEngine(), Run(1), rounds=4), Run(1), sees=0.4)


STATUS = Path("/proc/self/status")
MEMORY = """
def memory(line):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return 1024 * int(status[line].split()[0])
"""


def in_a_new_process(code: str, *arguments: int) -> list[int]:
    """Run code that measures the memory of its process in one of its own; return the numbers it prints."""
    words = [sys.executable, "-c", MEMORY + code, *map(str, arguments)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return [int(number) for number in done.stdout.split()]


DENSE_RUN = """
import numpy as np
from circuits.engines.aer import AerEngine, _needed_bytes
from circuits.law import fixed_point_iterations, fixed_point_phases
from circuits.engines.marked import MarkedItems
from circuits.engines.direct import DirectAer, _tried, direct
from circuits.engines.engine import Batch, Engine, Run
engine = AerEngine()
def sample(n_items, run):
    held = MarkedItems(np.array([0, n_items // 2]), np.arange(n_items // 2), n_items)
    engine.sample(Batch(held, np.array([0]), [run], np.array([5], np.uint64)))
    return memory("VmHWM")
before = sample(4, Run(1))
length = fixed_point_iterations(4096, 1e-10)
print(sample(4096, Run(length, fixed_point_phases(length, 1e-10))) - before, _needed_bytes(12))
"""


@pytest.mark.skipif(not STATUS.exists(), reason="reads Linux's account of the process")
def test_the_guard_names_no_less_than_the_longest_run_takes() -> None:
    taken, named = in_a_new_process(DENSE_RUN)
    assert taken <= named <= 4 * taken


TIMES = int(os.environ.get("HYBRID_TRAIN_ENDURANCE", "1000"))
"""Searches; ``make endurance`` takes ten thousand."""
MANY_SEARCHES = """
import gc, sys, numpy as np
from circuits.finder import GroverFinder
rng = np.random.default_rng(0)
points, queries = rng.standard_normal((16, 4)), rng.standard_normal((int(sys.argv[1]) // 40, 4))
finder = GroverFinder(engine="aer", delta=1e-3)
finder.build(points, queries, 1.0)
for _ in range(45):
    finder.find()
    gc.collect()
    print(memory("VmRSS"))
"""


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="reads Linux's account of the process")
def test_long_searching_holds_no_more_memory_than_short() -> None:
    """The least of several readings, as the allocator comes and goes; a circuit kept for each search would show."""
    readings = in_a_new_process(MANY_SEARCHES, TIMES)
    early, late = readings[10:20], readings[-10:]  # what is kept once for all was seen to come as late as the sixth
    assert min(late) - min(early) < 2000 * TIMES


def test_closed_form_loads_no_qiskit() -> None:
    code = (
        "import sys, numpy as np, circuits.finder\n"
        "finder = circuits.finder.GroverFinder(engine='closed_form')\n"
        "finder.build(np.eye(4), np.eye(4), 0.5)\n"
        "assert finder.find().indices.tolist() == [0, 1, 2, 3]\n"
        "assert not [name for name in sys.modules if name.startswith(('qiskit', 'matplotlib'))]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class _Job:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def result(self) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class _OddSampler(BaseSamplerV2):
    """Runs circuits as it should, then spoils what comes back."""

    def __init__(self, spoil: Callable[[Any], Any]) -> None:
        self._spoil = spoil

    def run(self, pubs: Any, *, shots: int | None = None) -> Any:
        return _Job(self._spoil(StatevectorSampler(seed=np.random.default_rng(1)).run(pubs, shots=shots).result()))


def _renamed(result: Any) -> Any:
    return [SamplerPubResult(DataBin(meas=pub.data["item"])) for pub in result]


def _one_run(engine: SamplerEngine) -> IntArray:
    marked = MarkedItems(np.array([0, 1]), np.array([3]), 4)
    return engine.sample(Batch(marked, np.array([0]), [Run(1)], np.array([5], np.uint64)))


def test_a_register_of_any_name_is_read() -> None:
    assert _one_run(SamplerEngine(_OddSampler(_renamed))).tolist() == [3]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda _: RuntimeError("the queue is closed"),
            "1 circuits were handed over .* the queue is closed",
        ),
        (lambda result: list(result) * 2, "1 circuits were run but 2 results came back"),
        (lambda _: None, ".* no measurements came back: TypeError"),
        (lambda result: [SamplerPubResult(DataBin()) for _ in result], ".* no measurements came back: ValueError"),
    ],
)
def test_what_a_machine_fails_with_is_told(spoil: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ResourceError, match=f"sampler='_OddSampler': {message}"):
        _one_run(SamplerEngine(_OddSampler(spoil)))


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("engine", [AerEngine, lambda: SamplerEngine(shots=8), ClosedFormEngine])
def test_pairs_follow_the_law_whatever_the_register(engine: Callable[[], Engine], run: Run) -> None:
    """3 x 5 pairs leave places that hold none, which are never measured; places taken for items must fail."""
    register, marked = Register((3, 5)), np.array([4, 6, 10, 11, 13, 14])
    held = MarkedItems(np.arange(65) * 6, np.tile(marked, 64), register)
    rng, carried = np.random.default_rng(0), engine()
    keys = [rng.integers(0, 1 << 63, 64, np.uint64) for _ in range(12)]
    drawn = np.concatenate([carried.sample(Batch(held, np.arange(64), [run] * 64, seeds)) for seeds in keys])
    shares = law(run, 15, marked)
    assert drawn.max() < 15
    assert counts_are(np.bincount(drawn, minlength=15), shares, sees=0.6)
    taken = register.places(drawn)
    taken = taken[taken < 15]
    assert not counts_are(np.bincount(taken, minlength=15), shares, sees=0.6)
