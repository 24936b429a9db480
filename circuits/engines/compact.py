"""Grover circuits put together for speed: shared pieces, few instructions, no checks repeated."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import final

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Gate, Measure

from circuits.engines.fusion import fused
from circuits.engines.pieces import Piece, Program, diagonal_handed
from circuits.grover import uniform_frame, uniform_state
from circuits.law import Phases
from circuits.lookup import flips_one_by_one, phase_factor, phase_gates, phase_on_ones
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
        self._places = list(range(self.n_qubits))
        self._bare = QuantumCircuit(self._index, self._item)
        self._prepare = self._placed(uniform_state(register))
        self._to_ones = self._placed(uniform_frame(register).inverse())
        self._from_ones = self._placed(uniform_frame(register))
        self._reflect = self._diffusion(np.pi)
        self._measure = [
            CircuitInstruction(Measure(), (qubit,), (bit,)) for qubit, bit in zip(self._index, self._item, strict=True)
        ]
        self._spread = lru_cache(maxsize=32)(self._diffusions)

    def oracle(self, marked: IntArray, phase: float = np.pi) -> list[Piece]:
        """Return the phase oracle of k marked items, to be used in any number of runs."""
        places = self.register.places(marked)
        if not flips_one_by_one(len(places), self.n_qubits):
            handed = diagonal_handed(places, self._places, phase_factor(phase))
            return [Piece(handed, partial(self._table, places, phase))]
        return [self._piece(gate) for gate in phase_gates(places, self.n_qubits, phase)]

    def plain(self, oracle: list[Piece], iterations: int) -> Program:
        """Return a plain run, measured at the end."""
        return self._measured([*oracle, *self._reflect] * iterations)

    def phased(self, marked: IntArray, phases: Phases) -> Program:
        """Return a generalised run over k marked items, measured at the end."""
        turns = {turn: self.oracle(marked, turn) for turn in set(phases.oracle.tolist())}
        steps = zip(phases.oracle.tolist(), self._spread(phases), strict=True)
        return self._measured([part for turn, spread in steps for part in (*turns[turn], *spread)])

    def _measured(self, iterations: list[Piece]) -> Program:
        return Program([*self._prepare, *iterations], self._bare, self._measure)

    def _diffusions(self, phases: Phases) -> list[list[Piece]]:
        spreads = {phase: self._diffusion(phase) for phase in set(phases.diffusion.tolist())}
        return [spreads[phase] for phase in phases.diffusion.tolist()]

    def _diffusion(self, phase: float) -> list[Piece]:
        return [*self._to_ones, self._piece(phase_on_ones(phase, self.n_qubits)), *self._from_ones]

    def _table(self, places: IntArray, phase: float) -> CircuitInstruction:
        """Return the diagonal of an oracle in Qiskit's form."""
        (gate,) = phase_gates(places, self.n_qubits, phase)
        return CircuitInstruction(gate, self._qubits)

    def _piece(self, gate: Gate) -> Piece:
        """Return a gate on the whole register."""
        return Piece.of(CircuitInstruction(gate, self._qubits), self._places)

    def _placed(self, circuit: QuantumCircuit) -> list[Piece]:
        """Return the circuit fused, on this builder's register."""
        place = {qubit: at for at, qubit in enumerate(circuit.qubits)}
        pieces = []
        for step in fused(circuit):
            at = [place[qubit] for qubit in step.qubits]
            pieces.append(Piece.of(step.replace(qubits=[self._index[one] for one in at]), at))
        return pieces
