"""The AND gate onto a clean qubit, its erasure, and erasing any computed qubit by measuring it."""

from __future__ import annotations

from typing import final

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import CircuitInstruction, Gate, IfElseOp, Qubit
from qiskit.circuit.library import HGate, Measure, Reset

from hybrid_train.errors import InvariantError


@final
class CleanAnd(Gate):  # type: ignore[misc]
    """|a>|b>|0> -> |a>|b>|a and b> with four T gates; the target must be |0> (Gidney 2018, figure 2).

    The class is not named AndGate: QPY would load Qiskit's gate of that name in its place.
    """

    def __init__(self) -> None:
        super().__init__("and", 3, [])

    def _define(self) -> None:
        circuit = QuantumCircuit(3, name="and")
        circuit.h(2)
        circuit.t(2)
        circuit.cx(0, 2)
        circuit.cx(1, 2)
        circuit.cx(2, 0)
        circuit.cx(2, 1)
        circuit.tdg(0)
        circuit.tdg(1)
        circuit.t(2)
        circuit.cx(2, 0)
        circuit.cx(2, 1)
        circuit.h(2)
        circuit.s(2)
        self.definition = circuit

    def inverse(self, annotated: bool = False) -> EraseAnd:
        return EraseAnd()


@final
class EraseAnd(Gate):  # type: ignore[misc]
    """|a>|b>|a and b> -> |a>|b>|0>, as a unitary; a machine that can measure does it without T gates."""

    def __init__(self) -> None:
        super().__init__("and_dg", 3, [])

    def _define(self) -> None:
        self.definition = CleanAnd().definition.inverse()

    def inverse(self, annotated: bool = False) -> CleanAnd:
        return CleanAnd()


@final
class Workspace:
    """A circuit under construction, with clean qubits to borrow.

    Args:
        circuit: to append to.
        clean: qubits that are |0> now.
        measured: erase by measurement and a classically controlled sign (Gidney 2018, figure 3), in place of unitary
            erasure.
    """

    def __init__(self, circuit: QuantumCircuit, clean: list[Qubit], *, measured: bool) -> None:
        self.circuit = circuit
        self.measured = measured
        self._clean = list(reversed(clean))
        if measured:
            self._outcome = ClassicalRegister(1, "erased")
            circuit.add_register(self._outcome)
            body = QuantumCircuit(2, 1)
            body.cz(0, 1)
            self._fix = IfElseOp((self._outcome[0], 1), body)

    def borrow(self) -> Qubit:
        """Take a clean qubit."""
        if not self._clean:
            raise InvariantError("Workspace: no clean qubit left")
        return self._clean.pop()

    def give_back(self, *qubits: Qubit) -> None:
        """Return qubits that are |0> again."""
        self._clean.extend(qubits)

    def claim(self, qubits: list[Qubit]) -> None:
        """Take back qubits lent with :meth:`give_back`; none of them may be on loan."""
        self._clean = [qubit for qubit in self._clean if qubit not in set(qubits)]

    def conjunction(self, a: Qubit, b: Qubit) -> Qubit:
        """Return a fresh qubit holding a and b."""
        target = self.borrow()
        self._append(_AND, a, b, target)
        return target

    def erase(self, a: Qubit, b: Qubit, target: Qubit) -> None:
        """Erase what :meth:`conjunction` made."""
        if self.measured:
            outcome = self._outcome[0]
            self._append(_HADAMARD, target)
            self.circuit._append(CircuitInstruction(_MEASURE, (target,), (outcome,)))
            self.circuit.append(self._fix, (a, b), (outcome,))
            self._append(_RESET, target)
        else:
            self._append(_ERASE_AND, a, b, target)
        self.give_back(target)

    def _append(self, gate: object, *qubits: Qubit) -> None:
        """Append without the checks of Qiskit's public door; conditions must go through that one."""
        self.circuit._append(CircuitInstruction(gate, qubits))


_AND, _ERASE_AND, _HADAMARD, _MEASURE, _RESET = CleanAnd(), EraseAnd(), HGate(), Measure(), Reset()
