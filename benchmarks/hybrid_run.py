"""The whole of Algorithm 7 on Qiskit Aer: Grover search over m neurons for each of n data, in every step of a training.

Usage: python benchmarks/hybrid_run.py [--quick] [--json FILE]

The run is audited: recall is the share of all fired neurons, over all steps, that the search found.
"""

from __future__ import annotations

import statistics
from typing import Any

from _common import arguments, environment, print_table, write_json

from hybrid_train import run


def config(width: int, n: int, steps: int, seed: int) -> dict[str, Any]:
    """Return the config of one run."""
    return {
        "data": {"kind": "digits", "n": n},
        "network": {"width": width},
        "training": {"index": "neurons", "steps": steps},
        "finder": {"kind": "grover", "engine": "aer", "delta": 1e-6},
        "run": {"seed": seed},
    }


def row(width: int, n: int, steps: int, repeats: int) -> dict[str, Any]:
    """Return one line of the table."""
    run(config(width, n, 1, 0))
    rows = [run(config(width, n, steps, seed)).row for seed in range(repeats)]
    if min(one["recall"] for one in rows) < 1.0:
        raise SystemExit(f"m={width}: a search missed something")
    times = [one["wall_s"] for one in rows]
    line = {"m": width, "n": n, "steps": steps, "wall_s": statistics.median(times), "spread_s": max(times) - min(times)}
    return line | {key: rows[-1][key] for key in ("recall", "final_loss", "oracle_calls", "verifications")}


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("qiskit", "qiskit-aer"), threads=1, dtype="complex128")
    rows = [row(64, 16, 20, 3)] if options.quick else [row(width, 16, 20, 5) for width in (64, 256)]
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
