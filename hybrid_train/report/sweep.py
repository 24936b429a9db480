"""Picture of a sweep: what comes out, against the first key of its grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import LINE, PALETTE, log_axis, own_axes, tidy
from hybrid_train.report.theory import apart

Row = Mapping[str, Any]

_HELD_OUT = {
    "held_out_accuracy": "held-out accuracy",
    "held_out_r2": "held-out R^2",
    "held_out_loss": "held-out mean loss",
}
"""Of these the first that there is."""

_OUTCOMES = {
    "final_loss": "loss at the end, summed over the data",
    **_HELD_OUT,
    "charged": "charged: inner products, nodes, oracle calls",
}
_SHARES = ("held_out_accuracy", "held_out_r2")
"""Outcomes whose axis is linear."""

_FEW = 8
"""Values of a key that are ticks of their own."""


def plot_sweep(rows: Sequence[Row], key: str, outcome: str, *, ax: Axes | None = None) -> Axes:
    """Draw the mean of an outcome, and its range, for each value of a key of the grid.

    Args:
        rows: of a sweep; those without a number for the outcome are left out.
        key: of the grid, or ``run.seed``.
        outcome: the column to draw.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    groups = grouped(rows, key, outcome)
    numbers = [value for value in groups if isinstance(value, int | float) and not isinstance(value, bool)]
    plain = len(numbers) == len(groups)
    places = np.array(numbers if plain else range(len(groups)), dtype=np.float64)
    mean, low, high = (np.array([shape(found) for found in groups.values()]) for shape in (np.mean, np.min, np.max))
    ax.vlines(places, low, high, color=PALETTE[0], alpha=0.35, linewidth=3.0)
    ax.plot(
        places, mean, label="mean", marker="o", color=PALETTE[0], linewidth=LINE, linestyle="-" if plain else "none"
    )
    if outcome not in _SHARES:
        log_axis(ax, with_zero=False)
    if plain and len(places) > 1 and places.min() > 0 and places.max() / places.min() > 8:
        ax.set_xscale("log")
    if plain and len(places) <= _FEW:
        ax.set_xticks(places, [f"{value:g}" for value in groups])
        ax.set_xticks([], minor=True)
    elif not plain:
        ax.set_xticks(places, [str(value)[:20] for value in groups], rotation=30, ha="right")
    tidy(ax)
    ax.set_xlabel(key)
    ax.set_ylabel(_OUTCOMES.get(outcome, outcome))
    return ax


def grouped(rows: Sequence[Row], key: str, outcome: str) -> dict[Any, list[float]]:
    """Return the numbers of an outcome by value of a key, in ascending order of the values where they are numbers."""
    groups: dict[Any, list[float]] = {}
    for row in rows:
        value = row.get(outcome)
        if isinstance(value, int | float) and np.isfinite(value):
            groups.setdefault(row.get(key), []).append(float(value))
    if all(isinstance(value, int | float) for value in groups):
        return dict(sorted(groups.items()))
    return groups


def write_sweep_figure(directory: Path | Gallery, document: Mapping[str, Any]) -> list[Path]:
    """Write ``sweep`` as a PNG and as JSON with the numbers drawn: loss, held-out score and cost against the first key.

    Args:
        directory: made if missing; files of this name in it are replaced.
        document: of ``hybrid-train sweep --json``.

    Returns:
        The files written; none where no run came to its end.
    """
    key = next(iter(document["grid"]), "run.seed")
    rows = [row | {"charged": _charged(row)} for row in document["rows"]]
    there = [name for name in _OUTCOMES if grouped(rows, key, name)]
    scores = [name for name in there if name in _HELD_OUT]
    outcomes = [name for name in there if name not in scores[1:]]
    if not outcomes:
        return []
    figure, axes = apart(len(outcomes))
    for ax, outcome in zip(axes, outcomes, strict=True):
        plot_sweep(rows, key, outcome, ax=ax)
    data = {outcome: [[value, found] for value, found in grouped(rows, key, outcome).items()] for outcome in outcomes}
    return save_figure(directory, "sweep", figure, {"key": key} | data)


def _charged(row: Row) -> int | None:
    parts = [row.get(name) for name in ("inner_products", "nodes_visited", "oracle_calls")]
    return sum(part or 0 for part in parts) if all(isinstance(part, int) for part in parts) else None
