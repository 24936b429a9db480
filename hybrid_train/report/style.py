"""How every figure of this project looks: colours, scales, panels, legends."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255")
"""Colours that the colour-blind tell apart (Okabe and Ito 2008, its yellow replaced: it vanishes on paper)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")
"""One more than the colours, so that a repeated colour never meets the same marker again."""

GREY = "#666666"
LINE = 1.6
_GROWTH = 2.0
_WIDEST = 7.0
_LEGEND_ROW = 0.2
"""Inches."""

_SHORT = 3.0
"""Decades below which an axis also ticks between the powers of ten."""


@dataclass(frozen=True)
class Style:
    """Colour and marker of one curve."""

    color: str
    marker: str


def styles_of(names: Iterable[str]) -> dict[str, Style]:
    """Give each distinct name, in order of first appearance, a style of its own."""
    distinct = dict.fromkeys(names)
    return {name: Style(PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(distinct)}


def nested_widths(curves: Sequence[npt.NDArray[np.float64]]) -> list[float]:
    """Return line widths that keep curves lying on top of each other visible: the later one is the thinner one."""
    groups: list[list[int]] = []
    for i, curve in enumerate(curves):
        for group in groups:
            if _look_alike(curve, curves[group[0]]):
                group.append(i)
                break
        else:
            groups.append([i])
    widths = [LINE] * len(curves)
    for group in groups:
        growth = min(_GROWTH, _WIDEST / len(group))
        for depth, i in enumerate(reversed(group)):
            widths[i] = LINE + growth * depth
    return widths


def _look_alike(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    return len(one) == len(other) and np.allclose(one, other, rtol=0.02, equal_nan=True)


def staggered(curve: int, curves: int, length: int) -> tuple[int, int]:
    """Return ``markevery`` (first, every) for one of several curves so that their markers do not coincide."""
    every = max(curves, math.ceil(length / 8))
    return (curve * every // curves) % max(length, 1), every


def lone_marker(steps: Sequence[Any] | npt.NDArray[Any]) -> str:
    """Return a marker where a line of one step would not be seen."""
    return "o" if len(steps) == 1 else ""


def draw_range_over_data(ax: Axes, steps: Any, mean: Any, low: Any, high: Any) -> None:
    """Draw the mean over the data at each step in a band from the least to the most."""
    wide = 8 if len(steps) == 1 else 0
    ax.fill_between(steps, low, high, color=PALETTE[2], alpha=0.25, linewidth=wide, label="range over the data")
    ax.plot(steps, mean, color=PALETTE[2], linewidth=LINE, marker=lone_marker(steps), label="mean over the data")


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``count`` panels side by side that share their vertical axis."""
    figure = Figure(figsize=(4.6 * count + 0.6, 3.8), layout="constrained")
    return figure, list(figure.subplots(1, count, sharey=True, squeeze=False)[0])


def own_axes() -> Axes:
    """Return the axes of a new figure of one panel."""
    return panels(1)[1][0]


def tidy(ax: Axes) -> None:
    """Take away what carries no information and rule the panel lightly."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, which="major", color="#DDDDDD", linewidth=0.6)
    ax.set_axisbelow(True)


def over_steps(ax: Axes, quantity: str, *, with_zero: bool) -> Axes:
    """Finish a panel of a quantity over gradient steps: its scales, rules and labels; return it.

    Args:
        ax: everything is drawn in it.
        quantity: what the vertical axis shows.
        with_zero: see :func:`log_axis`.
    """
    log_axis(ax, with_zero=with_zero)
    step_axis(ax)
    tidy(ax)
    ax.set_xlabel("gradient step $t$")
    ax.set_ylabel(quantity)
    return ax


def step_axis(ax: Axes) -> None:
    """Tick whole steps only."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def log_axis(ax: Axes, *, with_zero: bool) -> None:
    """Make the vertical axis logarithmic over everything drawn in these axes and in those that share it.

    Args:
        ax: whose axis; unchanged while nothing positive is drawn.
        with_zero: zeros are meaningful (counts): show them, at the foot of a scale that is linear below 1. Without
            it they leave the panel downwards.
    """
    boxes = [shared.dataLim for shared in ax.get_shared_y_axes().get_siblings(ax)]
    least = min(box.minposy for box in boxes)
    most = max(box.y1 for box in boxes)
    if not 0 < least <= most:
        return
    if with_zero and min(box.y0 for box in boxes) == 0:
        ax.set_yscale("symlog", linthresh=1.0, linscale=0.4)
        ax.set_ylim(-0.15, most * 2)
    else:
        ax.set_yscale("log", nonpositive="mask")
        decades = math.log10(most / least)
        room = 10 ** max(0.06 * decades, 0.02)
        ax.set_ylim(least / room, most * room)
        if decades < _SHORT:
            _tick_short_range(ax, least, decades)


def _tick_short_range(ax: Axes, least: float, decades: float) -> None:
    """Tick more than the powers of ten, of which a short range holds too few."""
    ax.yaxis.set_minor_formatter(NullFormatter())
    if decades < 0.5:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    whole = least >= 1000 and decades > 0.01
    scalar = decades < 0.5 and not whole
    ax.yaxis.set_major_formatter(ScalarFormatter() if scalar else FuncFormatter(lambda value, _: plain(value)))


def plain(value: float) -> str:
    """Write a number for a reader: thin groups of thousands, no trailing zeros, powers of ten only where needed."""
    if value and not 1e-3 <= abs(value) < 1e8:
        mantissa, exponent = f"{value:.2e}".split("e")
        factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times "
        return rf"${factor}10^{{{int(exponent)}}}$"
    return f"{round(value):,}".replace(",", "\u2009") if abs(value) >= 1000 else f"{value:.4g}"


def legend_below(figure: Figure, axes: Sequence[Axes], first: Iterable[str] = ()) -> None:
    """Put one legend for all panels under them, where it covers no data; the labels in ``first`` lead it."""
    found: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(str(label), handle)
    leading = [label for label in first if label in found]
    labels = list(dict.fromkeys([*leading, *found]))
    if not labels:
        return
    columns = _legend_columns(labels, figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + _LEGEND_ROW * math.ceil(len(labels) / columns))
    legend = figure.legend(
        [found[label] for label in labels],
        labels,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize="small",
    )
    for entry in legend.legend_handles:
        if isinstance(entry, Line2D):
            entry.set_linewidth(min(entry.get_linewidth(), LINE + 0.4))
            entry.set_markersize(min(entry.get_markersize(), 6.0))
        elif isinstance(entry, PathCollection):
            entry.set_sizes([22.0])


def _legend_columns(labels: Sequence[str], width: float) -> int:
    """Return how many columns give the fewest rows within ``width`` inches."""
    lengths = [len(re.sub(r"\\[a-zA-Z]+|[\\{}$^,]", "", label)) for label in labels]
    for rows in range(1, len(labels)):
        columns = math.ceil(len(labels) / rows)
        widest = [column.max() for column in np.array_split(lengths, columns)]
        if sum(0.62 + 0.074 * length for length in widest) <= width:
            return columns
    return 1
