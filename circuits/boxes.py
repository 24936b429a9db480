"""Named boxes: parts of a circuit as one gate each, which draw narrow and export to QPY and OpenQASM."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate

from hybrid_train.support.arrays import FloatArray


def is_boxable(circuit: QuantumCircuit) -> bool:
    """Return whether a circuit can be one gate: it measures nothing and has no conditions."""
    return not circuit.clbits and all(
        isinstance(step.operation, Gate) or step.operation.name == "barrier" for step in circuit.data
    )


def box(circuit: QuantumCircuit, name: str) -> Gate:
    """Return a gate of this name that is defined by a circuit, whose barriers are left out.

    A plain Gate, so that a process without this package loads it from QPY; an OpenQASM gate holds no barriers.

    Args:
        circuit: of gates and barriers alone.
        name: shown in drawings.
    """
    definition = circuit.copy_empty_like()
    for step in circuit.data:
        if step.operation.name != "barrier":
            definition.append(step)
    gate: Gate = Gate(name, circuit.num_qubits, [])
    gate.definition = definition
    return gate


def diagonal(phases: FloatArray, name: str) -> QuantumCircuit:
    """Return |r> -> exp(i phases[r]) |r> as at most 2^n - 1 rotations about Z and as many controlled NOTs.

    The phases are a sum over the parities of subsets of qubits; a Gray code visits those whose highest qubit is the
    same with one controlled NOT from one to the next (Welch, Greenbaum, Mostame, Aspuru-Guzik 2014). Qiskit's own
    diagonal has entries for parameters, which neither OpenQASM nor a drawing has room for.

    Args:
        phases: (2^n,) radians.
        name: of the circuit.
    """
    n_qubits = len(phases).bit_length() - 1
    weights = _walsh_coefficients(phases)
    circuit = QuantumCircuit(n_qubits, name=name, global_phase=float(weights[0]))
    for top in range(n_qubits):
        for parity, control in _gray_code(top):
            angle = -2.0 * float(weights[parity | 1 << top])
            if angle:
                circuit.rz(angle, top)
            if control is not None:
                circuit.cx(control, top)
    return circuit


def _gray_code(bits: int) -> Iterator[tuple[int, int | None]]:
    """Yield each of 2^bits subsets with the bit that turns it into the next, back to none after the last."""
    for at in range(1 << bits):
        low = ((at + 1) & -(at + 1)).bit_length() - 1
        yield at ^ at >> 1, min(low, bits - 1) if bits else None


def _walsh_coefficients(phases: FloatArray) -> FloatArray:
    """Return (2^n,) w with phases[r] = sum over s of w[s] (-1)^(parity of r & s)."""
    weights = np.array(phases, np.float64)
    half = 1
    while half < len(weights):
        pairs = weights.reshape(-1, 2, half)
        weights = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        half *= 2
    return weights / len(weights)
