"""What a cost model charges a finder for, and what a simulator spends to imitate a quantum machine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from hybrid_train.support.declared import checked, whole_number

_COUNTER = whole_number()
"""Differences of counters are counters too, so that they may be negative."""


@dataclass
class _Counters:
    def __add__(self, other: Self) -> Self:
        theirs = vars(other)
        return self._made({name: count + theirs[name] for name, count in vars(self).items()})

    def __sub__(self, other: Self) -> Self:
        theirs = vars(other)
        return self._made({name: count - theirs[name] for name, count in vars(self).items()})

    def _made(self, counts: dict[str, int]) -> Self:
        """Return counters of this kind that need no check: there are some in every step of a training."""
        made = object.__new__(type(self))
        vars(made).update(counts)
        return made

    def copy(self) -> Self:
        """Return a snapshot that later counting does not change."""
        return self._made(vars(self))

    def as_dict(self) -> dict[str, int]:
        """Return the counters by name, in declaration order."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@checked(
    inner_products=_COUNTER,
    nodes_visited=_COUNTER,
    structure_updates=_COUNTER,
    oracle_calls=_COUNTER,
    bit_oracle_uses=_COUNTER,
    verifications=_COUNTER,
    measurements=_COUNTER,
    controlled_calls=_COUNTER,
    mid_measurements=_COUNTER,
)
@dataclass
class Cost(_Counters):
    """Operations an algorithm is charged for, counted since ``build``.

    Attributes:
        inner_products: d-dimensional inner products evaluated classically, for whatever purpose; the
            verifications of a quantum search are among them.
        nodes_visited: nodes of a search structure whose bound was evaluated (O(d) each).
        oracle_calls: Grover iterations; each uses the phase oracle once.
        bit_oracle_uses: uses of the bit oracle |r>|c> -> |r>|c xor fired(r)>. A phase flip costs one
            (phase kick-back), any other phase two (compute, phase, uncompute).
        verifications: measured indices checked classically, one inner product each.
        measurements: circuit executions that ended in a measurement of the index register (shots).
        controlled_calls: oracle uses under a control qubit (amplitude estimation).
        mid_measurements: of an ancilla in the midst of a circuit: one for each damped iteration of a monitored run.
        structure_updates: nodes and points of a search structure that are read or written to build it and to follow
            what moves (O(d) each): the second term of PRE Lemma 4.1.
    """

    inner_products: int = 0
    nodes_visited: int = 0
    oracle_calls: int = 0
    bit_oracle_uses: int = 0
    verifications: int = 0
    measurements: int = 0
    controlled_calls: int = 0
    structure_updates: int = 0
    mid_measurements: int = 0


@checked(oracle_entries=_COUNTER, circuits=_COUNTER, gates=_COUNTER, extra_marks=_COUNTER)
@dataclass
class SimulationCost(_Counters):
    """What this computer spends to stand in for a quantum one; never part of the algorithm's :class:`Cost`.

    Attributes:
        oracle_entries: truth-table entries of lookup oracles computed classically (one inner product each).
        circuits: quantum circuits simulated.
        gates: instructions in those circuits.
        extra_marks: items that oracles of limited precision marked beyond the active ones, summed over the queries;
            verification rejects them, at a cost that is charged.
    """

    oracle_entries: int = 0
    circuits: int = 0
    gates: int = 0
    extra_marks: int = 0
