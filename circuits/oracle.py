"""What every oracle is, whoever made it."""

from __future__ import annotations

from math import pi
from typing import Protocol, cast

from qiskit import QuantumCircuit

from circuits.register import Register
from hybrid_train.errors import ConfigError


class Oracle(Protocol):
    """What a Grover circuit is built about: a lookup or an arithmetic oracle, or one of your own.

    Attributes:
        n_items: m.
        n_qubits: of the index register, the first of its circuit.
        register: optional, the :class:`circuits.register.Register` that the items lie on: m that one number names
            without it.
    """

    n_items: int
    n_qubits: int

    def circuit(self, phase: float = pi) -> QuantumCircuit:
        """Return |r>|0> -> exp(i phase) |r>|0> for marked r; qubits after the index register start and end as |0>."""


class BitOracle(Oracle, Protocol):
    """An oracle that also acts on a flag: a lookup or an arithmetic oracle, or one of your own."""

    def bit_circuit(self) -> QuantumCircuit:
        """Return |r>|c> -> |r>|c xor marked(r)>, the flag right after the index; other qubits start and end as |0>."""


def bit_oracle(oracle: Oracle) -> BitOracle:
    """Return an oracle that acts on a flag.

    Raises:
        ConfigError: it does not.
    """
    if not callable(getattr(oracle, "bit_circuit", None)):
        raise ConfigError(
            f"oracle: {type(oracle).__name__} has no bit_circuit(), through which strategy='monitored' acts on its "
            "ancilla; give it one, or take strategy='adaptive'"
        )
    return cast(BitOracle, oracle)


def register_of(oracle: Oracle) -> Register:
    """Return what an oracle's items lie on: the register it names, or one of as many items as it has."""
    return Register.of(getattr(oracle, "register", oracle.n_items))


def checked_oracle(oracle: Oracle) -> Oracle:
    """Return what has an oracle's attributes.

    Raises:
        ConfigError: it has not.
    """
    is_oracle = all(hasattr(oracle, name) for name in ("n_items", "n_qubits", "circuit"))
    if not is_oracle or isinstance(oracle, type) or not callable(oracle.circuit):
        raise ConfigError(
            f"oracle: expected a LookupOracle, an ArithmeticOracle or an object with n_items, n_qubits and "
            f"circuit(phase), got {type(oracle).__name__}"
        )
    return oracle
