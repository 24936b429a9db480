"""Circuits of monitored runs: the instrument of one iteration, and whole runs on Aer against their law."""

import math
from typing import Any

import numpy as np
import pytest
from qiskit import transpile
from qiskit.quantum_info import Operator, Statevector
from qiskit_aer import AerSimulator

from circuits.arithmetic import ArithmeticOracle
from circuits.lookup import LookupOracle
from circuits.monitored import monitored_circuit, monitored_step, outcome_of
from circuits.monitored_law import monitored_end
from circuits.oracle import Oracle
from hybrid_train.errors import ConfigError
from tests.support.statistics import counts_agree


def kraus(circuit: Any, n_qubits: Any) -> Any:
    """Return what |0> and |1> of the target do to the index, the target |0> before and after the index."""
    size = 1 << n_qubits
    unitary = Operator(circuit).data
    return unitary[:size, :size], unitary[size : 2 * size, :size]


@pytest.mark.parametrize("marked", [[], [3], [0, 5, 6], list(range(8))])
@pytest.mark.parametrize("damping", [0.0, 0.2, 1.5])
def test_an_iteration_is_its_instrument(marked: Any, damping: Any) -> None:
    lam = math.exp(-2.0 * damping)
    fired = np.isin(np.arange(8), marked)
    silent, heralded = kraus(monitored_step(LookupOracle(marked, 8), damping), 3)
    np.testing.assert_allclose(silent, np.diag(np.where(fired, -lam, 1.0)), atol=1e-12)
    np.testing.assert_allclose(np.abs(heralded), np.diag(np.where(fired, math.sqrt(1 - lam * lam), 0.0)), atol=1e-7)
    np.testing.assert_allclose(silent.conj().T @ silent + heralded.conj().T @ heralded, np.eye(8), atol=1e-12)


def test_an_arithmetic_oracle_has_the_same_instrument() -> None:
    oracle = ArithmeticOracle(np.array([[0.9], [-0.4], [0.3], [-0.8]]), [1.0], 0.1, 3)
    step = monitored_step(oracle, 0.3)
    fired = oracle.marked()
    assert 0 < fired.sum() < 4
    size = 1 << step.num_qubits
    columns = np.array([Statevector.from_int(item, size).evolve(step).data for item in range(4)]).T
    silent, heralded = columns[:4], columns[4:8]
    np.testing.assert_allclose(silent, np.diag(np.where(fired, -math.exp(-0.6), 1.0)), atol=1e-9)
    np.testing.assert_allclose(np.abs(np.diag(heralded)) > 0.1, fired)
    np.testing.assert_allclose(columns[8:], 0.0, atol=1e-9)


def refuted(one: Any, other: Any) -> Any:
    table = np.array([one, other])
    return not counts_agree(table[:, table.sum(axis=0) >= 60], sees=0.1)


def test_runs_on_aer_follow_the_closed_form() -> None:
    """2000 runs on Aer against 20 000 draws; the twin, twice the damping, is refuted."""
    circuit = transpile(monitored_circuit(LookupOracle([2], 4), [(3, 0.4)]), AerSimulator(), optimization_level=0)
    shots = AerSimulator(seed_simulator=5).run(circuit, shots=2000, memory=True).result().get_memory()
    pairs = np.array([outcome_of(shot) for shot in shots])
    simulated = np.bincount((pairs[:, 0] == 2) * 4 + pairs[:, 1], minlength=8)
    assert not refuted(simulated, drawn(0.4))
    assert refuted(simulated, drawn(0.8))


def drawn(damping: Any) -> Any:
    draws = np.random.default_rng(0).random(20000)
    ends = [monitored_end(4, 1, np.array([3]), np.array([damping]), draw) for draw in draws]
    return np.bincount([4 * found + time for time, found in ends], minlength=8)


@pytest.mark.parametrize(("bits", "outcome"), [("10 000 0", (2, 3)), ("01 100 1", (1, 3)), ("11 001 1", (3, 1))])
def test_bits_are_read_as_qiskit_prints_them(bits: Any, outcome: Any) -> None:
    assert outcome_of(bits) == outcome


class Bare:
    """An oracle without a bit circuit."""

    n_items, n_qubits = 4, 2
    circuit = Oracle.circuit


def test_what_cannot_be_built_is_told() -> None:
    with pytest.raises(ConfigError, match="Bare has no bit_circuit"):
        monitored_step(Bare(), 0.1)
    with pytest.raises(ConfigError, match=r"damping=-1.0: must be at least 0"):
        monitored_step(LookupOracle([1], 4), -1.0)
    with pytest.raises(ConfigError, match="iterations=0"):
        monitored_circuit(LookupOracle([1], 4), [(0, 0.1)])
