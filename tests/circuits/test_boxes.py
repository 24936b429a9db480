"""Every circuit that is handed out is written and read back, by QPY and both versions of OpenQASM, as the same map."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import openqasm3
import pytest
from qiskit import QuantumCircuit, qasm2, qasm3, qpy
from qiskit.quantum_info import Operator, Statevector

from circuits import LookupOracle, diffusion, fixed_point_phases, grover_circuit, grover_operator, uniform_state
from circuits.arithmetic import example_oracle, run_on_basis_states
from circuits.boxes import diagonal

FEW, MANY = LookupOracle([3], 130), LookupOracle([3, 17, 40], 50)
PHASES = fixed_point_phases(1, 0.1)


def _unitary() -> dict[str, QuantumCircuit]:
    circuits = {
        "uniform": uniform_state(50),
        "diffusion": diffusion(11, 0.3),
        "iteration": grover_operator(MANY, oracle_phase=0.3, diffusion_phase=0.7),
        "README": grover_circuit(MANY, 2, measure=False),
        "one item": grover_circuit(LookupOracle([0], 1), measure=False),
    }
    for name, oracle in (("few", FEW), ("many", MANY)):
        circuits |= {f"{name}, phase": oracle.circuit(0.4), f"{name}, bit": oracle.bit_circuit()}
        circuits[f"{name}, certificate"] = grover_circuit(oracle, phases=PHASES, measure=False)
    for variant, options in (("draper", {}), ("all", {}), ("all", {"swap": 2}), ("coordinate", {"spare": 1})):
        arithmetic = example_oracle(3, 1, 2, variant=variant, done=True, **options)
        name = f"{variant} {options}"
        circuits |= {f"{name}, phase": arithmetic.circuit(0.4), f"{name}, bit": arithmetic.bit_circuit()}
        circuits[f"{name}, certificate"] = grover_circuit(arithmetic, phases=PHASES, measure=False)
    return circuits


UNITARY = _unitary()
MEASURED = {
    f"{variant} {options}": example_oracle(5, 2, 2, variant=variant, **options)
    for variant, options in (("all", {}), ("all", {"swap": 2, "done": True}), ("coordinate", {"spare": 3}))
}
"""Oracles that erase by measurement."""


def acts_as(circuit: QuantumCircuit, other: QuantumCircuit) -> bool:
    """Compare on a random state: equal maps agree, others do with probability 0."""
    rng = np.random.default_rng(0)
    state = rng.standard_normal((1 << circuit.num_qubits, 2)) @ [1, 1j]
    start = Statevector(state / np.linalg.norm(state))
    # Taken apart first: OpenQASM's gates would become matrices on all their qubits.
    ends = [start.evolve(one.decompose(["uniform*", "oracle*", "diffusion*"])) for one in (circuit, other)]
    return bool(ends[0].equiv(ends[1]))


def through_qpy(circuit: QuantumCircuit) -> QuantumCircuit:
    stream = BytesIO()
    qpy.dump(circuit, stream)
    stream.seek(0)
    (loaded,) = qpy.load(stream)
    return loaded


def through_openqasm3(circuit: QuantumCircuit) -> QuantumCircuit:
    return qasm3.loads(qasm3.dumps(circuit))


def through_openqasm2(circuit: QuantumCircuit) -> QuantumCircuit:
    return QuantumCircuit.from_qasm_str(qasm2.dumps(circuit))


READ_BACK = [(name, through) for name in UNITARY for through in (through_qpy, through_openqasm2)]
READ_BACK += [(name, through_openqasm3) for name in ("README", "one item", "few, phase", "draper {}, phase")]
"""OpenQASM 3's reference parser takes seconds on longer ones."""


@pytest.mark.parametrize(("name", "through"), READ_BACK)
def test_what_is_read_back_is_the_same_map(name: str, through: Callable[[QuantumCircuit], QuantumCircuit]) -> None:
    assert acts_as(through(UNITARY[name]), UNITARY[name])


def test_another_map_is_told_apart() -> None:
    assert not acts_as(grover_circuit(LookupOracle([3, 17], 50), 2, measure=False), UNITARY["README"])


def test_a_process_that_knows_qiskit_alone_loads_them_all(tmp_path: Path) -> None:
    with (tmp_path / "circuits.qpy").open("wb") as file:
        qpy.dump([*UNITARY.values(), *(oracle.circuit(measured=True) for oracle in MEASURED.values())], file)
    script = (
        "import sys; from qiskit import qpy\n"
        "loaded = qpy.load(open('circuits.qpy', 'rb'))\n"
        "assert not {'circuits', 'hybrid_train'} & set(sys.modules)\n"
        "qpy.dump(loaded, open('again.qpy', 'wb'))\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True, timeout=120)
    with (tmp_path / "again.qpy").open("rb") as file:
        loaded = qpy.load(file)
    for read, written in zip(loaded, UNITARY.values(), strict=False):
        assert acts_as(read, written)


@pytest.mark.parametrize("name", MEASURED)
def test_oracles_that_erase_by_measurement(name: str) -> None:
    circuit = MEASURED[name].circuit(measured=True)
    loaded = through_qpy(circuit)
    states = np.zeros((circuit.num_qubits, 8), np.bool_)
    states[: MEASURED[name].n_qubits] = np.arange(8) >> np.arange(3)[:, None] & 1
    for one in (circuit, loaded):
        end = run_on_basis_states(one, states)
        assert np.flatnonzero(end.negative).tolist() == np.flatnonzero(MEASURED[name].marked()).tolist()
        assert (end.bits == states).all()
    openqasm3.parse(qasm3.dumps(circuit))
    with pytest.raises(qasm2.QASM2ExportError, match="conditions"):
        qasm2.dumps(circuit)


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 5])
def test_a_diagonal_of_rotations(n_qubits: int) -> None:
    phases = np.random.default_rng(n_qubits).uniform(-4, 4, 1 << n_qubits)
    np.testing.assert_allclose(Operator(diagonal(phases, "d")).data, np.diag(np.exp(1j * phases)), atol=1e-12)


def test_a_run_draws_narrow() -> None:
    drawing = str(grover_circuit(MANY, iterations=2).draw("text", fold=-1))
    assert max(map(len, drawing.splitlines())) <= 100
    for name in ("uniform", "oracle", "diffusion"):
        assert name in drawing
    assert max(map(len, str(MANY.circuit().draw("text", fold=-1)).splitlines())) <= 30
