"""The lookup oracle: any subset of the items, given as a table, turned into a circuit."""

from __future__ import annotations

import cmath
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from itertools import pairwise
from typing import Any, final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate
from qiskit.circuit.library import DiagonalGate, MCPhaseGate, PauliGate, PhaseGate, XGate

from circuits.boxes import box, diagonal
from circuits.register import MOST_ITEMS, Register
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_finite
from hybrid_train.support.declared import an, array, checked, either, inside, size

_WANTED = "expected indices or a mask of booleans"

_TABLE_ENTRIES_PER_ITEM = 192
"""Marking one item by two gates costs a simulator about as much as this many entries of a diagonal."""


@final
class LookupOracle:
    """A phase or bit oracle for a known subset of m items.

    Few marked items are flipped one by one (an X pattern, then a controlled phase); many are flipped by one diagonal.

    Args:
        marked: (m,) booleans, or the distinct integer indices of the marked items: a sequence, a set or an
            iterator. Integers are indices, always: [0, 1] marks the items 0 and 1.
        n_items: m, at most 2^62, or the :class:`circuits.register.Register` that they lie on; may be left out with
            booleans.

    Raises:
        DataError: what is marked is neither; indices out of range or repeated (a mask of zeros and ones, for
            example); or a mask of another length than ``n_items``.
        ConfigError: m is missing, or not a whole number of at least 1.
    """

    @checked(marked=inside(array(1, "iu", empty=True)), n_items=inside(either(size(MOST_ITEMS), an(Register))))
    def __init__(self, marked: npt.ArrayLike, n_items: int | Register | None = None) -> None:
        given = _array(marked)
        is_mask = given.dtype == np.bool_ and given.ndim == 1
        if n_items is None and not is_mask:
            raise ConfigError("n_items=None: give the number of items with marked indices")
        self.register = Register.of(len(given) if n_items is None else n_items)
        self.n_items, self.n_qubits = self.register.n_items, self.register.n_qubits
        if is_mask:
            if len(given) != self.n_items:
                raise DataError(f"marked: a mask of {len(given)} entries does not fit n_items={self.n_items}")
            given = np.flatnonzero(given)
        self.marked = _checked_indices(given, self.n_items)
        self._places = np.sort(self.register.places(self.marked))

    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        """Return |r> -> exp(i phase) |r> for marked r, on ``n_qubits`` qubits (qubit 0 the lowest bit), as one box.

        Args:
            phase: radians; the default flips the sign.

        Raises:
            ConfigError: a phase that is not a finite number.
        """
        register = QuantumRegister(self.n_qubits, "index")
        circuit = QuantumCircuit(register, name="phase_oracle")
        circuit.append(
            box(self._spelled(self._places, self.n_qubits, checked_finite(phase, "phase")), "oracle"), register
        )
        return circuit

    def native_circuit(self, phase: float = np.pi) -> QuantumCircuit:
        """Return the map of :meth:`circuit` in gates that Aer runs as they are and fast, large diagonals among them.

        Args:
            phase: radians.
        """
        register = QuantumRegister(self.n_qubits, "index")
        circuit = QuantumCircuit(register, name="phase_oracle")
        for gate in phase_gates(self._places, self.n_qubits, checked_finite(phase, "phase")):
            circuit.append(gate, register)
        return circuit

    def bit_circuit(self) -> QuantumCircuit:
        """Return |r>|c> -> |r>|c xor fired(r)>, on ``n_qubits`` qubits of index and then one of flag."""
        index, flag = QuantumRegister(self.n_qubits, "index"), QuantumRegister(1, "flag")
        circuit = QuantumCircuit(index, flag, name="bit_oracle")
        if flips_one_by_one(len(self.marked), self.n_qubits):
            flip = XGate().control(self.n_qubits)
            for at, pattern in enumerate(_patterns(self._places, self.n_qubits)):
                if at:
                    circuit.append(flip, [*index, *flag])
                _flip_where(circuit, pattern)
        else:
            signs = self._spelled(self._places + (1 << self.n_qubits), self.n_qubits + 1, np.pi)
            circuit.h(flag)
            circuit.append(box(signs, "oracle"), [*index, *flag])
            circuit.h(flag)
        return circuit

    @staticmethod
    def _spelled(marked: IntArray, n_qubits: int, phase: float) -> QuantumCircuit:
        """Return the phase oracle in gates with few parameters."""
        if not flips_one_by_one(len(marked), n_qubits):
            phases = np.zeros(1 << n_qubits)
            phases[marked] = phase
            return diagonal(phases, "oracle")
        circuit = QuantumCircuit(n_qubits, name="oracle")
        for at, pattern in enumerate(_patterns(marked, n_qubits)):
            if at:
                circuit.append(phase_on_ones(phase, n_qubits), circuit.qubits)
            _flip_where(circuit, pattern)
        return circuit


