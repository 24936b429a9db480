"""Pictures of adversarial training: robust and clean loss, network and pseudo-network, activated neurons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from hybrid_train.report.figures import Gallery, save_figure
from hybrid_train.report.style import (
    GREY,
    LINE,
    PALETTE,
    legend_below,
    over_steps,
    own_axes,
    panels,
    plain,
)
from hybrid_train.report.theory import apart, plot_fired_counts, plot_movement

Series = Mapping[str, Any]

_ASSUMED = (0, (5, 3))


def plot_robustness(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw the mean robust and clean loss of the examples of each step (ADV Definition 3.4).

    Args:
        series: ``steps``, ``clean``, ``robust`` and ``rho``, as a theory document has them under ``robustness``.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps, robust, clean = series["steps"], series["robust"], series["clean"]
    ax.fill_between(steps, clean, robust, color=PALETTE[1], alpha=0.15, linewidth=0)
    label = rf"robust, within $\rho$ = {plain(series['rho'])}"
    for name, values, color in ((label, robust, PALETTE[1]), ("clean", clean, PALETTE[0])):
        ax.plot(steps, values, color=color, linewidth=LINE, label=name, marker="o" if len(steps) == 1 else "")
    return over_steps(ax, "mean loss of the step's examples", with_zero=False)


def plot_pseudo_gap(series: Series, *, ax: Axes | None = None) -> Axes:
    """Draw how far network and pseudo-network are apart along a run (ADV Lemma 5.8).

    Args:
        series: ``steps``, ``gap_on_examples``, ``gap_on_inputs`` and ``inputs`` of a theory document.
        ax: where to draw; a new figure by default.

    Returns:
        The axes drawn into, without a legend.
    """
    ax = own_axes() if ax is None else ax
    steps = series["steps"]
    for name, values, color in (
        ("largest over the data", series["gap_on_examples"], PALETTE[0]),
        (f"largest over {plain(series['inputs'])} random inputs", series["gap_on_inputs"], PALETTE[3]),
    ):
        ax.plot(steps, values, color=color, linewidth=LINE, label=name, marker="o" if len(steps) == 1 else "")
    return over_steps(ax, r"$|f - g|$", with_zero=False)


def write_robustness_figure(directory: Path | Gallery, series: Series) -> list[Path]:
    """Write ``theory_robustness`` as a PNG and as JSON with exactly the numbers drawn.

    Args:
        directory: made if missing; files of this name in it are replaced.
        series: see :func:`plot_robustness`.

    Returns:
        The files written.
    """
    figure, (ax,) = panels(1)
    plot_robustness(series, ax=ax)
    legend_below(figure, [ax])
    return save_figure(directory, "theory_robustness", figure, dict(series))


def write_pseudo_figures(directory: Path | Gallery, document: Mapping[str, Any]) -> list[Path]:
    """Write ``theory_pseudo_network`` and ``theory_fired`` of a network that jumps, each as a PNG and as JSON.

    Args:
        directory: made if missing; files of these names in it are replaced.
        document: of ``hybrid-train theory --json``.

    Returns:
        The files written.
    """
    series = document["series"]
    figure, (left, right) = apart(2)
    plot_pseudo_gap(series, ax=left)
    label = rf"assumed: $m^{{-15/24}}$ = {plain(series['movement_assumed'])}"
    right.axhline(series["movement_assumed"], color=GREY, linestyle=_ASSUMED, linewidth=LINE, label=label)
    plot_movement(dict(series) | {"movement_bound": None}, ax=right)
    legend_below(figure, [left, right])
    gaps = ("steps", "gap_on_examples", "gap_on_inputs", "inputs", "movement", "movement_assumed")
    files = save_figure(directory, "theory_pseudo_network", figure, {name: series[name] for name in gaps})

    figure, (ax,) = apart(1)
    plot_fired_counts(series, ax=ax)
    legend_below(figure, [ax])
    counts = ("steps", "fired_mean", "fired_min", "fired_max", "fired_expected", "fired_bound")
    return files + save_figure(directory, "theory_fired", figure, {name: series[name] for name in counts})
