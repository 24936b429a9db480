"""The counted work of the half-space-reporting tree: nodes visited by queries, touched and rebuilt by updates."""

from __future__ import annotations

from typing import Any

import numpy as np
from _common import print_table

from classical.hsr.tree import HalfSpaceTree

QUERIES = 64


def visits(*, quick: bool) -> dict[str, Any]:
    """Fit the work of a query beyond its output against m, beside the exponent of the literature.

    Corollary 3.6, Part 1 of the preprocessing paper (Agarwal, Eppstein, Matousek): a query that reports k of n points
    takes O_d(n^{1 - 1/floor(d/2)} + k), whatever the points and the half-space; an update O_d(log^2 n), amortised. A
    hyperplane crosses about n^{1 - 1/d} boxes of a tree that splits along the axes, so ours cannot reach it in the
    worst case; with b = sqrt(0.4 ln m), when the half-space cuts off the tail of the points, it does better.
    """
    sizes = [2**exponent for exponent in (range(12, 18) if quick else range(12, 21))]
    rows = []
    for dimension in (2, 3, 4):
        for name, level in (("sqrt(0.4 ln m)", None), ("0", 0.0)):
            work = [_work(m, dimension, level) for m in sizes]
            half = len(sizes) // 2
            rows.append(
                {
                    "d": dimension,
                    "b": name,
                    f"visited, m = {sizes[0]}": work[0][0],
                    f"m = {sizes[-1]}": work[-1][0],
                    "exponent": _slope(sizes, [nodes for nodes, _ in work]),
                    "of larger half": _slope(sizes[half:], [nodes for nodes, _ in work[half:]]),
                    "points in vain": _slope(sizes, [vain for _, vain in work]),
                    "Cor. 3.6": 1 - 1 / (dimension // 2),
                    "boxes 1-1/d": 1 - 1 / dimension,
                }
            )
    print("nodes visited by a query, those of subtrees reported whole not among them, fitted to m^exponent")
    print_table(rows)
    return {"sizes": sizes, "rows": rows}


def _work(m: int, dimension: int, threshold: float | None) -> tuple[float, float]:
    """Return (nodes visited, points tested in vain) per query, on average."""
    generator = np.random.default_rng([m, dimension])
    queries = generator.standard_normal((QUERIES, dimension))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    tree = HalfSpaceTree(generator.standard_normal((m, dimension)), leaf_size=16)
    found = tree.query(queries, float(np.sqrt(0.4 * np.log(m))) if threshold is None else threshold).nnz
    return tree.cost.nodes_visited / QUERIES, (tree.cost.inner_products - found) / QUERIES


def _slope(sizes: list[int], counts: list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(counts), 1)[0])


def updates(*, quick: bool) -> dict[str, Any]:
    """Count the nodes read, repaired and rebuilt by moves, 16 moves a point, and what a query then visits.

    Corollary 3.6 promises O_d(log^2 n) a move, amortised.
    """
    sizes = (2**12, 2**14) if quick else (2**12, 2**15, 2**18)
    rows = [_moved(law, m, 64) for law in ("drift", "walk", "anywhere", "one place", "outwards") for m in sizes]
    print("nodes per move, averaged over 16 moves of every point (d = 3, leaves of 64)")
    print_table(rows)
    return {"rows": rows}


def _moved(law: str, m: int, leaf_size: int) -> dict[str, Any]:
    generator = np.random.default_rng(m)
    points = generator.standard_normal((m, 3))
    tree = HalfSpaceTree(points, leaf_size=leaf_size)
    batch, turns = m // 16, 256
    for turn in range(turns):
        rows = generator.choice(m, batch, replace=False)
        if law == "drift":
            points[rows] += [1e-3, 0, 0]
        elif law == "walk":
            points[rows] += 0.03 * generator.standard_normal((batch, 3))
        elif law == "anywhere":
            points[rows] = generator.standard_normal((batch, 3))
        elif law == "one place":
            points[rows] = 1 + 1e-6 * generator.standard_normal((batch, 3))
        else:
            points[rows, 0] = 10.0 + turn + generator.random(batch)
        tree.move(rows, points[rows])
    queries = generator.standard_normal((QUERIES, 3))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    fresh = HalfSpaceTree(points, leaf_size=leaf_size)
    for one in (tree, fresh):
        one.query(queries, 1.5)
    moves = batch * turns
    return {
        "moves": law,
        "m": m,
        "touched": tree.nodes_touched / moves,
        "of them rebuilt": tree.nodes_rebuilt / moves,
        "log2(m/leaf)^2": float(np.log2(m / leaf_size) ** 2),
        "visits over a fresh tree's": tree.cost.nodes_visited / max(1, fresh.cost.nodes_visited),
        "points tested over": tree.cost.inner_products / max(1, fresh.cost.inner_products),
    }
