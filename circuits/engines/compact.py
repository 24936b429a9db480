"""Grover circuits put together for speed: shared pieces, few instructions, no checks repeated."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import final

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Measure, Qubit

from circuits.engines.fusion import fused
from circuits.grover import uniform_frame, uniform_state
from circuits.law import Phases
from circuits.lookup import phase_gates, phase_on_ones
from circuits.register import Register
from hybrid_train.support.arrays import IntArray


@final
class CircuitBuilder:
    """Builds the runs of searches over m items; the same maps as :func:`circuits.grover.grover_circuit`.

    Args:
        register: that the items lie on.
    """

    def __init__(self, register: Register) -> None:
        self.register = register
        self.n_qubits = register.n_qubits
        self._index = QuantumRegister(self.n_qubits, "index")
        self._item = ClassicalRegister(self.n_qubits, "item")
        self._qubits = tuple(self._index)
        self._bare = QuantumCircuit(self._index, self._item)
        self._prepare = self._placed(uniform_state(register))
        self._to_ones = self._placed(uniform_frame(register).inverse())
        self._from_ones = self._placed(uniform_frame(register))
        self._reflect = self._diffusion(np.pi)
        self._measure = [
            CircuitInstruction(Measure(), (qubit,), (bit,)) for qubit, bit in zip(self._index, self._item, strict=True)
        ]
        self._spread = lru_cache(maxsize=32)(self._diffusions)

    def oracle(self, marked: IntArray, phase: float = np.pi) -> list[CircuitInstruction]:
        """Return the phase oracle of k marked items, to be used in any number of circuits."""
        places = self.register.places(marked)
        return [CircuitInstruction(gate, self._qubits) for gate in phase_gates(places, self.n_qubits, phase)]

    def plain(self, oracle: list[CircuitInstruction], iterations: int) -> QuantumCircuit:
        """Return a plain run, measured at the end."""
        return self._measured([*oracle, *self._reflect] * iterations)

    def phased(self, marked: IntArray, phases: Phases) -> QuantumCircuit:
        """Return a generalised run over k marked items, measured at the end."""
        turns = {turn: self.oracle(marked, turn) for turn in set(phases.oracle.tolist())}
        steps = zip(phases.oracle.tolist(), self._spread(phases), strict=True)
        return self._measured([part for turn, spread in steps for part in (*turns[turn], *spread)])

    def _measured(self, iterations: list[CircuitInstruction]) -> QuantumCircuit:
        circuit = self._bare.copy_empty_like()  # five times as fast as making one
        append = circuit._append  # Qiskit's documented low-level door: the pieces were checked when they were made
        for instruction in chain(self._prepare, iterations, self._measure):
            append(instruction)
        return circuit

    def _diffusions(self, phases: Phases) -> list[list[CircuitInstruction]]:
        spreads = {phase: self._diffusion(phase) for phase in set(phases.diffusion.tolist())}
        return [spreads[phase] for phase in phases.diffusion.tolist()]

    def _diffusion(self, phase: float) -> list[CircuitInstruction]:
        turn = CircuitInstruction(phase_on_ones(phase, self.n_qubits), self._qubits)
        return [*self._to_ones, turn, *self._from_ones]

    def _placed(self, circuit: QuantumCircuit) -> list[CircuitInstruction]:
        """Return the circuit fused, on this builder's register."""
        place: dict[Qubit, Qubit] = dict(zip(circuit.qubits, self._index, strict=True))
        return [step.replace(qubits=[place[qubit] for qubit in step.qubits]) for step in fused(circuit)]
