from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Operator

import circuits
from circuits import ArithmeticOracle, CnfOracle, Formula, LookupOracle, find_all
from circuits.engines import ENGINES
from circuits.excluding import ExcludingOracle
from circuits.strategies import STRATEGIES
from hybrid_train.errors import ConfigError, DataError, ResourceError
from tests.support.statistics import share_is_at_most

MARKED = [2, 3, 7, 11]


class Own:
    """Marks 7 of 8 with one ancilla, in gates of its own."""

    n_items, n_qubits = 8, 3

    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        both = QuantumCircuit(2, name="own")
        both.ch(0, 1)
        circuit = QuantumCircuit(4)
        circuit.ccx(0, 1, 3)
        circuit.append(both.to_gate(), [0, 1])
        circuit.append(both.to_gate().inverse(), [0, 1])
        circuit.cp(phase, 3, 2)
        circuit.ccx(0, 1, 3)
        return circuit


class Dirty(Own):
    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        circuit = QuantumCircuit(4)
        circuit.ccx(0, 1, 3)
        return circuit


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "warm"])
def test_all_is_found_and_certified(strategy: str, engine: str) -> None:
    found = find_all(MARKED, 13, strategy=strategy, engine=engine)
    assert found.items.tolist() == MARKED
    assert found.stop.miss_probability <= 1e-6
    assert found.cost.measurements == found.cost.inner_products
    assert found.cost.oracle_calls > 0


