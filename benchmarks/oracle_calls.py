"""Oracle calls to find all fired neurons of a query: `adaptive` against `bbht`, full rotations, and the known count.

Usage: python benchmarks/oracle_calls.py [--quick] [--json FILE]

Searches are played out on the exact law of Grover's algorithm by the code the finder runs, with k = m Q(b) neurons
marked, b = sqrt(0.4 ln m). Calls count up to the last neuron found, one verification a run included; `in all` adds
what it takes to certify that none is left. `full` are Grover's full rotations for a known count ((pi/4) sqrt(m/j) for
the j-th last neuron), `known_k` the shorter ones that minimise the expected calls. The second table counts searches
that missed anything, at a promised 0.05 and at 1e-6. The third has few items marked and their number unknown: calls and
verifications up to the last find and in all, beside those of `known_k`, and mid-circuit measurements of an ancilla.
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

UNTOLD = ("bbht", "adaptive", "monitored")


def few(widths: list[int], trials: int) -> list[dict[str, Any]]:
    """Return what searches take that do not know how few items are marked, at 1e-6."""
    lines = []
    for width in widths:
        for count in FEW:
            for row in count_oracle_calls([width], UNTOLD, counts=count, trials=trials).rows:
                known, calls = row["reference_known_k"], row["oracle_calls_mean"] + row["verifications_mean"]
                lines.append(
                    {
                        "m": width,
                        "k": count,
                        "strategy": row["strategy"],
                        "to last/known_k": row["until_last_hit_mean"] / known if known else None,
                        "all/known_k": calls / known if known else None,
                        "all/sqrt(m)": calls / width**0.5,
                        "mid-circuit/sqrt(m)": row["mid_measurements_mean"] / width**0.5,
                        "missed": row["missed"],
                    }
                )
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
    sparse = few([1 << 10] if options.quick else [1 << 10, 1 << 16], 200 if options.quick else 1000)
    print_table(sparse)
    write_json(options.json, {**machine, "rows": rows, "misses": held, "few": sparse})


if __name__ == "__main__":
    main()
