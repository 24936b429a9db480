"""The Aer engine: runs the circuits on Qiskit Aer's statevector simulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import isqrt
from typing import final

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from circuits.engines.compact import CircuitBuilder
from circuits.engines.shots import Pool, ShotPools
from circuits.lookup import index_qubits
from circuits.memory import available_bytes
from circuits.search import Batch, Engine
from hybrid_train.active_sets import IntArray
from hybrid_train.cost import SimulationCost
from hybrid_train.errors import ResourceError

_AMPLITUDE_BYTES = 16
_PARALLEL_QUBITS = 15
"""Below, a gate is over before a second thread has woken up."""
_BATCH_BYTES = 1 << 28
"""Circuits are run together until their unrolled oracles fill this much memory."""


@final
class AerEngine(Engine):
    """Builds the circuits of a batch and runs them together, without noise.

    A circuit is simulated once for several shots; those left over are handed out to the next runs of the same
    circuit, as independent as if they had been simulated then. Every call of the simulator gets a fresh seed (with a
    fixed one Aer repeats its shots at every call; within a call it gives each circuit a seed of its own).
    """

    def __init__(self) -> None:
        super().__init__()
        self._simulator = AerSimulator(method="statevector")
        self._builder = lru_cache(maxsize=4)(CircuitBuilder)
        self._pools = ShotPools()

    def start_over(self) -> SimulationCost:
        self._pools = ShotPools()
        return super().start_over()

    def sample(self, batch: Batch) -> IntArray:
        searches = batch.searches.tolist()
        pools = [self._pools.of(batch.marked, search, run) for search, run in zip(searches, batch.runs, strict=True)]
        dry = {id(pool): job for job, pool in enumerate(pools) if not pool.shots}
        for part in _parts(batch, sorted(dry.values(), key=lambda job: pools[job].size)):
            self._fill(batch, pools, part)
        measured = np.empty(len(batch), np.int64)
        for job, pool in enumerate(pools):
            if not pool.shots:
                self._fill(batch, pools, [job])
            measured[job] = pool.shots.pop()
        return measured

    def check_resources(self, n_items: int) -> None:
        needed, available = _needed_bytes(n_items), available_bytes()
        if needed > available:
            fits = 1 << (index_qubits(n_items) - 1)
            while fits > 1 and _needed_bytes(fits) > available:
                fits //= 2
            raise ResourceError(
                f"engine='aer': simulating searches over {n_items} points needs {needed} bytes of memory but "
                f"{available} are available; at most {fits} points fit here. Use engine='closed_form', which samples "
                "the same law without a statevector"
            )

    def searches_at_once(self, n_items: int) -> int:
        return max(1, min(256, _BATCH_BYTES // (_AMPLITUDE_BYTES << index_qubits(n_items))))

    def _fill(self, batch: Batch, pools: Sequence[Pool], jobs: Sequence[int]) -> None:
        """Simulate the circuits of these jobs and put the shots into their pools."""
        circuits = [self._circuit(batch, job) for job in jobs]
        self.simulation.circuits += len(circuits)
        self.simulation.gates += sum(len(circuit.data) for circuit in circuits)
        seed = int(batch.seeds[jobs[-1]] >> np.uint64(1))
        shots = max(pools[job].size for job in jobs)
        threads = 1 if circuits[0].num_qubits < _PARALLEL_QUBITS else 0
        result = self._simulator.run(
            circuits, shots=shots, memory=True, seed_simulator=seed, max_parallel_threads=threads
        ).result()
        for job, one in zip(jobs, result.results, strict=True):
            pools[job].shots = [int(shot, 16) for shot in one.data.memory]

    def _circuit(self, batch: Batch, job: int) -> QuantumCircuit:
        builder, run, search = self._builder(batch.marked.n_items), batch.runs[job], int(batch.searches[job])
        if run.phases is not None:
            return builder.phased(batch.marked.items(search), run.phases)
        if run.iterations == 0:
            return builder.plain([], 0)
        state = self._pools.state(batch.marked, search)
        if state.oracle is None:
            state.oracle = builder.oracle(batch.marked.items(search))
        return builder.plain(state.oracle, run.iterations)


def _parts(batch: Batch, jobs: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split jobs so that the circuits run together stay within memory."""
    table = _AMPLITUDE_BYTES << index_qubits(batch.marked.n_items)
    part: list[int] = []
    filled = 0
    for job in jobs:
        size = table * (1 + batch.runs[job].iterations)
        if part and filled + size > _BATCH_BYTES:
            yield part
            part, filled = [], 0
        part.append(job)
        filled += size
    if part:
        yield part


def _needed_bytes(n_items: int) -> int:
    """The statevector, and one table for each oracle of the longest plain run: the simulator unrolls iterations."""
    return (_AMPLITUDE_BYTES << index_qubits(n_items)) * (2 + isqrt(n_items))
