from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from circuits.arithmetic import FixedPointWeights, PairArithmeticOracle
from circuits.arithmetic.oracle import ArithmeticOracle
from circuits.excluding import ExcludingOracle
from circuits.grover import grover_circuit


def make(m: int, n: int, d: int, threshold: float = 0.3) -> tuple[PairArithmeticOracle, FixedPointWeights, np.ndarray]:
    rng = np.random.default_rng([m, n, d])
    weights, queries = FixedPointWeights(rng.standard_normal((m, d)), 2), rng.standard_normal((n, d))
    return PairArithmeticOracle(weights, queries, threshold, 3), weights, queries


def marks_by_place(oracle: PairArithmeticOracle) -> np.ndarray:
    marks = np.zeros(1 << oracle.n_qubits, bool)
    marks[oracle.register.places(np.flatnonzero(oracle.marked()))] = True
    return marks


def test_it_marks_what_the_oracles_of_the_queries_mark() -> None:
    oracle, weights, queries = make(9, 5, 3)
    each = [ArithmeticOracle(weights, query, 0.3, query_bits=3).marked() for query in queries]
    assert np.array_equal(oracle.marked(), np.concatenate(each))
    assert 0 < oracle.marked().sum() < oracle.n_items


@pytest.mark.parametrize("threshold", [0.3, -50.0])
@pytest.mark.parametrize(("m", "n", "d"), [(4, 2, 1), (3, 2, 1), (2, 3, 1), (2, 2, 2), (4, 1, 1), (1, 3, 1)])
def test_phase_on_a_random_state(m: int, n: int, d: int, threshold: float) -> None:
    """Places past the last query or point stay as they are, even where zero would fire."""
    oracle, _, _ = make(m, n, d, threshold)
    circuit = oracle.circuit(0.7)
    assert circuit.num_qubits == oracle.n_qubits + oracle.n_ancillas
    rng = np.random.default_rng(m)
    size = 1 << oracle.n_qubits
    state = np.zeros(1 << circuit.num_qubits, complex)
    state[:size] = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    state /= np.linalg.norm(state)
    wanted = state.copy()
    wanted[:size] *= np.where(marks_by_place(oracle), np.exp(0.7j), 1.0)
    assert np.allclose(Statevector(state).evolve(circuit).data, wanted, atol=1e-9)
    wrong = state.copy()
    wrong[:size] *= np.where(~marks_by_place(oracle), np.exp(0.7j), 1.0)
    assert not np.allclose(Statevector(state).evolve(circuit).data, wrong, atol=1e-3)


def test_bit_oracle_flips_the_flag() -> None:
    """On all places at once, the flag beside each tells whether it is marked."""
    oracle, _, _ = make(3, 2, 1)
    circuit = oracle.bit_circuit()
    size = 1 << oracle.n_qubits
    state = np.zeros(1 << circuit.num_qubits)
    state[:size] = size**-0.5
    ended = Statevector(state).evolve(circuit).data
    wanted = np.zeros_like(state)
    wanted[np.arange(size) + size * marks_by_place(oracle)] = size**-0.5
    assert np.allclose(ended, wanted, atol=1e-9)


def test_found_pairs_are_turned_back() -> None:
    oracle, _, _ = make(4, 2, 1)
    marked = np.flatnonzero(oracle.marked())
    left = marked[1:]
    run = grover_circuit(ExcludingOracle(oracle, marked[:1], oracle.register), 1, measure=False)
    chances = Statevector(run).probabilities(range(oracle.n_qubits))
    theta = np.arcsin(np.sqrt(len(left) / oracle.n_items))
    assert chances[oracle.register.places(left)].sum() == pytest.approx(np.sin(3 * theta) ** 2)
