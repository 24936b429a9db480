"""Grover's algorithm as circuits: the uniform state over exactly m items, the iterate, the whole run."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import CRYGate

from circuits.boxes import box, is_boxable
from circuits.law import Phases
from circuits.lookup import LookupOracle, phase_on_ones
from circuits.oracle import Oracle, checked_oracle, register_of
from circuits.register import MOST_ITEMS, Register, index_qubits
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_finite, checked_whole
from hybrid_train.support.declared import an, checked, either, flag, inside, optional, real, size, whole

_MOST_ITERATIONS = 1 << 20
"""Longer runs are beyond what can be built."""

_ORACLE = an(LookupOracle, called="an oracle")
"""Any that has the methods of one, in truth."""


@lru_cache(maxsize=64)
def _uniform_state(n_items: int) -> QuantumCircuit:
    """Shukla and Vedula's tree over the set bits of m; every rotation finds its target in |0>, or flipped to |1>."""
    circuit = QuantumCircuit(QuantumRegister(index_qubits(n_items), "index"), name="uniform_state")
    bits = [bit for bit in range(n_items.bit_length()) if n_items >> bit & 1]
    for bit in range(bits[0]):
        circuit.h(bit)
    if len(bits) == 1:
        return circuit
    circuit.x(bits[1:])
    spread = CRYGate(np.pi / 2, ctrl_state=0)
    done = 1 << bits[0]
    circuit.ry(-2.0 * np.arccos(np.sqrt(done / n_items)), bits[1])
    for low, high in pairwise(bits):
        if low != bits[0]:
            share = np.sqrt((1 << low) / (n_items - done))
            circuit.append(CRYGate(-2.0 * np.arccos(share), ctrl_state=0), [low, high])
            done += 1 << low
        for bit in range(low, high):
            circuit.append(spread, [high, bit])
    return circuit


_ITEMS = inside(either(size(MOST_ITEMS), an(Register)))


@checked(n_items=_ITEMS)
def uniform_state(n_items: int | Register) -> QuantumCircuit:
    """Return the circuit that takes |0...0> to the equal superposition of exactly m items: 0 to m - 1, or a register's.

    Hadamards if m is a power of two, about 2 ceil(log2 m) rotations otherwise (Shukla, Vedula, "An efficient quantum
    algorithm for preparation of uniform quantum superposition states", 2024).

    Args:
        n_items: m, at least 1, on ceil(log2 m) qubits, at least one; or the register of the items.

    Raises:
        ConfigError: m is not a whole number from 1 to 2^62.
    """
    register = Register.of(n_items)
    circuit = QuantumCircuit(QuantumRegister(register.n_qubits, "index"), name="uniform_state")
    top = register.n_qubits
    for count, width in zip(register.shape, register.widths, strict=True):
        top -= width
        if width:
            circuit.compose(_uniform_state(count), circuit.qubits[top : top + width], inplace=True)
    return circuit


@lru_cache(maxsize=64)
def uniform_frame(n_items: int | Register) -> QuantumCircuit:
    """Return a map from |1...1> to the uniform state over m items: a diffusion is a phase between its inverse and it.

    Args:
        n_items: m, at least 1, or the register of the items.
    """
    prepare = uniform_state(n_items)
    circuit = QuantumCircuit(*prepare.qregs, name="uniform_frame")
    circuit.x(circuit.qubits)
    circuit.compose(prepare, inplace=True)
    return circuit


@checked(n_items=_ITEMS, phase=inside(real()))
def diffusion(n_items: int | Register, phase: float = np.pi) -> QuantumCircuit:
    """Return the circuit that multiplies the uniform state over m items by exp(i phase) and keeps what is orthogonal.

    Args:
        n_items: m, at least 1, or the register of the items.
        phase: radians; the default reflects.

    Raises:
        ConfigError: m is not a whole number from 1 to 2^62, or the phase not a finite number.
    """
    phase = checked_finite(phase, "phase")
    frame = uniform_frame(Register.of(n_items))
    circuit = QuantumCircuit(*frame.qregs, name="diffusion")
    circuit.compose(frame.inverse(), inplace=True)
    circuit.append(phase_on_ones(phase, circuit.num_qubits), circuit.qubits)
    circuit.compose(frame, inplace=True)
    return circuit


