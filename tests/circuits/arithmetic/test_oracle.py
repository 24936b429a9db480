"""The arithmetic oracle, run as reversible logic on every basis state and as a statevector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import Operator, Statevector
from qiskit_aer import AerSimulator

from circuits.arithmetic import ArithmeticOracle, FixedPointWeights, run_on_basis_states
from circuits.arithmetic.fourier import reed_muller
from circuits.arithmetic.gates import CleanAnd, EraseAnd
from circuits.resources import count_circuit
from hybrid_train.errors import ConfigError, DataError, InvariantError
from hybrid_train.finder.scan import active_pairs


def make(
    m: int, d: int, bits: int, query_bits: int, seed: int = 0, threshold: float = 0.7, **options: Any
) -> ArithmeticOracle:
    rng = np.random.default_rng([seed, m, d, bits])
    weights, query = rng.standard_normal((m, d)), rng.standard_normal(d)
    query[rng.random(d) < 0.2] = 0.0
    return ArithmeticOracle(weights, query, threshold, bits, query_bits, **options)


def expected_marks(oracle: ArithmeticOracle) -> np.ndarray:
    """Every address of the index register; those past the last item are not marked."""
    marks = np.zeros(1 << oracle.n_qubits, np.bool_)
    marks[: oracle.n_items] = oracle.marked()
    return marks


def all_indices(oracle: ArithmeticOracle, circuit: QuantumCircuit) -> np.ndarray:
    size = 1 << oracle.n_qubits
    bits = np.zeros((circuit.num_qubits, size), np.bool_)
    bits[: oracle.n_qubits] = np.arange(size) >> np.arange(oracle.n_qubits)[:, None] & 1
    return bits


def flips_the_right_signs(oracle: ArithmeticOracle, circuit: QuantumCircuit) -> bool:
    start = all_indices(oracle, circuit)
    end = run_on_basis_states(circuit, start, np.random.default_rng(5))
    return np.array_equal(end.bits, start) and np.array_equal(end.negative, expected_marks(oracle))


SIZES = [1, 2, 3, 5, 8, 13, 64, 100]
SHAPES = [(m, loading, 1) for m in SIZES for loading in ("all", "coordinate")]
SHAPES += [(m, "all", swap) for m in SIZES for swap in (2, 4) if swap < 1 << (m - 1).bit_length()]


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize(("m", "loading", "swap"), SHAPES)
def test_signs_and_clean_ancillas_on_every_basis_state(m: int, loading: str, swap: int, measured: bool) -> None:
    for d, bits, query_bits, done in [(1, 2, 2, None), (2, 3, 5, [0]), (3, 4, 3, None), (4, 2, 2, [])]:
        oracle = make(m, d, bits, query_bits, adder="gidney", loading=loading, swap=swap, done=done)
        assert flips_the_right_signs(oracle, oracle.circuit(measured=measured))


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("loading", ["all", "coordinate"])
def test_four_thousand_neurons(loading: str, measured: bool) -> None:
    oracle = make(4096, 2, 4, 6, threshold=1.8, adder="gidney", loading=loading)
    assert 0 < oracle.marked().sum() < 4096
    assert flips_the_right_signs(oracle, oracle.circuit(measured=measured))


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("done", [None, [1, 2]])
@pytest.mark.parametrize("m", [4, 11])
def test_bit_oracle_flips_the_flag(m: int, done: list[int] | None, measured: bool) -> None:
    oracle = make(m, 2, 3, 3, adder="gidney", done=done)
    circuit = oracle.bit_circuit(measured=measured)
    for flag in (False, True):
        start = all_indices(oracle, circuit)
        start[oracle.n_qubits] = flag
        end = run_on_basis_states(circuit, start, np.random.default_rng(6))
        start[oracle.n_qubits] ^= expected_marks(oracle)
        assert np.array_equal(end.bits, start)
        assert not end.negative.any()


def test_every_active_neuron_is_marked_and_found_ones_are_not() -> None:
    rng = np.random.default_rng(3)
    weights, query = rng.standard_normal((300, 5)), rng.standard_normal(5)
    active = active_pairs(weights, query[None], 1.0).indices
    shared = FixedPointWeights(weights, 6)
    oracle = ArithmeticOracle(shared, query, 1.0)
    assert oracle.marked()[active].all()
    assert oracle.marked().sum() < 1.5 * len(active)
    found = ArithmeticOracle(shared, query, 1.0, done=active[:7])
    mask = np.isin(np.arange(300), active[:7])
    assert np.array_equal(found.marked(), oracle.marked() & ~mask)
    assert np.array_equal(found.marked(), ArithmeticOracle(shared, query, 1.0, done=mask).marked())


def test_unused_indices_stay_unmarked_even_where_zero_would_fire() -> None:
    oracle = make(5, 2, 3, 3, threshold=-50.0, adder="gidney")
    assert oracle.marked().all()
    assert flips_the_right_signs(oracle, oracle.circuit())


def lines(weights: np.ndarray, query: Any = (0.6, 0.8), threshold: float = 0.5, **options: Any) -> ArithmeticOracle:
    return ArithmeticOracle(weights, query, threshold, 4, adder="gidney", **options)


def test_the_check_sees_a_broken_circuit() -> None:
    weights = np.random.default_rng(8).standard_normal((16, 2))
    oracle = lines(weights)
    assert flips_the_right_signs(oracle, oracle.circuit())
    changed = weights.copy()
    changed[np.flatnonzero(oracle.marked())[0]] *= -1
    assert not flips_the_right_signs(oracle, lines(changed).circuit())
    assert not flips_the_right_signs(oracle, lines(weights, (0.6, -0.8)).circuit())
    assert not flips_the_right_signs(oracle, lines(weights, threshold=-0.5).circuit())
    assert not flips_the_right_signs(oracle, lines(weights, done=np.flatnonzero(oracle.marked())[:1]).circuit())


def test_the_check_sees_a_missing_gate() -> None:
    oracle = lines(np.random.default_rng(9).standard_normal((8, 2)))
    whole = oracle.circuit()
    seen, places = 0, [at for at, one in enumerate(whole.data) if one.operation.name != "barrier"]
    for at in places:
        broken = whole.copy()
        del broken.data[at]
        try:
            seen += not flips_the_right_signs(oracle, broken)
        except InvariantError:
            seen += 1
    assert seen >= 0.9 * len(places)  # a few gates change nothing for these very weights


@pytest.mark.parametrize(("m", "d"), [(1, 1), (2, 1), (3, 2), (8, 1), (13, 2), (16, 2)])
def test_fourier_oracle_on_a_random_state(m: int, d: int) -> None:
    for phase in (np.pi, 0.7):
        oracle = make(m, d, 2, 2, threshold=0.3, done=[0] if m == 8 else None)
        circuit = oracle.circuit(phase)
        assert circuit.num_qubits == oracle.n_qubits + oracle.n_ancillas
        rng = np.random.default_rng(m)
        size = 1 << oracle.n_qubits
        state = np.zeros(1 << circuit.num_qubits, complex)
        state[:size] = rng.standard_normal(size) + 1j * rng.standard_normal(size)
        state /= np.linalg.norm(state)
        wanted = state.copy()
        wanted[:size] *= np.where(expected_marks(oracle), np.exp(1j * phase), 1.0)
        assert np.allclose(Statevector(state).evolve(circuit).data, wanted, atol=1e-10)


def test_fourier_oracle_unitary_and_bit_form() -> None:
    oracle = make(3, 1, 2, 2, threshold=0.1)
    matrix = Operator(oracle.circuit()).data
    signs = np.where(expected_marks(oracle), -1.0, 1.0)
    assert np.allclose(matrix[: len(signs), : len(signs)], np.diag(signs), atol=1e-10)
    matrix = Operator(oracle.bit_circuit()).data[:8, :8]
    wanted = np.zeros((8, 8))
    for index, marked in enumerate(expected_marks(oracle)):
        for flag in (0, 1):
            wanted[index + 4 * (flag ^ marked), index + 4 * flag] = 1.0
    assert np.allclose(matrix, wanted, atol=1e-10)


def test_ripple_oracle_turns_by_any_phase() -> None:
    oracle = make(4, 1, 2, 2, threshold=0.1, adder="gidney", done=[])
    circuit = transpile(oracle.circuit(0.4), basis_gates=["u", "cx"], optimization_level=0)
    start = np.zeros(1 << circuit.num_qubits, complex)
    start[:4] = 0.5
    end = Statevector(start).evolve(circuit).data
    assert np.allclose(end[:4], 0.5 * np.where(oracle.marked(), np.exp(0.4j), 1.0), atol=1e-9)


@pytest.mark.parametrize("swap", [1, 2])
def test_the_measured_circuit_runs_with_exactly_the_t_gates_counted(swap: int) -> None:
    oracle = make(4, 1, 2, 2, threshold=0.1, adder="gidney", swap=swap)
    circuit = oracle.circuit(measured=True)
    lowered = circuit.decompose(["and"])
    counted = count_circuit(circuit)
    operations = lowered.count_ops()
    assert operations["t"] + operations["tdg"] == counted.t_count()
    assert counted.ands == circuit.count_ops()["and"]
    for seed in range(1, 9):
        whole = circuit.copy_empty_like()
        whole.h(range(oracle.n_qubits))
        whole.compose(lowered, inplace=True)
        whole.save_statevector()
        end = AerSimulator().run(whole, shots=1, seed_simulator=seed).result().get_statevector().data
        assert np.allclose(end[:4] / end[0] * (-1.0) ** oracle.marked()[0], (-1.0) ** oracle.marked(), atol=1e-9)


def test_and_gate_and_its_erasure() -> None:
    matrix = Operator(CleanAnd()).data
    for a, b in np.ndindex(2, 2):
        assert np.allclose(matrix[:, a + 2 * b], np.eye(8)[a + 2 * b + 4 * (a & b)])
    assert np.allclose(Operator(EraseAnd()).data @ matrix, np.eye(8))
    assert CleanAnd().inverse() == EraseAnd()
    assert EraseAnd().inverse() == CleanAnd()


def test_reed_muller_form_evaluates_to_the_table() -> None:
    rng = np.random.default_rng(4)
    table = [int(word) for word in rng.integers(0, 1 << 6, 13)]
    form = reed_muller(table, 4, 6)
    for index in range(16):
        value = 0
        for monomial, word in enumerate(form):
            if monomial & index == monomial:
                value ^= word
        assert value == (table[index] if index < 13 else 0)


def test_reversible_logic_refuses_what_it_cannot_follow() -> None:
    circuit = QuantumCircuit(1)
    circuit.s(0)
    with pytest.raises(ConfigError, match="s: this gate"):
        run_on_basis_states(circuit, np.zeros((1, 2)))
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.x(0)
    with pytest.raises(ConfigError, match="Hadamard"):
        run_on_basis_states(circuit, np.zeros((1, 2)))
    with pytest.raises(DataError, match="bits"):
        run_on_basis_states(circuit, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adder": "vedral"}, "adder='vedral'"),
        ({"loading": "all"}, "loading='all'"),
        ({"loading": "none"}, "loading='none'"),
        ({"swap": 2}, "swap=2"),
        ({"adder": "gidney", "swap": 3}, "swap=3"),
        ({"adder": "gidney", "swap": 8}, "swap=8"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(8, 2, 3, 3, **options)


def test_bad_data_is_named() -> None:
    with pytest.raises(DataError, match="done"):
        make(8, 2, 3, 3, done=[8])
    with pytest.raises(DataError, match="done"):
        make(8, 2, 3, 3, done=np.ones(7, np.bool_))
    with pytest.raises(ConfigError, match="bits=None"):
        ArithmeticOracle(np.eye(2), np.ones(2), 0.0)
    with pytest.raises(ConfigError, match="bits=4"):
        ArithmeticOracle(FixedPointWeights(np.eye(2), 3), np.ones(2), 0.0, bits=4)
    with pytest.raises(ConfigError, match="measured"):
        make(8, 2, 3, 3).circuit(measured=True)
