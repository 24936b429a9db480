"""Adding a word to an accumulator: ripple carry with ANDs, and in Fourier space with controlled phases."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from qiskit import QuantumCircuit
from qiskit.circuit import Qubit

from circuits.arithmetic.gates import Workspace


def ripple_add(workspace: Workspace, word: Sequence[Qubit], total: Sequence[Qubit]) -> None:
    """Append total += word modulo 2^l, with l - 1 ANDs (Gidney 2018, figure 1).

    Args:
        workspace: where to append; l - 1 clean qubits are borrowed.
        word: (p,) qubits of an unsigned word, lowest first, 1 <= p < l; unchanged.
        total: (l,) qubits.
    """
    circuit = workspace.circuit
    carries = _carry(workspace, word, total)
    circuit.cx(carries[-1], total[-1])
    _uncarry(workspace, word, total, carries, add=True)


def ripple_sign(workspace: Workspace, word: Sequence[Qubit], total: Sequence[Qubit]) -> list[Qubit]:
    """Append the same carries but put only the top bit of the sum in place: half an addition.

    Args:
        workspace: where to append; l - 1 clean qubits are kept until :func:`undo_ripple_sign`.
        word: (p,) qubits, 1 <= p < l.
        total: (l,) qubits; ``total[-1]`` then is the top bit of the sum.

    Returns:
        The carries, to undo this with.
    """
    carries = _carry(workspace, word, total)
    workspace.circuit.cx(carries[-1], total[-1])
    return carries


def undo_ripple_sign(workspace: Workspace, word: Sequence[Qubit], total: Sequence[Qubit], carries: list[Qubit]) -> None:
    """Undo :func:`ripple_sign`; erasing the carries takes no AND."""
    workspace.circuit.cx(carries[-1], total[-1])
    _uncarry(workspace, word, total, carries, add=False)


def _carry(workspace: Workspace, word: Sequence[Qubit], total: Sequence[Qubit]) -> list[Qubit]:
    """Compute the carries into places 1 to l - 1."""
    circuit = workspace.circuit
    carries = [workspace.conjunction(word[0], total[0])]
    for at in range(1, len(total) - 1):
        last = carries[-1]
        if at < len(word):
            circuit.cx(last, word[at])
            circuit.cx(last, total[at])
            carries.append(workspace.conjunction(word[at], total[at]))
            circuit.cx(last, carries[-1])
        else:
            carries.append(workspace.conjunction(last, total[at]))
    return carries


def _uncarry(
    workspace: Workspace, word: Sequence[Qubit], total: Sequence[Qubit], carries: list[Qubit], *, add: bool
) -> None:
    """Erase the carries; leave the sum in the lower places if ``add``, what was there before otherwise."""
    circuit = workspace.circuit
    for at in range(len(total) - 2, 0, -1):
        last, carry = carries[at - 1], carries[at]
        if at < len(word):
            circuit.cx(last, carry)
            workspace.erase(word[at], total[at], carry)
            circuit.cx(last, word[at])
            circuit.cx(word[at] if add else last, total[at])
        else:
            workspace.erase(last, total[at], carry)
            if add:
                circuit.cx(last, total[at])
    workspace.erase(word[0], total[0], carries[0])
    if add:
        circuit.cx(word[0], total[0])


def fourier_preset(circuit: QuantumCircuit, total: Sequence[Qubit], value: int) -> None:
    """Append |0> -> the Fourier transform of |value>: place t holds the phase value / 2^(t+1) (Draper 2000)."""
    for place, qubit in enumerate(total):
        circuit.h(qubit)
        fourier_turn(circuit, value, place, qubit)


def fourier_add(circuit: QuantumCircuit, word: Sequence[Qubit], total: Sequence[Qubit], factor: int) -> None:
    """Append total += factor * word in Fourier space; turns by a multiple of 2 pi are left out.

    Args:
        circuit: to append to.
        word: (p,) qubits of an unsigned word, lowest first.
        total: (a,) qubits in Fourier space.
        factor: any integer.
    """
    for shift, control in enumerate(word):
        for place, qubit in enumerate(total):
            fourier_turn(circuit, factor << shift, place, qubit, control)


def from_fourier(circuit: QuantumCircuit, total: Sequence[Qubit]) -> None:
    """Append the inverse Fourier transform, lowest place first."""
    for place, qubit in enumerate(total):
        for lower in range(place):
            circuit.cp(-pi / (1 << (place - lower)), total[lower], qubit)
        circuit.h(qubit)


def fourier_turn(circuit: QuantumCircuit, value: int, place: int, qubit: Qubit, *controls: Qubit) -> None:
    """Turn one place by the phase of ``value``, under all ``controls`` if there are any."""
    rest = value % (2 << place)
    if not rest:
        return
    angle = 2.0 * pi * rest / (2 << place)
    if len(controls) > 1:
        circuit.mcp(angle, list(controls), qubit)
    elif controls:
        circuit.cp(angle, controls[0], qubit)
    else:
        circuit.p(angle, qubit)
