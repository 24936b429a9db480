"""Pictures of ``hybrid-train theory``: spectra, convergence and movement, fired neurons and flips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import (
    GREY,
    LINE,
    PALETTE,
    draw_range_over_data,
    legend_below,
    log_axis,
    lone_marker,
    over_steps,
    own_axes,
    plain,
    step_axis,
    tidy,
)

Series = Mapping[str, Any]

_BOUND = (0, (5, 3))
_FLOOR = 1e-16
"""Eigenvalues below this share of the largest are rounding."""


def plot_spectrum(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw the eigenvalues of H^cts, H^dis and H(T), largest first, and the bounds of the last ones.

    PRE Theorem F.1 has lambda_min(H^cts) between exp(-b^2/2) delta / (100 n^2) and exp(-b^2/2), PRE Lemma C.1 has
    lambda_min(H^dis) above 3/4 of it.

    Args:
        series: of a theory document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    last = series["spectrum_steps"][-1]
    curves = [
        (r"$H^{cts}$, infinite width", series["spectrum_cts"], PALETTE[0], "o", 6.0),
        (r"$H^{dis}$, at the start", series["spectra"][0], PALETTE[1], "s", 4.0),
    ]
    if last > 0:
        curves.append((f"$H(T)$, at step {last}", series["spectra"][-1], PALETTE[2], "^", 3.0))
    place = np.arange(1, len(series["spectrum_cts"]) + 1)
    largest = max(values[-1] for _, values, *_ in curves)
    for name, values, color, marker, size in curves:
        descending = np.array(values[::-1])
        shown = np.where(descending > largest * len(place) * _FLOOR, descending, np.nan)
        every = max(1, len(place) // 30)
        width = 0.25 * size * LINE
        ax.plot(place, shown, color=color, marker=marker, markersize=size, markevery=every, linewidth=width, label=name)
    lower, upper = series["lambda_lower"], series["lambda_upper"]
    if lower > 0:
        label = r"$\lambda=\lambda_{\min}(H^{cts})$ must lie here"
        bar: dict[str, Any] = {"color": GREY, "linewidth": 1.2 * LINE, "marker": "_", "markersize": 12, "zorder": 1.9}
        ax.plot([place[-1], place[-1]], [lower, upper], label=label, **bar)
    if series["lambda"] > 0:
        label = r"$\frac{3}{4}\lambda$, bound for $\lambda_{\min}(H^{dis})$"
        bound = 0.75 * series["lambda"]
        ax.plot(place[-1:], [bound], color=PALETTE[1], marker="_", markersize=16, linewidth=0, label=label, zorder=3)
    log_axis(ax, with_zero=False)
    step_axis(ax)
    ax.set_xlim(1.0 - 0.05 * len(place), 1.05 * len(place))
    tidy(ax)
    ax.set_xlabel("eigenvalue, largest first")
    ax.set_ylabel("eigenvalue of the tangent kernel")
    return ax


def plot_error(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw ||err(t)||^2 and the (1 - eta lambda/2)^t ||err(0)||^2 of PRE Lemma 5.2 against the step.

    Args:
        series: of a theory document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps = series["steps"]
    ax.plot(steps, series["errors"], color=PALETTE[0], linewidth=LINE, label="measured", marker=lone_marker(steps))
    if series["error_bound"] is not None:
        label = r"bound: $(1-\eta\lambda/2)^t\,\|\mathrm{err}(0)\|^2$"
        ax.plot(steps, series["error_bound"], color=GREY, linestyle=_BOUND, linewidth=LINE, label=label)
    return over_steps(ax, r"squared error $\|\mathrm{err}(t)\|^2$", with_zero=False)


def plot_movement(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw max_r ||w_r(t) - w_r(0)|| and the D of PRE Claim C.7 against the step.

    Args:
        series: of a theory document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps = series["steps"]
    moved = np.array(series["movement"])
    moved[moved == 0] = np.nan
    ax.plot(steps, moved, color=PALETTE[0], linewidth=LINE, label="measured", marker=lone_marker(steps))
    if series["movement_bound"] is not None:
        label = r"bound: $4\sqrt{n}\,\|\mathrm{err}(0)\|/(\lambda\sqrt{m})$"
        ax.axhline(series["movement_bound"], color=GREY, linestyle=(0, (1, 1.5)), linewidth=LINE, label=label)
    return over_steps(ax, r"largest movement $\max_r\|w_r(t)-w_r(0)\|$", with_zero=False)


def plot_fired_counts(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw mean and range over the data of k_{i,t}, with m Q(b) and the 2 m exp(-b^2/2) of PRE Lemma 3.8.

    Args:
        series: of a theory document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps = series["steps"]
    draw_range_over_data(ax, steps, series["fired_mean"], series["fired_min"], series["fired_max"])
    expected = series["fired_expected"]
    ax.axhline(expected, color="black", linewidth=1.0, label=r"expected at the start, $m\,Q(b)$ = " + plain(expected))
    bound = series["fired_bound"]
    label = r"bound $2m\,e^{-b^2/2}$ = " + plain(bound)
    ax.axhline(bound, color=GREY, linestyle=_BOUND, linewidth=LINE, label=label)
    return over_steps(ax, "fired neurons of one datum", with_zero=True)


def plot_flips(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw how many (datum, neuron) pairs changed sides at each step (PRE Definition C.8).

    Args:
        series: of a theory document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps, every = series["steps"][1:], series["every"]
    label = "flips since the step before" if every == 1 else f"flips since {every} steps before"
    ax.plot(steps, series["flips"][1:], color=PALETTE[3], marker="o", markersize=3, linewidth=0.8 * LINE, label=label)
    return over_steps(ax, "flipped pairs of all data", with_zero=True)


def write_theory_figures(directory: Path | Gallery, document: Mapping[str, Any]) -> list[Path]:
    """Write ``theory_spectrum``, ``theory_convergence`` and ``theory_fired``, each as a PNG and as JSON.

    Args:
        directory: made if missing; files of these names in it are replaced.
        document: of ``hybrid-train theory --json``.

    Returns:
        The files written.
    """
    series = document["series"]
    figure, (ax,) = apart(1)
    plot_spectrum(series, ax=ax)
    legend_below(figure, [ax])
    spectrum = ("spectrum_cts", "spectra", "spectrum_steps", "lambda", "lambda_lower", "lambda_upper")
    files = save_figure(directory, "theory_spectrum", figure, _taken(series, spectrum))

    figure, (left, right) = apart(2)
    plot_error(series, ax=left)
    plot_movement(series, ax=right)
    legend_below(figure, [left, right])
    progress = ("steps", "errors", "error_bound", "movement", "movement_bound", "learning_rate", "lambda")
    files += save_figure(directory, "theory_convergence", figure, _taken(series, progress))

    figure, (left, right) = apart(2)
    plot_fired_counts(series, ax=left)
    plot_flips(series, ax=right)
    legend_below(figure, [left, right])
    counts = ("steps", "fired_mean", "fired_min", "fired_max", "fired_expected", "fired_bound", "flips")
    return files + save_figure(directory, "theory_fired", figure, _taken(series, counts))


def apart(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels with axes of their own each."""
    figure = Figure(figsize=(5.0 * count + 0.8, 3.9), layout=ConstrainedLayoutEngine(wspace=0.06))
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _taken(series: Series, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: series[name] for name in names}
