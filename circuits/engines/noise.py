"""How noisy a simulated machine is: every gate may depolarise its qubits, every measured bit may flip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, final

from hybrid_train.errors import ConfigError
from hybrid_train.support.declared import checked, inside, real

if TYPE_CHECKING:
    from qiskit_aer.noise import NoiseModel

BASIS = ("u", "cx")
"""The gates circuits are rewritten in before noise is added: any rotation of one qubit, and controlled NOT."""


@checked(depolarizing=inside(real(least=0, below=1)), readout=inside(real(least=0, below=1)))
@final
@dataclass(frozen=True)
class Noise:
    """How noisy the machine is.

    Attributes:
        depolarizing: in [0, 1), the probability that a gate of :data:`BASIS` leaves its one or two qubits in the
            maximally mixed state.
        readout: in [0, 1), the probability that a measured bit is reported flipped.

    Raises:
        ConfigError: a rate is out of range.
    """

    depolarizing: float = 0.0
    readout: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in asdict(self).items():
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.0 <= rate < 1.0:
                raise ConfigError(f"noise={asdict(self)!r}: {name} must be a probability of at least 0 and below 1")

    @classmethod
    def from_table(cls, table: Mapping[str, float]) -> Noise:
        """Return the noise with these rates, by name; those left out are 0.

        Raises:
            ConfigError: no rate, an unknown name, or a rate out of range.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(table, Mapping) or not table or not set(table) <= set(known):
            shown = dict(table) if isinstance(table, Mapping) else table
            raise ConfigError(f"noise={shown!r}: expected rates for some of {', '.join(known)}")
        return cls(**table)

    def model(self) -> NoiseModel:
        """Return Qiskit Aer's model of it, for circuits in :data:`BASIS`."""
        from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

        model = NoiseModel(basis_gates=list(BASIS))
        if self.depolarizing:
            for qubits, gate in enumerate(BASIS, start=1):
                model.add_all_qubit_quantum_error(depolarizing_error(self.depolarizing, qubits), gate)
        if self.readout:
            flips = [[1.0 - self.readout, self.readout], [self.readout, 1.0 - self.readout]]
            model.add_all_qubit_readout_error(ReadoutError(flips))
        return model
