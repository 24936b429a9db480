"""The Aer engine: runs the circuits on Qiskit Aer's statevector simulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import isqrt
from typing import final, get_args

import numpy as np
from qiskit import QuantumCircuit, transpile

from circuits.engines.aer_options import Device, Method, Precision, simulator
from circuits.engines.compact import CircuitBuilder
from circuits.engines.direct import called, direct
from circuits.engines.engine import Batch, Engine, Run
from circuits.engines.guard import check_fits, check_register
from circuits.engines.pieces import Program
from circuits.engines.shots import Pool, ShotPools
from circuits.grover import grover_circuit
from circuits.lookup import flips_one_by_one
from circuits.monitored import monitored_circuit, outcome_of
from circuits.oracle import bit_oracle
from circuits.register import Register
from hybrid_train.finder.cost import SimulationCost
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.declared import checked, inside, word
from hybrid_train.support.memory import available_bytes

_AMPLITUDE_BYTES = 16
_TABLE_ENTRY_BYTES = 180
_GATE_BYTES = 8192
"""Taken by an entry of a diagonal, and by any other gate, in the circuit and the simulator's program together."""
_LONGEST = 6
"""A certificate at a miss probability of 1e-10 takes six times sqrt(m) iterations."""
_PARALLEL_QUBITS = 15
"""Below, a gate is over before a second thread has woken up."""
_BATCH_BYTES = 1 << 28
"""Circuits are run together until their unrolled iterations fill this much memory."""
_TOGETHER_QUBITS = 11
"""Searches share a circuit up to this width; beyond, their gates take longer than what they save."""
_MOST_TOGETHER = 16
_SHOTS_TOGETHER = 6
"""Shots for each search that shares a circuit: it gets none of them once in four hundred times."""


