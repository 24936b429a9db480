"""The arithmetic oracle: marks the neurons whose rounded inner product with a query exceeds a threshold."""

from __future__ import annotations

from typing import Literal, final

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit

from circuits.arithmetic.fixed_point import FixedPointWeights, signed_digits
from circuits.arithmetic.fourier import FourierArithmetic
from circuits.arithmetic.program import Arithmetic, Block, Program, Sizes
from circuits.arithmetic.ripple import RippleArithmetic
from circuits.register import index_qubits
from hybrid_train.errors import ConfigError, DataError
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_whole
from hybrid_train.support.declared import an, array, checked, either, inside, optional, real, size, whole, word


@final
class ArithmeticOracle:
    """A phase or bit oracle that loads the weights alone and multiplies them by the classical query in place.

    Words are loaded with their top bit complemented (w + 2^(p-1), never negative), so no sign is extended; the
    difference is a constant of the query and goes into the accumulator's preset, with the threshold: preset to
    -(T + 1), sign bit 0 means marked. The query's integers are constants of the circuit, multiplied digit by digit in
    non-adjacent form (ripple adder) or at once (Fourier adder). Rounding is conservative: every active point is
    marked, and perhaps a few more.

    Indices past the last item, and items that are done, are never marked: a live bit is loaded with the words where
    that has to be said.

    Args:
        weights: (m, d) numbers, or :class:`FixedPointWeights` to share among queries.
        query: (d,) x.
        threshold: b; the oracle marks at least every r with <w_r, x> > b by ``hybrid_train.finder.predicate``.
        bits: p of a weight; with ``FixedPointWeights``, leave it out.
        query_bits: p_x of a query component; p if left out.
        done: (m,) booleans, or indices, of the items already found. None says that none ever will be.
        adder: ``draper`` has the fewest qubits, for simulation; ``gidney`` the fewest T gates, for resource counts.
        loading: ``all`` words at once (the default with ``gidney``) or ``coordinate`` by coordinate, which is all
            that ``draper`` does.
        swap: with ``gidney`` loading ``all``, this many neighbouring items are loaded side by side and the wanted one
            is swapped to the front, a power of two below the number of addresses: fewer T gates, more qubits.
        spare: with ``gidney``, further clean qubits; unloading by measurement then takes fewer T gates, until about
            sqrt(m) qubits are clean.

    Raises:
        ConfigError: an option out of range, or a combination that does not exist.
        DataError: weights, query or done items that do not fit together.

    Attributes:
        n_items: m.
        n_qubits: index qubits, ceil(log2 m), at least one; they come first in every circuit.
        weights: the words.
        test: the query's integer half-space.
    """

    @checked(
        weights=inside(either(array(2), an(FixedPointWeights))),
        query=inside(array(1)),
        threshold=inside(real()),
        bits=inside(whole(2, 24)),
        query_bits=inside(optional(whole(2, 24))),
        done=inside(optional(array(1, "iub", empty=True))),
        adder=word("draper", "gidney"),
        loading=optional(word("all", "coordinate")),
        swap=inside(size()),
        spare=inside(whole(0, 1 << 20)),
    )
    def __init__(
        self,
        weights: npt.ArrayLike | FixedPointWeights,
        query: npt.ArrayLike,
        threshold: float,
        bits: int | None = None,
        query_bits: int | None = None,
        done: npt.ArrayLike | None = None,
        *,
        adder: Literal["draper", "gidney"] = "draper",
        loading: Literal["all", "coordinate"] | None = None,
        swap: int = 1,
        spare: int = 0,
    ) -> None:
        self.weights = _quantised(weights, bits)
        self.test = self.weights.integer_test(query, threshold, self.weights.bits if query_bits is None else query_bits)
        self.n_items = len(self.weights.words)
        self.n_qubits = index_qubits(self.n_items)
        self.adder, self.loading = _checked_variant(adder, loading)
        self._done = None if done is None else _done_mask(done, self.n_items)
        self._has_live_bit = done is not None or self.n_items < 1 << self.n_qubits
        self._blocks = self._make_blocks()
        self._swap = self._checked_swap(swap)
        checked_whole(spare, "spare", 0, 1 << 20)
        if spare and self.adder != "gidney":
            raise ConfigError(f"spare={spare}: must be 0 unless adder='gidney'")
        self._spare = spare

    @property
    def n_ancillas(self) -> int:
        """Qubits after the index register in :meth:`circuit`; each starts and ends as |0>."""
        sizes = self._sizes()
        clean = max(sizes.index, sizes.total) - 1 + self._spare if self.adder == "gidney" else 0
        return sizes.word + sizes.total + clean

    def circuit(self, phase: float = np.pi, *, measured: bool = False) -> QuantumCircuit:
        """Return |r>|0> -> exp(i phase)|r>|0> for marked r.

        Args:
            phase: radians; the default flips the sign.
            measured: with ``gidney``, erase by measurement, which is what the T counts assume; the circuit then has
                classical bits and conditions. Otherwise it is unitary.

        Raises:
            ConfigError: ``measured`` with the Fourier adder, which leaves nothing to erase.
        """
        return self.program(phase, measured=measured).circuit

    def bit_circuit(self, *, measured: bool = False) -> QuantumCircuit:
        """Return |r>|c>|0> -> |r>|c xor marked(r)>|0>, the flag right after the index qubits."""
        return self.program(flag=True, measured=measured).circuit

    def program(self, phase: float = np.pi, *, flag: bool = False, measured: bool = False) -> Program:
        """Return the circuit with its named sections (see :meth:`circuit` and :meth:`bit_circuit`)."""
        total = self.test.width
        offset = (1 << (self.weights.bits - 1)) * int(self.test.query.sum())
        constant = (-(self.test.threshold + 1) - offset) % (1 << total)
        return self._arithmetic(flag, measured).run(self._blocks, constant, phase)

    def marked(self) -> npt.NDArray[np.bool_]:
        """Return (m,) which items the oracle marks, computed classically from the integers."""
        marks = self.test.marks(self.weights.words)
        return marks if self._done is None else marks & ~self._done

    def _arithmetic(self, flag: bool, measured: bool) -> Arithmetic:
        if self.adder == "gidney":
            return RippleArithmetic(
                self._sizes(), self.n_items, flag=flag, measured=measured, swap=self._swap, spare=self._spare
            )
        if measured:
            raise ConfigError("measured=True: the Fourier adder computes nothing to erase; take adder='gidney'")
        return FourierArithmetic(self._sizes(), flag=flag)

    def _sizes(self) -> Sizes:
        word = self._swap * max(block.width for block in self._blocks)
        return Sizes(self.n_qubits, word, self.test.width, self.weights.bits)

    def _checked_swap(self, swap: int) -> int:
        checked_whole(swap, "swap", 1, 1 << 62)
        if swap & (swap - 1) or swap >= max(2, 1 << self.n_qubits):
            raise ConfigError(f"swap={swap}: must be a power of two below the {1 << self.n_qubits} addresses")
        if swap > 1 and (self.adder, self.loading) != ("gidney", "all"):
            raise ConfigError(f"swap={swap}: only adder='gidney' with loading='all' loads several items at once")
        return swap

    def _make_blocks(self) -> list[Block]:
        """Return what is loaded when; coordinates that the query rounds to zero are not loaded at all."""
        bits, words = self.weights.bits, self.weights.words
        used = [int(at) for at in np.flatnonzero(self.test.query)]
        used.sort(key=lambda at: -signed_digits(int(self.test.query[at]))[0][0])
        groups = [used] if self.loading == "all" or not used else [[at] for at in used]
        blocks = []
        for number, group in enumerate(groups):
            live = self._has_live_bit and number == len(groups) - 1
            table = [0] * self.n_items
            for place, at in enumerate(group):
                column = (words[:, at] + (1 << (bits - 1))).tolist()
                table = [entry | word << place * bits for entry, word in zip(table, column, strict=True)]
            top = len(group) * bits
            if live:
                done = np.zeros(self.n_items, np.bool_) if self._done is None else self._done
                table = [entry | (not is_done) << top for entry, is_done in zip(table, done.tolist(), strict=True)]
            terms = [(place * bits, int(self.test.query[at])) for place, at in enumerate(group)]
            blocks.append(Block(table, top + live, terms, live))
        return blocks


