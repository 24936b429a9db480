"""Grover circuits put together for speed: shared pieces, few instructions, no checks repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import final

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Gate, Measure, Qubit
from qiskit.circuit.library import XGate

from circuits.engines.fusion import MOST_FUSED, fused
from circuits.engines.pieces import Piece, Program, diagonal_handed
from circuits.grover import uniform_frame, uniform_state
from circuits.law import Phases
from circuits.lookup import flips_one_by_one, phase_factor, phase_gates, phase_on_ones
from circuits.register import Register
from hybrid_train.support.arrays import IntArray

_TURNED_EVERYWHERE = 4
"""Qubits of a wide register that a diffusion turns without a condition: for fewer conditions it costs as much."""


@final
@dataclass(frozen=True, eq=False)
class _Stage:
    """What runs on certain qubits begin and end with.

    Attributes:
        qubits: in order.
        bare: a circuit on them, with as many bits.
        prepare: the uniform state over a register's items.
        measurements: of each qubit.
    """

    qubits: tuple[Qubit, ...]
    bare: QuantumCircuit
    prepare: list[Piece]
    measurements: list[CircuitInstruction]

    @classmethod
    def of(cls, register: Register, parts: Sequence[QuantumRegister]) -> _Stage:
        item = ClassicalRegister(register.n_qubits, "item")
        bare = QuantumCircuit(*parts, item)
        pairs = zip(bare.qubits, item, strict=True)
        measurements = [CircuitInstruction(Measure(), (qubit,), (bit,)) for qubit, bit in pairs]
        return cls(tuple(bare.qubits), bare, _placed(uniform_state(register), bare.qubits), measurements)

    def oracle(self, places: IntArray, phase: float) -> list[Piece]:
        """Return the phase oracle of these places."""
        n_qubits = len(self.qubits)
        if flips_one_by_one(len(places), n_qubits):
            return [self.piece(gate) for gate in phase_gates(places, n_qubits, phase)]
        handed = diagonal_handed(places, list(range(n_qubits)), phase_factor(phase))
        return [Piece(handed, partial(self._table, places, phase))]

    def piece(self, gate: Gate) -> Piece:
        """Return a gate on the first of the qubits."""
        return Piece.of(CircuitInstruction(gate, self.qubits[: gate.num_qubits]), list(range(gate.num_qubits)))

    def run(self, pieces: Iterable[Piece]) -> Program:
        """Return a run of these gates, measured at the end."""
        return Program([*self.prepare, *pieces], self.bare, self.measurements)

    def _table(self, places: IntArray, phase: float) -> CircuitInstruction:
        """Return the diagonal of an oracle in Qiskit's form."""
        (gate,) = phase_gates(places, len(self.qubits), phase)
        return CircuitInstruction(gate, self.qubits)


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
        self._stage = _Stage.of(register, [self._index])
        self._is_wide = self.n_qubits > MOST_FUSED and register.n_items == 1 << self.n_qubits
        self._to_ones, self._from_ones = self._frames()
        self._turn = lru_cache(maxsize=1024)(self._on_ones)
        self._reflect = self._diffusion(np.pi)
        self._spread = lru_cache(maxsize=32)(self._diffusions)
        self._wider = lru_cache(maxsize=64)(self._with_searches)

    def oracle(self, marked: IntArray, phase: float = np.pi) -> list[Piece]:
        """Return the phase oracle of k marked items, to be used in any number of runs."""
        return self._stage.oracle(self.register.places(marked), phase)

    def plain(self, oracle: list[Piece], iterations: int) -> Program:
        """Return a plain run, measured at the end."""
        if not oracle:
            return self._stage.run(self._idle([np.pi] * iterations))
        return self._stage.run([*oracle, *self._reflect] * iterations)

    def phased(self, marked: IntArray, phases: Phases) -> Program:
        """Return a generalised run over k marked items, measured at the end."""
        if not len(marked):
            return self._stage.run(self._idle(phases.diffusion.tolist()))
        return self._stage.run(self._steps(self._stage, self.register.places(marked), phases))

    def joint(self, marked: Sequence[IntArray], iterations: int, phases: Phases | None) -> Program:
        """Return one run for several searches: further qubits, uniform as well, name the search.

        The oracle marks pairs of a search and an item, the diffusion is one of the items alone. So whatever search is
        measured, its item follows the law of a run of its own. The search is on the highest bits.

        Args:
            marked: the marked items of each search.
            iterations: of each.
            phases: of each, if they are generalised.
        """
        stage = self._wider(len(marked))
        places = [at << self.n_qubits | self.register.places(items) for at, items in enumerate(marked)]
        if phases is None:
            return stage.run([*stage.oracle(np.concatenate(places), np.pi), *self._reflect] * iterations)
        return stage.run(self._steps(stage, np.concatenate(places), phases))

    def _with_searches(self, n_searches: int) -> _Stage:
        register = Register((n_searches, self.register.n_items))
        return _Stage.of(register, [self._index, QuantumRegister(register.n_qubits - self.n_qubits, "search")])

    def _steps(self, stage: _Stage, places: IntArray, phases: Phases) -> Iterator[Piece]:
        turns = {turn: stage.oracle(places, turn) for turn in set(phases.oracle.tolist())}
        for turn, spread in zip(phases.oracle.tolist(), self._spread(phases), strict=True):
            yield from turns[turn]
            yield from spread

    def _diffusions(self, phases: Phases) -> list[list[Piece]]:
        spreads = {phase: self._diffusion(phase) for phase in set(phases.diffusion.tolist())}
        return [spreads[phase] for phase in phases.diffusion.tolist()]

    def _diffusion(self, phase: float) -> list[Piece]:
        return [*self._to_ones, self._turn(phase), *self._from_ones]

    def _idle(self, phases: list[float]) -> list[Piece]:
        """Return diffusions with nothing in between: the ways back and forth that cancel are left out."""
        if not phases:
            return []
        return [*self._to_ones, *map(self._turn, phases), *self._from_ones]

    def _on_ones(self, phase: float) -> Piece:
        """Return the phase between the two frames."""
        gate = _phase_on_plus if self._is_wide else phase_on_ones
        return self._stage.piece(gate(phase, self.n_qubits))

    def _frames(self) -> tuple[list[Piece], list[Piece]]:
        """Return a map from the uniform state to |1...1>, and its inverse: a diffusion is a phase between the two.

        On many qubits, where they are all filled, most are turned only where those before them are 1, which touches few
        amplitudes; the last not at all.
        """
        frame, qubits = uniform_frame(self.register), self._stage.qubits
        if not self._is_wide:
            return _placed(frame.inverse(), qubits), _placed(frame, qubits)
        everywhere = QuantumCircuit(self.n_qubits)
        everywhere.ry(-np.pi / 2, range(_TURNED_EVERYWHERE))
        others = range(_TURNED_EVERYWHERE, self.n_qubits - 1)
        back = [self._stage.piece(_turn_on_ones(np.pi / 2, target)) for target in others]
        forth = [self._stage.piece(_turn_on_ones(-np.pi / 2, target)) for target in reversed(others)]
        return [*_placed(everywhere.inverse(), qubits), *back], [*forth, *_placed(everywhere, qubits)]


