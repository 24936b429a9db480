"""What runs are put together from: gates in the two forms in which a simulator may be handed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction

from circuits.lookup import phase_table

Handed = tuple[str, tuple[Any, ...]]
"""A method of Aer's own circuit, and what it is called with."""


@final
class Piece:
    """A gate on certain qubits.

    Args:
        handed: the form of Aer's own circuit.
        instruction: what makes Qiskit's form, once that is asked for.

    Attributes:
        handed: as given.
    """

    def __init__(self, handed: Handed, instruction: Callable[[], CircuitInstruction]) -> None:
        self.handed = handed
        self._make = instruction

    @classmethod
    def of(cls, instruction: CircuitInstruction, places: list[int]) -> Piece:
        """Return a piece of Qiskit's form.

        Args:
            instruction: a Pauli string, a phase or a turn under control or, on few qubits, any unitary gate.
            places: the indices of its qubits.
        """
        return cls(_handed(instruction.operation, places), lambda: instruction)

    @cached_property
    def instruction(self) -> CircuitInstruction:
        """Qiskit's form."""
        return self._make()


@final
@dataclass(frozen=True, eq=False)
class Program:
    """A run: its gates, and then a measurement of every qubit.

    Attributes:
        pieces: the gates in order.
        bare: a circuit without them, with as many bits as qubits.
        measurements: of each qubit.
    """

    pieces: Sequence[Piece]
    bare: QuantumCircuit
    measurements: Sequence[CircuitInstruction]

    @property
    def n_qubits(self) -> int:
        """How many qubits it runs on."""
        return len(self.measurements)

    def __len__(self) -> int:
        """Return how many instructions there are."""
        return len(self.pieces) + len(self.measurements)

    def circuit(self) -> QuantumCircuit:
        """Return the run as a circuit of Qiskit."""
        circuit = self.bare.copy_empty_like()  # five times as fast as making one
        append = circuit._append  # Qiskit's documented low-level door: the pieces were checked when they were made
        for piece in self.pieces:
            append(piece.instruction)
        for measurement in self.measurements:
            append(measurement)
        return circuit


def diagonal_handed(marked: Any, places: list[int], factor: complex) -> Handed:
    """Return the diagonal that multiplies each marked place by a factor: Aer takes complex entries the fastest."""
    return "diagonal", (places, phase_table(marked, len(places), complex(factor), 1.0 + 0.0j), -1, "diagonal")


def _handed(gate: Any, places: list[int]) -> Handed:
    match gate.name:
        case "pauli":
            return "gate", ("pauli", places, [], [gate.params[0]], -1, None, "pauli")
        case "mcphase" | "mcry" | "mcu" | "p" as name:
            return "gate", (name, places, list(gate.params), [], -1, None, name)
    return "unitary", (places, np.ascontiguousarray(gate.to_matrix(), np.complex128), -1, None, gate.name)
