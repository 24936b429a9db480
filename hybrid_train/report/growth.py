"""How the cost of a training step grows with the width: time, counted work, rescans and movement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid_train.report.figures import save_figure
from hybrid_train.report.style import GREY, LINE, Style, log_axis, own_axes, styles_of, tidy
from hybrid_train.support.power_law import PowerLaw

Rows = Sequence[Mapping[str, Any]]


def fitted_slope(widths: Sequence[float], costs: Sequence[float]) -> float:
    """Return the exponent e of the least-squares line log cost = e log m + c; NaN with fewer than two costs."""
    return PowerLaw.fit(widths, costs).exponent if sum(cost > 0 for cost in costs) > 1 else float("nan")


def plot_growth(
    rows: Rows, quantity: str, *, ax: Axes | None = None, styles: Mapping[str, Style] | None = None
) -> Axes:
    """Draw a quantity of a step against the width, a line for each finder with its fitted slope.

    Args:
        rows: each with ``finder``, ``m`` and the quantity.
        quantity: the key to draw, ``work`` or ``step_ms`` for instance.
        ax: where to draw; a new figure by default.
        styles: by finder, where several panels must agree.

    Returns:
        The axes drawn into; their legend names the slopes.
    """
    ax = own_axes() if ax is None else ax
    finders = list(dict.fromkeys(row["finder"] for row in rows))
    styles = styles_of(finders) if styles is None else styles
    for finder in finders:
        widths, costs = _curve(rows, finder, quantity)
        label = f"{finder}: $m^{{{fitted_slope(widths, costs):.2f}}}$"
        ax.plot(widths, costs, marker=styles[finder].marker, color=styles[finder].color, linewidth=LINE, label=label)
    _width_axis(ax, rows)
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return ax


def plot_rescans(rows: Rows, *, ax: Axes | None = None) -> Axes:
    """Draw, against the width, the share of listed neurons scanned again in a step, and how far neurons move.

    The movement is the largest ||w_r(t) - w_r(0)||. The bound of PRE Claim C.7, 4 sqrt(n) ||err(0)|| / (lambda sqrt m),
    is far above it; what is drawn is its shape, through the first measured point.

    Args:
        rows: of the finder ``skin``, each with ``m``, ``rescans_share``, ``movement`` and ``bound``.
        ax: where to draw; a new figure by default.
    """
    ax = own_axes() if ax is None else ax
    widths = np.array([row["m"] for row in rows], dtype=np.float64)
    movement = np.array([row["movement"] for row in rows], dtype=np.float64)
    share = np.array([row["rescans_share"] for row in rows], dtype=np.float64)
    ax.plot(widths, share, "o-", color="#0072B2", linewidth=LINE, label="listed neurons scanned again, share per step")
    ax.plot(widths, movement, "s-", color="#D55E00", linewidth=LINE, label="largest movement of a neuron")
    bound = np.array([row["bound"] for row in rows], dtype=np.float64)
    predicted = movement[0] * bound / bound[0]
    ax.plot(
        widths,
        predicted,
        color=GREY,
        linestyle=(0, (5, 3)),
        linewidth=LINE,
        label=r"theory: as $1 / (\lambda\sqrt{m})$",
    )
    _width_axis(ax, rows)
    ax.legend(frameon=False, fontsize="small")
    return ax


def write_growth_figure(directory: Path, rows: Rows, dimension: int) -> list[Path]:
    """Write ``growth``: counted work, time, and rescans beside movement, as a PNG and as JSON with the numbers drawn.

    Args:
        directory: made if missing; files of this name in it are replaced.
        rows: see :func:`plot_growth` and :func:`plot_rescans`.
        dimension: d, for the title.
    """
    styles = styles_of(row["finder"] for row in rows)
    figure = Figure(figsize=(14.4, 4.2), layout="constrained")
    axes = list(figure.subplots(1, 3))
    plot_growth(rows, "work", ax=axes[0], styles=styles)
    axes[0].set(ylabel="counted operations per step", title=f"counted work, d = {dimension}")
    plot_growth(rows, "step_ms", ax=axes[1], styles=styles)
    axes[1].set(ylabel="milliseconds per step", title="time")
    lists = [row for row in rows if row["finder"] == "skin"]
    plot_rescans(lists, ax=axes[2])
    axes[2].set(title="why lists last: neurons move less and less")
    slopes = {
        quantity: {finder: fitted_slope(*_curve(rows, finder, quantity)) for finder in styles}
        for quantity in ("work", "step_ms")
    }
    return save_figure(directory, "growth", figure, {"rows": [dict(row) for row in rows], "slopes": slopes})


def _curve(rows: Rows, finder: str, quantity: str) -> tuple[list[float], list[float]]:
    own = [row for row in rows if row["finder"] == finder]
    return [row["m"] for row in own], [row[quantity] for row in own]


def _width_axis(ax: Axes, rows: Rows) -> None:
    widths = sorted({int(row["m"]) for row in rows})
    log_axis(ax, with_zero=False)
    ax.set_xscale("log", base=2)
    ax.set_xticks(widths[:: max(1, len(widths) // 6)])
    ax.minorticks_off()
    tidy(ax)
    ax.set_xlabel("neurons $m$")