def _quantised(weights: npt.ArrayLike | FixedPointWeights, bits: int | None) -> FixedPointWeights:
    if not isinstance(weights, FixedPointWeights):
        if bits is None:
            raise ConfigError("bits=None: give the number of bits of a weight")
        return FixedPointWeights(weights, bits)
    if bits not in (None, weights.bits):
        raise ConfigError(f"bits={bits}: the weights are already rounded to {weights.bits} bits; leave it out")
    return weights


def _checked_variant(adder: str, loading: str | None) -> tuple[str, str]:
    if adder not in ("draper", "gidney"):
        raise ConfigError(f"adder={adder!r}: must be 'draper' or 'gidney'")
    if loading not in (None, "all", "coordinate"):
        raise ConfigError(f"loading={loading!r}: must be 'all' or 'coordinate'")
    if adder == "draper" and loading == "all":
        raise ConfigError("loading='all': the Fourier adder is there to save qubits; take adder='gidney'")
    return adder, loading or ("all" if adder == "gidney" else "coordinate")


def _done_mask(done: npt.ArrayLike, n_items: int) -> npt.NDArray[np.bool_]:
    try:
        given = np.asarray(done)
    except (TypeError, ValueError):
        raise DataError("done: expected a mask, or indices, got a ragged list") from None
    if given.dtype == np.bool_:
        if given.shape != (n_items,):
            raise DataError(f"done: a mask of shape {given.shape} does not fit {n_items} items")
        return given.copy()
    items: IntArray = np.atleast_1d(given)
    wrong = items.ndim != 1 or (items.size and items.dtype.kind not in "iu")
    if wrong or (items.size and (items.min() < 0 or items.max() >= n_items)):
        raise DataError(f"done: expected a mask, or indices in [0, {n_items})")
    items = items.astype(np.int64)
    mask = np.zeros(n_items, np.bool_)
    mask[items] = True
    return mask