@final
class AerEngine(Engine):
    """Builds the circuits of a batch and runs them together, without noise.

    A circuit is simulated once for several shots; those left over are handed out to the next runs of the same
    circuit, as independent as if they had been simulated then. Searches of a batch whose next runs are alike share one
    circuit, in which further qubits name the search, if it is narrow. Every call of the simulator gets a fresh seed
    (with a fixed one Aer repeats its shots at every call; within a call it gives each circuit a seed of its own).

    Args:
        method: of the simulator: "statevector", "density_matrix" or "matrix_product_state".
        device: "CPU" or "GPU".
        precision: "double" or "single".

    Raises:
        ConfigError: another method, device or precision.
        ResourceError: this Aer, or this machine, does not have the device.
    """

    monitors = True

    @checked(
        method=inside(word(*get_args(Method))),
        device=inside(word(*get_args(Device))),
        precision=inside(word(*get_args(Precision))),
    )
    def __init__(self, *, method: str = "statevector", device: str = "CPU", precision: str = "double") -> None:
        super().__init__()
        self._simulator = simulator(method, device, precision)
        self._rewrites = method != "statevector"
        self._direct = None if self._rewrites else direct(self._simulator)
        self._pools = ShotPools()

    def start_over(self) -> SimulationCost:
        self._pools = ShotPools()
        return super().start_over()

    def sample(self, batch: Batch) -> IntArray:
        searches = batch.searches.tolist()
        pools = [self._pools.of(batch.marked, search, run) for search, run in zip(searches, batch.runs, strict=True)]
        self._fill_together(batch, pools)
        dry = {id(pool): job for job, pool in enumerate(pools) if not pool.shots}
        for part in _parts(batch, sorted(dry.values(), key=lambda job: pools[job].size)):
            self._fill(batch, pools, part)
        measured = np.empty(len(batch), np.int64)
        for job, pool in enumerate(pools):
            if not pool.shots:
                self._fill(batch, pools, [job])
            measured[job] = pool.shots.pop()
        return batch.marked.register.items(measured)

    def sample_monitored(self, batch: Batch) -> tuple[IntArray, IntArray]:
        alike: dict[tuple[Run, int, bytes], list[int]] = {}  # jobs of one circuit are its shots
        for job, (run, search) in enumerate(zip(batch.runs, batch.searches.tolist(), strict=True)):
            own = -1 if batch.marked.oracles is None else search
            alike.setdefault((run, own, np.sort(batch.marked.items(search)).tobytes()), []).append(job)
        places, taken = np.empty(len(batch), np.int64), np.empty(len(batch), np.int64)
        for jobs in alike.values():
            places[jobs], taken[jobs] = np.transpose(self._monitored(batch, jobs))
        return batch.marked.register.items(places), taken

    def _monitored(self, batch: Batch, jobs: Sequence[int]) -> list[tuple[int, int]]:
        """Simulate a monitored run once for each job: where it was measured, and after how many iterations."""
        oracle = batch.marked.oracle(int(batch.searches[jobs[0]]))
        rewritten = _unpacked if batch.marked.oracles is None and not self._rewrites else self._native
        circuit = monitored_circuit(bit_oracle(oracle), batch.runs[jobs[0]].stages, rewritten=rewritten)
        self.simulation.circuits += 1
        self.simulation.gates += len(circuit.data)
        threads = 1 if circuit.num_qubits < _PARALLEL_QUBITS else 0
        seed = int(batch.seeds[jobs[0]] >> np.uint64(1))
        result = self._simulator.run(
            circuit, shots=len(jobs), memory=True, seed_simulator=seed, max_parallel_threads=threads
        ).result()
        return [outcome_of(shot) for shot in result.get_memory()]

    def _native(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Return a circuit in gates that the simulator knows."""
        return transpile(circuit, self._simulator, optimization_level=0)

    def check_monitored(self, n_items: int | Register, n_word: int = 0) -> None:
        if n_word:
            check_register(n_items, n_word + 1, available_bytes())
        else:
            check_fits(n_items, lambda qubits: _needed_bytes(qubits + 1), available_bytes(), "strategy='monitored'")

    def check_resources(self, n_items: int | Register) -> None:
        check_fits(n_items, _needed_bytes, available_bytes(), "engine='aer'")

    def check_register(self, n_items: int | Register, n_word: int) -> None:
        check_register(n_items, n_word, available_bytes())

    def searches_at_once(self, n_items: int | Register) -> int:
        return max(1, min(256, _BATCH_BYTES // (_TABLE_ENTRY_BYTES << Register.of(n_items).n_qubits)))

    def _fill_together(self, batch: Batch, pools: Sequence[Pool]) -> None:
        """Simulate runs that are alike in one circuit for several searches; by chance some may get no shot of it."""
        marked, width = batch.marked, batch.marked.register.n_qubits
        most = max(1, min(_MOST_TOGETHER, 1 << _TOGETHER_QUBITS >> width))
        own_oracles = marked.oracles is not None
        if self._rewrites or own_oracles or len(marked.register.shape) > 1 or marked.n_items == 1 or most == 1:
            return
        alike: dict[Run, list[int]] = {}
        for job, pool in enumerate(pools):
            if not pool.shots and not pool.shared:
                alike.setdefault(batch.runs[job], []).append(job)
        for run, jobs in alike.items():
            for part in (jobs[start : start + most] for start in range(0, len(jobs), most)):
                if len(part) == 1:
                    continue
                items = [marked.items(int(batch.searches[job])) for job in part]
                joint = _builder(marked.register).joint(items, run.iterations, run.phases)
                seed = int(~batch.seeds[part[-1]] >> np.uint64(1))  # not that of a run of its own, which may yet follow
                (words,) = self._simulated([joint], _SHOTS_TOGETHER * len(part), seed)
                for measured in words:
                    at, place = divmod(int(measured, 16), 1 << width)
                    pools[part[at]].shots.append(place)

    def _fill(self, batch: Batch, pools: Sequence[Pool], jobs: Sequence[int]) -> None:
        """Simulate the runs of these jobs and put the shots into their pools."""
        runs = [self._run(batch, job) for job in jobs]
        seed = int(batch.seeds[jobs[-1]] >> np.uint64(1))
        shots = max(pools[job].size for job in jobs)
        for job, words in zip(jobs, self._simulated(runs, shots, seed), strict=True):
            pools[job].shots = [int(word, 16) for word in words]

    def _simulated(self, runs: list[Program | QuantumCircuit], shots: int, seed: int) -> list[list[str]]:
        """Return the measured words of each run's shots, in base 16."""
        self.simulation.circuits += len(runs)
        programs = [run for run in runs if isinstance(run, Program)]
        if self._direct is not None and len(programs) == len(runs) and programs[0].n_qubits < _PARALLEL_QUBITS:
            self.simulation.gates += sum(map(len, programs))
            return self._direct.words(programs, shots, seed)
        circuits = [run.circuit() if isinstance(run, Program) else run for run in runs]
        if self._rewrites:  # only the statevector method knows gates with many controls
            circuits = transpile(circuits, self._simulator, optimization_level=0)
        self.simulation.gates += sum(len(circuit.data) for circuit in circuits)
        return called(self._simulator, circuits, shots, seed, 1 if circuits[0].num_qubits < _PARALLEL_QUBITS else 0)

    def _run(self, batch: Batch, job: int) -> Program | QuantumCircuit:
        builder, run, search = _builder(batch.marked.register), batch.runs[job], int(batch.searches[job])
        if run.iterations and batch.marked.oracles is not None:
            circuit = grover_circuit(batch.marked.oracle(search), run.iterations, phases=run.phases, boxes=False)
            return circuit.decompose(["cry_o0"])  # the one gate in it that Aer does not know
        if run.phases is not None:
            return builder.phased(batch.marked.items(search), run.phases)
        if run.iterations == 0:
            return builder.plain([], 0)
        state = self._pools.state(batch.marked, search)
        if state.oracle is None:
            state.oracle = builder.oracle(batch.marked.items(search))
        return builder.plain(state.oracle, run.iterations)


def _unpacked(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a part of a run over a table in gates that Aer knows: boxes open, a control on |0> written out."""
    return circuit.decompose(["oracle", "cry_o0"])


_builder = lru_cache(maxsize=4)(CircuitBuilder)


def _parts(batch: Batch, jobs: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split jobs so that the circuits run together stay within memory."""
    part: list[int] = []
    filled = 0
    for job in jobs:
        n_marked = int(batch.marked.counts[batch.searches[job]])
        size = _circuit_bytes(batch.marked.register.n_qubits, n_marked, batch.runs[job].iterations)
        if part and filled + size > _BATCH_BYTES:
            yield part
            part, filled = [], 0
        part.append(job)
        filled += size
    if part:
        yield part


def _circuit_bytes(n_qubits: int, n_marked: int, iterations: int) -> int:
    """What a run takes besides the statevector: the simulator unrolls it, and each diagonal holds a table."""
    one_by_one = flips_one_by_one(n_marked, n_qubits)
    oracle = 2 * n_marked * _GATE_BYTES if one_by_one else _TABLE_ENTRY_BYTES << n_qubits
    return (1 + iterations) * (oracle + n_qubits * _GATE_BYTES)


def _needed_bytes(n_qubits: int) -> int:
    """The longest run with so many items marked that a table is needed."""
    size = 1 << n_qubits
    return _AMPLITUDE_BYTES * size + _circuit_bytes(n_qubits, size, _LONGEST * isqrt(size))
