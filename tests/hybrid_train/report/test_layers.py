"""The picture of layers: a curve each, in order, and the numbers beside it."""

from __future__ import annotations

import json
from pathlib import Path

from hybrid_train.report.layers import QUANTITIES, plot_layers, write_layers_figure

SERIES = {
    "steps": [0, 5],
    "trained": [1, 2],
    "movement": [[0.0, 0.2], [0.0, 0.3]],
    "gradient": [[3.0, 1.0], [2.0, 0.5]],
    "fired": [[0.5, 0.5], [0.4, 0.45], [0.3, 0.35]],
}


def test_every_layer_has_its_curve() -> None:
    for quantity in QUANTITIES:
        lines = plot_layers(SERIES, quantity).get_lines()
        assert [list(line.get_ydata()) for line in lines] == SERIES[quantity]
    assert [line.get_label() for line in plot_layers(SERIES, "gradient").get_lines()] == ["layer 1", "layer 2"]


def test_the_numbers_are_written_beside_it(tmp_path: Path) -> None:
    files = write_layers_figure(tmp_path, SERIES)
    assert sorted(path.name for path in files) == ["theory_layers.json", "theory_layers.png"]
    assert json.loads((tmp_path / "theory_layers.json").read_text(encoding="utf-8")) == SERIES