@pytest.mark.parametrize(
    ("given", "n_items", "items"),
    [
        (lambda item: item % 5 == 1, 14, [1, 6, 11]),
        (np.arange(9) > 6, None, [7, 8]),
        ({3, 1}, 4, [1, 3]),
        (LookupOracle(MARKED, 13), None, MARKED),
        (Formula(4, ((1,), (2, 3), (-4,))), None, [3, 5, 7]),
        (CnfOracle(Formula(3, ((1, 2, 3), (-1,))), "flags"), None, [2, 4, 6]),
        (Own(), None, [7]),
        ([], 8, []),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_whatever_says_what_is_marked(given: Any, n_items: int | None, items: list[int], engine: str) -> None:
    assert find_all(given, n_items, engine=engine).items.tolist() == items


def test_dimacs_file(tmp_path: Path) -> None:
    path = tmp_path / "three.cnf"
    path.write_text("p cnf 4 3\n1 0\n2 3 0\n-4 0\n")
    for name in (path, str(path)):
        found = find_all(name, seed=3)
        assert found.items.tolist() == [3, 5, 7]
        assert (found.n_items, found.n_qubits, found.verified_by) == (16, 6, "the formula")
    with pytest.raises(DataError, match="no such file"):
        find_all(tmp_path / "none.cnf")


def test_an_arithmetic_oracle_counts_what_its_integers_mark() -> None:
    oracle = ArithmeticOracle(np.array([[1.0], [0.2], [-1.0]]), [1.0], 0.5, 2)
    assert find_all(oracle).items.tolist() == np.flatnonzero(oracle.marked()).tolist()


def test_a_classical_test_of_ones_own() -> None:
    asked: list[int] = []

    def is_seven(item: int) -> bool:
        asked.append(item)
        return item == 7

    found = find_all(Own(), is_marked=is_seven)
    assert found.items.tolist() == [7]
    assert found.verified_by == "is_marked"
    assert sorted(set(asked)) == list(range(8))


def test_the_report_counts_the_circuits_that_were_run() -> None:
    found = find_all(Own())
    rows = found.report()
    assert sum(row["runs"] for row in rows) == found.cost.measurements
    assert sum(row["runs"] * row["iterations"] for row in rows) == found.cost.oracle_calls
    for row, (circuit, times) in zip(rows, found.circuits(), strict=True):
        assert row["runs"] == times
        assert row["qubits"] == circuit.num_qubits == 4
        assert row["gates"] >= row["depth"] >= row["iterations"]
        assert row["two_qubit_gates"] >= 2 * row["iterations"]
    assert rows[-1]["generalised"]
    assert rows[-1]["unmarked"] == 1
    coupled = found.report(basis_gates=("cz", "rz", "sx"), optimization_level=0)
    assert coupled[-1]["two_qubit_gates"] >= rows[-1]["two_qubit_gates"]
    with pytest.raises(ConfigError, match="optimization_level"):
        found.report(optimization_level=4)


def test_many_shots_a_job() -> None:
    def sampler() -> StatevectorSampler:
        return StatevectorSampler(seed=np.random.default_rng(1))

    one, many = (find_all(MARKED, 13, sampler=sampler(), shots=shots, seed=2) for shots in (None, 32))
    assert one.items.tolist() == many.items.tolist() == MARKED
    assert one.shots == one.jobs == one.cost.measurements
    assert many.jobs is not None
    assert many.shots is not None
    assert many.jobs < many.cost.measurements < many.shots
    assert many.stop.miss_probability == 1.0  # a machine proves nothing


def test_the_report_of_a_backend_is_in_its_gates() -> None:
    backend = GenericBackendV2(4, seed=1)
    found = find_all(Own(), backend=backend, shots=16)
    assert set(found.items.tolist()) <= {7}  # its noise is drawn anew, and it may miss
    assert found.report()[-1]["two_qubit_gates"] > 0


def test_counting_gives_an_interval_that_holds() -> None:
    """Intervals of 95 %; ones of a quarter of their width hold too seldom."""
    missed, narrow, wide = 0, 0, []
    for seed in range(100):
        estimate = find_all(np.arange(40), 1000, strategy="counting", engine="closed_form", seed=seed).estimate
        assert estimate is not None
        assert estimate.low <= estimate.value <= estimate.high
        missed += not estimate.low <= 40 <= estimate.high
        narrow += not abs(40 - estimate.value) <= (estimate.high - estimate.low) / 8
        wide.append(estimate.high - estimate.low)
    assert share_is_at_most(missed, 100, 0.05, sees=0.35)
    assert not share_is_at_most(narrow, 100, 0.05, sees=0.35)
    assert np.median(wide) < 30
    assert find_all(MARKED, 13).estimate is None


def test_aers_method_device_and_precision() -> None:
    for options in ({"method": "matrix_product_state"}, {"method": "density_matrix"}, {"precision": "single"}):
        found = find_all([1, 4], 6, strategy="bbht", delta=0.01, **options)
        assert found.items.tolist() == [1, 4]
    with pytest.raises(ResourceError, match="device='GPU': this Qiskit Aer has only CPU"):
        find_all(MARKED, 13, device="GPU")
    with pytest.raises(ResourceError, match="device='GPU'"):
        circuits.GroverFinder(device="GPU")


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ("any", {"engine": "none"}, "engine='none'"),
        ([1], {"n_items": None}, "n_items=None"),
        (lambda item: True, {"n_items": None}, "n_items=None"),
        (lambda item: 1, {}, "expected True or False"),
        (Own(), {"n_items": 9}, "the oracle has 8 items"),
        (Dirty(), {"n_items": None}, "ancillas that end as"),
        ([1], {"is_marked": bool}, "is_marked"),
        ([1], {"strategy": "warm"}, "nothing to remember"),
        ([1], {"delta": 0.0}, "delta=0"),
        ([1], {"engine": "closed_form", "device": "CPU"}, "device"),
        ([1], {"method": "stabilizer"}, "method='stabilizer'"),
        ([1], {"shots": 0}, "shots=0"),
        ([1], {"speed": 3}, "speed"),
        ([1], {"device": "GPU", "method": "matrix_product_state"}, "on the CPU alone"),
        (Own(), {"n_items": None, "noise": {"readout": 0.1}}, "noise"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(given: Any, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    if given == "any":
        given = [1]
    with pytest.raises(ConfigError, match=words) as caught:
        find_all(given, **{"n_items": 8} | options)
    assert "\n" not in str(caught.value)


def test_items_that_are_done_are_turned_back() -> None:
    """Whatever the phase: only what is marked and not done keeps it, and the rest is as before."""
    oracle = LookupOracle(MARKED, 13)
    phases = Operator(ExcludingOracle(oracle, [3, 11], oracle.register).circuit(0.7)).data.diagonal()
    expected = np.ones(16, complex)
    expected[[2, 7]] = np.exp(0.7j)
    assert np.allclose(phases[:13], expected[:13])
