"""Picture of a sweep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid_train.report.sweep import plot_sweep, write_sweep_figure

COSTS = {"inner_products": 10, "nodes_visited": 0, "oracle_calls": 5}


def drawn(tmp_path: Path, rows: list[dict[str, Any]]) -> list[str]:
    write_sweep_figure(tmp_path, {"grid": {"network.width": [8, 16]}, "rows": [row | COSTS for row in rows]})
    return [name for name in json.loads((tmp_path / "sweep.json").read_text()) if name != "key"]


def test_held_out_score_is_drawn_where_there_is_one(tmp_path: Path) -> None:
    plain = [{"network.width": width, "final_loss": 1.0 / width} for width in (8, 16)]
    assert drawn(tmp_path, plain) == ["final_loss", "charged"]
    scored = [row | {"held_out_loss": 0.5, "held_out_accuracy": 0.9} for row in plain]
    assert drawn(tmp_path, scored) == ["final_loss", "held_out_accuracy", "charged"]
    regression = [row | {"held_out_loss": 0.5, "held_out_r2": -0.1} for row in plain]
    assert drawn(tmp_path, regression) == ["final_loss", "held_out_r2", "charged"]


def test_scores_may_be_negative_and_few_values_are_ticks() -> None:
    rows = [{"a": 8, "held_out_r2": -0.5}, {"a": 8, "held_out_r2": 0.5}, {"a": 24, "held_out_r2": 0.25}]
    ax = plot_sweep(rows, "a", "held_out_r2")
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] < -0.5
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["8", "24"]
    assert ax.lines[0].get_ydata().tolist() == [0.0, 0.25]
