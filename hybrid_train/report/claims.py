"""The pictures of a paper's claims: panels of measured curves beside what the paper says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import GREY, LINE, Style, legend_below, staggered, styles_of, tidy

Document = Mapping[str, Any]

_ACROSS = 4
"""Panels side by side."""

_DASHES: tuple[Any, ...] = ((0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (8, 3)), (0, (2, 3)))


def plot_claim_panel(panel: Document, *, ax: Axes, styles: Mapping[str, Style] | None = None) -> Axes:
    """Draw one panel: measured curves with markers, predictions dashed, each in the colour of its own measurement.

    Args:
        panel: of a row of ``hybrid-train reproduce --json``.
        ax: where to draw.
        styles: colour and marker by label of what is measured, where several panels must agree.
    """
    measured = [one for one in panel["curves"] if not one["predicted"]]
    styles = styles or _styles([panel])
    predicted = [one for one in panel["curves"] if one["predicted"]]
    paired = len(predicted) == len(measured) > 1 and all(one["label"].startswith("predicted") for one in predicted)
    for place, one in enumerate(measured):
        many = len(one["x"]) > 12
        every = staggered(place, len(measured), len(one["x"])) if many else None
        ax.plot(
            one["x"],
            _numbers(one["y"]),
            color=styles[one["label"]].color,
            marker=styles[one["label"]].marker,
            markersize=4,
            linewidth=LINE,
            label=one["label"],
            markevery=every,
        )
    for place, one in enumerate(predicted):
        color = styles[measured[place]["label"]].color if paired else GREY
        dashes = _DASHES[0] if paired else _DASHES[place % len(_DASHES)]
        ax.plot(
            one["x"], _numbers(one["y"]), color=color, linestyle=dashes, linewidth=LINE, label=one["label"], zorder=3
        )
    if "x" in panel["log"]:
        ax.set_xscale("log", base=2 if _powers_of_two(panel) else 10)
    if "y" in panel["log"]:
        ax.set_yscale("log", nonpositive="mask")
    tidy(ax)
    ax.set_title(panel["title"], fontsize="medium")
    ax.set_xlabel(panel["x"])
    ax.set_ylabel(panel["y"])
    return ax


def _styles(panels: list[Document]) -> dict[str, Style]:
    return styles_of(one["label"] for panel in panels for one in panel["curves"] if not one["predicted"])


def _powers_of_two(panel: Document) -> bool:
    """Whether everything was measured at powers of two, which then are the ticks to read."""
    return all(x >= 1 and math.frexp(x)[0] == 0.5 for one in panel["curves"] for x in one["x"])


def write_claim_figures(directory: Path | Gallery, document: Document) -> list[Path]:
    """Write one picture for each claim, named for it, as a PNG and as JSON with exactly the numbers drawn.

    Args:
        directory: made if missing; files of these names in it are replaced.
        document: of ``hybrid-train reproduce --json``.

    Returns:
        The files written.
    """
    files: list[Path] = []
    for row in document["rows"]:
        if panels := row.get("panels"):
            data = {"verdict": row["holds"], "measured": row.get("measured"), "panels": panels}
            files += save_figure(directory, f"claim_{row['claim']}", _figure(panels), data)
    return files


def _figure(panels: list[Document]) -> Figure:
    across = min(_ACROSS, len(panels))
    rows = math.ceil(len(panels) / across)
    figure = Figure(figsize=(4.4 * max(across, 1.4) + 0.4, 3.6 * rows), layout="constrained")
    axes = list(figure.subplots(rows, across, squeeze=False).flat)
    styles = _styles(panels)
    for ax, panel in zip(axes, panels, strict=False):
        plot_claim_panel(panel, ax=ax, styles=styles)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    legend_below(figure, axes[: len(panels)])
    return figure


def _numbers(values: list[float | None]) -> list[float]:
    return [np.nan if one is None else one for one in values]
