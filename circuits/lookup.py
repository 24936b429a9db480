"""The lookup oracle: any subset of the items, given as a table, turned into a circuit."""

from __future__ import annotations

import cmath
from functools import lru_cache
from itertools import pairwise
from typing import Any, final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate
from qiskit.circuit.library import DiagonalGate, MCPhaseGate, PauliGate, PhaseGate, XGate

from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.arrays import IntArray

_TABLE_ENTRIES_PER_ITEM = 192
"""Marking one item by two gates costs a simulator about as much as this many entries of a diagonal."""


def index_qubits(n_items: int) -> int:
    """Return how many qubits hold an index below m: ceil(log2 m), at least one."""
    return max(1, (n_items - 1).bit_length())


@final
class LookupOracle:
    """A phase or bit oracle for a known subset of m items, of gates that Aer runs as they are.

    Few marked items are flipped one by one (an X pattern, then a controlled phase); many are flipped by one diagonal.

    Args:
        marked: (m,) booleans, or the distinct integer indices of the marked items.
        n_items: m; may be left out with booleans.

    Raises:
        DataError: indices out of range or repeated, or a mask of another length than ``n_items``.
        ConfigError: no item at all, or m missing.
    """

    def __init__(self, marked: npt.ArrayLike, n_items: int | None = None) -> None:
        given = np.asarray(marked)
        if given.dtype == np.bool_ and given.ndim == 1:
            n_items = len(given) if n_items is None else n_items
            if len(given) != n_items:
                raise DataError(f"marked: a mask of {len(given)} entries does not fit n_items={n_items}")
            given = np.flatnonzero(given)
        if n_items is None:
            raise ConfigError("n_items=None: give the number of items with marked indices")
        if n_items < 1:
            raise ConfigError(f"n_items={n_items}: there must be at least one item")
        self.n_items = n_items
        self.n_qubits = index_qubits(n_items)
        self.marked = _checked_indices(given, n_items)

    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        """Return |r> -> exp(i phase) |r> for marked r, on ``n_qubits`` qubits (qubit 0 the lowest bit).

        Args:
            phase: radians; the default flips the sign.
        """
        register = QuantumRegister(self.n_qubits, "index")
        circuit = QuantumCircuit(register, name="phase_oracle")
        for gate in phase_gates(self.marked, self.n_qubits, phase):
            circuit.append(gate, register)
        return circuit

    def bit_circuit(self) -> QuantumCircuit:
        """Return |r>|c> -> |r>|c xor fired(r)>, on ``n_qubits`` qubits of index and then one of flag."""
        index, flag = QuantumRegister(self.n_qubits, "index"), QuantumRegister(1, "flag")
        circuit = QuantumCircuit(index, flag, name="bit_oracle")
        if flips_one_by_one(len(self.marked), self.n_qubits):
            flip = XGate().control(self.n_qubits)
            for at, pattern in enumerate(_patterns(self.marked, self.n_qubits)):
                if at:
                    circuit.append(flip, [*index, *flag])
                circuit.append(_pauli(pattern, self.n_qubits), index)
        else:
            circuit.h(flag)
            circuit.append(_diagonal(self.marked + (1 << self.n_qubits), self.n_qubits + 1, -1.0), [*index, *flag])
            circuit.h(flag)
        return circuit


def phase_gates(marked: IntArray, n_qubits: int, phase: float = np.pi) -> list[Gate]:
    """Return the gates of a phase oracle, each on the whole index register in order; none if nothing is marked.

    Args:
        marked: (k,) distinct indices below 2^n_qubits, not checked.
        n_qubits: of the index register.
        phase: radians.
    """
    if not flips_one_by_one(len(marked), n_qubits):
        return [_diagonal(marked, n_qubits, -1.0 if phase == np.pi else cmath.exp(1j * phase))]
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


def _pauli(pattern: int, n_qubits: int) -> Gate:
    return PauliGate(format(pattern, f"0{n_qubits}b").translate({48: "I", 49: "X"}))


def _diagonal(marked: IntArray, n_qubits: int, factor: complex) -> Gate:
    """Return Qiskit's gate, past its constructor, which checks each of the 2^n entries several times.

    Its entries are real where they can be: Qiskit copies floats many times faster than complex numbers.
    """
    entries: list[complex] = [1.0] * (1 << n_qubits)
    for item in marked.tolist():
        entries[item] = factor
    gate: Gate = DiagonalGate.__new__(DiagonalGate)
    Gate.__init__(gate, "diagonal", n_qubits, [])
    gate._params = entries
    return gate


def _checked_indices(marked: npt.NDArray[Any], n_items: int) -> IntArray:
    if marked.size == 0:
        return np.empty(0, np.int64)
    if marked.ndim != 1 or marked.dtype.kind not in "iu":
        raise DataError(f"marked: expected indices or a mask of booleans, got {marked.dtype} {marked.shape}")
    if marked.min() < 0 or marked.max() >= n_items:
        raise DataError(f"marked: indices must lie in [0, {n_items}), got {marked.min()} to {marked.max()}")
    distinct: IntArray = np.unique(marked).astype(np.int64)
    if len(distinct) != len(marked):
        raise DataError("marked: indices must be distinct")
    return distinct