@checked(oracle=inside(_ORACLE), oracle_phase=inside(real()), diffusion_phase=inside(real()))
def grover_operator(oracle: Oracle, *, oracle_phase: float = np.pi, diffusion_phase: float = np.pi) -> QuantumCircuit:
    """Return one Grover iteration: the oracle, then the diffusion about the uniform state over exactly m items.

    Args:
        oracle: what is marked.
        oracle_phase: radians, other than pi in a generalised iteration.
        diffusion_phase: likewise.

    Raises:
        ConfigError: not an oracle, or a phase that is not a finite number.
    """
    turn = checked_finite(diffusion_phase, "diffusion_phase")
    circuit = checked_oracle(oracle).circuit(checked_finite(oracle_phase, "oracle_phase"))
    circuit.name = "grover_operator"
    return circuit.compose(diffusion(register_of(oracle), turn))


@checked(
    oracle=inside(_ORACLE),
    iterations=inside(whole(0, _MOST_ITERATIONS)),
    phases=optional(an(Phases)),
    measure=flag(),
    boxes=flag(),
)
def grover_circuit(
    oracle: Oracle, iterations: int = 1, *, phases: Phases | None = None, measure: bool = True, boxes: bool = True
) -> QuantumCircuit:
    """Return a whole run: the uniform state, the iterations, and a measurement of the index.

    Args:
        oracle: what is marked.
        iterations: how many plain iterations; not used with ``phases``.
        phases: of a generalised run, for example :func:`circuits.law.fixed_point_phases`.
        measure: whether to measure into a classical register named ``item``.
        boxes: whether the uniform state, each oracle and each diffusion are one gate with a name, which makes it short
            to draw and to export; a simulator or a backend needs it transpiled. Otherwise, with one of this package's
            oracles, it is made of gates that Aer runs as they are.

    Raises:
        ConfigError: not an oracle; iterations that are not a whole number of at least 0; phases of another kind.
    """
    checked_oracle(oracle)
    checked_whole(iterations, "iterations", 0, _MOST_ITERATIONS)
    if phases is not None and not isinstance(phases, Phases):
        raise ConfigError(f"phases={phases!r}: expected Phases, as circuits.fixed_point_phases gives them")
    items = register_of(oracle)
    plain = [(np.pi, np.pi)] * iterations
    steps = plain if phases is None else list(zip(phases.oracle.tolist(), phases.diffusion.tolist(), strict=True))
    oracles = {turn: _part(_oracle_circuit(oracle, turn, boxes), "oracle", boxes) for turn in {one[0] for one in steps}}
    spreads = {turn: _part(diffusion(items, turn), "diffusion", boxes) for turn in {one[1] for one in steps}}
    circuit = oracle.circuit().copy_empty_like("grover")
    circuit.global_phase = 0.0
    circuit.compose(_part(uniform_state(items), "uniform", boxes), inplace=True)
    for turn, spread in steps:
        circuit.compose(oracles[turn], inplace=True)
        circuit.compose(spreads[spread], inplace=True)
    if measure:
        item = ClassicalRegister(oracle.n_qubits, "item")
        circuit.add_register(item)
        circuit.measure(circuit.qubits[: oracle.n_qubits], item)
    return circuit


def _part(circuit: QuantumCircuit, name: str, boxes: bool) -> QuantumCircuit:
    """Return a part of a run, as one gate with a name if that is wanted and can be."""
    if not boxes or not is_boxable(circuit):
        return circuit
    boxed = QuantumCircuit(circuit.num_qubits)
    boxed.append(box(circuit, name), boxed.qubits)
    return boxed


def _oracle_circuit(oracle: Oracle, phase: float, boxes: bool) -> QuantumCircuit:
    if boxes or not isinstance(oracle, LookupOracle):
        circuit = oracle.circuit(phase)
        return circuit.decompose(["oracle"]) if isinstance(oracle, LookupOracle) else circuit
    return oracle.native_circuit(phase)
