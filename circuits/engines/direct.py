"""Handing runs to Aer's simulator past its job queue: the same simulation, without what else a call takes.

``AerSimulator.run`` looks through every parameter of every use of a gate for symbols, starts a thread, and makes
objects of what comes back: more work than simulating a small circuit. Here the gates go straight into Aer's own form
of a circuit, and that to Aer's own executor, for the same shots with the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, final

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerError, AerSimulator

from circuits.engines.compact import CircuitBuilder
from circuits.engines.pieces import Program
from circuits.law import Phases
from circuits.register import Register

_TRIED = 64
"""Shots by which the two ways are compared."""


@final
class DirectAer:
    """Runs programs on Aer's executor, in one thread.

    It stands on parts of Aer that its documentation leaves out: take it from :func:`direct`, which tries it first.

    Args:
        simulator: whose options hold.
    """

    def __init__(self, simulator: AerSimulator) -> None:
        from qiskit_aer.backends.aer_compiler import generate_aer_config
        from qiskit_aer.backends.controller_wrappers import AerCircuit, aer_controller_execute

        self._options = simulator.options.method, simulator.options.device, simulator.options.precision
        self._circuit, self._execute = AerCircuit, aer_controller_execute().execute

        def configured(n_qubits: int, shots: int) -> Any:
            bare = QuantumCircuit(n_qubits, n_qubits)
            return generate_aer_config([bare], simulator.options, shots=shots, memory=True, max_parallel_threads=1)

        self._configured = lru_cache(maxsize=32)(configured)
        self._alone = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Be looked for anew by a copy, in whatever process: None where it does not hold."""
        return _tried, self._options

    def words(self, programs: Sequence[Program], shots: int, seed: int) -> list[list[str]]:
        """Simulate programs on equally many qubits; return the measured words of each one's shots, in base 16.

        Raises:
            AerError: the simulation failed.
        """
        circuits = [self._handed(program, at) for at, program in enumerate(programs)]
        with self._alone:  # all engines of a process share a configuration, and each call writes its seed into it
            config = self._configured(programs[0].n_qubits, shots)
            config.seed_simulator = seed
            output = self._execute(circuits, None, config)
        if not output["success"]:
            raise AerError(output["status"])
        return [result["data"]["memory"] for result in output["results"]]

    def _handed(self, program: Program, number: int) -> Any:
        circuit, everywhere = self._circuit(), list(range(program.n_qubits))
        circuit.circ_id, circuit.num_qubits, circuit.num_memory = number, program.n_qubits, program.n_qubits
        for piece in program.pieces:
            method, arguments = piece.handed
            getattr(circuit, method)(*arguments)
        circuit.measure(everywhere, everywhere, [])
        return circuit


def called(
    simulator: AerSimulator, circuits: list[QuantumCircuit], shots: int, seed: int, threads: int
) -> list[list[str]]:
    """Simulate circuits by ``AerSimulator.run``; return the measured words of each one's shots, in base 16."""
    options: dict[str, Any] = {"seed_simulator": seed, "max_parallel_threads": threads}
    result = simulator.run(circuits, shots=shots, memory=True, **options).result()
    return [one.data.memory for one in result.results]


def direct(simulator: AerSimulator) -> DirectAer | None:
    """Return the direct way to a simulator of statevectors, None where it does not give the shots of the public way.

    Args:
        simulator: one of a class of its own is left to its own ``run``.
    """
    if type(simulator) is not AerSimulator:
        return None
    options = simulator.options
    return _tried(options.method, options.device, options.precision)


@lru_cache(maxsize=8)
def _tried(method: str, device: str, precision: str) -> DirectAer | None:
    """Compare the two ways, once for all, over every kind of piece."""
    simulator, seed = AerSimulator(method=method, device=device, precision=precision), 5
    try:
        way = DirectAer(simulator)
        for n_items in (2, 150, 2048):
            builder, phases = CircuitBuilder(Register.of(n_items)), Phases(np.ones(2), np.full(2, 2.0))
            one, some = np.array([1]), np.arange(n_items // 2)
            programs = [builder.plain(builder.oracle(one), 2), builder.phased(some, phases)]
            circuits = [program.circuit() for program in programs]
            if way.words(programs, _TRIED, seed) != called(simulator, circuits, _TRIED, seed, threads=1):
                return None
    except Exception:  # whatever another version of Aer may raise
        return None
    return way
