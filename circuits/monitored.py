"""Monitored Grover runs as circuits: an ancilla measured after every use of the oracle, and a stop at its herald."""

from __future__ import annotations

from math import atan2, exp, sqrt
from typing import Protocol

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import IfElseOp

from circuits.grover import diffusion, uniform_state
from circuits.oracle import Oracle, register_of
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_finite, checked_whole

_MOST_ITERATIONS = 1 << 20
"""Longer runs are beyond what can be built."""


class BitOracle(Oracle, Protocol):
    """An oracle that also acts on a flag: a lookup or an arithmetic oracle, or one of your own."""

    def bit_circuit(self) -> QuantumCircuit:
        """Return |r>|c> -> |r>|c xor marked(r)>, the flag right after the index; other qubits start and end as |0>."""


def target_angle(damping: float) -> float:
    """Return the angle of the rotation about Y that makes H|u> of |0>: |u> = a|+> + b|->, b^2 - a^2 = exp(-2 mu).

    Args:
        damping: mu, at least 0; 0 leaves the plain algorithm.
    """
    lam = exp(-2.0 * damping)
    return 2.0 * atan2(sqrt(0.5 * (1.0 + lam)), sqrt(0.5 * (1.0 - lam)))


def monitored_step(oracle: BitOracle, damping: float) -> QuantumCircuit:
    """Return one use of the bit oracle between rotations of the target from and to |0>, before it is measured.

    From |r>|0> the target comes out as |0> with amplitude 1 for unmarked r, -exp(-2 damping) for marked ones, and
    as |1> for marked ones alone.

    Args:
        oracle: with a bit circuit; the target is the qubit right after its index.
        damping: mu.

    Raises:
        ConfigError: an oracle without a bit circuit, or a damping that is no finite number of at least 0.
    """
    if not callable(getattr(oracle, "bit_circuit", None)):
        raise ConfigError(f"oracle: {type(oracle).__name__} has no bit_circuit(), which a monitored run acts through")
    if checked_finite(damping, "damping") < 0.0:
        raise ConfigError(f"damping={damping}: must be at least 0")
    use = oracle.bit_circuit()
    circuit, target, angle = use.copy_empty_like("monitored_step"), use.qubits[oracle.n_qubits], target_angle(damping)
    circuit.ry(angle, target)
    circuit.h(target)
    circuit.compose(use, inplace=True)
    circuit.h(target)
    circuit.ry(-angle, target)
    return circuit


def monitored_circuit(oracle: BitOracle, iterations: int, damping: float) -> QuantumCircuit:
    """Return a whole run that ends at the first herald, and measures the index register then or at its end.

    Bit i of the classical register ``herald`` is set if iteration i heralded; ``stop`` is once any has, and nothing but
    the measurement into ``item`` is done from there on.

    Args:
        oracle: what is marked.
        iterations: how many at most, at least 1.
        damping: mu > 0: silence multiplies the amplitude of marked items by -exp(-2 mu).

    Raises:
        ConfigError: an oracle without a bit circuit, or a number out of range.
    """
    checked_whole(iterations, "iterations", 1, _MOST_ITERATIONS)
    step = monitored_step(oracle, damping)
    index = list(range(oracle.n_qubits))
    body = step.copy_empty_like("iteration")
    body.add_register(stop := ClassicalRegister(1, "stop"), own := ClassicalRegister(1, "own"))
    body.compose(step, inplace=True)
    body.measure(oracle.n_qubits, stop[0])
    body.measure(oracle.n_qubits, own[0])
    body.reset(oracle.n_qubits)
    turn = diffusion(register_of(oracle))
    going = QuantumCircuit(*body.qregs, *body.cregs)
    going.compose(turn, index, inplace=True)
    circuit = step.copy_empty_like("monitored")
    circuit.global_phase = 0.0
    stop, herald = ClassicalRegister(1, "stop"), ClassicalRegister(iterations, "herald")
    item = ClassicalRegister(oracle.n_qubits, "item")
    circuit.add_register(stop, herald, item)
    circuit.compose(uniform_state(register_of(oracle)), index, inplace=True)
    return with_iterations(circuit, body, going)


def with_iterations(circuit: QuantumCircuit, body: QuantumCircuit, going: QuantumCircuit) -> QuantumCircuit:
    """Append the iterations of a monitored run, each under the condition that none has heralded, and the measurement.

    Args:
        circuit: the uniform state, with the classical registers ``stop``, ``herald`` and ``item``.
        body: one use of the oracle and the measurements of the target, into two bits.
        going: the diffusion, on the same qubits and bits.
    """
    stop, herald, item = circuit.cregs
    for bit in herald:
        for part in (body, going):
            circuit.append(IfElseOp((stop[0], 0), part), circuit.qubits, [stop[0], bit])
    circuit.measure(circuit.qubits[: len(item)], item)
    return circuit


def outcome_of(bits: str) -> tuple[int, int]:
    """Return (place measured, iterations carried out) of one shot, its registers as Qiskit prints them."""
    item, herald, stopped = bits.split()
    first = len(herald) - 1 - herald.rindex("1") if stopped == "1" else len(herald) - 1
    return int(item, 2), first + 1
