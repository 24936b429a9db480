"""Oracle calls to find all fired neurons of a query: `adaptive` against `bbht`, full rotations, and the known count.

Usage: python benchmarks/oracle_calls.py [--quick] [--json FILE]

Searches are played out on the exact law of Grover's algorithm by the code the finder runs, with k = m Q(b) neurons
marked, b = sqrt(0.4 ln m). Calls count up to the last neuron found, one verification a run included; `in all` adds
what it takes to certify that none is left. `full` are Grover's full rotations for a known count ((pi/4) sqrt(m/j) for
the j-th last neuron), `known_k` the shorter ones that minimise the expected calls. The second table counts searches
that missed anything, at a promised 0.05 and at 1e-6. The last two have few items marked and their number unknown, all
strategies beside each other: calls and verifications up to the last find in units of those of `known_k`, and in all,
certificate included, in units of sqrt(m), with the mid-circuit measurements of `monitored` beside them.
"""

from __future__ import annotations

from typing import Any

from _common import arguments, environment, print_table, write_json

from hybrid_train import count_oracle_calls

STRATEGIES = ("known_k", "exact", "bbht", "adaptive")


def calls(widths: list[int], trials: int | None) -> list[dict[str, Any]]:
    """Return one line for each width."""
    counted = count_oracle_calls(widths, STRATEGIES, trials=trials, progress=True).rows
    lines = []
    for width in widths:
        of = {row["strategy"]: row for row in counted if row["m"] == width}
        until = {name: row["until_last_hit_mean"] for name, row in of.items()}
        lines.append(
            {
                "m": width,
                "k": of["adaptive"]["k"],
                "trials": of["adaptive"]["trials"],
                "known_k": until["known_k"],
                "full": until["exact"],
                "bbht": until["bbht"],
                "adaptive": until["adaptive"],
                "sem": of["adaptive"]["until_last_hit_sem"],
                "adaptive/known_k": until["adaptive"] / until["known_k"],
                "adaptive/bbht": until["adaptive"] / until["bbht"],
                "in all": of["adaptive"]["oracle_calls_mean"] + of["adaptive"]["verifications_mean"],
                "scan": width,
            }
        )
    return lines


def misses(widths: list[int], trials: int) -> list[dict[str, Any]]:
    """Return how many searches missed something, beside what was promised."""
    lines = []
    for delta in (0.05, 1e-6):
        for row in count_oracle_calls(widths, ("bbht", "adaptive"), trials=trials, delta=delta, progress=True).rows:
            found = {"m": row["m"], "k": row["k"], "strategy": row["strategy"], "trials": trials}
            lines.append(found | {"promised": delta, "missed": row["missed"] / trials})
    return lines


FEW = (0, 1, 2, 3, 4, 6, 12, 49)
"""Newcomers of a step: 49 fire at the start, at m = 1024."""

UNTOLD = ("bbht", "fixed_point", "coupon", "counting", "adaptive", "monitored")


def few(widths: list[int], trials: int) -> list[dict[str, Any]]:
    """Return what searches take that do not know how few items are marked, at 1e-6."""
    return [
        row
        for width in widths
        for count in FEW
        for row in count_oracle_calls([width], ("known_k", *UNTOLD), counts=count, trials=trials, progress=True).rows
    ]


def until_last(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each width and number: up to the last find, in units of what `known_k` takes in the mean."""
    lines = []
    for (m, k), of in _by_strategy(rows).items():
        if k:
            known = of["known_k"]["reference_known_k"]
            missed = sum(of[name]["missed"] for name in UNTOLD)
            ratios = {name: of[name]["until_last_hit_mean"] / known for name in ("known_k", *UNTOLD)}
            lines.append({"m": m, "k": k} | ratios | {"missed": missed})
    return lines


def in_all(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each width and number: in all, in units of sqrt(m)."""
    lines = []
    for (m, k), of in _by_strategy(rows).items():
        calls = {name: row["oracle_calls_mean"] + row["verifications_mean"] for name, row in of.items()}
        calls["mid-circuit"] = of["monitored"]["mid_measurements_mean"]
        lines.append({"m": m, "k": k} | {name: each / m**0.5 for name, each in calls.items()})
    return lines


def _by_strategy(rows: list[dict[str, Any]]) -> dict[tuple[int, int], dict[str, dict[str, Any]]]:
    lines: dict[tuple[int, int], dict[str, dict[str, Any]]] = {}
    for row in rows:
        lines.setdefault((row["m"], row["k"]), {})[row["strategy"]] = row
    return lines


def main() -> None:
    """Count, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("numba",), threads=2, dtype="float64")
    exponents = range(8, 15) if options.quick else [*range(8, 21, 2), 24, 30]
    rows = calls([2**exponent for exponent in exponents], 200 if options.quick else None)
    print_table(rows)
    held = misses([256, 1000, 4096] if options.quick else [256, 1000, 4096, 16384], 1000 if options.quick else 10000)
    print_table(held)
    sparse = few([1 << 10] if options.quick else [1 << 10, 1 << 16, 1 << 20], 100 if options.quick else 1000)
    print_table(until_last(sparse))
    print_table(in_all(sparse))
    write_json(options.json, {**machine, "rows": rows, "misses": held, "few": sparse})


if __name__ == "__main__":
    main()
