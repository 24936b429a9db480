"""Oracle calls per step of a training run: Algorithm 7 as printed, searching afresh, against starting warm.

Usage: python benchmarks/warm_calls.py [--quick] [--json FILE]

Full-batch gradient descent on points of the sphere (n = 16, d = 8); every step's true sets are played out on the exact
law. `bbht` is Algorithm 7 as printed (the count unknown, every step from nothing); `warm` verifies the last step's set
classically, k inner products a query, and searches for newcomers only. Both end with a certificate.
"""

from __future__ import annotations

from typing import Any

from _common import arguments, environment, print_table, write_json

from hybrid_train.studies.count_along import count_along


def row(width: int, steps: int) -> dict[str, Any]:
    """Return one line: means per step, the first step, cold for both, left out."""
    config = {
        "data": {"kind": "sphere", "n": 16, "dim": 8},
        "network": {"width": width},
        "training": {"index": "neurons", "steps": steps},
        "finder": {"kind": "scan"},
        "run": {"audit_every": 0},
    }
    along = count_along(config, ("bbht", "adaptive", "warm"), progress=True).rows
    later = [one for one in along if one["step"] > 0]

    def mean(strategy: str, key: str) -> float:
        values = [one[key] for one in later if one["strategy"] == strategy]
        return sum(values) / len(values)

    calls = {name: mean(name, "oracle_calls") for name in ("bbht", "adaptive", "warm")}
    sets = {"fired": mean("warm", "active"), "newcomers": mean("warm", "newcomers")}
    return {"m": width, "steps": steps} | sets | calls | {"bbht/warm": calls["bbht"] / calls["warm"]}


def main() -> None:
    """Train, count, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("numba",), threads=2, dtype="float64")
    rows = [
        row(2**exponent, 10 if options.quick else 20) for exponent in ((10, 14) if options.quick else (10, 14, 17, 20))
    ]
    print_table(rows)
    write_json(options.json, {**machine, "rows": rows})


if __name__ == "__main__":
    main()
