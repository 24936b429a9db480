"""All marked items of one query, searched on Qiskit Aer: against qiskit-algorithms' Grover, and the bare simulator.

Usage: python benchmarks/aer_search.py [--quick] [--json FILE]

`ours` is one GroverFinder.find, certificate included; `of 16` is the time a query takes when sixteen are asked at once.
`raw` runs the very circuits of that search once more, already built, in the same calls of AerSimulator. `peer` calls
qiskit-algorithms' Grover until it has found every item, unmarking what was found (it is told when to end; nothing
certifies it), in two ways: `tuned`, powers drawn as Boyer et al. do, one shot each, transpiled for Aer and sampled on
Aer; and `default`, its default powers on Qiskit's StatevectorSampler with the default 1024 shots. Where a peer has not
finished within its allowance the ratio is a lower bound and `found` says how far it got. Without qiskit-algorithms
its columns are absent.
"""

from __future__ import annotations

import statistics
import time
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import numpy as np
from _common import arguments, environment, print_table, write_json
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

from circuits.engines import aer_options
from circuits.finder import GroverFinder
from circuits.lookup import LookupOracle
from hybrid_train.finder.scan import active_pairs

DIMENSION = 8
DELTA = 1e-6
ALLOWANCE = 40.0
"""How many times as long as ours the peer may take before it is stopped."""
PEERS = ("tuned", "default") if find_spec("qiskit_algorithms") else ()


class RecordingSimulator(AerSimulator):
    """Keeps what it was asked to run."""

    calls: list[tuple[list[QuantumCircuit], dict[str, Any]]]

    def run(self, circuits: Any, *args: Any, **options: Any) -> Any:
        self.calls.append((circuits, options))
        return super().run(circuits, *args, **options)


def question(width: int, queries: int = 1) -> tuple[Any, Any, float]:
    """Return points, queries of unit length, and the threshold sqrt(0.4 ln m)."""
    rng = np.random.default_rng(width)
    points, asked = rng.standard_normal((width, DIMENSION)), rng.standard_normal((queries, DIMENSION))
    return points, asked / np.linalg.norm(asked, axis=1, keepdims=True), float(np.sqrt(0.4 * np.log(width)))


def search(asked: tuple[Any, Any, float], seed: int) -> tuple[float, GroverFinder]:
    """Return how long finding all took, and the finder."""
    finder = GroverFinder(engine="aer", delta=DELTA)
    finder.plan(seed=np.random.SeedSequence(seed), total_queries=len(asked[1]))
    finder.build(*asked)
    start = time.perf_counter()
    found = finder.find()
    spent = time.perf_counter() - start
    if not found.same_sets(active_pairs(*asked)):
        raise SystemExit(f"m={len(asked[0])} seed={seed}: the search missed something")
    return spent, finder


def recorded(asked: tuple[Any, Any, float], seed: int) -> list[tuple[list[QuantumCircuit], dict[str, Any]]]:
    """Return the simulator calls of a search."""
    RecordingSimulator.calls = []
    with patch.object(aer_options, "AerSimulator", RecordingSimulator):
        search(asked, seed)
    return RecordingSimulator.calls


def replay(calls: list[tuple[list[QuantumCircuit], dict[str, Any]]]) -> float:
    """Return how long the simulator alone takes for these calls."""
    simulator = AerSimulator(method="statevector")
    start = time.perf_counter()
    for circuits, options in calls:
        simulator.run(circuits, **options).result()
    return time.perf_counter() - start


def peer(way: str, marked: list[int], width: int, allowance: float) -> tuple[float, int]:
    """Return how long qiskit-algorithms took to find these items, and how many it found within the allowance."""
    from qiskit_algorithms import AmplificationProblem, Grover

    options: dict[str, Any] = {"sampler": StatevectorSampler()}
    if way == "tuned":
        passes = generate_preset_pass_manager(1, backend=AerSimulator(method="statevector"))
        options = {"sampler": SamplerV2(default_shots=1), "transpiler": passes}
        options |= {"growth_rate": 1.2, "sample_from_iterations": True}
    left = set(marked)
    start = time.perf_counter()
    while left and time.perf_counter() - start < allowance:
        problem = AmplificationProblem(
            LookupOracle(sorted(left), width).native_circuit(), is_good_state=lambda bits: int(bits, 2) in left
        )
        result = Grover(**options).amplify(problem)
        if result.oracle_evaluation:
            left.discard(int(result.top_measurement, 2))
    return time.perf_counter() - start, len(marked) - len(left)


def row(width: int, repeats: int) -> dict[str, Any]:
    """Return one line of the table; all that is compared takes turns, the peers once where they take long."""
    asked = question(width)
    marked = active_pairs(*asked).indices.tolist()
    search(asked, 0)
    spent: dict[str, list[float]] = {way: [] for way in ("ours", "raw", *PEERS)}
    found = dict.fromkeys(PEERS, len(marked))
    for seed in range(repeats):
        calls = recorded(asked, seed)
        ours, finder = search(asked, seed)
        spent["ours"].append(ours)
        spent["raw"].append(replay(calls))
        for way in PEERS if width <= 256 or not seed else ():
            taken, number = peer(way, marked, width, ALLOWANCE * ours)
            spent[way].append(taken)
            found[way] = min(found[way], number)
    together = [search(question(width, 16), seed)[0] / 16 for seed in range(repeats if width <= 256 else 1)]
    median = {way: statistics.median(times) for way, times in spent.items()}
    line = {
        "m": width,
        "k": len(marked),
        "runs": finder.cost.measurements,
        "circuits": finder.simulation.circuits,
        "ours_s": median["ours"],
        "spread_s": max(spent["ours"]) - min(spent["ours"]),
        "of 16_s": statistics.median(together),
        "raw_s": median["raw"],
        "ours / raw": statistics.median(np.divide(spent["ours"], spent["raw"]).tolist()),
    }
    for way in PEERS:
        ratio = statistics.median(np.divide(spent[way], spent["ours"][: len(spent[way])]).tolist())
        line |= {f"{way}_s": median[way], f"{way} found": found[way], f"{way} / ours": ratio}
    return line


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("qiskit", "qiskit-aer", "qiskit-algorithms"), threads=1, dtype="complex128")
    widths = (64, 256) if options.quick else (64, 256, 1024, 4096)
    rows = [row(width, 3 if options.quick else 5) for width in widths]
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
