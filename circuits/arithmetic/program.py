"""The parts an arithmetic oracle is put together from: registers, blocks of words, named sections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import pi
from typing import final

from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Qubit


@final
@dataclass(frozen=True, eq=False)
class Block:
    """Words that are loaded together.

    Attributes:
        table: (m,) the words of one item side by side, as one integer.
        width: bits of an entry.
        terms: (place of the word's lowest bit, integer it is multiplied by) for each word.
        live: whether the top bit says that the item may be marked.
    """

    table: Sequence[int]
    width: int
    terms: Sequence[tuple[int, int]]
    live: bool


@final
@dataclass(frozen=True)
class Section:
    """A run of instructions with a name.

    Attributes:
        name: what it does.
        start: first instruction.
        stop: one past the last.
    """

    name: str
    start: int
    stop: int


@final
@dataclass(frozen=True, eq=False)
class Program:
    """A built circuit and what its parts are.

    Attributes:
        circuit: index qubits first, then the flag if there is one, then qubits that start and end as |0>.
        sections: in order.
    """

    circuit: QuantumCircuit
    sections: list[Section] = field(default_factory=list)


@final
@dataclass(frozen=True)
class Sizes:
    """The registers of an oracle.

    Attributes:
        index: n qubits.
        word: b qubits, for the words loaded at a time and the live bit.
        total: a qubits of the accumulator.
        bits: p of one weight.
    """

    index: int
    word: int
    total: int
    bits: int


class Arithmetic(ABC):
    """How an oracle loads and adds; one subclass a kind of adder.

    Args:
        sizes: of the registers.
        flag: whether there is a qubit to flip instead of a phase to turn.
        n_ancillas: further clean qubits.
    """

    def __init__(self, sizes: Sizes, *, flag: bool, n_ancillas: int) -> None:
        registers = [QuantumRegister(sizes.index, "index"), QuantumRegister(int(flag), "flag")]
        registers += [QuantumRegister(sizes.word, "word"), QuantumRegister(sizes.total, "total")]
        registers.append(QuantumRegister(n_ancillas, "clean"))
        self.circuit = QuantumCircuit(*(register for register in registers if register.size))
        self.index, self.flag, self.word, self.total, self.clean = (list(register) for register in registers)
        self.bits = sizes.bits
        self.sections: list[Section] = []

    @abstractmethod
    def preset(self, value: int) -> None:
        """Put a constant into the clean accumulator, or take it out again."""

    @abstractmethod
    def unset(self, value: int) -> None:
        """Undo :meth:`preset`."""

    @abstractmethod
    def load(self, block: Block) -> None:
        """Load the words of a block."""

    @abstractmethod
    def unload(self, block: Block) -> None:
        """Erase the loaded words."""

    @abstractmethod
    def accumulate(self, block: Block, *, subtract: bool = False) -> None:
        """Add the loaded words times their factors to the accumulator, or subtract them."""

    @abstractmethod
    def sign(self, block: Block) -> None:
        """Accumulate the last block, so that the accumulator's top bit is the sign."""

    @abstractmethod
    def unsign(self, block: Block) -> None:
        """Undo :meth:`sign`."""

    @abstractmethod
    def flip(self, sign: Qubit, live: Qubit | None, flag: Qubit) -> None:
        """Flip the flag if the sign bit is 1 and the item is live."""

    def run(self, blocks: Sequence[Block], constant: int, phase: float) -> Program:
        """Append the whole oracle: accumulate block by block, act on the sign, and undo everything.

        The last block stays loaded while the sign is used, which saves an unload and a load.

        Args:
            blocks: at least one; the last one carries the live bit, if any does.
            constant: what the accumulator starts from.
            phase: radians; not used with a flag.
        """
        *others, last = blocks
        self._section("preset", self.preset, constant)
        for block in others:
            self._section("load", self.load, block)
            self._section("multiply-add", self.accumulate, block)
            self._section("unload", self.unload, block)
        self._section("load", self.load, last)
        self._section("multiply-add, sign", self.sign, last)
        self._section("flag" if self.flag else "phase", self._act, last, phase)
        self._section("undo sign", self.unsign, last)
        self._section("unload", self.unload, last)
        for block in reversed(others):
            self._section("load", self.load, block)
            self._section("multiply-subtract", self._subtract, block)
            self._section("unload", self.unload, block)
        self._section("unset", self.unset, constant)
        return Program(self.circuit, self.sections)

    def _subtract(self, block: Block) -> None:
        self.accumulate(block, subtract=True)

    def _section(self, name: str, step: Callable[..., None], *arguments: object) -> None:
        start = len(self.circuit.data)
        step(*arguments)
        self.sections.append(Section(name, start, len(self.circuit.data)))
        self.circuit.barrier()

    def _act(self, block: Block, phase: float) -> None:
        """Act on the items whose sign bit is 0 and which are live."""
        sign = self.total[-1]
        live = self.word[block.width - 1] if block.live else None
        self.circuit.x(sign)
        if self.flag:
            self.flip(sign, live, self.flag[0])
        elif abs(phase) == pi:
            _ = self.circuit.z(sign) if live is None else self.circuit.cz(live, sign)
        else:
            _ = self.circuit.p(phase, sign) if live is None else self.circuit.cp(phase, live, sign)
        self.circuit.x(sign)
