"""Select-swap loading: fewer ANDs for more qubits (Low, Kliuchnikov, Schaeffer 2018, figure 1d).

Neighbouring items are loaded side by side by their common high index bits, and controlled swaps bring the wanted word
to the front. What is left in the other places is known, so erasing by measurement repairs their signs as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from qiskit.circuit import Qubit

from circuits.arithmetic.gates import Workspace
from circuits.arithmetic.lookup_table import load, unload


def select_swap_load(
    workspace: Workspace, index: Sequence[Qubit], table: Sequence[int], target: Sequence[Qubit], swap: int
) -> None:
    """Append |r>|0> -> |r>|table[r]>|others>, the word at the front of ``target``.

    Takes the ANDs of an iteration over ceil(m / swap) rows and (swap - 1) b for the swaps.

    Args:
        workspace: where to append.
        index: (n,) qubits, lowest first.
        table: (m,) words of b bits.
        target: (swap * b,) clean qubits.
        swap: items side by side, a power of two below 2^n.
    """
    low = swap.bit_length() - 1
    load(workspace, index[low:], _rows(table, len(target) // swap, swap), target)
    for bit in reversed(range(low)):
        _swap_level(workspace, index[bit], target, swap, bit)


def select_swap_unload(
    workspace: Workspace,
    index: Sequence[Qubit],
    table: Sequence[int],
    target: Sequence[Qubit],
    swap: int,
    columns: int,
) -> None:
    """Undo :func:`select_swap_load`, by measurement if the workspace does so.

    Args:
        workspace: where to append.
        index: (n,) qubits, lowest first.
        table: (m,) words of b bits.
        target: (swap * b,) qubits, |0> afterwards.
        swap: items side by side.
        columns: of the sign repair, see :func:`circuits.arithmetic.lookup_table.unload`.
    """
    low, word = swap.bit_length() - 1, len(target) // swap
    if workspace.measured:
        unload(workspace, index, _contents(table, word, swap), target, columns)
        return
    for bit in range(low):
        _swap_level(workspace, index[bit], target, swap, bit)
    load(workspace, index[low:], _rows(table, word, swap), target)


def _rows(table: Sequence[int], word: int, swap: int) -> list[int]:
    """Return the words of each row of neighbours as one integer."""
    return [_joined(table[start : start + swap], word) for start in range(0, len(table), swap)]


def _contents(table: Sequence[int], word: int, swap: int) -> list[int]:
    """Return what all places hold after the swaps, for each index of the rows that were loaded."""
    contents = []
    for start in range(0, len(table), swap):
        row = [*table[start : start + swap], *[0] * (start + swap - len(table))]
        for offset in range(swap):
            places = list(row)
            for bit in reversed(range(swap.bit_length() - 1)):
                if offset >> bit & 1:
                    half = 1 << bit
                    places[: 2 * half] = places[half : 2 * half] + places[:half]
            contents.append(_joined(places, word))
    return contents


def _joined(words: Sequence[int], bits: int) -> int:
    return sum(word << place * bits for place, word in enumerate(words))


def _swap_level(workspace: Workspace, control: Qubit, target: Sequence[Qubit], swap: int, bit: int) -> None:
    """Swap the first 2^bit words with the next 2^bit under one index bit, with one AND a pair of qubits."""
    half = (len(target) // swap) << bit
    workspace.circuit.barrier()
    for one, other in zip(target[:half], target[half : 2 * half], strict=True):
        workspace.circuit.cx(other, one)
        differ = workspace.conjunction(control, one)
        workspace.circuit.cx(differ, other)
        workspace.erase(control, one, differ)
        workspace.circuit.cx(other, one)
