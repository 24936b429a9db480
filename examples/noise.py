"""Grover search on a noisy machine
================================

Grover search on a noisy machine: how many fired neurons it finds, and how many oracle calls it makes, by noise rate.

Usage: python examples/noise.py [PICTURE]

The neurons and data are those of a network before training. A gate depolarises its qubits with the given probability,
a measured bit is flipped with ten times that. Each measured index is verified, so noise makes the search miss neurons
and never report a wrong one; it also ends the search early, since a certificate that faults finds nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from hybrid_train import make_finder
from hybrid_train.finder.scan import active_pairs

RATES = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def measure(rate: float, width: int, n: int, seed: int) -> tuple[float, float]:
    """Return recall, and oracle calls a datum."""
    rng = np.random.default_rng(seed)
    weights, data = rng.standard_normal((width, 4)), rng.standard_normal((n, 4))
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    threshold = float(np.sqrt(0.4 * np.log(width)))
    finder = make_finder("grover", noise={"depolarizing": rate, "readout": 10.0 * rate}, delta=1e-3)
    finder.plan(seed=np.random.SeedSequence(seed), total_queries=n)
    finder.build(weights, data, threshold)
    found, truth = finder.find(), active_pairs(weights, data, threshold)
    return found.nnz / truth.nnz, finder.cost.oracle_calls / n


def table(rates: Sequence[float], width: int, n: int, seeds: int) -> np.ndarray:
    """Return (rates, seeds, 2): recall and oracle calls a datum."""
    return np.array([[measure(rate, width, n, seed) for seed in range(seeds)] for rate in rates])


def draw(rates: Sequence[float], measured: np.ndarray, path: str) -> None:
    """Draw both against the rate, with standard errors."""
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    mean, error = measured.mean(axis=1), measured.std(axis=1, ddof=1) / np.sqrt(measured.shape[1])
    for at, (ax, label) in enumerate(zip(figure.subplots(1, 2), ("recall", "oracle calls a datum"), strict=True)):
        ax.errorbar(rates, mean[:, at], error[:, at], fmt="o-", capsize=3)
        ax.set_xscale("symlog", linthresh=1e-4)
        ax.set_xlabel("depolarising probability of a gate")
        ax.set_ylabel(label)
        ax.set_ylim(bottom=0.0)
        ax.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def main(rates: Sequence[float] = RATES, width: int = 16, n: int = 16, seeds: int = 3) -> None:
    measured = table(rates, width, n, seeds)
    print("depolarizing  recall  oracle calls a datum")
    for rate, (recall, calls) in zip(rates, measured.mean(axis=1), strict=True):
        print(f"{rate:12g}  {recall:6.3f}  {calls:20.1f}")
    if sys.argv[1:]:
        draw(rates, measured, sys.argv[1])


if __name__ == "__main__":
    main()