def _turn_on_ones(angle: float, n_before: int) -> Gate:
    """Return a rotation of a qubit about Y where all those before it are 1; by -pi/2 it takes |1> to |+>."""
    definition = QuantumCircuit(n_before + 1)
    for half in (angle / 2, -angle / 2):
        definition.ry(half, n_before)
        definition.append(XGate().control(n_before), definition.qubits)
    gate: Gate = Gate("mcry", n_before + 1, [angle])  # which Aer knows, and Qiskit does not
    gate.definition = definition
    return gate


def _phase_on_plus(phase: float, n_qubits: int) -> Gate:
    """Return the gate that multiplies |+> of the last qubit by exp(i phase) where all others are 1."""
    definition = QuantumCircuit(n_qubits)
    definition.ry(np.pi / 2, n_qubits - 1)
    definition.append(phase_on_ones(phase, n_qubits), definition.qubits)
    definition.ry(-np.pi / 2, n_qubits - 1)
    gate: Gate = Gate("mcu", n_qubits, [-phase, -np.pi / 2, np.pi / 2, phase / 2])  # a turn about X, and a phase
    gate.definition = definition
    return gate


def _placed(circuit: QuantumCircuit, qubits: Sequence[Qubit]) -> list[Piece]:
    """Return a circuit fused, on the first of these qubits."""
    place = {qubit: at for at, qubit in enumerate(circuit.qubits)}
    steps = [(step, [place[qubit] for qubit in step.qubits]) for step in fused(circuit)]
    return [Piece.of(step.replace(qubits=[qubits[one] for one in at]), at) for step, at in steps]
