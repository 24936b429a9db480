"""The arithmetic oracle of a search over all pairs: load both vectors, multiply word by word, test the sign, undo."""

from __future__ import annotations

from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Qubit

from circuits.arithmetic.adder import fourier_turn, from_fourier
from circuits.arithmetic.fixed_point import FixedPointWeights, accumulator_bits
from circuits.arithmetic.fourier import load_by_monomials
from circuits.register import Register
from hybrid_train.support.arrays import FloatArray, IntArray


@final
class PairArithmeticOracle:
    """A phase or bit oracle over all (query, point) pairs, with a register for each of the two numbers.

    It marks exactly what the queries' own oracles mark (:class:`.ArithmeticOracle`): a query's integers and its
    threshold are loaded by its number, in superposition, where those are constants of the circuit. Coordinate by
    coordinate the point's word and the query's are loaded, each by its own part of the index, and their product is
    added bit by bit in Fourier space (Draper 2000): no qubits but the two words and the accumulator.

    Points' words are loaded with their top bit complemented, as in :class:`.ArithmeticOracle`; what that adds is a
    constant of the query. The accumulator of a query that does not exist starts so low that nothing is marked; a point
    that does not exist is told by a live bit, where there is room for one.

    Args:
        points: (m, d) rounded.
        queries: (n, d).
        threshold: b.
        query_bits: p_x of a query component.

    Attributes:
        n_items: n m.
        n_qubits: of both index registers, the point's first.
        register: of the pairs.
    """

    def __init__(self, points: FixedPointWeights, queries: FloatArray, threshold: float, query_bits: int) -> None:
        self._points, self._query_bits = points, query_bits
        self._tests = [points.integer_test(query, threshold, query_bits) for query in queries]
        self._integers: IntArray = np.array([test.query for test in self._tests])
        self.register = Register((len(queries), len(points.words)))
        self.n_items, self.n_qubits = self.register.n_items, self.register.n_qubits

    @property
    def n_ancillas(self) -> int:
        """Qubits after the index register in :meth:`circuit`; each starts and ends as |0>."""
        return self._points.bits + self._query_bits + self._accumulator + self._has_live_bit

    def marked(self) -> npt.NDArray[np.bool_]:
        """Return (n m,) which pairs the oracle marks, computed classically from the integers."""
        return np.concatenate([test.marks(self._points.words) for test in self._tests])

    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        """Return |i>|r>|0> -> exp(i phase)|i>|r>|0> for marked pairs.

        Args:
            phase: radians; the default flips the sign.
        """
        return self._circuit(flag=False, phase=phase)

    def bit_circuit(self) -> QuantumCircuit:
        """Return |i>|r>|c>|0> -> |i>|r>|c xor marked>|0>, the flag right after the index qubits."""
        return self._circuit(flag=True, phase=np.pi)

    @property
    def _accumulator(self) -> int:
        return accumulator_bits(self._points.words.shape[1], self._points.bits, self._query_bits)

    @property
    def _has_live_bit(self) -> bool:
        return self.register.shape[1] < 1 << self.register.widths[1]

    @cached_property
    def _constants(self) -> list[int]:
        """Return what each query's accumulator starts from, as :class:`.ArithmeticOracle` has it."""
        size, half = 1 << self._accumulator, 1 << (self._points.bits - 1)
        used = 1 << self.register.widths[0]
        own = [(-(test.threshold + 1) - half * int(test.query.sum())) % size for test in self._tests]
        return own + [size >> 1] * (used - len(own))

    def _circuit(self, *, flag: bool, phase: float) -> QuantumCircuit:
        sizes = {"index": self.n_qubits, "flag": int(flag), "live": int(self._has_live_bit)}
        sizes |= {"word": self._points.bits, "query": self._query_bits, "total": self._accumulator}
        registers = {name: QuantumRegister(size, name) for name, size in sizes.items()}
        circuit = QuantumCircuit(*(one for one in registers.values() if one.size), name="pair_oracle")
        qubits = {name: list(one) for name, one in registers.items()}
        compute = self._computed(circuit.copy_empty_like(), qubits)
        circuit.compose(compute, inplace=True)
        sign, live = qubits["total"][-1], qubits["live"]
        circuit.x(sign)
        if flag:
            circuit.mcx([*live, sign], qubits["flag"][0])
        elif live:
            circuit.cp(phase, live[0], sign)
        else:
            circuit.p(phase, sign)
        circuit.x(sign)
        return circuit.compose(compute.inverse())

    def _computed(self, circuit: QuantumCircuit, qubits: dict[str, list[Qubit]]) -> QuantumCircuit:
        """Append the sum less its threshold, and the live bit."""
        inner = self.register.widths[1]
        point, query, total = qubits["index"][:inner], qubits["index"][inner:], qubits["total"]
        half = 1 << (self._points.bits - 1)
        if qubits["live"]:
            load_by_monomials(circuit, point, [1] * self.register.shape[1], qubits["live"])
        load_by_monomials(circuit, query, self._constants, total)
        transform = QuantumCircuit(total)
        from_fourier(transform, total)
        circuit.compose(transform.inverse(), total, inplace=True)
        for at in np.flatnonzero(self._integers.any(axis=0)).tolist():
            words = (self._points.words[:, at] + half).tolist()
            integers = (self._integers[:, at] % (1 << self._query_bits)).tolist()
            loading = circuit.copy_empty_like()
            load_by_monomials(loading, point, words, qubits["word"])
            load_by_monomials(loading, query, integers, qubits["query"])
            circuit.compose(loading, inplace=True)
            _add_product(circuit, qubits["word"], qubits["query"], total)
            circuit.compose(loading, inplace=True)
        circuit.compose(transform, total, inplace=True)
        return circuit


def _add_product(circuit: QuantumCircuit, word: list[Qubit], query: list[Qubit], total: list[Qubit]) -> None:
    """Append total += word * query in Fourier space; the word is unsigned, the query in two's complement."""
    for shift, first in enumerate(word):
        for digit, second in enumerate(query):
            weight = -1 if digit == len(query) - 1 else 1
            for place, qubit in enumerate(total):
                fourier_turn(circuit, weight << shift + digit, place, qubit, first, second)
