"""Finding all of millions of marked items among 2^30 by the closed-form law, beside what Aer would need.

Usage: python benchmarks/closed_form.py [--quick] [--json FILE]

One search for k = m Q(b) items, certificate included, is played out on the exact law. Aer is timed on one query at
m = 2^10 and extrapolated by the work it does there (amplitudes times oracle calls), which flatters it: a statevector
of 2^30 amplitudes takes 16 GiB.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from _common import arguments, environment, print_table, write_json

from hybrid_train import count_oracle_calls, make_finder

AER_WIDTH = 1 << 10


def aer_seconds_per_amplitude() -> float:
    """Return the time Aer takes for one amplitude of one iteration, from a whole search."""
    rng = np.random.default_rng(0)
    points, query = rng.standard_normal((AER_WIDTH, 8)), rng.standard_normal((1, 8))
    spent = []
    for seed in range(6):
        finder = make_finder("grover", engine="aer", seed=seed)
        finder.build(points, query / np.linalg.norm(query), float(np.sqrt(0.4 * np.log(AER_WIDTH))))
        start = time.perf_counter()
        finder.find()
        spent.append((time.perf_counter() - start) / (finder.cost.oracle_calls * AER_WIDTH))
    return statistics.median(spent[1:])


def row(width: int, strategy: str, amplitude: float) -> dict[str, Any]:
    """Return one line; two searches side by side, on two cores."""
    start = time.perf_counter()
    counted = count_oracle_calls([width], [strategy], trials=2).rows[0]
    spent = time.perf_counter() - start
    calls = counted["oracle_calls_mean"]
    line = {"m": width, "k": counted["k"], "strategy": strategy, "oracle_calls": calls, "missed": counted["missed"]}
    return line | {"two_searches_s": spent, "aer_days": 2 * calls * width * amplitude / 86400}


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("numba", "qiskit-aer"), threads=2, dtype="float64")
    amplitude = aer_seconds_per_amplitude()
    widths = (2**20, 2**30) if options.quick else (2**20, 2**25, 2**30)
    for strategy in ("known_k", "bbht", "adaptive", "warm"):
        row(256, strategy, amplitude)  # compiles
    rows = [row(width, strategy, amplitude) for width in widths for strategy in ("known_k", "bbht", "adaptive", "warm")]
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
