"""The objective around points of training, as in DEEP Figure 1: a map for each point, and cuts along its two axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import LINE, PALETTE, legend_below, own_axes, plain, tidy

Document = Mapping[str, Any]

GRADIENT_LABEL = "along the gradient"
CURVATURE_LABEL = "along the most negative curvature"
OBJECTIVE_LABEL = "objective $F$"

_TITLED = ("curvature", "gradient_norm")
_LEVELS = 14
_PANEL = 3.5
"""Inches."""


def plot_landscape(document: Document, *, ax: Axes | None = None) -> Axes:
    """Draw a contour map of the objective, the point of training in its middle.

    Args:
        document: as :meth:`hybrid_train.network.deep.Landscape.as_dict` gives it.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into.
    """
    ax = own_axes() if ax is None else ax
    filled = _contours(document, ax)
    bar = ax.figure.colorbar(filled, ax=ax, shrink=0.9, pad=0.02, spacing="proportional")
    bar.locator = MaxNLocator(nbins=6)
    bar.update_ticks()
    bar.ax.tick_params(labelsize="small")
    ax.set_ylabel(CURVATURE_LABEL, fontsize="small")
    ax.set_xlabel(GRADIENT_LABEL, fontsize="small")
    return ax


def plot_cuts(document: Document, *, ax: Axes | None = None) -> Axes:
    """Draw the objective along each of the two directions through the point of training.

    Args:
        document: as :meth:`hybrid_train.network.deep.Landscape.as_dict` gives it.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    for label, distances, values, style, color in (
        (GRADIENT_LABEL, document["along_gradient"], _through(document)[0], "-", PALETTE[0]),
        (CURVATURE_LABEL, document["along_curvature"], _through(document)[1], "--", PALETTE[1]),
    ):
        ax.plot(distances, values, label=label, linestyle=style, color=color, linewidth=LINE)
    ax.plot([0.0], [document["objective"]], "o", color="#000000", markersize=5, label="point of training", zorder=3)
    tidy(ax)
    ax.set_xlabel(r"distance $\|W - W_t\|_F$, signed")
    ax.set_ylabel(OBJECTIVE_LABEL)
    return ax


def write_landscape_figure(directory: Path | Gallery, documents: Sequence[Document]) -> list[Path]:
    """Write ``landscape``, a column for each point, as a PNG and as JSON with exactly the numbers drawn.

    Args:
        directory: made if missing; files of this name in it are replaced.
        documents: as :meth:`hybrid_train.network.deep.Landscape.as_dict` gives them, each with its ``step``.

    Returns:
        The files written.
    """
    figure = Figure(figsize=(_PANEL * len(documents) + 0.8, 5.6), layout="constrained")
    axes = figure.subplots(2, len(documents), squeeze=False, height_ratios=(1.25, 1.0))
    for document, (above, below) in zip(documents, axes.T, strict=True):
        plot_landscape(document, ax=above)
        plot_cuts(document, ax=below)
        above.set_title(f"step {plain(document['step'])}", fontsize="medium")
        curvature, slope = (plain(document[name]).replace("-", "\N{MINUS SIGN}") for name in _TITLED)
        below.set_title(rf"$\|\nabla F\|$ = {slope}, least curvature {curvature}", fontsize="small")
        if above is not axes[0, 0]:
            above.set_ylabel("")
            below.set_ylabel("")
    legend_below(figure, list(axes[1]))
    data = {"x": GRADIENT_LABEL, "y": CURVATURE_LABEL, "z": "objective"}
    return save_figure(directory, "landscape", figure, data | {"points": [dict(document) for document in documents]})


def _contours(document: Document, ax: Axes) -> QuadContourSet:
    grid = document["along_gradient"], document["along_curvature"], document["values"]
    values = np.asarray(document["values"])
    # closer together near the bottom, where training goes on
    levels = values.min() + np.ptp(values) * np.linspace(0.0, 1.0, _LEVELS + 1) ** 2
    if not levels[-1] > levels[0]:
        levels = np.array([levels[0], levels[0] + 1.0])
    filled = ax.contourf(*grid, levels=levels, cmap="viridis")
    ax.contour(*grid, levels=levels, colors="#FFFFFF", linewidths=0.4, alpha=0.6)
    ax.plot([0.0], [0.0], "o", color="#FFFFFF", markeredgecolor="#000000", markersize=6)
    ax.annotate(
        "", (0.45 * grid[0][0], 0.0), (0.0, 0.0), arrowprops={"arrowstyle": "->", "color": "#FFFFFF", "linewidth": 1.4}
    )
    ax.tick_params(labelsize="small")
    return filled


def _through(document: Document) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the values along each axis through the middle of the grid."""
    values = np.asarray(document["values"])
    middle = values.shape[0] // 2, values.shape[1] // 2
    return values[middle[0]], values[:, middle[1]]
