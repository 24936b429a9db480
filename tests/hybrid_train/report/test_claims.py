"""Pictures of claims: widths that are powers of two are read as such, and a label looks the same in every panel."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from hybrid_train.report.claims import _figure, plot_claim_panel


@pytest.mark.parametrize(("x", "base"), [([256.0, 1024.0], 2), ([256.0, 1000.0], 10), ([0.25, 0.5], 10)])
def test_ticks_are_where_it_was_measured(x: list[float], base: int) -> None:
    panel: dict[str, Any] = {"title": "t", "x": "width m", "y": "count", "log": "x"}
    panel["curves"] = [{"label": "a", "x": x, "y": [1.0, 2.0], "predicted": False}]
    ax = plot_claim_panel(panel, ax=Figure().subplots())
    scale: Any = ax.xaxis.get_transform()
    assert scale.base == base


def test_a_label_looks_the_same_in_every_panel() -> None:
    """One legend serves all panels, which need not show the same curves."""
    curves = [{"label": name, "x": [1.0, 2.0], "y": [1.0, 2.0], "predicted": False} for name in "abc"]
    panels: list[dict[str, Any]] = [
        {"title": "t", "x": "x", "y": "y", "log": "", "curves": shown} for shown in (curves, curves[1:])
    ]
    first, second = ({line.get_label(): line for line in ax.get_lines()} for ax in _figure(list(panels)).axes)
    for name in "bc":
        assert first[name].get_color() == second[name].get_color()
        assert first[name].get_marker() == second[name].get_marker()
