"""What happens step by step: the loss, and the operations each finder is charged for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from hybrid_train.errors import DataError
from hybrid_train.report.style import (
    GREY,
    LINE,
    Style,
    log_axis,
    nested_widths,
    own_axes,
    plain,
    staggered,
    step_axis,
    styles_of,
    tidy,
)

Row = Mapping[str, Any]

CHARGED = ("inner_products", "nodes_visited", "oracle_calls")
"""Counters that add up to the charged operations; verifications are inner products already."""

COST_LABEL = "charged operations per step"
STEP_LABEL = "gradient step"
COST_STEP_LABEL = "gradient step (step 0 includes building)"


@dataclass(frozen=True, eq=False)
class Curve:
    """One drawn curve: a value for each step from 0.

    Attributes:
        finder: who found the active sets.
        index: ``neurons`` or ``data``.
        label: how the legend names it.
        values: (steps + 1,); not-a-number where there is nothing to draw.
    """

    finder: str
    index: str
    label: str
    values: npt.NDArray[np.float64]


def loss_curves(rows: Sequence[Row]) -> list[Curve]:
    """Return the loss of each row that got as far as having one."""
    return _labelled(rows, [_numbers(row.get("losses") or []) for row in rows])


def held_out_curves(rows: Sequence[Row]) -> list[Curve]:
    """Return the held-out loss of each row that has one: its mean over the rows, times those trained on, step by step.

    Steps that were not looked at are gaps.
    """
    mine = [row for row in rows if row.get("held_out_losses")]
    values = []
    for row in mine:
        curve = np.full(1 + max(row["held_out_steps"]), math.nan)
        curve[row["held_out_steps"]] = _numbers(row["held_out_losses"])
        values.append(curve * row["training_rows"])
    return _labelled(mine, values)


def cost_curves(rows: Sequence[Row]) -> list[Curve]:
    """Return the charged operations per step of each row: inner products + nodes visited + oracle calls."""
    return _labelled(rows, [charged(row) for row in rows])


def charged(row: Row) -> npt.NDArray[np.float64]:
    """Return the (steps + 1,) charged operations of one row.

    Raises:
        DataError: the counters have different lengths.
    """
    counters = [_numbers((row.get("cost_per_step") or {}).get(name) or []) for name in CHARGED]
    present = [counter for counter in counters if len(counter)]
    if len({len(counter) for counter in present}) > 1:
        lengths = ", ".join(f"{name}={len(counter)}" for name, counter in zip(CHARGED, counters, strict=True))
        raise DataError(f"cost_per_step of finder={row['finder']!r}: counters have different lengths ({lengths})")
    return np.sum(present, axis=0) if present else np.empty(0)


def plot_losses(rows: Sequence[Row], *, ax: Axes | None = None, styles: Mapping[str, Style] | None = None) -> Axes:
    """Draw the loss L(W(t)) of each row against the step t, on a logarithmic axis, and dashed that of held-out rows.

    Curves that coincide (exact finders train the same network) stay visible: thinner on top of thicker.

    Args:
        rows: of a comparison document; ``finder``, ``index``, ``losses`` and what is held out are read.
        ax: where to draw; a new figure by default.
        styles: colour and marker by legend label, where several panels must agree.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    curves = loss_curves(rows)
    styles = styles_of(curve.label for curve in curves) if styles is None else styles
    _draw(ax, curves, styles)
    for curve in held_out_curves(rows):
        looked = np.flatnonzero(~np.isnan(curve.values))
        label = f"{curve.label}, held out (scaled to as many rows)"
        color = styles[curve.label].color
        ax.plot(looked, curve.values[looked], color=color, linestyle=(0, (4, 2)), linewidth=LINE, label=label)
    log_axis(ax, with_zero=False)
    ax.set_xlabel(STEP_LABEL)
    ax.set_ylabel("loss, summed over the data")
    return ax


def plot_costs(
    rows: Sequence[Row],
    *,
    ax: Axes | None = None,
    dense: int | None = None,
    styles: Mapping[str, Style] | None = None,
) -> Axes:
    """Draw what each row is charged per step: inner products + nodes visited + oracle calls, logarithmic.

    Args:
        rows: of a comparison document; ``finder``, ``index`` and ``cost_per_step`` are read.
        ax: where to draw; a new figure by default.
        dense: m n, the inner products of one dense step, drawn as a reference line.
        styles: colour and marker by legend label, where several panels must agree.

    Returns:
        The axes drawn into, without a legend.

    Raises:
        DataError: counters of one row have different lengths.
    """
    ax = own_axes() if ax is None else ax
    _draw(ax, cost_curves(rows), styles)
    _finish_costs(ax, dense)
    return ax


def plot_cost_parts(row: Row, *, ax: Axes | None = None, dense: int | None = None) -> Axes:
    """Draw the parts of one row's charge, each counter that is ever used as a curve of its own.

    Args:
        row: of a comparison document; ``cost_per_step`` is read.
        ax: where to draw; a new figure by default.
        dense: m n, the inner products of one dense step, drawn as a reference line.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    _draw(ax, cost_parts(row), None)
    _finish_costs(ax, dense)
    return ax


def cost_parts(row: Row) -> list[Curve]:
    """Return the counters of one row that are ever used, the verifications apart from the other inner products."""
    names = {
        "inner_products": "inner products",
        "verifications": "of these, verifications",
        "nodes_visited": "tree nodes visited",
        "oracle_calls": "oracle calls",
    }
    counters = {name: _numbers((row.get("cost_per_step") or {}).get(name) or []) for name in names}
    return [
        Curve(row["finder"], row["index"], names[name], counter) for name, counter in counters.items() if counter.any()
    ]


def _labelled(rows: Sequence[Row], values: Sequence[npt.NDArray[np.float64]]) -> list[Curve]:
    several = len({row["index"] for row in rows}) > 1
    return [
        Curve(row["finder"], row["index"], f"{row['finder']}, {row['index']}" if several else row["finder"], curve)
        for row, curve in zip(rows, values, strict=True)
        if len(curve)
    ]


def _numbers(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _draw(ax: Axes, curves: Sequence[Curve], styles: Mapping[str, Style] | None) -> None:
    styles = styles_of(curve.label for curve in curves) if styles is None else styles
    for i, (curve, width) in enumerate(zip(curves, nested_widths([c.values for c in curves]), strict=True)):
        style, length = styles[curve.label], len(curve.values)
        ax.plot(
            np.arange(length),
            curve.values,
            color=style.color,
            linewidth=width,
            marker=style.marker,
            markersize=3.4 + width * (2.5 if length == 1 else 1.0),
            markeredgecolor="white",
            markeredgewidth=0.6,
            markevery=staggered(i, len(curves), length),
            label=curve.label,
            zorder=2.5 + 0.01 * i,
        )
    step_axis(ax)
    tidy(ax)


def _finish_costs(ax: Axes, dense: int | None) -> None:
    if dense is not None:
        label = f"one dense step, $m\\,n$ = {plain(dense)}"
        ax.axhline(dense, color=GREY, linestyle=(0, (5, 3)), linewidth=0.8 * LINE, zorder=2.2, label=label)
    log_axis(ax, with_zero=True)
    ax.set_xlabel(COST_STEP_LABEL)
    ax.set_ylabel(COST_LABEL)
