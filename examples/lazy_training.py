"""Large output weights: training like a tangent kernel
====================================================

Usage: python examples/lazy_training.py [PICTURE]

Large output weights make a network train like its tangent kernel (Lemma 5.3 of Qin, Song, Yang). Networks with a_r
= -B or +B are trained by SGD at the rate eta / B^2, and the tangent kernel at eta, from the same draws. Look at the
slope: the root mean square of their difference falls as B^(-1/2), since the shifted ReLU has a kink; the mean falls
as 1 / B once hardly a neuron changes sides.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from hybrid_train import make_finder
from hybrid_train.data import EvenPolynomials, make_inputs
from hybrid_train.theory.lazy_training import LazyDistance, lazy_distances
from hybrid_train.training.losses import make_loss


def main(
    output_weights: Sequence[float] = tuple(2.0 ** np.arange(0, 13, 2)), width: int = 2048, seeds: int = 4
) -> None:
    source = EvenPolynomials(make_inputs("sphere", 6), degree=2)
    held_out = source.examples(512, held_out=True)
    table: list[list[LazyDistance]] = [
        lazy_distances(
            source,
            held_out,
            make_loss("squared"),
            lambda: make_finder("scan"),
            width=width,
            output_weights=output_weights,
            batch_size=8,
            steps=30,
            learning_rate=100.0,
            seed=seed,
        )
        for seed in range(seeds)
    ]
    means = {
        name: np.array([[getattr(row, name) for row in rows] for rows in table]).mean(axis=0)
        for name in ("distance", "mean_distance", "network_loss", "kernel_loss")
    }
    print(f"{'B':>8}  {'rms distance':>12}  {'mean distance':>13}  {'network loss':>12}  {'kernel loss':>11}")
    for at, output_weight in enumerate(output_weights):
        cells = [means[name][at] for name in means]
        print(f"{output_weight:8g}  {cells[0]:12.4g}  {cells[1]:13.4g}  {cells[2]:12.4g}  {cells[3]:11.4g}")
    slopes = [np.polyfit(np.log(output_weights), np.log(means[name]), 1)[0] for name in ("distance", "mean_distance")]
    print(f"fitted exponents of B: {slopes[0]:.2f} (predicted -0.50) and {slopes[1]:.2f} (predicted -0.50 to -1)")
    if len(sys.argv) > 1:
        draw(np.asarray(output_weights), means, sys.argv[1])


def draw(output_weights: np.ndarray, means: dict[str, np.ndarray], path: str) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, ax = pyplot.subplots(figsize=(6, 4), layout="constrained")
    ax.loglog(output_weights, means["distance"], "o-", label="root mean square")
    ax.loglog(output_weights, means["mean_distance"], "s-", label="mean")
    for exponent, style in ((-0.5, ":"), (-1.0, "--")):
        line = means["distance"][0] * (output_weights / output_weights[0]) ** exponent
        ax.loglog(output_weights, line, style, color="grey", label=f"$B^{{{exponent:g}}}$")
    ax.set_xlabel("output weight B")
    ax.set_ylabel("|network - tangent kernel| on held-out data")
    ax.legend(frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
