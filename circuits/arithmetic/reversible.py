"""Running a circuit as reversible logic on very many basis states at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit
from qiskit.circuit import Clbit, IfElseOp
from qiskit.circuit.classical import expr

from hybrid_train.errors import ConfigError, DataError, InvariantError


@final
@dataclass(frozen=True, eq=False)
class BasisStates:
    """Computational basis states, each with a sign.

    Attributes:
        bits: (qubits, S) the value of each qubit in each state.
        negative: (S,) whether the state got the sign -1.
    """

    bits: npt.NDArray[np.bool_]
    negative: npt.NDArray[np.bool_]


def run_on_basis_states(
    circuit: QuantumCircuit, bits: npt.ArrayLike, rng: np.random.Generator | None = None
) -> BasisStates:
    """Carry out a circuit of X, CX, CCX, Z, CZ and AND gates, gate by gate, on S basis states.

    A qubit is one long integer with a bit for each state, so that a gate is one machine operation for 64 states. A
    Hadamard is understood as part of an X-basis measurement: its outcome is drawn, and states that hold |1> take the
    sign (-1)^outcome. That is what happens to a superposition of states whose other qubits tell them apart, which is
    how erasure by measurement is used.

    Args:
        circuit: may hold measurements, resets and conditions on classical bits.
        bits: (qubits, S) booleans, the states to start from.
        rng: draws the outcomes; fresh if left out.

    Raises:
        DataError: the states do not fit the circuit.
        ConfigError: a gate that is not reversible logic.
        InvariantError: an AND onto a qubit that is not |0>, or a wrong erasure.
    """
    start = np.asarray(bits, np.bool_)
    if start.ndim != 2 or start.shape[0] != circuit.num_qubits:
        raise DataError(f"bits: expected shape ({circuit.num_qubits}, S), got {start.shape}")
    machine = _Machine([_packed(row) for row in start], start.shape[1], rng or np.random.default_rng())
    machine.run(circuit, list(range(circuit.num_qubits)))
    ends = np.array([_unpacked(word, start.shape[1]) for word in machine.bits]).reshape(start.shape)
    return BasisStates(ends, _unpacked(machine.negative, start.shape[1]))


@final
class _Machine:
    def __init__(self, bits: list[int], size: int, rng: np.random.Generator) -> None:
        self.bits = bits
        self.negative = 0
        self._all = (1 << size) - 1
        self._rng = rng
        self._turned: set[int] = set()
        self._outcomes: dict[Clbit, bool] = {}

    def run(self, circuit: QuantumCircuit, places: Sequence[int]) -> None:
        """Carry out a circuit on the qubits at ``places``."""
        at = dict(zip(circuit.qubits, places, strict=True))
        for instruction in circuit.data:
            operation = instruction.operation
            if operation.name != "barrier":
                self._step(operation, [at[qubit] for qubit in instruction.qubits], instruction.clbits)

    def _step(self, operation: Any, at: list[int], clbits: Sequence[Clbit]) -> None:
        bits = self.bits
        if self._turned.intersection(at) and operation.name != "measure":
            raise ConfigError(f"{operation.name}: only a measurement may follow a Hadamard in reversible logic")
        match operation.name:
            case "x":
                bits[at[0]] ^= self._all
            case "cx":
                bits[at[1]] ^= bits[at[0]]
            case "ccx":
                bits[at[2]] ^= bits[at[0]] & bits[at[1]]
            case "and" | "and_dg":
                self._conjunction(operation.name, *at)
            case "z":
                self.negative ^= bits[at[0]]
            case "cz":
                self.negative ^= bits[at[0]] & bits[at[1]]
            case "h":
                self._turned.add(at[0])
            case "measure":
                self._measure(at[0], clbits[0])
            case "reset":
                bits[at[0]] = 0
            case "if_else":
                self._branch(operation, at)
            case other:
                raise ConfigError(f"{other}: this gate is not reversible logic on basis states")

    def _conjunction(self, name: str, a: int, b: int, target: int) -> None:
        value = self.bits[a] & self.bits[b]
        expected, becomes = (0, value) if name == "and" else (value, 0)
        if self.bits[target] != expected:
            raise InvariantError(f"{name}: qubit {target} does not hold what this gate needs")
        self.bits[target] = becomes

    def _measure(self, qubit: int, clbit: Clbit) -> None:
        if qubit not in self._turned:
            raise ConfigError("measure: only X-basis measurements are reversible logic")
        self._turned.remove(qubit)
        outcome = bool(self._rng.integers(2))
        self._outcomes[clbit] = outcome
        if outcome:
            self.negative ^= self.bits[qubit]
        self.bits[qubit] = self._all if outcome else 0

    def _branch(self, operation: IfElseOp, at: list[int]) -> None:
        condition = operation.condition
        holds = self._value(condition) if isinstance(condition, expr.Expr) else self._outcomes[condition[0]]
        if holds:
            self.run(operation.blocks[0], at)

    def _value(self, node: expr.Expr) -> bool:
        """Evaluate a parity of classical bits."""
        if isinstance(node, expr.Binary) and node.op is expr.Binary.Op.BIT_XOR:
            return self._value(node.left) ^ self._value(node.right)
        if isinstance(node, expr.Var):
            return self._outcomes[node.var]
        raise ConfigError(f"{node}: only parities of classical bits are understood")


def _packed(row: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")


def _unpacked(word: int, size: int) -> npt.NDArray[np.bool_]:
    raw = np.frombuffer(word.to_bytes((size + 7) // 8, "little"), np.uint8)
    return np.unpackbits(raw, count=size, bitorder="little").astype(np.bool_)
