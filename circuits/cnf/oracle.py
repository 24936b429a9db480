"""The oracle of a formula: violated clauses are counted, or flagged one by one, and uncomputed."""

from __future__ import annotations

from functools import cached_property
from math import pi
from typing import Literal, final, get_args

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Qubit

from circuits.cnf.formula import Formula
from circuits.register import Register
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_finite
from hybrid_train.support.declared import an, checked, word

Layout = Literal["counter", "flags"]


@final
class CnfOracle:
    """Marks the assignments that satisfy a formula; every ancilla starts and ends as |0>.

    ``counter`` adds every violated clause to a counter of log2(clauses + 1) qubits and turns where it has stayed at
    zero: the fewest qubits. ``flags`` has a qubit for each clause and turns where none is set: the fewest gates. Both
    undo what they computed. Clauses that nothing violates take no gates.

    Args:
        formula: what is to be satisfied.
        layout: "counter" or "flags".

    Raises:
        ConfigError: another layout.

    Attributes:
        n_items: 2^v assignments; bit v - 1 of an index is variable v.
        n_qubits: v.
        register: of the assignments.
        formula: as given.
    """

    @checked(formula=an(Formula), layout=word("counter", "flags"))
    def __init__(self, formula: Formula, layout: Layout = "counter") -> None:
        if layout not in get_args(Layout):
            raise ConfigError(f"layout={layout!r}: must be one of {', '.join(get_args(Layout))}")
        self.formula, self._layout = formula, layout
        self.register = Register((1 << formula.n_variables,))
        self.n_items, self.n_qubits = self.register.n_items, self.register.n_qubits

    @property
    def n_ancillas(self) -> int:
        """Qubits after the index in :meth:`circuit`."""
        clauses = len(self.formula.violations())
        return max(1, clauses if self._layout == "flags" else clauses.bit_length())

    def marked(self) -> npt.NDArray[np.bool_]:
        """Return (2^v,) which assignments are marked, computed classically.

        Raises:
            ResourceError: so many do not fit this machine.
        """
        return self.formula.mask()

    def circuit(self, phase: float = pi) -> QuantumCircuit:
        """Return |r>|0> -> exp(i phase)|r>|0> for satisfying r.

        Args:
            phase: radians; the default flips the sign.

        Raises:
            ConfigError: a phase that is not a finite number.
        """
        turn = checked_finite(phase, "phase")
        circuit, _, work = self._empty()
        circuit.compose(self._computed, inplace=True)
        circuit.x(work)
        *controls, last = work
        _ = circuit.mcp(turn, controls, last) if controls else circuit.p(turn, last)
        circuit.x(work)
        return circuit.compose(self._uncomputed)

    def bit_circuit(self) -> QuantumCircuit:
        """Return |r>|0>|c> -> |r>|0>|c xor satisfied(r)>, the flag after all other qubits."""
        circuit, index, work = self._empty()
        flag = QuantumRegister(1, "flag")
        circuit.add_register(flag)
        circuit.compose(self._computed, [*index, *work], inplace=True)
        circuit.x(work)
        circuit.mcx(work, flag[0])
        circuit.x(work)
        return circuit.compose(self._uncomputed, [*index, *work])

    def _empty(self) -> tuple[QuantumCircuit, list[Qubit], list[Qubit]]:
        index, work = QuantumRegister(self.n_qubits, "index"), QuantumRegister(self.n_ancillas, self._layout)
        return QuantumCircuit(index, work, name="cnf_oracle"), list(index), list(work)

    @cached_property
    def _computed(self) -> QuantumCircuit:
        circuit, index, work = self._empty()
        self._compute(circuit, index, work)
        return circuit

    @cached_property
    def _uncomputed(self) -> QuantumCircuit:
        return self._computed.inverse()

    def _compute(self, circuit: QuantumCircuit, index: list[Qubit], work: list[Qubit]) -> None:
        """Append what leaves the ancillas at |0> for exactly the satisfying assignments."""
        for number, (zeros, ones) in enumerate(self.formula.violations()):
            flipped, controls = [index[bit] for bit in zeros], [index[bit] for bit in (*zeros, *ones)]
            if flipped:
                circuit.x(flipped)
            if self._layout == "flags":
                _controlled_not(circuit, controls, work[number])
            else:
                for place in reversed(range(len(work))):  # add one, where the clause is violated
                    _controlled_not(circuit, [*controls, *work[:place]], work[place])
            if flipped:
                circuit.x(flipped)


def _controlled_not(circuit: QuantumCircuit, controls: list[Qubit], target: Qubit) -> None:
    _ = circuit.mcx(controls, target) if controls else circuit.x(target)
