"""Oracle calls against the width, and step by step along a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import (
    GREY,
    LINE,
    legend_below,
    log_axis,
    own_axes,
    panels,
    step_axis,
    styles_of,
    tidy,
)

Row = Mapping[str, Any]

_TOTAL = ("total_calls_mean", "total_calls_sem")

_DASHES = {"scan": (0, (5, 3)), "paper_m_9_10": (0, (1, 1.5)), "true_k_line": (0, (3, 1.5, 1, 1.5))}
_LABELS = {
    "scan": "scan: one evaluation for each pair",
    "paper_m_9_10": r"paper: $m^{9/10}$",
    "true_k_line": r"true $k$: $\sqrt{mk}$",
}


def plot_oracle_calls(rows: Sequence[Row], *, ax: Axes | None = None) -> Axes:
    """Draw the mean oracle calls of each strategy against the width m, with bands of two standard errors.

    Args:
        rows: of ``hybrid-train count --json``.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    for name, style in styles_of(row["strategy"] for row in rows).items():
        own = sorted((row for row in rows if row["strategy"] == name), key=lambda row: row["m"])
        width, mean, error = (np.array([row[key] for row in own], float) for key in ("m", *_TOTAL))
        ax.fill_between(width, mean - 2 * error, mean + 2 * error, color=style.color, alpha=0.25, linewidth=0)
        ax.plot(
            width,
            mean,
            color=style.color,
            marker=style.marker,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=LINE,
            label=name,
        )
    first = sorted({row["m"]: row for row in rows}.items())
    for line, dashes in _DASHES.items():
        values = [row[line] for _, row in first]
        ax.plot([m for m, _ in first], values, color=GREY, linestyle=dashes, linewidth=0.9 * LINE, label=_LABELS[line])
    ax.set_xscale("log", base=2)
    log_axis(ax, with_zero=False)
    tidy(ax)
    ax.set_xlabel("neurons $m$")
    ax.set_ylabel("oracle calls to find all")
    return ax


def write_count_figure(directory: Path | Gallery, document: Mapping[str, Any]) -> list[Path]:
    """Write ``oracle_calls`` as a PNG and as JSON with the numbers drawn.

    Args:
        directory: made if missing; files of this name in it are replaced.
        document: of ``hybrid-train count --json``.

    Returns:
        The files written.
    """
    figure, (ax,) = panels(1)
    figure.set_size_inches(6.4, 4.4)
    plot_oracle_calls(document["rows"], ax=ax)
    index = document["options"]["index"]
    title = "one query" if index == "neurons" else f"one step: every neuron searches {document['options']['n']} data"
    ax.set_title(title, fontsize="medium")
    legend_below(figure, [ax])
    names = ("m", "k", "strategy", *_TOTAL, *_DASHES)
    points = [{name: row[name] for name in names} for row in document["rows"]]
    return save_figure(directory, "oracle_calls", figure, {"points": points, "fits": document["fits"]})


def plot_calls_along(rows: Sequence[Row], *, ax: Axes | None = None) -> Axes:
    """Draw the oracle calls of all queries at each training step, a curve for each strategy.

    Args:
        rows: of ``hybrid-train count --along CONFIG --json``.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    for name, style in styles_of(row["strategy"] for row in rows).items():
        own = [row for row in rows if row["strategy"] == name]
        step, calls = [row["step"] for row in own], [row["oracle_calls"] for row in own]
        every = max(1, len(own) // 8)
        ax.plot(
            step,
            calls,
            color=style.color,
            marker=style.marker,
            markevery=every,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=LINE,
            label=name,
        )
    scan = {row["step"]: row["scan"] for row in rows}
    ax.plot(list(scan), list(scan.values()), color=GREY, linestyle=_DASHES["scan"], label=_LABELS["scan"])
    log_axis(ax, with_zero=True)
    step_axis(ax)
    tidy(ax)
    ax.set_xlabel("gradient step")
    ax.set_ylabel("oracle calls of all queries")
    return ax


def write_along_figure(directory: Path | Gallery, document: Mapping[str, Any]) -> list[Path]:
    """Write ``oracle_calls_along`` as a PNG and as JSON with the numbers drawn; see :func:`write_count_figure`."""
    figure, (ax,) = panels(1)
    figure.set_size_inches(6.4, 4.4)
    plot_calls_along(document["rows"], ax=ax)
    legend_below(figure, [ax])
    names = ("step", "strategy", "oracle_calls", "scan")
    points = [{name: row[name] for name in names} for row in document["rows"]]
    return save_figure(directory, "oracle_calls_along", figure, {"points": points, "totals": document["totals"]})
