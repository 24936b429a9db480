"""All marked items of one query or several, searched on Qiskit Aer: against qiskit-algorithms' Grover and bare Aer.

Usage: python benchmarks/aer_search.py [--quick] [--only WORD,...] [--json FILE]

Times are those of a query. `ours` is one GroverFinder.find, certificate included, with all queries asked at once. `raw`
runs the very circuits of that search once more, already built, in the same calls of AerSimulator.run. `peer` calls
qiskit-algorithms' Grover until it has found every item, unmarking what was found (it is told when to end; nothing
certifies it), one query after the other, in two ways: `tuned`, powers drawn as Boyer et al. do, one shot each,
transpiled for Aer and sampled on Aer; and `default`, for single queries, its default powers on Qiskit's
StatevectorSampler with the default 1024 shots. Where a peer has not finished within its allowance the ratio is a lower
bound and `found` says how far it got. Without qiskit-algorithms its columns are absent. `--only m=64,queries=16` is one
row.
"""

from __future__ import annotations

import statistics
import time
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import numpy as np
from _common import arguments, chosen, environment, print_table, write_json
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
ALLOWANCES = {"tuned": 400.0, "default": 40.0} if find_spec("qiskit_algorithms") else {}
"""The peers, and how many times as long as ours each may take before it is stopped."""


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


def row(width: int, queries: int, repeats: int) -> dict[str, Any]:
    """Return one line of the table; all that is compared takes turns, the peers once where they take long."""
    asked = question(width, queries)
    truth = active_pairs(*asked)
    marked = [items.tolist() for items in np.split(truth.indices, np.cumsum(truth.counts)[:-1])]
    search(asked, 0)
    spent: dict[str, list[float]] = {way: [] for way in ("ours", "raw", *ALLOWANCES)}
    found: dict[str, float | str] = dict.fromkeys(ALLOWANCES, "")
    for seed in range(repeats):
        calls = recorded(asked, seed)
        ours, finder = search(asked, seed)
        if finder.simulation.circuits != sum(len(circuits) for circuits, _ in calls):
            raise SystemExit(f"m={width} seed={seed}: other circuits were recorded than those that were run")
        spent["ours"].append(ours / queries)
        spent["raw"].append(replay(calls) / queries)
        for way, allowance in ALLOWANCES.items():
            if (queries > 1 and (seed or way == "default")) or (seed and way == "default" and width > 256):
                continue
            done = [peer(way, items, width, allowance * ours / queries) for items in marked]
            spent[way].append(statistics.fmean(taken for taken, _ in done))
            found[way] = statistics.fmean(number for _, number in done)
    median = {way: statistics.median(times) if times else float("nan") for way, times in spent.items()}
    line = {
        "m": width,
        "queries": queries,
        "k": truth.nnz / queries,
        "runs": finder.cost.measurements / queries,
        "circuits": finder.simulation.circuits / queries,
        "ours_s": median["ours"],
        "spread_s": max(spent["ours"]) - min(spent["ours"]),
        "raw_s": median["raw"],
        "ours / raw": statistics.median(np.divide(spent["ours"], spent["raw"]).tolist()),
    }
    for way in ALLOWANCES:
        ratios = np.divide(spent[way], spent["ours"][: len(spent[way])]).tolist()
        ratio = statistics.median(ratios) if ratios else float("nan")
        line |= {f"{way}_s": median[way], f"{way} found": found[way], f"{way} / ours": ratio}
    return line


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__, only=True)
    machine = environment(("qiskit", "qiskit-aer", "qiskit-algorithms"), threads=1, dtype="complex128")
    widths = (64, 256) if options.quick else (64, 256, 1024, 4096)
    cases = [(width, queries) for queries in (1, 16, 64) for width in widths if width * queries <= 65536]
    cases = chosen(cases, options.only, lambda case: {f"m={case[0]}", f"queries={case[1]}"})
    rows = [row(*case, 5 if case[1] == 1 and not options.quick else 3) for case in cases]
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
