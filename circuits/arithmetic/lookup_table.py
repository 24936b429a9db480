"""Loading classical words addressed by a quantum index, and erasing them again.

Unary iteration (Babbush et al. 2018, section III A) turns the index, one item after another, into a single control
qubit; each costs about one AND whatever the length of the words. Erasing measures the words instead, and repairs the
signs that this leaves by a table of one bit an item (Berry et al. 2019, appendix C).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit, IfElseOp, Qubit
from qiskit.circuit.classical import expr

from circuits.arithmetic.gates import Workspace


def unary_iteration(
    workspace: Workspace, index: Sequence[Qubit], count: int, visit: Callable[[int, Qubit], None]
) -> None:
    """Call ``visit(item, control)`` for each item below ``count``, with a control that is |1> for that item alone.

    Indices from ``count`` on turn no control on. Takes sum over s of ceil(count / 2^s) ANDs, s = 1 to n - 1, that is
    count - 2 for a power of two, and n - 1 clean qubits.

    Args:
        workspace: where to append.
        index: (n,) qubits, n >= 1, lowest first.
        count: 1 to 2^n.
        visit: may append gates; leaves the workspace as it found it.
    """

    def descend(control: Qubit, level: int, first: int) -> None:
        if level == 0:
            visit(first, control)
            return
        bit, middle = index[level - 1], first + (1 << (level - 1))
        branch = workspace.conjunction(control, bit)
        if middle < count:
            descend(branch, level - 1, middle)
        workspace.circuit.cx(control, branch)
        descend(branch, level - 1, first)
        workspace.circuit.cx(control, branch)
        workspace.erase(control, bit, branch)

    top = len(index) - 1
    if 1 << top < count:
        descend(index[top], top, 1 << top)
    workspace.circuit.x(index[top])
    descend(index[top], top, 0)
    workspace.circuit.x(index[top])


def load(workspace: Workspace, index: Sequence[Qubit], table: Sequence[int], target: Sequence[Qubit]) -> None:
    """Append |r>|t> -> |r>|t xor table[r]>; indices past the table leave the target alone.

    Args:
        workspace: where to append.
        index: (n,) qubits, lowest first.
        table: (m,) words, bit i of which goes to ``target[i]``.
        target: (b,) qubits.
    """

    def write(item: int, control: Qubit) -> None:
        for at in bits_of(table[item]):
            workspace.circuit.cx(control, target[at])

    unary_iteration(workspace, index, len(table), write)


def bits_of(word: int) -> list[int]:
    """Return the places of the ones of a non-negative integer, lowest first."""
    places = []
    while word:
        low = word & -word
        places.append(low.bit_length() - 1)
        word ^= low
    return places


def fewest_ands_columns(index_bits: int, count: int, clean: int) -> int:
    """Return the number of columns, a power of two, that makes the sign repair of :func:`unload` cheapest.

    Args:
        index_bits: n.
        count: m.
        clean: how many clean qubits there are.
    """
    options = [bits for bits in range(index_bits) if repair_qubits(index_bits, 1 << bits) <= clean]
    return 1 << min(options, key=lambda bits: repair_ands(index_bits, count, 1 << bits))


def repair_qubits(index_bits: int, columns: int) -> int:
    """Return the clean qubits a sign repair takes: one for each column, and those of an iteration over the rows."""
    low = columns.bit_length() - 1
    return (columns if low else 0) + index_bits - low - 1


def repair_ands(index_bits: int, count: int, columns: int) -> int:
    """Return the ANDs of a sign repair: columns - 2, and those of an iteration over ceil(m / columns) rows."""
    low = columns.bit_length() - 1
    rows = ceil(count / columns)
    return max(columns - 2, 0) + sum(-(-rows >> s) for s in range(1, index_bits - low))


def unload(
    workspace: Workspace, index: Sequence[Qubit], table: Sequence[int], target: Sequence[Qubit], columns: int
) -> None:
    """Erase |r>|table[r]> -> |r>|0>.

    Measured: every target qubit is measured in the X basis, which leaves the sign (-1)^(outcome . table[r]); it is
    repaired with the low bits of the index spread over ``columns`` qubits, one of them |1>, and an iteration over the
    high bits. The freed target qubits serve as workspace. Otherwise the load is repeated.

    Args:
        workspace: where to append.
        index: (n,) qubits, lowest first.
        table: (m,) words.
        target: (b,) qubits, |0> afterwards.
        columns: a power of two below 2^n.
    """
    if not workspace.measured:
        load(workspace, index, table, target)
        return
    circuit = workspace.circuit
    outcome = ClassicalRegister(len(target), f"word{len(circuit.cregs)}")
    circuit.add_register(outcome)
    for qubit, bit in zip(target, outcome, strict=True):
        circuit.h(qubit)
        circuit.measure(qubit, bit)
        circuit.reset(qubit)
    workspace.give_back(*target)
    _repair_signs(workspace, index, table, list(outcome), columns)
    workspace.claim(list(target))


def _repair_signs(
    workspace: Workspace, index: Sequence[Qubit], table: Sequence[int], outcome: Sequence[Clbit], columns: int
) -> None:
    """Flip the sign of each index whose word has odd overlap with the measured outcome."""
    low = columns.bit_length() - 1
    flips: dict[int, IfElseOp] = {}

    def flip(item: int, *qubits: Qubit) -> None:
        word = table[item] if item < len(table) else 0
        if word:
            if word not in flips:
                flips[word] = _flip_if_odd([outcome[at] for at in bits_of(word)], len(qubits))
            workspace.circuit.append(flips[word], qubits, flips[word].blocks[0].clbits)

    spread = _spread(workspace, index[:low])

    def repair_row(row: int, control: Qubit) -> None:
        if not low:
            flip(row, control)
        for column, qubit in enumerate(spread):
            flip(row * columns + column, control, qubit)

    workspace.circuit.barrier()
    unary_iteration(workspace, index[low:], -(-len(table) // columns), repair_row)
    _unspread(workspace, index[:low], spread)


def _flip_if_odd(bits: list[Clbit], n_qubits: int) -> IfElseOp:
    """Return a Z or CZ under the parity of the given bits."""
    parity = expr.lift(bits[0])
    for bit in bits[1:]:
        parity = expr.bit_xor(parity, bit)
    body = QuantumCircuit(n_qubits)
    body.add_bits(bits)
    if n_qubits == 1:
        body.z(0)
    else:
        body.cz(0, 1)
    return IfElseOp(parity, body)


def _spread(workspace: Workspace, index: Sequence[Qubit]) -> list[Qubit]:
    """Return 2^t borrowed qubits of which only the one numbered by the t index qubits is |1>; none for t = 0."""
    if not index:
        return []
    spread = [workspace.borrow(), workspace.borrow()]
    workspace.circuit.x(spread[0])
    workspace.circuit.cx(index[0], spread[0])
    workspace.circuit.cx(index[0], spread[1])
    for bit in index[1:]:
        upper = [workspace.conjunction(qubit, bit) for qubit in spread]
        for qubit, half in zip(spread, upper, strict=True):
            workspace.circuit.cx(half, qubit)
        spread = spread + upper
    return spread


def _unspread(workspace: Workspace, index: Sequence[Qubit], spread: list[Qubit]) -> None:
    """Undo :func:`_spread`."""
    for bit in reversed(index[1:]):
        spread, upper = spread[: len(spread) // 2], spread[len(spread) // 2 :]
        for qubit, half in zip(spread, upper, strict=True):
            workspace.circuit.cx(half, qubit)
            workspace.erase(qubit, bit, half)
    if index:
        workspace.circuit.cx(index[0], spread[1])
        workspace.circuit.cx(index[0], spread[0])
        workspace.circuit.x(spread[0])
        workspace.give_back(*spread)
