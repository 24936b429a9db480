"""Oracle arithmetic with the fewest qubits, for statevector simulation: Fourier adder, loading without ancillas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Qubit

from circuits.arithmetic.adder import fourier_add, fourier_preset, from_fourier
from circuits.arithmetic.lookup_table import bits_of
from circuits.arithmetic.program import Arithmetic, Block, Sizes


@final
class FourierArithmetic(Arithmetic):
    """The accumulator stays in Fourier space but for the sign test; n + b + a qubits in all (Draper 2000).

    Args:
        sizes: of the registers.
        flag: whether there is a qubit to flip.
    """

    def __init__(self, sizes: Sizes, *, flag: bool) -> None:
        super().__init__(sizes, flag=flag, n_ancillas=0)

    def preset(self, value: int) -> None:
        fourier_preset(self.circuit, self.total, value)

    def unset(self, value: int) -> None:
        for place, qubit in enumerate(self.total):
            rest = value % (2 << place)
            if rest:
                self.circuit.p(-2.0 * np.pi * rest / (2 << place), qubit)
            self.circuit.h(qubit)

    def load(self, block: Block) -> None:
        load_by_monomials(self.circuit, self.index, block.table, self.word[: block.width])

    def unload(self, block: Block) -> None:
        self.load(block)

    def accumulate(self, block: Block, *, subtract: bool = False) -> None:
        for place, factor in block.terms:
            word = self.word[place : place + self.bits]
            fourier_add(self.circuit, word, self.total, -factor if subtract else factor)

    def sign(self, block: Block) -> None:
        self.accumulate(block)
        from_fourier(self.circuit, self.total)

    def unsign(self, block: Block) -> None:
        for place in reversed(range(len(self.total))):
            self.circuit.h(self.total[place])
            for lower in reversed(range(place)):
                self.circuit.cp(np.pi / (1 << (place - lower)), self.total[lower], self.total[place])
        self.accumulate(block, subtract=True)

    def flip(self, sign: Qubit, live: Qubit | None, flag: Qubit) -> None:
        _ = self.circuit.cx(sign, flag) if live is None else self.circuit.ccx(sign, live, flag)


def load_by_monomials(
    circuit: QuantumCircuit, index: Sequence[Qubit], table: Sequence[int], target: Sequence[Qubit]
) -> None:
    """Append |r>|t> -> |r>|t xor table[r]>, indices past the table leaving the target alone.

    One controlled X for each monomial of the words' Reed-Muller form: no pattern of X gates is needed.

    Args:
        circuit: to append to.
        index: (n,) qubits, lowest first; n may be 0.
        table: (m,) words.
        target: (b,) qubits, lowest place first.
    """
    for monomial, word in enumerate(reed_muller(table, len(index), len(target))):
        controls = [index[at] for at in bits_of(monomial)]
        for place in bits_of(word):
            _ = circuit.mcx(controls, target[place]) if controls else circuit.x(target[place])


def reed_muller(table: Sequence[int], index_bits: int, width: int) -> list[int]:
    """Return the positive-polarity Reed-Muller form of a table of words, indices past its end giving zero.

    Args:
        table: (m,) words.
        index_bits: n.
        width: bits of a word.

    Returns:
        (2^n,) words: entry S holds a bit wherever the monomial prod_{i in S} r_i occurs in that bit's polynomial
        over the field of two elements.
    """
    form = np.zeros((1 << index_bits, width), np.bool_)
    for item, word in enumerate(table):
        form[item, bits_of(word)] = True
    for bit in range(index_bits):
        pairs = form.reshape(-1, 2, 1 << bit, width)
        pairs[:, 1] ^= pairs[:, 0]
    places = [1 << place for place in range(width)]
    return [sum(place for place, there in zip(places, row, strict=True) if there) for row in form.tolist()]
