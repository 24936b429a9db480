"""Gate counts that add up, and how many T gates they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import final

from hybrid_train.errors import ConfigError

T_PER_AND = 4
"""An AND onto a clean qubit takes four T gates, its erasure by measurement none (Gidney 2018)."""


@final
@dataclass(frozen=True)
class GateCounts:
    """Gates that are not Clifford, and how many ANDs must follow one another.

    Attributes:
        ands: ANDs onto a clean qubit; each is one Toffoli gate of the literature.
        bare_t: T gates outside ANDs.
        rotations: single-qubit rotations by angles that Clifford+T does not have exactly.
        and_depth: ANDs on the longest path through the circuit; a gate waits for all earlier gates on its qubits and
            classical bits, and for everything before a barrier.
    """

    ands: int = 0
    bare_t: int = 0
    rotations: int = 0
    and_depth: int = 0

    def __add__(self, other: GateCounts) -> GateCounts:
        """Return the counts of both circuits, one after the other."""
        return GateCounts(
            self.ands + other.ands,
            self.bare_t + other.bare_t,
            self.rotations + other.rotations,
            self.and_depth + other.and_depth,
        )

    def __mul__(self, times: int) -> GateCounts:
        return GateCounts(self.ands * times, self.bare_t * times, self.rotations * times, self.and_depth * times)

    def t_count(self, precision: float = 1e-10) -> int:
        """Return the T gates: four an AND, and those of every rotation.

        Args:
            precision: in (0, 1), of each rotation; it costs 3 log2(1 / precision) T gates (Ross, Selinger 2016).

        Raises:
            ConfigError: the precision is out of range.
        """
        if not 0.0 < precision < 1.0:
            raise ConfigError(f"precision={precision}: must lie strictly between 0 and 1")
        return T_PER_AND * self.ands + self.bare_t + self.rotations * ceil(3 * log2(1 / precision))
