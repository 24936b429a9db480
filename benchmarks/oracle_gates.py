"""T gates and qubits of the arithmetic oracle: built and counted, in closed form, by the textbook, and by Qualtran.

Usage: python benchmarks/oracle_gates.py [--quick] [--json FILE]

Qualtran's column appears if that package is importable. It prices the same steps with its own library: QROM, Add, and
QROAMCleanAdjoint for unloading.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import ceil, log2, sqrt
from pathlib import Path
from typing import Any

from circuits.arithmetic import example_oracle
from circuits.resources import Variant, count_circuit, crossovers, estimate, search_resources
from hybrid_train.support.processors import usable_processors

GRID = [(64, 2, 3), (256, 4, 4), (1024, 8, 4), (1000, 8, 4), (4096, 8, 6)]
QUICK_GRID = GRID[:2]
SEARCHES = [(1 << exponent, 8, 4) for exponent in (10, 20, 30, 40)]


def textbook(width: int, dim: int, bits: int, loading: str, digits: float) -> tuple[int, int]:
    """Return (T count, qubits) of the plain composition of published parts, at p_x = p.

    QROM by unary iteration: m - 2 ANDs; an adder: a - 1; unloading: 2 sqrt(m) - 4. Coordinate by coordinate, it takes
    no account of the sqrt(m) clean qubits that unloading needs; give ours as many as spare ones to compare.

    Args:
        width: m.
        dim: d.
        bits: p.
        loading: "all" or "coordinate".
        digits: D.
    """
    index, total = ceil(log2(width)), 2 * bits + ceil(log2(dim)) + 1
    unload = 2 * sqrt(width) - 4
    common = index + total + max(index, total) - 1
    if loading == "all":
        return round(4 * (width - 2 + 2 * digits * (total - 1) + unload)), common + dim * bits
    return round(8 * dim * (width - 2 + unload) + 8 * digits * (total - 1)), common + bits


def qualtran_t_count(width: int, dim: int, bits: int, loading: str, digits: int, total: int) -> int:
    """Return the T gates Qualtran gives for the same steps, our accumulator's width and digits taken over."""
    from qualtran import QUInt
    from qualtran.bloqs.arithmetic import Add
    from qualtran.bloqs.data_loading.qroam_clean import QROAMCleanAdjoint
    from qualtran.bloqs.data_loading.qrom import QROM
    from qualtran.resource_counting import QECGatesCost, get_cost_value

    def ands(bloq: Any) -> int:
        return int(get_cost_value(bloq, QECGatesCost()).total_t_count()) // 4

    word = (dim if loading == "all" else 1) * bits
    loads = 1 if loading == "all" else 2 * dim
    load = ands(QROM.build_from_bitsize((width,), (word,)))
    unload = ands(QROAMCleanAdjoint.build_from_bitsize((width,), (word,)))
    return 4 * (loads * (load + unload) + 2 * digits * ands(Add(QUInt(bits), QUInt(total))))


def spare_qubits(width: int, dim: int, bits: int) -> int:
    """Return how many more clean qubits an unload over about sqrt(m) columns needs, coordinate by coordinate."""
    index = ceil(log2(width))
    clean = bits + max(index, 2 * bits + ceil(log2(dim))) - 1
    return max(0, (1 << index // 2) + index - index // 2 - 1 - clean)


def row(width: int, dim: int, bits: int, loading: Variant, spare: int) -> dict[str, Any]:
    """Return one line of the table."""
    oracle = example_oracle(width, dim, bits, variant=loading, spare=spare)
    start = time.perf_counter()
    circuit = oracle.circuit(measured=True)
    built_s = time.perf_counter() - start
    counted = count_circuit(circuit)
    query = oracle.test.query.tolist()
    closed = estimate(width, dim, bits, variant=loading, query=query, spare=spare)
    expected = estimate(width, dim, bits, variant=loading, spare=spare)
    if (counted, circuit.num_qubits) != (closed.gates, closed.logical_qubits):
        raise SystemExit(f"m={width} d={dim} p={bits} {loading}: closed form and circuit disagree")
    digits = int(closed.digits)
    book_t, book_qubits = textbook(width, dim, bits, loading, digits)
    line = {
        "m": width,
        "d": dim,
        "p": bits,
        "loading": loading,
        "spare": spare,
        "digits": digits,
        "built_t": counted.t_count(),
        "built_qubits": circuit.num_qubits,
        "closed_form_t": closed.t_count,
        "closed_form_qubits": closed.logical_qubits,
        "expected_t": expected.t_count,
        "textbook_t": book_t,
        "textbook_qubits": book_qubits,
        "build_s": round(built_s, 3),
    }
    if find_spec("qualtran"):
        line["qualtran_t"] = qualtran_t_count(width, dim, bits, loading, digits, oracle.test.width)
    return line


def search_row(width: int, dim: int, bits: int) -> dict[str, Any]:
    """Return what finding all fired neurons of a query takes, in the three ways of counting."""
    found = search_resources(width, dim, bits)
    return {
        "m": width,
        "d": dim,
        "p": bits,
        "k": round(found.fired),
        "oracle_calls": found.oracle_calls,
        "memory_operations": found.memory_operations,
        "t_gates": found.t_count,
        "scan_operations": found.scan_operations,
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print dictionaries as aligned columns."""
    names = list(rows[0])
    cells = [names, *([_cell(value) for value in line.values()] for line in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _cell(value: Any) -> str:
    return f"{value:.3e}" if isinstance(value, int) and value >= 10**7 else str(value)


def _versions() -> dict[str, str]:
    found = {}
    for name in ("hybrid-train", "qiskit", "numpy", "qualtran"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller oracles only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    machine = {
        "machine": f"{platform.machine()} {platform.system()}, {usable_processors()} processors",
        "threads": 1,
        "python": platform.python_version(),
        "versions": _versions(),
    }
    print(json.dumps(machine))
    grid = QUICK_GRID if options.quick else GRID
    rows = []
    for sizes in grid:
        rows += [row(*sizes, "all", 0), row(*sizes, "coordinate", 0)]
        if spare := spare_qubits(*sizes):
            rows.append(row(*sizes, "coordinate", spare))
    print("\none oracle call")
    print_table(rows)
    searches = [search_row(*sizes) for sizes in SEARCHES]
    print("\nfinding all fired neurons of a query, certificate at 1e-6 included")
    print_table(searches)
    least = crossovers(8, 4)
    print(f"\nleast width below a classical scan (null: none up to 2^60): {json.dumps(least)}")
    if options.json:
        document = {**machine, "rows": rows, "searches": searches, "crossovers": least}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
