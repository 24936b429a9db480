"""How the cost of a training step grows with the width, finder by finder: counted work, time, rescans, movement.

Full-batch gradient descent on n = 64 unit vectors with random signs, threshold sqrt(0.4 ln m), m = 2^12 .. 2^22, once
in d = 16 and once in d = 4. A step's counted work is d operations for an inner product, 2 d for a box of the half-space
tree (its bound is two inner products), and one for an entry of a list or of a max-tree. Building is not part of a step:
it is n m inner products for every finder but hsr, and is shown apart. Finders whose memory or time grows too large stop
at a smaller width. The expected slope of m Q(b), the active neurons of a query, is printed beside the fitted ones.

    python benchmarks/growth.py [--quick] [--json FILE] [--figures DIR]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _common import arguments, environment, print_table, write_json

from classical.training import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork, auto_threshold
from hybrid_train.network.sparsity import expected_active
from hybrid_train.report.growth import fitted_slope, write_growth_figure
from hybrid_train.theory import shifted_kernel
from hybrid_train.theory.predictions.convergence import movement_bound
from hybrid_train.training.losses import make_loss

N, STEPS = 64, 20
LARGEST = {"scan": 22, "skin": 22, "hsr": 20, "correlation_tree": 20}
"""Exponents of the widest network tried with each finder."""


def measured(finder_name: str, exponent: int, dimension: int) -> dict[str, Any]:
    """Return a step's figures: medians over the steps for times, means for counts."""
    data, loss = sphere(N, dimension, seed=1), make_loss("squared")
    network = TwoLayerNetwork.initialize(1 << exponent, dimension, seed=exponent)
    start = np.array(network.weights[:])
    finder = make_finder(finder_name)
    training = gradient_descent(network, data.inputs, loss.encode(data, 1), loss, finder, steps=STEPS)
    first, *records = training
    smallest = float(np.linalg.eigvalsh(shifted_kernel(data.inputs, network.threshold))[0])
    node = 2 * dimension if finder_name == "hsr" else 1
    work = [dimension * one.cost.inner_products + node * one.cost.nodes_visited for one in records]
    movement = float(np.sqrt(np.square(network.weights[:] - start).sum(axis=1).max()))
    facts = training.dynamics.facts()
    rescans, listed = facts.get("rescans", 0), facts.get("listed_neurons", network.width)
    return {
        "finder": finder_name,
        "d": dimension,
        "m": 1 << exponent,
        "build_ms": 1e3 * first.step_seconds,
        "step_ms": 1e3 * float(np.median([one.step_seconds for one in records])),
        "work": float(np.mean(work)),
        "active": float(np.mean([one.active_pairs for one in records])),
        "rescans_share": rescans / STEPS / listed,
        "movement": movement,
        "bound": movement_bound(N, network.width, 2.0 * first.loss, smallest),
        "loss": records[-1].loss,
    }


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, figures=True)
    found = environment(["numba"], threads=2, dtype="float64")
    exponents = range(12, 17, 2) if options.quick else range(12, 23)
    document: dict[str, Any] = {"environment": found, "n": N, "steps": STEPS, "slopes": {}, "rows": []}
    for dimension in (16, 4):
        rows = [
            measured(finder, exponent, dimension)
            for finder, largest in LARGEST.items()
            for exponent in exponents
            if exponent <= largest
        ]
        print_table(rows)
        widths = [1 << exponent for exponent in exponents]
        expected = fitted_slope(widths, [float(expected_active(m, auto_threshold(m))) for m in widths])
        print(f"d = {dimension}: m Q(b) grows as m^{expected:.3f}")
        for finder in LARGEST:
            own = [row for row in rows if row["finder"] == finder]
            slopes = {
                key: fitted_slope([row["m"] for row in own], [row[key] for row in own]) for key in ("work", "step_ms")
            }
            print(f"  {finder}: work m^{slopes['work']:.3f}, time m^{slopes['step_ms']:.3f}")
            document["slopes"][f"{finder}, d = {dimension}"] = slopes
        document["rows"] += rows
        if options.figures:
            write_growth_figure(options.figures / f"d{dimension}", rows, dimension)
    write_json(options.json, document)


if __name__ == "__main__":
    main()
