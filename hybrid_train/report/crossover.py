"""From what width a quantum search is cheaper: costs against the width, one panel for each way of counting."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import GREY, LINE, Style, legend_below, log_axis, own_axes, styles_of, tidy

Document = Mapping[str, Any]

_TITLES = {
    "oracle_calls": "oracle calls",
    "quantum_memory": "operations, quantum memory assumed",
    "qrom_gates": "time, weights loaded by gates",
}


def plot_crossover(
    document: Document, column: str, *, ax: Axes | None = None, styles: Mapping[str, Style] | None = None
) -> Axes:
    """Draw the cost of each strategy and of ``skin`` in units of a dense scan's, against the width m.

    A ring marks the least width from which a strategy is cheaper than the scan for good, a square ``skin`` likewise.

    Args:
        document: of ``hybrid-train crossover --json``.
        column: ``oracle_calls``, ``quantum_memory`` or ``qrom_gates``.
        ax: where to draw; a new figure by default.
        styles: colours by strategy, where several panels must agree.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    strategies = document["options"]["strategies"]
    styles = styles_of(strategies) if styles is None else styles
    exponents, costs = _relative(document, column)
    counted = np.log2(document["counted_widths"]["oracle_calls"])
    ax.axvspan(counted[0], counted[-1], color="#EEEEEE", zorder=0, label="oracle calls counted here, else extrapolated")
    ax.axhline(1.0, color=GREY, linestyle=(0, (5, 3)), linewidth=LINE, label="dense scan")
    ax.plot(exponents, costs["skin"], color="#000000", linestyle="-.", linewidth=LINE, label="skin", zorder=2.6)
    for depth, name in enumerate(reversed(strategies)):  # those that coincide stay visible: later ones are thinner
        width = LINE * (1.0 + depth * min(0.4, 1.6 / len(strategies)))
        ax.plot(exponents, costs[name], color=styles[name].color, linewidth=width, label=name, zorder=2.5 - 0.1 * depth)
    for row in document["rows"]:
        if row["column"] == column and row["width"] is not None:
            _mark(ax, row, exponents, costs[row["strategy"]], styles[row["strategy"]])
    log_axis(ax, with_zero=False)
    ax.xaxis.set_major_locator(FixedLocator(range(10, 61, 10)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$2^{{{value:.0f}}}$"))
    tidy(ax)
    ax.set_xlabel("neurons $m$")
    ax.set_ylabel("cost in units of a dense scan")
    return ax


def write_crossover_figure(directory: Path | Gallery, document: Document) -> list[Path]:
    """Write ``crossover``, a panel for each column, as a PNG and as JSON with exactly the numbers drawn.

    Args:
        directory: made if missing; files of this name in it are replaced.
        document: of ``hybrid-train crossover --json``.

    Returns:
        The files written.
    """
    strategies = document["options"]["strategies"]
    styles = styles_of(strategies)
    figure = Figure(figsize=(13.2, 3.9), layout="constrained")
    axes = list(figure.subplots(1, len(_TITLES)))
    numbers = {}
    for ax, (column, title) in zip(axes, _TITLES.items(), strict=True):
        plot_crossover(document, column, ax=ax, styles=styles)
        ax.set_title(title, fontsize="medium")
        if ax is not axes[0]:
            ax.set_ylabel("")
        exponents, costs = _relative(document, column)
        numbers[column] = {name: values.tolist() for name, values in costs.items()}
    axes[0].plot([], [], "o", markerfacecolor="none", color=GREY, label="cheaper than the scan from here")
    axes[0].plot([], [], "s", markerfacecolor="none", color=GREY, label="cheaper than skin from here")
    legend_below(figure, axes, first=[*strategies, "skin"])
    crossings = [row for row in document["rows"] if row["width"] is not None]
    data = {"x": "log2 m", "y": "cost / cost of a dense scan", "exponents": exponents.tolist()}
    return save_figure(directory, "crossover", figure, data | {"columns": numbers, "crossings": crossings})


def _relative(document: Document, column: str) -> tuple[np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return log2 m and each cost there over that of the scan."""
    exponents = np.log2(np.array(document["widths"], dtype=np.float64))
    curves = document["curves"][column]
    costs = {name: np.divide(values, curves["scan"]) for name, values in curves.items() if name != "scan"}
    return exponents, costs


def _mark(
    ax: Axes, row: Mapping[str, Any], exponents: np.ndarray[Any, Any], costs: np.ndarray[Any, Any], style: Style
) -> None:
    at = np.flatnonzero(exponents == np.log2(row["width"]))
    ax.plot(
        exponents[at],
        costs[at],
        marker="o" if row["rival"] == "scan" else "s",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor=style.color,
        markeredgewidth=1.6,
        linestyle="none",
        zorder=4,
    )