def phase_gates(marked: IntArray, n_qubits: int, phase: float = np.pi) -> list[Gate]:
    """Return the gates of a phase oracle, each on the whole index register in order; none if nothing is marked.

    Args:
        marked: (k,) distinct indices below 2^n_qubits, not checked.
        n_qubits: of the index register.
        phase: radians.
    """
    if not flips_one_by_one(len(marked), n_qubits):
        return [_diagonal(marked, n_qubits, phase_factor(phase))]
    gates: list[Gate] = []
    for at, pattern in enumerate(_patterns(marked, n_qubits)):
        if at:
            gates.append(phase_on_ones(phase, n_qubits))
        if pattern:
            gates.append(_pauli(pattern, n_qubits))
    return gates


@lru_cache(maxsize=1024)
def phase_on_ones(phase: float, n_qubits: int) -> Gate:
    """Return the gate that multiplies |1...1> by exp(i phase)."""
    return PhaseGate(phase) if n_qubits == 1 else MCPhaseGate(phase, n_qubits - 1)


def flips_one_by_one(n_marked: int, n_qubits: int) -> bool:
    """Return whether an oracle of so many marked items flips one after the other, rather than all by a diagonal."""
    return n_marked * _TABLE_ENTRIES_PER_ITEM <= 1 << n_qubits


def _patterns(marked: IntArray, n_qubits: int) -> list[int]:
    """Return the k + 1 X patterns around k flips of |1...1> such that flip j acts on item j; none for k = 0."""
    ones = (1 << n_qubits) - 1
    path = [ones, *marked.tolist(), ones] if len(marked) else []
    return [here ^ there for here, there in pairwise(path)]


def _flip_where(circuit: QuantumCircuit, pattern: int) -> None:
    for at in range(pattern.bit_length()):
        if pattern >> at & 1:
            circuit.x(at)


def _pauli(pattern: int, n_qubits: int) -> Gate:
    return PauliGate(format(pattern, f"0{n_qubits}b").translate({48: "I", 49: "X"}))


def phase_table(marked: IntArray, n_qubits: int, factor: complex, one: complex) -> list[complex]:
    """Return the 2^n entries of the diagonal that multiplies marked places by a factor, and the others by ``one``."""
    entries = [one] * (1 << n_qubits)
    for place in marked.tolist():
        entries[place] = factor
    return entries


def phase_factor(phase: float) -> complex:
    """Return exp(i phase); what flips signs is real."""
    return -1.0 if phase == np.pi else cmath.exp(1j * phase)


def _diagonal(marked: IntArray, n_qubits: int, factor: complex) -> Gate:
    """Return Qiskit's gate, past its constructor, which checks each of the 2^n entries several times.

    Its entries are real where they can be: Qiskit copies floats many times faster than complex numbers.
    """
    gate: Gate = DiagonalGate.__new__(DiagonalGate)
    Gate.__init__(gate, "diagonal", n_qubits, [])
    gate._params = phase_table(marked, n_qubits, factor, 1.0)
    return gate


def _array(marked: Any) -> npt.NDArray[Any]:
    """Return a sequence, a set or what an iterator gives as an array."""
    if isinstance(marked, Set | Iterator):
        marked = list(marked)
    if isinstance(marked, str | bytes) or not (isinstance(marked, Sequence) or hasattr(marked, "__array__")):
        raise DataError(f"marked={marked!r}: {_WANTED}")
    try:
        return np.asarray(marked)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"marked: {_WANTED}") from error


def _checked_indices(marked: npt.NDArray[Any], n_items: int) -> IntArray:
    if marked.ndim == 1 and marked.size == 0:
        return np.empty(0, np.int64)
    if marked.ndim != 1 or marked.dtype.kind not in "iu":
        raise DataError(f"marked: {_WANTED}, got {_shape(marked)}")
    if marked.min() < 0 or marked.max() >= n_items:
        raise DataError(f"marked: indices must lie in [0, {n_items}), got {marked.min()} to {marked.max()}")
    distinct: IntArray = np.unique(marked).astype(np.int64)
    if len(distinct) != len(marked):
        hint = ""
        if len(marked) == n_items and set(distinct.tolist()) <= {0, 1}:
            hint = "; if these zeros and ones are a mask, make it one of booleans: numpy.array(marked, bool)"
        raise DataError(f"marked: indices must be distinct{hint}")
    return distinct


def _shape(given: npt.NDArray[Any]) -> str:
    return f"an array of {given.dtype}, shape {given.shape}" if given.ndim else repr(given.item())
