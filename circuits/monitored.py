"""Monitored Grover runs as circuits: an ancilla measured after every use of the oracle, and a stop at its herald."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import atan2, exp, sqrt

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import IfElseOp

from circuits.grover import diffusion, uniform_state
from circuits.oracle import BitOracle, bit_oracle, register_of
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_finite, checked_whole

_MOST_ITERATIONS = 1 << 20
"""Longer runs are beyond what can be built."""

Rewriting = Callable[[QuantumCircuit], QuantumCircuit]


def unchanged(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit itself."""
    return circuit


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
    use = bit_oracle(oracle).bit_circuit()
    if checked_finite(damping, "damping") < 0.0:
        raise ConfigError(f"damping={damping}: must be at least 0")
    circuit, target, angle = use.copy_empty_like("monitored_step"), use.qubits[oracle.n_qubits], target_angle(damping)
    circuit.ry(angle, target)
    circuit.h(target)
    circuit.compose(use, inplace=True)
    circuit.h(target)
    circuit.ry(-angle, target)
    return circuit


def monitored_circuit(
    oracle: BitOracle, stages: Sequence[tuple[int, float]], *, stops: bool = True, rewritten: Rewriting = unchanged
) -> QuantumCircuit:
    """Return a whole run that ends at the first herald, and measures the index register then or at its end.

    Bit i of the classical register ``herald`` is set if iteration i heralded; ``stop`` is once any has, and nothing but
    the measurement into ``item`` is done from there on.

    Args:
        oracle: what is marked.
        stages: (iterations, mu) of each: silence multiplies the amplitude of marked items by -exp(-2 mu). Without
            damping an iteration is plain, and measures nothing.
        stops: whether a herald stops it. Otherwise all iterations are in line, as if there had been none: for counting
            gates.
        rewritten: applied to the parts that an iteration is made of.

    Raises:
        ConfigError: an oracle without a bit circuit, or a number out of range.
    """
    iterations = sum(checked_whole(length, "iterations", 1, _MOST_ITERATIONS) for length, _ in stages)
    checked_whole(iterations, "iterations", 1, _MOST_ITERATIONS)
    plain = monitored_step(oracle, 0.0)
    index = list(range(oracle.n_qubits))
    turn = plain.copy_empty_like("turn")
    turn.compose(diffusion(register_of(oracle)), index, inplace=True)
    circuit = plain.copy_empty_like("monitored")
    circuit.global_phase = 0.0
    stop, herald = ClassicalRegister(1, "stop"), ClassicalRegister(iterations, "herald")
    item = ClassicalRegister(oracle.n_qubits, "item")
    circuit.add_register(stop, herald, item)
    circuit.compose(rewritten(_on_index(circuit, oracle)), inplace=True)
    bits, turn = iter(herald), rewritten(turn)
    for length, damping in stages:
        step = rewritten(monitored_step(oracle, damping))
        body, going = _iteration(step, turn, oracle.n_qubits if damping > 0.0 else None)
        for bit in (next(bits) for _ in range(length)):
            for part in (body, going):
                if stops:
                    circuit.append(IfElseOp((stop[0], 0), part), circuit.qubits, [stop[0], bit])
                else:
                    circuit.compose(part, circuit.qubits, [stop[0], bit], inplace=True)
    circuit.measure(index, item)
    return circuit


def _on_index(circuit: QuantumCircuit, oracle: BitOracle) -> QuantumCircuit:
    """Return the uniform state on the qubits of a run."""
    start = QuantumCircuit(*circuit.qregs)
    start.compose(uniform_state(register_of(oracle)), range(oracle.n_qubits), inplace=True)
    return start


def _iteration(step: QuantumCircuit, turn: QuantumCircuit, target: int | None) -> tuple[QuantumCircuit, QuantumCircuit]:
    """Return one use of the oracle and the diffusion, on two bits that a target is measured into."""
    body = QuantumCircuit(*step.qregs, ClassicalRegister(1, "stop"), ClassicalRegister(1, "own"), name="iteration")
    going = QuantumCircuit(*body.qregs, *body.cregs)
    body.compose(step, inplace=True)
    if target is not None:
        body.measure(target, 0)
        body.measure(target, 1)
        body.reset(target)
    going.compose(turn, inplace=True)
    return body, going


def outcome_of(bits: str) -> tuple[int, int]:
    """Return (place measured, iterations carried out) of one shot, its registers as Qiskit prints them."""
    item, herald, stopped = bits.split()
    first = len(herald) - 1 - herald.rindex("1") if stopped == "1" else len(herald) - 1
    return int(item, 2), first + 1
