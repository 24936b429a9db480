"""Grover's algorithm as circuits: the uniform state over exactly m items, the iterate, the whole run."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import CRYGate

from circuits.law import Phases
from circuits.lookup import index_qubits, phase_on_ones
from hybrid_train.errors import ConfigError


class Oracle(Protocol):
    """What a Grover circuit is built about: a lookup or an arithmetic oracle, or one of your own.

    Attributes:
        n_items: m.
        n_qubits: of the index register, the first of its circuit.
    """

    n_items: int
    n_qubits: int

    def circuit(self, phase: float = np.pi) -> QuantumCircuit:
        """Return |r>|0> -> exp(i phase) |r>|0> for marked r; qubits after the index register start and end as |0>."""


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


def uniform_state(n_items: int) -> QuantumCircuit:
    """Return the circuit that takes |0...0> to the equal superposition of exactly the items 0 to m - 1.

    Hadamards if m is a power of two, about 2 ceil(log2 m) rotations otherwise (Shukla, Vedula, "An efficient quantum
    algorithm for preparation of uniform quantum superposition states", 2024).

    Args:
        n_items: m, at least 1; the circuit has ceil(log2 m) qubits, at least one.

    Raises:
        ConfigError: m < 1.
    """
    if n_items < 1:
        raise ConfigError(f"n_items={n_items}: there must be at least one item")
    return _uniform_state(n_items).copy()


@lru_cache(maxsize=64)
def uniform_frame(n_items: int) -> QuantumCircuit:
    """Return a map from |1...1> to the uniform state over m items: a diffusion is a phase between its inverse and it.

    Args:
        n_items: m, at least 1.
    """
    prepare = uniform_state(n_items)
    circuit = QuantumCircuit(*prepare.qregs, name="uniform_frame")
    circuit.x(circuit.qubits)
    circuit.compose(prepare, inplace=True)
    return circuit


def diffusion(n_items: int, phase: float = np.pi) -> QuantumCircuit:
    """Return the circuit that multiplies the uniform state over m items by exp(i phase) and keeps what is orthogonal.

    Args:
        n_items: m, at least 1.
        phase: radians; the default reflects.

    Raises:
        ConfigError: m < 1.
    """
    frame = uniform_frame(n_items)
    circuit = QuantumCircuit(*frame.qregs, name="diffusion")
    circuit.compose(frame.inverse(), inplace=True)
    circuit.append(phase_on_ones(phase, circuit.num_qubits), circuit.qubits)
    circuit.compose(frame, inplace=True)
    return circuit


def grover_operator(oracle: Oracle, *, oracle_phase: float = np.pi, diffusion_phase: float = np.pi) -> QuantumCircuit:
    """Return one Grover iteration: the oracle, then the diffusion about the uniform state over exactly m items.

    Args:
        oracle: what is marked.
        oracle_phase: radians, other than pi in a generalised iteration.
        diffusion_phase: likewise.
    """
    circuit = oracle.circuit(oracle_phase)
    circuit.name = "grover_operator"
    return circuit.compose(diffusion(oracle.n_items, diffusion_phase))


def grover_circuit(
    oracle: Oracle, iterations: int = 1, *, phases: Phases | None = None, measure: bool = True
) -> QuantumCircuit:
    """Return a whole run: the uniform state, the iterations, and a measurement of the index.

    Args:
        oracle: what is marked.
        iterations: how many plain iterations; not used with ``phases``.
        phases: of a generalised run, for example :func:`circuits.law.fixed_point_phases`.
        measure: whether to measure into a classical register named ``item``.

    Raises:
        ConfigError: a negative number of iterations.
    """
    if iterations < 0:
        raise ConfigError(f"iterations={iterations}: cannot be negative")
    circuit = oracle.circuit().copy_empty_like("grover")
    circuit.compose(uniform_state(oracle.n_items), inplace=True)
    if phases is None:
        step = grover_operator(oracle)
        for _ in range(iterations):
            circuit.compose(step, inplace=True)
    else:
        for turn, spread in zip(phases.oracle.tolist(), phases.diffusion.tolist(), strict=True):
            circuit.compose(grover_operator(oracle, oracle_phase=turn, diffusion_phase=spread), inplace=True)
    if measure:
        item = ClassicalRegister(oracle.n_qubits, "item")
        circuit.add_register(item)
        circuit.measure(circuit.qubits[: oracle.n_qubits], item)
    return circuit
