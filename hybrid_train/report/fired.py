"""How few neurons fire: counts per datum and per step against the expectation and the bound of the theory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hybrid_train.report.style import (
    GREY,
    LINE,
    PALETTE,
    draw_range_over_data,
    log_axis,
    own_axes,
    plain,
    step_axis,
    tidy,
)

Fired = Mapping[str, Any]

_FEW = 200
"""Up to so many data, each is a symbol of its own, joined from start to end."""


def fired_per_datum(fired: Fired) -> dict[str, list[float]]:
    """Return what :func:`plot_fired` draws: data in descending order of their initial count.

    ``expected`` is missing where nothing is (deep networks).
    """
    initial = np.asarray(fired["counts_initial"])
    order = np.argsort(-initial, kind="stable")
    drawn = {
        "datum": order.tolist(),
        "initial": initial[order].tolist(),
        "final": np.asarray(fired["counts_final"])[order].tolist(),
    }
    if fired["expected"] is None:
        return drawn
    expected = np.broadcast_to(np.asarray(fired["expected"], dtype=np.float64), initial.shape)
    return drawn | {"expected": expected[order].tolist()}


def plot_fired(fired: Fired, *, ax: Axes | None = None) -> Axes:
    """Draw the fired neurons of each datum at the start and the end of training.

    Beside them stand m Q(b), what a Gaussian start gives on average, and 2 m exp(-b^2/2), which no datum of unit norm
    exceeds at the start but with probability n exp(-3 k_0 / 8), k_0 = m exp(-b^2/2) (PRE Lemma 3.8).

    Args:
        fired: ``fired`` of a comparison document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    data = fired_per_datum(fired)
    place = np.arange(1, len(data["datum"]) + 1)
    initial, final = (np.asarray(data[name]) for name in ("initial", "final"))
    few = len(place) <= _FEW
    size, face, edge = (22.0, "none", 1.1) if few else (5.0, PALETTE[0], 0.0)
    start: dict[str, Any] = {"s": size, "linewidths": edge, "zorder": 2.6}
    ax.scatter(place, initial, facecolors=face, edgecolors=PALETTE[0], label="at the start", **start)
    end: dict[str, Any] = {"s": size, "linewidths": 0.0, "alpha": 1.0 if few else 0.5}
    ax.scatter(place, final, marker="^", color=PALETTE[1], label="at the end", **end)
    if few:
        ax.vlines(place, initial, final, color="#BBBBBB", linewidth=0.8, zorder=0.9)
    _references(ax, fired)
    expected = np.asarray(data.get("expected", []))
    if len(expected) and np.ptp(expected):
        ax.plot(place, expected, color="black", linewidth=1.0, label=r"expected $m\,Q(b/\|x\|)$", zorder=2.4)
    elif len(expected):
        _expected_line(ax, expected[0])
    log_axis(ax, with_zero=True)
    ax.set_xlabel("datum, in order of its count at the start")
    ax.set_ylabel("fired neurons of one datum")
    return ax


def plot_fired_per_step(fired: Fired, *, ax: Axes | None = None) -> Axes:
    """Draw the mean and the range over the data of the fired neurons at each step (PRE Lemma C.10).

    Args:
        fired: ``fired`` of a comparison document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    mean, low, high = (np.asarray(fired[f"fired_{name}"], dtype=np.float64) for name in ("mean", "min", "max"))
    step = np.arange(len(mean))
    draw_range_over_data(ax, step, mean, low, high)
    _references(ax, fired)
    expected = np.asarray([] if fired["expected"] is None else fired["expected"], dtype=np.float64)
    if expected.size and np.ptp(expected):
        ax.axhline(expected.mean(), color="black", linewidth=1.0, linestyle=":", label="expected, mean over the data")
    elif expected.size:
        _expected_line(ax, expected.flat[0])
    log_axis(ax, with_zero=True)
    step_axis(ax)
    ax.set_xlabel("gradient step")
    ax.set_ylabel("fired neurons of one datum")
    return ax


def _expected_line(ax: Axes, expected: float) -> None:
    label = r"expected $m\,Q(b)$ = " + plain(float(expected))
    ax.axhline(expected, color="black", linewidth=1.0, label=label, zorder=2.4)


def _references(ax: Axes, fired: Fired) -> None:
    if fired["bound"] is not None:
        name = r"bound $2m\,e^{-b^2/2}$ = " + plain(float(fired["bound"]))
        ax.axhline(fired["bound"], color=GREY, linestyle=(0, (5, 3)), linewidth=LINE, label=name, zorder=2.2)
    tidy(ax)
