"""Oracle calls per step of a training run: Algorithm 7 as printed, searching afresh, against starting warm.

Usage: python benchmarks/warm_calls.py [--quick] [--json FILE]

Full-batch gradient descent on points of the sphere (n = 16, d = 8); every step's true sets are played out on the exact
law. `bbht` is Algorithm 7 as printed (the count unknown, every step from nothing); `warm` verifies the last step's set
classically, k inner products a query, and searches for newcomers only. Both end with a certificate.

The second table is `examples/quickstart.toml` as a whole, 21 evaluations, the engine in closed form: calls by
strategy, with one search a query or one over all pairs. The third is a wide run, m = 2^20 and n = 64, in which `skin`
may rule pairs out first: calls, items measured a datum, and inner products of the first step, of a later one in the
mean, and of the last.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from statistics import mean
from typing import Any

from _common import arguments, environment, print_table, write_json

from hybrid_train import run
from hybrid_train.studies.count_along import count_along

QUICKSTART = Path(__file__).parents[1] / "examples" / "quickstart.toml"


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

    def of_step(strategy: str, key: str) -> float:
        return mean(one[key] for one in later if one["strategy"] == strategy)

    calls = {name: of_step(name, "oracle_calls") for name in ("bbht", "adaptive", "warm")}
    sets = {"fired": of_step("warm", "active"), "newcomers": of_step("warm", "newcomers")}
    return {"m": width, "steps": steps} | sets | calls | {"bbht/warm": calls["bbht"] / calls["warm"]}


def searched(config: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the row of a run of this config by a Grover finder with these options, in closed form."""
    return run(config | {"finder": {"kind": "grover", "engine": "closed_form", **options}}).row


def quickstart(strategy: str, scope: str) -> dict[str, Any]:
    """Return one line of the second table."""
    config = tomllib.loads(QUICKSTART.read_text("utf-8"))
    line: dict[str, Any] = {"strategy": strategy, "scope": scope}
    for index in ("neurons", "data"):
        row = searched(config | {"training": config["training"] | {"index": index}}, strategy=strategy, scope=scope)
        line |= {f"{index}: calls": row["oracle_calls"], f"{index}: inner products": row["inner_products"]}
    return line


def wide(width: int, steps: int, **options: Any) -> dict[str, Any]:
    """Return one line of the third table."""
    config = {
        "data": {"kind": "sphere", "n": 64, "dim": 16},
        "network": {"width": width},
        "training": {"index": "neurons", "steps": steps},
        "run": {"audit_every": 0},
    }
    spent = searched(config, strategy="warm", **options)["cost_per_step"]
    line: dict[str, Any] = {"m": width, "steps": steps} | {"candidates": "-"} | options
    measured = [one / 64 for one in spent["verifications"]]  # finds, but for a few misses
    for key, of in (
        ("calls", spent["oracle_calls"]),
        ("measured a datum", measured),
        ("inner products", spent["inner_products"]),
    ):
        line |= {f"{key}, first step": of[0], f"{key}, warm": mean(of[1:]), f"{key}, last": of[-1]}
    return line


def main() -> None:
    """Train, count, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("numba",), threads=2, dtype="float64")
    rows = [
        row(2**exponent, 10 if options.quick else 20) for exponent in ((10, 14) if options.quick else (10, 14, 17, 20))
    ]
    print_table(rows)
    whole = [quickstart(name, scope) for name in ("adaptive", "monitored", "warm") for scope in ("query", "pairs")]
    print_table(whole)
    width, steps = (2**14, 5) if options.quick else (2**20, 20)
    asked: list[dict[str, Any]] = [{"scope": "query"}, {"scope": "pairs"}, {"scope": "pairs", "candidates": "skin"}]
    deep = [wide(width, steps, **one) for one in asked]
    print_table(deep)
    write_json(options.json, {**machine, "rows": rows, "quickstart": whole, "wide": deep})


if __name__ == "__main__":
    main()
