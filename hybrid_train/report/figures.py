"""Whole figures on disk, each beside the numbers it shows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid_train.report.curves import (
    COST_LABEL,
    STEP_LABEL,
    Curve,
    Row,
    cost_curves,
    cost_parts,
    held_out_curves,
    loss_curves,
    plot_cost_parts,
    plot_costs,
    plot_losses,
)
from hybrid_train.report.fired import Fired, fired_per_datum, plot_fired, plot_fired_per_step
from hybrid_train.report.style import legend_below, panels, plain, styles_of
from hybrid_train.support.files import replacing, write_text, writing

_DPI = 150


def write_comparison_figures(directory: Path | Gallery, comparison: Mapping[str, Any]) -> list[Path]:
    """Write ``loss``, ``cost`` and ``fired``, each as a PNG and as JSON with exactly the numbers drawn.

    Args:
        directory: made if missing; files of these names in it are replaced.
        comparison: a document as ``hybrid-train compare --json`` prints. Rows that failed are named in the figures;
            a figure that would show nothing is not written.

    Returns:
        The files written.
    """
    rows, dense = comparison["rows"], _dense(comparison)
    files = []
    if curves := loss_curves(rows):
        files += save_figure(directory, "loss", _by_index(rows, plot_losses), _loss_document(curves, rows))
    if curves := cost_curves(rows):
        figure = _by_index(rows, plot_costs, dense=dense)
        files += save_figure(
            directory, "cost", figure, _document("charged_operations", curves, rows) | {"dense": dense}
        )
    return files + _write_fired(directory, comparison.get("fired"))


def write_run_figures(directory: Path | Gallery, document: Mapping[str, Any]) -> list[Path]:
    """Write ``loss``, ``cost`` and ``fired`` of one run; the cost is split into its counters.

    Args:
        directory: made if missing; files of these names in it are replaced.
        document: of the same shape as a comparison's, with one row.

    Returns:
        The files written.
    """
    rows, dense = document["rows"], _dense(document)
    files = []
    if curves := loss_curves(rows):
        files += save_figure(directory, "loss", _by_index(rows, plot_losses), _loss_document(curves, rows))
    if parts := [part for row in rows for part in cost_parts(row)]:
        figure = _by_index(rows, lambda panel, ax, styles: plot_cost_parts(panel[0], ax=ax, dense=dense))
        files += save_figure(directory, "cost", figure, _document("charged_operations", parts, rows) | {"dense": dense})
    return files + _write_fired(directory, document.get("fired"))


def _dense(comparison: Mapping[str, Any]) -> int | None:
    fired = comparison.get("fired")
    return fired["width"] * len(fired["counts_initial"]) if fired else None


def _by_index(rows: Sequence[Row], plot: Callable[..., Axes], **options: Any) -> Figure:
    """Draw one panel for each index, with one scale and one legend."""
    indexes = list(dict.fromkeys(row["index"] for row in rows))
    styles = styles_of(row["finder"] for row in rows)
    figure, axes = panels(len(indexes))
    for index, ax in zip(indexes, axes, strict=True):
        mine = [row for row in rows if row["index"] == index]
        plot(mine, ax=ax, styles=styles, **options)
        ax.set_title(_title(index, mine), fontsize="medium", wrap=True)
        ax.label_outer()
    legend_below(figure, axes, first=styles)
    return figure


def _title(index: str, rows: Sequence[Row]) -> str:
    failed = [row["finder"] for row in rows if row.get("error")]
    return f"index the {index}" + (f" (failed: {', '.join(failed)})" if failed else "")


def _write_fired(directory: Path | Gallery, fired: Fired | None) -> list[Path]:
    if not fired:
        return []
    figure, (left, right) = panels(2)
    plot_fired(fired, ax=left)
    plot_fired_per_step(fired, ax=right)
    left.set_title("start and end of training", fontsize="medium")
    right.set_title("during training", fontsize="medium")
    right.label_outer()
    counted = f", counted by {fired['finder']}" if "finder" in fired else ""
    figure.suptitle(f"{_sizes(fired)}{counted}", fontsize="medium")
    legend_below(figure, [left, right])
    names = ("finder", "index", "width", "threshold", "expected", "bound")
    about = {name: fired[name] for name in names if fired.get(name) is not None}
    steps = {name: fired[name] for name in ("fired_mean", "fired_min", "fired_max")}
    return save_figure(directory, "fired", figure, about | {"per_datum": fired_per_datum(fired), "per_step": steps})


def _sizes(fired: Fired) -> str:
    width = plain(fired["width"])
    if fired["threshold"] is None:
        return f"{width} neurons in all layers"
    return f"width $m$ = {width}, threshold $b$ = {plain(fired['threshold'])}"


def _document(quantity: str, curves: Sequence[Curve], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the numbers of one figure: a value for each step from 0, null for gaps."""
    labels = {"loss": "loss, summed over the data", "charged_operations": COST_LABEL}
    return {
        "x": STEP_LABEL,
        "y": labels[quantity],
        "curves": [
            {
                "finder": curve.finder,
                "index": curve.index,
                "label": curve.label,
                "values": [None if math.isnan(value) else value for value in curve.values.tolist()],
            }
            for curve in curves
        ],
        "failed": [
            {"finder": row["finder"], "index": row["index"], "error": row["error"]} for row in rows if row.get("error")
        ],
    }


def _loss_document(curves: Sequence[Curve], rows: Sequence[Row]) -> dict[str, Any]:
    held_out = held_out_curves(rows)
    more = {"held_out": _document("loss", held_out, rows)["curves"]} if held_out else {}
    return _document("loss", curves, rows) | more


@final
class Gallery:
    """Keeps figures in memory, where a ``write_*`` function is given it in the place of a directory.

    Attributes:
        figures: by name, in the order in which they were drawn.
    """

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}


def save_figure(directory: Path | Gallery, name: str, figure: Figure, data: Mapping[str, Any]) -> list[Path]:
    """Write a figure as a PNG and, as JSON beside it, the numbers it shows, whole or not at all; return both files.

    Raises:
        CheckpointError: they cannot be written.
    """
    if isinstance(directory, Gallery):
        directory.figures[name] = figure
        return []
    picture, numbers = directory / f"{name}.png", directory / f"{name}.json"
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with replacing(picture) as partial:
        figure.savefig(partial, dpi=_DPI, format="png")
    write_text(numbers, json.dumps(data, indent=1, allow_nan=False) + "\n")
    return [picture, numbers]
