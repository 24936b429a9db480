"""The sampler engine: runs the circuits on any Qiskit sampler or backend, so hardware needs no change here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BackendSamplerV2, BaseSamplerV2, StatevectorSampler
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit_aer.primitives import SamplerV2

from circuits.engines.engine import Batch, Engine
from circuits.engines.guard import check_fits, check_register
from circuits.engines.shots import ShotPools
from circuits.grover import grover_circuit
from circuits.register import Register
from hybrid_train.errors import ConfigError, ResourceError
from hybrid_train.finder.cost import SimulationCost
from hybrid_train.support.arrays import IntArray
from hybrid_train.support.checks import checked_whole
from hybrid_train.support.declared import an, checked, inside, optional, whole
from hybrid_train.support.memory import available_bytes

_MOST_SHOTS = 1 << 20


@final
class SamplerEngine(Engine):
    """Builds one circuit of standard gates for each run and measures it once.

    Args:
        sampler: what to run on. Its shots are its own: they do not depend on the batch's seeds. None for Aer's
            sampler, with a fresh seed for every batch (with a fixed one it would repeat its shots).
        pass_manager: applied to every circuit first, for example to reach a backend's instruction set.
        shots: of each circuit in a job, at least 1. Those that are not used at once are handed out to later runs of
            the same circuit: fewer jobs, which have a price of their own on a real machine, for shots that may be idle.
        backend: what to run on instead of a sampler; without a ``pass_manager`` circuits are transpiled to it at
            optimisation level 1.

    Raises:
        ConfigError: something that is not of these kinds, or a backend and a sampler.

    Attributes:
        jobs: handed over since the start.
        shots_made: by the machine since the start, idle ones included.
    """

    @checked(
        sampler=inside(optional(an(BaseSamplerV2))),
        pass_manager=inside(optional(an(PassManager))),
        backend=inside(optional(an(BackendV2))),
        shots=inside(whole(1, _MOST_SHOTS)),
    )
    def __init__(
        self,
        sampler: BaseSamplerV2 | None = None,
        pass_manager: PassManager | None = None,
        *,
        backend: BackendV2 | None = None,
        shots: int = 1,
    ) -> None:
        super().__init__()
        self._shots = checked_whole(shots, "shots", 1, _MOST_SHOTS)
        self._pools = ShotPools()
        self.jobs = self.shots_made = 0
        for name, value, kind in (
            ("sampler", sampler, BaseSamplerV2),
            ("pass_manager", pass_manager, PassManager),
            ("backend", backend, BackendV2),
        ):
            if value is not None and not isinstance(value, kind):
                raise ConfigError(f"{name}={value!r}: expected a Qiskit {kind.__name__}")
        if backend is not None:
            if sampler is not None:
                raise ConfigError(f"backend={backend.name!r}: leave it out, or the sampler")
            sampler = BackendSamplerV2(backend=backend)
        self.may_fault = sampler is not None
        self._sampler = sampler
        self._pass_manager = pass_manager
        self._backend = backend
        self._transpiler: PassManager | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the backend: Qiskit's preset pass managers cannot be pickled."""
        return self.__dict__ | {"_transpiler": None}

    def start_over(self) -> SimulationCost:
        self._pools = ShotPools()
        self.jobs = self.shots_made = 0
        return super().start_over()

    def sample(self, batch: Batch) -> IntArray:
        if self._shots == 1:
            return batch.marked.register.items(np.array(self._drawn(batch, range(len(batch)), 1))[:, 0])
        searches = batch.searches.tolist()
        pools = [self._pools.of(batch.marked, search, run) for search, run in zip(searches, batch.runs, strict=True)]
        wanted = Counter(map(id, pools))
        dry = {id(pool): job for job, pool in enumerate(pools) if len(pool.shots) < wanted[id(pool)]}
        if dry:
            jobs = list(dry.values())
            shots = max(self._shots, *(wanted[id(pools[job])] for job in jobs))
            for job, drawn in zip(jobs, self._drawn(batch, jobs, shots), strict=True):
                pools[job].shots += drawn
        return batch.marked.register.items(np.array([pool.shots.pop() for pool in pools]))

    def _drawn(self, batch: Batch, jobs: Sequence[int], shots: int) -> list[list[int]]:
        """Run the circuits of these jobs; return what each was measured as, shot by shot."""
        circuits = [
            grover_circuit(
                batch.marked.oracle(int(batch.searches[job])),
                batch.runs[job].iterations,
                phases=batch.runs[job].phases,
                boxes=False,
            )
            for job in jobs
        ]
        pass_manager = self._passes()
        if pass_manager is not None:
            circuits = pass_manager.run(circuits)
        self.simulation.circuits += len(circuits)
        self.simulation.gates += sum(len(circuit.data) for circuit in circuits)
        sampler = self._sampler or SamplerV2(seed=int(batch.seeds[0] >> np.uint64(1)))
        self.jobs += 1
        self.shots_made += shots * len(circuits)
        return self._measured(sampler, circuits, shots)

    def _passes(self) -> PassManager | None:
        """Return what is applied to circuits first: what was given, or what reaches the backend."""
        if self._pass_manager is not None or self._backend is None:
            return self._pass_manager
        if self._transpiler is None:
            self._transpiler = generate_preset_pass_manager(1, backend=self._backend)
        return self._transpiler

    def _measured(self, sampler: BaseSamplerV2, circuits: list[QuantumCircuit], shots: int) -> list[list[int]]:
        """Return the integers that each circuit was measured as.

        Raises:
            ResourceError: the runs failed, or came back in another form than a sampler's.
        """
        name = type(sampler).__name__ if self._backend is None else self._backend.name
        try:
            result: Any = sampler.run([(circuit,) for circuit in circuits], shots=shots).result()
            found = [[int(shot, 2) for shot in _register(pub.data).get_bitstrings()] for pub in result]
        except Exception as error:  # a machine out there may fail in any way
            raise ResourceError(
                f"sampler={name!r}: {len(circuits)} circuits were handed over and no measurements came back: "
                f"{type(error).__name__}: {error}"
            ) from error
        if len(found) != len(circuits):
            raise ResourceError(
                f"sampler={name!r}: {len(circuits)} circuits were run but {len(found)} results came back"
            )
        short = [len(one) for one in found if len(one) < shots]
        if short:
            raise ResourceError(f"sampler={name!r}: {shots} shots were asked of each circuit but {short[0]} came back")
        return found

    def check_resources(self, n_items: int | Register) -> None:
        self._check(n_items, 0)

    def check_register(self, n_items: int | Register, n_word: int) -> None:
        self._check(n_items, n_word)

    def _check(self, n_items: int | Register, n_word: int) -> None:
        """Ask the machine that will run the circuits: this one's memory where its own simulator does.

        Raises:
            ResourceError: the circuits do not fit it.
        """
        register = Register.of(n_items)
        if self._sampler is None or isinstance(self._sampler, StatevectorSampler):
            if n_word:
                check_register(n_items, n_word, available_bytes())
            else:
                check_fits(n_items, lambda qubits: 16 << qubits, available_bytes(), "engine='aer'")
            return
        backend = _backend_of(self._sampler) if self._backend is None else self._backend
        here, index, noun = _qubits_of(backend), register.n_qubits, register.noun
        if backend is None or here is None or index + n_word <= here:
            return
        fits = f"at most {1 << here - n_word} {noun} fit" if here > n_word else f"not even two {noun} fit"
        advice = ", with as many bits; take fewer bits, or a larger machine" if n_word else ""
        raise ResourceError(
            f"backend={backend.name!r}: searching {register.n_items} {noun} takes {index + n_word} qubits but it has "
            f"{here}; {fits}{advice}"
        )

    def searches_at_once(self, n_items: int | Register) -> int:
        return min(256, super().searches_at_once(n_items))


def _backend_of(sampler: BaseSamplerV2) -> BackendV2 | None:
    """Return the backend that a sampler runs on, where it says so."""
    backend = getattr(sampler, "backend", None)
    return backend if isinstance(backend, BackendV2) else None


def _qubits_of(backend: Any) -> int | None:
    """Return how many qubits a backend has; None where it does not say, or there is none."""
    if backend is None:
        return None
    number = backend.num_qubits
    return number if number is not None else getattr(backend.target, "num_qubits", None)


def _register(data: Any) -> Any:
    """Return the bits of the index register, or of the only register there is, whatever a machine calls it."""
    named = getattr(data, "item", None)
    if named is not None:
        return named
    (only,) = data.values()
    return only
