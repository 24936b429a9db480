"""How a run grows with the width where only the neurons that fire for some example are drawn: start, scan and step.

Full-batch gradient descent on n unit vectors with random signs in d = 16, threshold sqrt(0.4 ln m), m = 2^14 .. 2^34
for n = 4 and .. 2^30 for n = 64, `storage="live"`, float32, finder `skin`, 20 steps. Counted: draws of the start (n d
operations each in the picture), neurons drawn, inner products of the first scan, operations of a step (as `growth`
counts them). Each is n m Q(b) or less, so no part of the run is linear in m; the expected slope of m Q(b) is printed
beside the fitted ones. Memory is a byte or two for each neuron drawn, and lists for those that wake.

    python benchmarks/live_growth.py [--quick] [--json FILE] [--figures DIR]
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import arguments, environment, print_table, write_json
from _memory import forget_peak, peak
from matplotlib.figure import Figure

from classical.training import gradient_descent
from hybrid_train.data import sphere
from hybrid_train.finder.registry import make_finder
from hybrid_train.network import TwoLayerNetwork, auto_threshold
from hybrid_train.network.live import most_live
from hybrid_train.network.sparsity import expected_active
from hybrid_train.report.figures import save_figure
from hybrid_train.report.growth import fitted_slope, plot_growth
from hybrid_train.training.losses import make_loss

DIMENSION, STEPS = 16, 20
LARGEST = {4: 34, 64: 30}
"""log2 m of the widest network for each number of examples."""
FITTED = ("draws", "neurons", "start_ms", "scanned", "scan_ms", "work", "step_ms")


def measured(n: int, exponent: int) -> dict[str, Any]:
    """Return the figures of one run; those of a step are means over the steps."""
    width, data, loss = 1 << exponent, sphere(n, DIMENSION, seed=1), make_loss("squared")
    forget_peak()
    started = time.perf_counter()
    network = TwoLayerNetwork.initialize(
        width, DIMENSION, storage="live", examples=data.inputs, dtype="float32", seed=exponent
    )
    start = time.perf_counter() - started
    training = gradient_descent(network, data.inputs, loss.encode(data, 1), loss, make_finder("skin"), steps=STEPS)
    first, *records = training
    most = peak()
    work = [DIMENSION * one.cost.inner_products + one.cost.nodes_visited for one in records]
    return {
        "n": n,
        "m": width,
        "draws": most_live(width, data.inputs, network.threshold, seed=exponent, paired=False, spread=1.0),
        "neurons": network.width,
        "start_ms": 1e3 * start,
        "scanned": first.cost.inner_products,
        "scan_ms": 1e3 * first.step_seconds,
        "work": float(np.mean(work)),
        "step_ms": 1e3 * float(np.mean([one.step_seconds for one in records])),
        "active": first.active_pairs,
        "peak_GB": 1e-9 * most,
        "loss 0": first.loss,
        "loss T": records[-1].loss,
    }


def draw(directory: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``live_growth``: counted work and time of start, scan and step, a line of panels for each n."""
    figure = Figure(figsize=(9.6, 4.2 * len(LARGEST)), layout="constrained")
    for n, axes in zip(LARGEST, figure.subplots(len(LARGEST), 2), strict=True):
        drawn = _parts(n, [row for row in rows if row["n"] == n])
        for ax, quantity in zip(axes, ("work", "ms"), strict=True):
            plot_growth(drawn, quantity, ax=ax)
        axes[0].set(ylabel="counted operations", title=f"live start: n = {n}, d = {DIMENSION}")
        axes[1].set(ylabel="milliseconds", title="time")
    save_figure(directory, "live_growth", figure, {"rows": rows})


def _parts(n: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts of the runs as :func:`plot_growth` takes finders."""
    parts = {
        "start": {"work": "draws", "ms": "start_ms", "factor": n * DIMENSION},
        "first scan": {"work": "scanned", "ms": "scan_ms", "factor": DIMENSION},
        "step": {"work": "work", "ms": "step_ms", "factor": 1},
    }
    return [
        {"finder": part, "m": row["m"], "work": key["factor"] * row[key["work"]], "ms": row[key["ms"]]}
        for part, key in parts.items()
        for row in rows
    ]


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, figures=True)
    found = environment(["numba"], threads=2, dtype="float32")
    rows, slopes = [], {}
    for n, largest in LARGEST.items():
        measured(n, 14)  # compiles
        mine = [measured(n, exponent) for exponent in range(14, 23 if options.quick else largest + 1, 2)]
        widths = [row["m"] for row in mine]
        expected = fitted_slope(widths, [float(expected_active(m, auto_threshold(m))) for m in widths])
        slopes[n] = {name: fitted_slope(widths, [row[name] for row in mine]) for name in FITTED}
        print_table(mine)
        fitted = ", ".join(f"{name} m^{slope:.3f}" for name, slope in slopes[n].items())
        print(f"n = {n}: m Q(b) grows as m^{expected:.3f}; {fitted}", flush=True)
        rows += mine
    if options.figures:
        draw(options.figures, rows)
    write_json(options.json, {"environment": found, "d": DIMENSION, "slopes": slopes, "rows": rows})


if __name__ == "__main__":
    main()
