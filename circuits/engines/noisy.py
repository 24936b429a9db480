"""The noisy engine: runs each circuit on Qiskit Aer with faults."""

from __future__ import annotations

from functools import lru_cache
from math import isqrt
from typing import final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit_aer import AerSimulator

from circuits.engines.engine import Batch, Engine, Run
from circuits.engines.guard import check_fits
from circuits.engines.noise import BASIS, Noise
from circuits.grover import grover_circuit
from circuits.lookup import LookupOracle
from circuits.register import Register
from hybrid_train.errors import ConfigError
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.declared import an, checked, inside
from hybrid_train.support.memory import available_bytes

_BATCH_BYTES = 1 << 28
_GATE_BYTES = 1024
"""Taken by one gate in the circuit, its rewritten form and the simulator's program together."""


@final
class NoisyEngine(Engine):
    """Rewrites each run's circuit in :data:`BASIS` and simulates one noisy execution of it on Aer.

    The circuits are those of :func:`circuits.grover.grover_circuit`, transpiled at optimisation level 1. Each run is
    an execution of its own, with faults of its own: no shot is shared.

    Args:
        noise: the rates.

    Raises:
        ConfigError: they are of another kind.
    """

    may_fault = True

    @checked(noise=inside(an(Noise)))
    def __init__(self, noise: Noise) -> None:
        if not isinstance(noise, Noise):
            raise ConfigError(f"noise={noise!r}: expected a circuits.Noise")
        super().__init__()
        self._simulator = AerSimulator(method="statevector", noise_model=noise.model())

    def sample(self, batch: Batch) -> IntArray:
        marked = batch.marked
        circuits = [
            _rewritten(np.sort(marked.items(search)).tobytes(), marked.register, run)
            for search, run in zip(batch.searches.tolist(), batch.runs, strict=True)
        ]
        self.simulation.circuits += len(circuits)
        self.simulation.gates += sum(len(circuit.data) for circuit in circuits)
        seed = int(batch.seeds[0] >> np.uint64(1))
        job = self._simulator.run(circuits, shots=1, memory=True, seed_simulator=seed, max_parallel_threads=1)
        measured = np.array([int(one.data.memory[0], 16) for one in job.result().results])
        return marked.register.items(measured)

    def check_resources(self, n_items: int | Register) -> None:
        check_fits(n_items, _needed_bytes, available_bytes(), "finder.noise")

    def searches_at_once(self, n_items: int | Register) -> int:
        return max(1, min(256, _BATCH_BYTES // _needed_bytes(Register.of(n_items).n_qubits)))


@lru_cache(maxsize=1)
def _pass_manager() -> PassManager:
    """Kept outside the engine, for Qiskit's pass managers cannot be pickled."""
    return generate_preset_pass_manager(1, basis_gates=list(BASIS), seed_transpiler=0)


@lru_cache(maxsize=64)
def _rewritten(marked: bytes, register: Register, run: Run) -> QuantumCircuit:
    oracle = LookupOracle(np.frombuffer(marked, np.int64), register)
    return _pass_manager().run(grover_circuit(oracle, run.iterations, phases=run.phases, boxes=False))


def _needed_bytes(n_qubits: int) -> int:
    """The gates of the longest run, a certificate: an oracle and a diffusion take about five times 2^n in all."""
    size = 1 << n_qubits
    return size * (16 + 5 * _GATE_BYTES * 4 * (1 + isqrt(size)))
