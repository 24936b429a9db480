"""The arithmetic oracle's cost in closed form, at any width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import final, get_args

from circuits.arithmetic.fixed_point import Variant, accumulator_bits, signed_digits
from circuits.resources.gates import GateCounts
from hybrid_train.errors import ConfigError
from hybrid_train.support.checks import checked_whole

LARGEST_WIDTH, LARGEST_DIM, LARGEST_BITS = 1 << 200, 1 << 60, 1024
"""What the closed forms are asked for at most: beyond any machine, and still quick."""


@final
@dataclass(frozen=True)
class OracleResources:
    """What one call of the phase oracle takes.

    Attributes:
        logical_qubits: in all.
        gates: the gates that are not Clifford.
        digits: D, nonzero signed digits of the query, that is shifted additions one way; a fraction if expected.
        expected: whether ``digits`` is the expectation d p_x / 3 over queries instead of one query's own count.
        turn: what marking costs more where it turns by another angle than pi, as in a certificate.
    """

    logical_qubits: int
    gates: GateCounts
    digits: Fraction
    expected: bool
    turn: GateCounts

    @property
    def t_count(self) -> int:
        """T gates, rotations included at precision 1e-10."""
        return self.gates.t_count()


@final
@dataclass(frozen=True)
class _Shape:
    """The sizes all formulas share; ``coordinates`` are those that the query does not round to zero."""

    width: int
    index: int
    coordinates: int
    bits: int
    total: int
    live: bool
    swap: int
    spare: int

    @property
    def turn(self) -> GateCounts:
        """A controlled rotation if the live bit controls it, else a rotation of the sign bit."""
        return GateCounts(rotations=3 if self.live else 1)

    @property
    def entry(self) -> int:
        """Bits loaded together when all words are."""
        return self.coordinates * self.bits + self.live

    @property
    def clean(self) -> int:
        """Qubits for the unary iteration and for the carries, never both at a time, and spare ones."""
        return max(self.index, self.total) - 1 + self.spare


def estimate(
    width: int,
    dim: int,
    bits: int,
    query_bits: int | None = None,
    *,
    variant: Variant = "all",
    query: Sequence[int] | None = None,
    done: bool = False,
    measured: bool = True,
    swap: int = 1,
    spare: int = 0,
) -> OracleResources:
    """Return the cost of :class:`circuits.arithmetic.ArithmeticOracle` without building it.

    With n = ceil(log2 m), a = p + p_x + ceil(log2 d) and shifts s_i of the query's D digits:

    * load L = sum_{s=1}^{n-1} ceil(m / 2^s) ANDs, m - 2 for a power of two (Babbush et al. 2018); any word length.
    * unload U = C - 2 + the same sum over ceil(m / C) rows, about 2 sqrt(m) - 4 at C = sqrt(m) columns (Berry et al.
      2019). It needs C qubits: C is the best power of two whose qubits are free at that moment, so that it adds none
      unless there are spare ones.
    * additions: a - s_i - 1 ANDs each (Gidney 2018), twice but for the longest, of which only the sign is read.

    ``all`` takes L + U + additions on n + (d p) + a + max(n, a) - 1 qubits. ``coordinate`` takes (2d - 1)(L + U) +
    additions on n + p + a + max(n, a) - 1: the coordinate loaded when the sign is read needs no second load. A live
    bit (widths that are no power of two, or ``done``) adds one qubit and no gate that is not Clifford. ``draper``
    takes n + p + a qubits and mostly rotations, three to a controlled phase; its ANDs are the expectation over random
    weights, its rotations the most that any constant may take (and any query, if none is given).

    Args:
        width: m.
        dim: d.
        bits: p of a weight.
        query_bits: p_x of a query component; p if left out.
        variant: how words are loaded and added.
        query: (d,) integers of one query, for its true digits; otherwise D = d p_x / 3 with shifts spread evenly over
            0 to p_x - 1, and no coordinate zero. One component alone is always 2^(p_x - 1) - 1, which is exact.
        done: whether found items are unmarked by a bit of the loaded word.
        measured: whether erasure is by measurement; otherwise every unload is a second load. (Erasing ANDs is free in
            both counts.)
        swap: with ``all``, load this many neighbouring items at once, a power of two, and bring the wanted one to
            the front by swaps (Low, Kliuchnikov, Schaeffer 2018): fewer ANDs on more qubits.
        spare: with ripple adders, further clean qubits for unloading.

    Raises:
        ConfigError: a size or option out of range.
    """
    query_bits = bits if query_bits is None else query_bits
    _check(width, dim, bits, query_bits, variant, query, swap, spare)
    index = max(1, (width - 1).bit_length())
    live = done or width < 1 << index
    total = accumulator_bits(dim, bits, query_bits)
    used = dim if query is None else sum(1 for value in query if value)
    shape = _Shape(width, index, used, bits, total, live, swap, spare)
    if swap >= 1 << index and swap > 1:
        raise ConfigError(f"swap={swap}: must stay below the {1 << index} addresses of width={width}")
    digits, additions = _expected(dim, query_bits, total) if query is None else _of_query(query, total)
    if variant == "draper":
        return _draper(shape, query, digits)
    return _ripple(shape, variant, round(additions), digits, measured=measured, expected=query is None)


def _of_query(query: Sequence[int], total: int) -> tuple[Fraction, Fraction]:
    """Return the digits of a query and the ANDs of its additions."""
    shifts = [shift for value in query for shift, _ in signed_digits(value)]
    additions = 2 * sum(total - shift - 1 for shift in shifts) - (total - min(shifts) - 1 if shifts else 0)
    return Fraction(len(shifts)), Fraction(additions)


def _expected(dim: int, query_bits: int, total: int) -> tuple[Fraction, Fraction]:
    """Return the same in expectation over queries, whose largest component is 2^(p_x - 1) - 1 after rounding."""
    largest = _of_query([(1 << (query_bits - 1)) - 1], total)
    if dim == 1:
        return largest
    digits = Fraction(dim * query_bits, 3)
    additions = 2 * digits * (total - 1 - Fraction(query_bits - 1, 2)) - (total - 1)
    return max(digits, largest[0]), max(additions, largest[1])


def unary_ands(count: int, index_bits: int) -> int:
    """Return the ANDs of an iteration over ``count`` items on n index bits: sum_{s=1}^{n-1} ceil(count / 2^s)."""
    return sum(-(-count >> s) for s in range(1, index_bits))


def _ripple(
    shape: _Shape, variant: str, additions: int, digits: Fraction, *, measured: bool, expected: bool
) -> OracleResources:
    entry = shape.entry if variant == "all" else min(shape.coordinates, 1) * shape.bits + shape.live
    word = entry * shape.swap
    qubits = shape.index + word + shape.total + shape.clean
    low = shape.swap.bit_length() - 1
    load = unary_ands(-(-shape.width // shape.swap), shape.index - low) + (shape.swap - 1) * entry
    unload, unload_depth = _repair(shape, shape.clean + word) if measured else (load, load)
    loads = 1 if variant == "all" else max(2 * shape.coordinates - 1, 1)
    if not word:
        loads = 0
    gates = GateCounts(ands=loads * (load + unload) + additions, and_depth=loads * (load + unload_depth) + additions)
    return OracleResources(qubits, gates, digits, expected, shape.turn)


def _repair(shape: _Shape, clean: int) -> tuple[int, int]:
    """Return the ANDs of the cheapest sign repair that fits the clean qubits, and its depth.

    Spreading t low bits over C = 2^t columns takes C - 2 ANDs in C/2 + t - 2 layers.
    """
    count = -(-shape.width // shape.swap) * shape.swap
    best = (unary_ands(count, shape.index), 0, 0)
    for low in range(1, shape.index):
        columns = 1 << low
        if columns + shape.index - low - 1 <= clean:
            rows = unary_ands(-(-count // columns), shape.index - low)
            best = min(best, (rows + columns - 2, low, rows))
    ands, low, rows = best
    return ands, (rows + (1 << low >> 1) + low - 2 if low > 1 else ands)


def _draper(shape: _Shape, query: Sequence[int] | None, digits: Fraction) -> OracleResources:
    index, bits, total = shape.index, shape.bits, shape.total
    factors = [1] * shape.coordinates if query is None else [value for value in query if value]
    valuations = [bit + (value & -value).bit_length() - 1 for value in factors for bit in range(bits)]
    controlled_s = 2 * (len(valuations) + total - 1)
    finer = 2 * (sum(total - valuation - 2 for valuation in valuations) + (total - 1) * (total - 2) // 2)
    loads = max(2 * shape.coordinates - 1, 1) * 2
    monomials = (index << (index - 1)) - (1 << index) + 1
    ands = (loads * min(shape.coordinates, 1) * bits + 2 * shape.live) * monomials // 2
    word = min(shape.coordinates, 1) * bits + shape.live
    gates = GateCounts(ands, 3 * controlled_s + 2, 3 * finer + 2 * (total - 3), ands)
    return OracleResources(index + word + total, gates, digits, expected=True, turn=shape.turn)


def _check(
    width: int, dim: int, bits: int, query_bits: int, variant: str, query: Sequence[int] | None, swap: int, spare: int
) -> None:
    checked_whole(width, "width", 1, LARGEST_WIDTH)
    checked_whole(dim, "dim", 1, LARGEST_DIM)
    checked_whole(bits, "bits", 2, LARGEST_BITS)
    checked_whole(query_bits, "query_bits", 2, LARGEST_BITS)
    checked_whole(swap, "swap", 1, LARGEST_WIDTH)
    checked_whole(spare, "spare", 0, LARGEST_WIDTH)
    if variant not in get_args(Variant):
        raise ConfigError(f"variant={variant!r}: must be one of {', '.join(get_args(Variant))}")
    if swap & (swap - 1):
        raise ConfigError(f"swap={swap}: must be a power of two")
    if spare and variant == "draper":
        raise ConfigError(f"spare={spare}: must be 0 with the draper adder, which has no clean qubits")
    if swap > 1 and variant != "all":
        raise ConfigError(f"swap={swap}: must be 1 unless all words are loaded at once by the gidney adder")
    if query is not None:
        if len(query) != dim:
            raise ConfigError(f"query: {len(query)} integers do not fit dim={dim}")
        if max(abs(value) for value in query) >= 1 << (query_bits - 1):
            raise ConfigError(f"query: an integer of {max(map(abs, query))} does not fit query_bits={query_bits}")
