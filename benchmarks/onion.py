"""Half-space reporting by convex layers, in the plane and in space: beside the tree of boxes and the scan.

Counted work of a query beyond the k points it reports, on static Gaussian points: edges, places and boxes compared,
and points looked at in vain. PRE Corollary 3.6, Part 2, has O(log m + k) for the whole of a query, so O(log m) where k
stays. Beside it what building and moving every point once take, by count and by clock; and many queries against a scan.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from _common import arguments, environment, print_table, write_json
from scipy import stats

from hybrid_train import make_finder
from hybrid_train.support.power_law import PowerLaw

QUERIES = 256
FIXED_K = 16
DIMENSIONS = (2, 3)
FINDERS = ("onion", "hsr", "scan")
BATCH = 64


def thresholds(m: int) -> dict[str, float]:
    """Return the thresholds by name: half of all points, the papers', and where about sixteen fire."""
    return {"0": 0.0, "sqrt(0.4 ln m)": float(np.sqrt(0.4 * np.log(m))), "k = 16": float(stats.norm.isf(FIXED_K / m))}


def case(m: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (m, d) Gaussian points and unit queries."""
    generator = np.random.default_rng(m)
    queries = generator.standard_normal((QUERIES, d))
    return generator.standard_normal((m, d)), queries / np.linalg.norm(queries, axis=1, keepdims=True)


def work(m: int, d: int, threshold: float) -> dict[str, tuple[float, float, float]]:
    """Return for each finder (work beyond what is reported, points reported, microseconds) of a query, on average."""
    points, queries = case(m, d)
    finders = {kind: make_finder(kind) for kind in FINDERS}
    counted, spent = {}, dict[str, list[float]]()
    for kind, finder in finders.items():
        finder.build(points, queries, threshold)
        found = finder.find().nnz
        counted[kind] = (finder.cost.nodes_visited + finder.cost.inner_products - found, found)
    for _ in range(7):
        for kind, finder in finders.items():
            begun = time.perf_counter()
            finder.find()
            spent.setdefault(kind, []).append(time.perf_counter() - begun)
    return {
        kind: (beyond / QUERIES, found / QUERIES, 1e6 * statistics.median(spent[kind]) / QUERIES)
        for kind, (beyond, found) in counted.items()
    }


def growths(d: int, name: str, sizes: list[int]) -> list[dict[str, Any]]:
    """Return a row a finder: the work and time at the ends, and the exponent of the work."""
    every = [work(m, d, thresholds(m)[name]) for m in sizes]
    rows = []
    for kind in FINDERS:
        spent, found, clock = zip(*(one[kind] for one in every), strict=True)
        rows.append(
            {
                "d": d,
                "b": name,
                "finder": kind,
                f"k, m = {sizes[-1]}": found[-1],
                f"work beyond k, m = {sizes[0]}": spent[0],
                f"m = {sizes[-1]}": spent[-1],
                "exponent": PowerLaw.fit(sizes, list(spent)).exponent,
                "of k": PowerLaw.fit(sizes, list(found)).exponent,
                f"us, m = {sizes[0]}": clock[0],
                f"us, m = {sizes[-1]}": clock[-1],
            }
        )
    return rows


def building(d: int, sizes: list[int]) -> dict[str, Any]:
    """Return what building takes a point, counted, and on the clock at the largest size."""
    counted = []
    for m in sizes:
        points, queries = case(m, d)
        finder = make_finder("onion")
        begun = time.perf_counter()
        finder.build(points, queries, 1.0)
        spent = time.perf_counter() - begun
        counted.append(finder.cost.structure_updates / m)
    return {
        "d": d,
        f"building a point, m = {sizes[0]}": counted[0],
        f"m = {sizes[-1]}": counted[-1],
        "exponent": PowerLaw.fit(sizes, counted).exponent,
        f"s, m = {sizes[-1]}": spent,
    }


def moving(d: int, kind: str, sizes: list[int]) -> dict[str, Any]:
    """Return what a move takes, counted and in microseconds, over as many far moves as there are points."""
    counted = []
    for m in sizes:
        points, queries = case(m, d)
        generator = np.random.default_rng(0)
        finder = make_finder(kind, **({"room": 0.0} if kind == "onion" else {}))
        finder.build(points, queries, thresholds(m)["k = 16"])
        finder.find([0])
        built = finder.cost.structure_updates
        begun = time.perf_counter()
        for _ in range(m // BATCH):
            finder.move_points(generator.permutation(m)[:BATCH], generator.standard_normal((BATCH, d)))
            finder.find([0])
        spent = time.perf_counter() - begun
        counted.append((finder.cost.structure_updates - built) / m)
    return {
        "d": d,
        "finder": kind,
        f"a move, m = {sizes[0]}": counted[0],
        f"m = {sizes[-1]}": counted[-1],
        "exponent": PowerLaw.fit(sizes, counted).exponent,
        f"us a move, m = {sizes[-1]}": 1e6 * spent / sizes[-1],
    }


def million(d: int, count: int) -> dict[str, Any]:
    """Compare that many answers with a scan's, ties and duplicates among the points, and return how long they took."""
    generator = np.random.default_rng(0)
    points = np.concatenate(
        [generator.standard_normal((1000, d)), generator.integers(-3, 4, (200, d)), np.zeros((9, d))]
    )
    queries = np.concatenate([generator.standard_normal((count // 2, d)), generator.integers(-3, 4, (count // 2, d))])
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
        "d": d,
        "queries": count,
        "points": len(points),
        **{f"{kind} [us a query]": 1e6 * s / count for kind, s in spent.items()},
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    machine = environment(("numba",), threads=2, dtype="float64")
    sizes = [1 << exponent for exponent in (range(10, 15) if options.quick else range(10, 18))]
    moved = [1 << exponent for exponent in (range(9, 13) if options.quick else range(10, 15))]
    names = ("0", "sqrt(0.4 ln m)", "k = 16")
    make_finder("onion").build(np.eye(3), np.eye(3), 0.5)
    rows = [row for d in DIMENSIONS for name in names for row in growths(d, name, sizes)]
    print_table(rows)
    built = [building(d, sizes) for d in DIMENSIONS]
    print_table(built)
    moves = [moving(d, kind, moved) for d in DIMENSIONS for kind in ("onion", "hsr")]
    print_table(moves)
    agreed = [million(d, 100_000 if options.quick else 1_000_000) for d in DIMENSIONS]
    print_table(agreed)
    write_json(options.json, {**machine, "rows": rows, "building": built, "moving": moves, "agreed": agreed})


if __name__ == "__main__":
    main()
