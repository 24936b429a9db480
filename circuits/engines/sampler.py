"""The sampler engine: runs the circuits on any Qiskit sampler, so noise and hardware need no change here."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from qiskit.primitives import BaseSamplerV2
from qiskit.transpiler import PassManager
from qiskit_aer.primitives import SamplerV2

from circuits.grover import grover_circuit
from circuits.lookup import LookupOracle
from circuits.search import Batch, Engine
from hybrid_train.active_sets import IntArray


@final
class SamplerEngine(Engine):
    """Builds one circuit of standard gates for each run and measures it once.

    Args:
        sampler: what to run on. Its shots are its own: they do not depend on the batch's seeds. None for Aer's
            sampler, with a fresh seed for every batch (with a fixed one it would repeat its shots).
        pass_manager: applied to every circuit first, for example to reach a backend's instruction set.
    """

    def __init__(self, sampler: BaseSamplerV2 | None = None, pass_manager: PassManager | None = None) -> None:
        super().__init__()
        self._sampler = sampler
        self._pass_manager = pass_manager

    def sample(self, batch: Batch) -> IntArray:
        circuits = [
            grover_circuit(
                LookupOracle(batch.marked.items(search), batch.marked.n_items), run.iterations, phases=run.phases
            )
            for search, run in zip(batch.searches.tolist(), batch.runs, strict=True)
        ]
        if self._pass_manager is not None:
            circuits = self._pass_manager.run(circuits)
        self.simulation.circuits += len(circuits)
        self.simulation.gates += sum(len(circuit.data) for circuit in circuits)
        sampler = self._sampler or SamplerV2(seed=int(batch.seeds[0] >> np.uint64(1)))
        result: Any = sampler.run([(circuit,) for circuit in circuits], shots=1).result()
        return np.array([int(pub.data.item.get_bitstrings()[0], 2) for pub in result])

    def searches_at_once(self, n_items: int) -> int:
        return min(256, super().searches_at_once(n_items))
