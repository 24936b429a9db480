"""Half-space reporting in the plane: convex layers beside the tree of boxes, and a million queries against a scan.

Counted work of a query beyond the k points it reports, on static Gaussian points: edges, places and boxes compared,
and points looked at in vain. PRE Corollary 3.6, Part 2, has O(log m + k) for the whole of a query, so O(log m) where k
stays.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from _common import arguments, environment, print_table, write_json
from scipy import stats

from hybrid_train import make_finder
from hybrid_train.support.power_law import PowerLaw

QUERIES = 256
FIXED_K = 16


def thresholds(m: int) -> dict[str, float]:
    """Return the thresholds by name: half of all points, the papers', and where about sixteen fire."""
    return {"0": 0.0, "sqrt(0.4 ln m)": float(np.sqrt(0.4 * np.log(m))), "k = 16": float(stats.norm.isf(FIXED_K / m))}


def work(kind: str, m: int, threshold: float) -> tuple[float, float]:
    """Return (work beyond what is reported, points reported) of a query, on average."""
    generator = np.random.default_rng(m)
    queries = generator.standard_normal((QUERIES, 2))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    finder = make_finder(kind)
    finder.build(generator.standard_normal((m, 2)), queries, threshold)
    found = finder.find().nnz
    spent = finder.cost.nodes_visited + finder.cost.inner_products - found
    return spent / QUERIES, found / QUERIES


def growth(kind: str, name: str, sizes: list[int]) -> dict[str, Any]:
    """Return a row: the work at the ends, and its exponent."""
    spent, found = zip(*(work(kind, m, thresholds(m)[name]) for m in sizes), strict=True)
    return {
        "finder": kind,
        "b": name,
        f"k, m = {sizes[-1]}": found[-1],
        f"work beyond k, m = {sizes[0]}": spent[0],
        f"m = {sizes[-1]}": spent[-1],
        "exponent": PowerLaw.fit(sizes, list(spent)).exponent,
        "of k": PowerLaw.fit(sizes, list(found)).exponent,
    }


def million(count: int) -> dict[str, Any]:
    """Compare that many answers with a scan's, ties and duplicates among the points, and return how long they took."""
    generator = np.random.default_rng(0)
    points = np.concatenate(
        [generator.standard_normal((1000, 2)), generator.integers(-3, 4, (200, 2)), np.zeros((9, 2))]
    )
    queries = np.concatenate([generator.standard_normal((count // 2, 2)), generator.integers(-3, 4, (count // 2, 2))])
    spent = {}
    finders = {kind: make_finder(kind) for kind in ("onion", "scan")}
    for finder in finders.values():
        finder.build(points, queries, 2.0)
        finder.find([0])
    for start in range(0, count, 50_000):
        rows, answers = np.arange(start, min(start + 50_000, count)), []
        for kind, finder in finders.items():
            begun = time.perf_counter()
            answers.append(finder.find(rows))
            spent[kind] = spent.get(kind, 0.0) + time.perf_counter() - begun
        if not answers[0].same_sets(answers[1]):
            raise SystemExit("the onion's sets differ from the scan's")
    return {
        "queries": count,
        "points": len(points),
        **{f"{kind} [us a query]": 1e6 * s / count for kind, s in spent.items()},
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("numba",), threads=2, dtype="float64")
    sizes = [1 << exponent for exponent in (range(10, 15) if options.quick else range(10, 18))]
    names = ("0", "sqrt(0.4 ln m)", "k = 16")
    rows = [growth(kind, name, sizes) for name in names for kind in ("onion", "hsr")]
    print_table(rows)
    agreed = million(100_000 if options.quick else 1_000_000)
    print_table([agreed])
    write_json(options.json, {**machine, "rows": rows, "agreed": agreed})


if __name__ == "__main__":
    main()
