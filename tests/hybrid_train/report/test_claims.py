"""Pictures of claims: widths that are powers of two are read as such."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from hybrid_train.report.claims import plot_claim_panel


@pytest.mark.parametrize(("x", "base"), [([256.0, 1024.0], 2), ([256.0, 1000.0], 10), ([0.25, 0.5], 10)])
def test_ticks_are_where_it_was_measured(x: list[float], base: int) -> None:
    panel: dict[str, Any] = {"title": "t", "x": "width m", "y": "count", "log": "x"}
    panel["curves"] = [{"label": "a", "x": x, "y": [1.0, 2.0], "predicted": False}]
    ax = plot_claim_panel(panel, ax=Figure().subplots())
    scale: Any = ax.xaxis.get_transform()
    assert scale.base == base
