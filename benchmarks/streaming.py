"""Fresh queries at every step: the finders beside dense products, FAISS and scikit-learn's trees.

Usage: python benchmarks/streaming.py [--quick] [--json FILE] [--visits | --updates]

Points are m standard normal vectors, queries 64 new uniform unit vectors a step, b = sqrt(0.4 ln m), all in float32 on
all cores. Every arm is built once (not timed) and answers the same batches, arms interleaved, in one process; what is
reported is the median of the steps, and the median of the ratios to the best dense product of the same step. `dense`
is the faster of the two libraries' blocked products with the threshold fused in, each with its block tuned. FAISS is
IndexFlatIP.range_search; the trees of scikit-learn search Euclidean balls around lifted points. A library that is not
installed is left out. All sets are compared with float64: a pair may differ only where |<p, q> - b| is a rounding error
of float32.

--visits fits the nodes that hsr visits against m. --updates counts the nodes it repairs and rebuilds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import environment, print_table, write_json

ROUNDING = 1e-5
"""How far from b a pair may lie that float32 arms and float64 judge differently, at inner products below ten."""

QUERIES = 64

OURS = ["scan", "hsr", "auto"]

WARM = 10
"""Steps before those that count; `auto` may try its rivals meanwhile."""

PAIRED = 20
"""Steps for ours alone, between `auto` and the finders it chooses from."""

PAUSE = 0.02
"""Seconds before each answer, not timed: threads of the library that ran before stop spinning."""


def steps_of(arms: dict[str, Any], points: Any, threshold: float, steps: int, seed: int) -> dict[str, Any]:
    """Answer ``steps`` batches by every arm, in turns; return the seconds of each and how its sets differ."""
    generator = np.random.default_rng(seed)
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    differing = dict.fromkeys(arms, 0)
    for step in range(-WARM, PAIRED + steps):
        queries = unit(generator, QUERIES, points.shape[1])
        taking_part = list(arms) if step == -1 or step >= PAIRED else OURS
        answers = {}
        for name in generator.permutation(taking_part):
            time.sleep(PAUSE)
            started = time.perf_counter()
            answers[name] = arms[name].answer(queries)
            seconds[name].append(time.perf_counter() - started)
        if step == PAIRED + steps - 1:
            differing = {
                name: disputed(points, queries, threshold, *arms[name].pairs(answer))
                for name, answer in answers.items()
            }
    return {
        "seconds": {name: np.array(taken[-steps:]) for name, taken in seconds.items()},
        "ours": {name: np.array(seconds[name][WARM:]) for name in OURS},
        "differing": differing,
    }


def disputed(points: Any, queries: Any, threshold: float, query_ids: Any, point_ids: Any) -> int:
    """Return how many pairs differ from float64, all of them rounding ties.

    Raises:
        SystemExit: a pair differs that is none.
    """
    products = queries.astype(np.float64) @ points.T.astype(np.float64)
    found = np.zeros(products.shape, bool)
    found[query_ids, point_ids] = True
    wrong = products[found != (products > threshold)]
    if len(query_ids) != found.sum() or (np.abs(wrong - threshold) > ROUNDING).any():
        raise SystemExit(f"wrong sets: {len(wrong)} pairs, up to {np.abs(wrong - threshold).max()} from b")
    return len(wrong)


def unit(generator: np.random.Generator, count: int, dimension: int) -> Any:
    """Return (count, dimension) float32 uniform unit vectors."""
    vectors = generator.standard_normal((count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def compare(m: int, dimension: int, steps: int) -> dict[str, Any]:
    """Return one line: milliseconds a step, and how many times as fast as the best dense product."""
    from _stream_arms import Faiss, NumpyDense, SklearnBallTree, SklearnKDTree, TorchDense, ours

    points = np.random.default_rng(dimension).standard_normal((m, dimension)).astype(np.float32)
    threshold = float(np.sqrt(0.4 * np.log(m)))
    example = unit(np.random.default_rng(1), QUERIES, dimension)
    kinds = {
        **{name: ours(name) for name in OURS},
        **{"numpy": NumpyDense, "torch": TorchDense, "faiss": Faiss},
        **({"kd_tree": SklearnKDTree, "ball_tree": SklearnBallTree} if dimension <= 8 else {}),
    }
    built, arms = {}, {}
    for name, kind in kinds.items():
        started = time.perf_counter()
        try:
            arms[name] = kind(points, example, threshold)
        except ImportError as error:
            print(f"without {name}: {error}")
            continue
        built[name] = time.perf_counter() - started
    seen = steps_of(arms, points, threshold, steps, seed=dimension)
    seconds = seen["seconds"]
    dense = min(seconds.keys() & {"numpy", "torch"}, key=lambda name: np.median(seconds[name]))
    ratios = {name: seconds[dense] / taken for name, taken in seconds.items()}
    paired = seen["ours"]
    own = min(("scan", "hsr"), key=lambda name: np.median(paired[name]))
    return {
        "d": dimension,
        "ms": {name: float(np.median(taken) * 1e3) for name, taken in seconds.items()},
        "quartiles_ms": {name: (np.percentile(taken, [25, 75]) * 1e3).tolist() for name, taken in seconds.items()},
        "dense": dense,
        "over_dense": {name: float(np.median(ratio)) for name, ratio in ratios.items()},
        "auto": {
            "choice": arms["auto"].finder.choice.kind,
            "why": str(arms["auto"].finder.choice),
            "best": own,
            "over_best": float(np.median(paired[own] / paired["auto"])),
        },
        "build_s": built,
        "rounding_ties": seen["differing"],
    }


def run(*, quick: bool) -> dict[str, Any]:
    """Compare in every dimension, print two tables, return the figures."""
    m = 2**15 if quick else 2**18
    dimensions = (2, 4, 8, 32) if quick else (2, 3, 4, 6, 8, 16, 32, 64)
    lines = []
    for dimension in dimensions:
        lines.append(compare(m, dimension, 5 if quick else 9))
        print(f"d = {dimension}: auto takes {lines[-1]['auto']['why']}")
    names = list(lines[0]["ms"])
    print(f"\nmilliseconds a step, m = {m}, {QUERIES} queries")
    print_table([{"d": line["d"], **{name: line["ms"].get(name, "-") for name in names}} for line in lines])
    print("\ntimes as fast as the best dense product (above 1 is faster)")
    print_table(
        [
            {"d": line["d"], "dense is": line["dense"]}
            | {name: line["over_dense"].get(name, "-") for name in names}
            | {"auto over best": line["auto"]["over_best"]}
            for line in lines
        ]
    )
    return {"m": m, "queries": QUERIES, "rows": lines}


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--visits", action="store_true", help="fit the nodes visited against m instead")
    parser.add_argument("--updates", action="store_true", help="count the nodes that updates touch instead")
    options = parser.parse_args()
    packages = ("faiss-cpu", "torch", "scikit-learn", "numba")
    machine = environment(packages, threads=2, dtype="float32")
    if options.visits or options.updates:
        from _tree_work import updates, visits

        figures = visits(quick=options.quick) if options.visits else updates(quick=options.quick)
    else:
        figures = run(quick=options.quick)
    write_json(options.json, {**machine, **figures})


if __name__ == "__main__":
    main()
