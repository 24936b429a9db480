"""Oracle arithmetic with ANDs: unary iteration for loading, ripple-carry adders, erasure by measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from qiskit.circuit import Qubit

from circuits.arithmetic.adder import ripple_add, ripple_sign, undo_ripple_sign
from circuits.arithmetic.fixed_point import signed_digits
from circuits.arithmetic.gates import Workspace
from circuits.arithmetic.lookup_table import fewest_ands_columns, load, unload
from circuits.arithmetic.program import Arithmetic, Block, Sizes
from circuits.arithmetic.select_swap import select_swap_load, select_swap_unload


@final
class RippleArithmetic(Arithmetic):
    """Clifford gates and ANDs only, so that it can be run as reversible logic on every basis state.

    Args:
        sizes: of the registers.
        n_items: m.
        flag: whether there is a qubit to flip.
        measured: erase words and carries by measurement (classical registers are added), not unitarily.
        swap: items loaded side by side, 1 for plain loading.
        spare: clean qubits beyond what loading and adding need.
    """

    def __init__(
        self, sizes: Sizes, n_items: int, *, flag: bool, measured: bool, swap: int = 1, spare: int = 0
    ) -> None:
        n_clean = max(sizes.index, sizes.total) - 1 + spare
        super().__init__(sizes, flag=flag, n_ancillas=n_clean + flag)
        self._workspace = Workspace(self.circuit, self.clean, measured=measured)
        self._swap = swap
        addressed = -(-n_items // swap) * swap
        self._columns = fewest_ands_columns(sizes.index, addressed, n_clean + sizes.word)

    def preset(self, value: int) -> None:
        for place, qubit in enumerate(self.total):
            if value >> place & 1:
                self.circuit.x(qubit)

    def unset(self, value: int) -> None:
        self.preset(value)

    def load(self, block: Block) -> None:
        target = self.word[: block.width * self._swap]
        if not target:
            return
        if self._swap > 1:
            select_swap_load(self._workspace, self.index, block.table, target, self._swap)
        else:
            load(self._workspace, self.index, block.table, target)

    def unload(self, block: Block) -> None:
        target = self.word[: block.width * self._swap]
        if not target:
            return
        unused = self.word[len(target) :]
        self._workspace.give_back(*unused)
        if self._swap > 1:
            select_swap_unload(self._workspace, self.index, block.table, target, self._swap, self._columns)
        else:
            unload(self._workspace, self.index, block.table, target, self._columns)
        self._workspace.claim(unused)

    def accumulate(self, block: Block, *, subtract: bool = False) -> None:
        for digit in self._digits(block):
            self._add(*digit, subtract=subtract)

    def sign(self, block: Block) -> None:
        digits = self._digits(block)
        if not digits:
            return
        *others, (word, places, sign) = digits
        for digit in others:
            self._add(*digit, subtract=False)
        self._complement(places, sign)
        self._carries = ripple_sign(self._workspace, word, places)
        self._complement(places[-1:], sign)

    def unsign(self, block: Block) -> None:
        digits = self._digits(block)
        if not digits:
            return
        *others, (word, places, sign) = digits
        self._complement(places[-1:], sign)
        undo_ripple_sign(self._workspace, word, places, self._carries)
        self._complement(places, sign)
        for digit in reversed(others):
            self._add(*digit, subtract=True)

    def flip(self, sign: Qubit, live: Qubit | None, flag: Qubit) -> None:
        if live is None:
            self.circuit.cx(sign, flag)
            return
        both = self._workspace.conjunction(sign, live)
        self.circuit.cx(both, flag)
        self._workspace.erase(sign, live, both)

    def _digits(self, block: Block) -> list[tuple[list[Qubit], list[Qubit], int]]:
        """Return (word, places of the accumulator, sign) of each shifted addition, the longest one last.

        The last one only has to give the sign, for half the ANDs.
        """
        digits = [
            (self.word[place : place + self.bits], self.total[shift:], sign)
            for place, factor in block.terms
            for shift, sign in signed_digits(factor)
        ]
        return sorted(digits, key=lambda digit: len(digit[1]))

    def _add(self, word: Sequence[Qubit], places: Sequence[Qubit], sign: int, *, subtract: bool) -> None:
        """Add or subtract; t - w is the complement of (complement of t) + w."""
        sign = -sign if subtract else sign
        self._complement(places, sign)
        ripple_add(self._workspace, word, places)
        self._complement(places, sign)

    def _complement(self, places: Sequence[Qubit], sign: int) -> None:
        if sign < 0:
            for qubit in places:
                self.circuit.x(qubit)
