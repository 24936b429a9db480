"""Unmarking found items: any oracle, followed by the opposite phase on those that are done."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit

from circuits.lookup import LookupOracle
from circuits.oracle import Oracle, bit_oracle
from circuits.register import Register


@final
class ExcludingOracle:
    """Marks what another oracle marks, but for some items: they are turned back, two gates each.

    Args:
        oracle: any oracle.
        done: distinct indices of items that it marks.
        register: that the items lie on.

    Raises:
        DataError: ``done`` are not such indices.

    Attributes:
        n_items: m.
        n_qubits: of the index register.
        register: as given.
    """

    def __init__(self, oracle: Oracle, done: npt.ArrayLike, register: Register) -> None:
        self._oracle = oracle
        self._done = LookupOracle(done, register)
        self.n_items, self.n_qubits, self.register = register.n_items, register.n_qubits, register

    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        """Return |r>|0> -> exp(i phase) |r>|0> for marked r that are not done.

        Args:
            phase: radians.
        """
        circuit = self._oracle.circuit(phase)
        return circuit.compose(self._done.native_circuit(-phase), circuit.qubits[: self.n_qubits])

    def bit_circuit(self) -> QuantumCircuit:
        """Return |r>|c> -> |r>|c xor marked(r)>, the flag right after the index; done items turn it twice.

        Raises:
            ConfigError: the oracle has no bit circuit.
        """
        circuit = bit_oracle(self._oracle).bit_circuit()
        return circuit.compose(self._done.bit_circuit(), circuit.qubits[: self.n_qubits + 1])
