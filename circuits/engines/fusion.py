"""Fusing the gates of a circuit into a few small unitaries: the same map in fewer instructions for a simulator."""

from __future__ import annotations

from dataclasses import dataclass

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Qubit
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator

MOST_FUSED = 10
"""Qubits of a register; on more, two gates of one qubit are over sooner than one of two."""


@dataclass
class _Group:
    qubits: set[Qubit]
    gates: list[CircuitInstruction]


def fused(circuit: QuantumCircuit) -> list[CircuitInstruction]:
    """Return instructions with the same action as ``circuit``, its small gates merged where their order allows.

    Unitaries of three qubits: wider ones would cost a statevector simulator more than the instructions they save. On
    many qubits gates of one are merged only with each other, if there are no others.

    Args:
        circuit: of unitary gates only; wider ones stay as they are.
    """
    alone = circuit.num_qubits > MOST_FUSED and all(len(gate.qubits) == 1 for gate in circuit.data)
    width = 1 if alone else 3
    groups: list[_Group] = []
    for gate in circuit.data:
        home = _home(groups, set(gate.qubits), width)
        if home is None:
            groups.append(_Group(set(gate.qubits), [gate]))
        else:
            home.qubits.update(gate.qubits)
            home.gates.append(gate)
    return [_merged(circuit, group) for group in groups]


def _home(groups: list[_Group], qubits: set[Qubit], width: int) -> _Group | None:
    """Return the latest group a gate on these qubits can join: no group after it may share a qubit with the gate."""
    for group in reversed(groups):
        if len(group.qubits | qubits) <= width:
            return group
        if group.qubits & qubits:
            return None
    return None


def _merged(circuit: QuantumCircuit, group: _Group) -> CircuitInstruction:
    if len(group.gates) == 1:
        return group.gates[0]
    register = [qubit for qubit in circuit.qubits if qubit in group.qubits]
    part = QuantumCircuit(register)
    for gate in group.gates:
        part.append(gate)
    return CircuitInstruction(UnitaryGate(Operator(part)), register)
