"""Layers of a deep network along a run: movement, share that fires and gradient, a curve for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import LINE, legend_below, lone_marker, over_steps, own_axes, step_axis, tidy

Series = Mapping[str, Any]

QUANTITIES = {
    "movement": r"movement $\|W_l - W_l(0)\|_F$",
    "fired": "share of the layer that fires",
    "gradient": r"gradient $\|\nabla_{W_l} F\|_F$",
}
"""What is drawn, and how its axis is called."""


def plot_layers(series: Series, quantity: str, *, ax: Axes | None = None) -> Axes:
    """Draw one quantity of every layer over the steps, from the first layer (dark) to the last (bright).

    Args:
        series: ``steps``, ``trained``, ``movement``, ``fired`` and ``gradient``, as a theory document has them under
            ``layers``.
        quantity: a key of :data:`QUANTITIES`.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps, curves = series["steps"], series[quantity]
    numbers = range(len(curves)) if quantity == "fired" else series["trained"]
    last = max(1, len(series["fired"]) - 1)
    for number, values in zip(numbers, curves, strict=True):
        color = colormaps["viridis"](0.9 * number / last)
        ax.plot(steps, values, color=color, linewidth=LINE, label=f"layer {number}", marker=lone_marker(steps))
    if quantity == "gradient":
        return over_steps(ax, QUANTITIES[quantity], with_zero=True)
    step_axis(ax)
    tidy(ax)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("gradient step $t$")
    ax.set_ylabel(QUANTITIES[quantity])
    return ax


def write_layers_figure(directory: Path | Gallery, series: Series) -> list[Path]:
    """Write ``layers``, a panel for each quantity, as a PNG and as JSON with exactly the numbers drawn.

    Args:
        directory: made if missing; files of this name in it are replaced.
        series: see :func:`plot_layers`.

    Returns:
        The files written.
    """
    figure = Figure(figsize=(12.6, 3.9), layout="constrained")
    axes = list(figure.subplots(1, len(QUANTITIES), squeeze=False)[0])
    for ax, quantity in zip(axes, QUANTITIES, strict=True):
        plot_layers(series, quantity, ax=ax)
    legend_below(figure, axes, [f"layer {number}" for number in range(len(series["fired"]))])
    return save_figure(directory, "theory_layers", figure, dict(series))
