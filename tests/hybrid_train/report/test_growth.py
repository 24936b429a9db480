"""The picture of growth: slopes and the numbers drawn."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from hybrid_train.report.growth import fitted_slope, plot_growth, plot_rescans, write_growth_figure

WIDTHS = [2**12, 2**14, 2**16]
ROWS = [
    {
        "finder": finder,
        "m": m,
        "work": m**exponent,
        "step_ms": 1e-3 * m**exponent,
        "rescans_share": 1 / math.log(m),
        "movement": m**-0.3,
        "bound": 50 * m**-0.35,
    }
    for finder, exponent in (("scan", 1.0), ("skin", 0.77))
    for m in WIDTHS
]


def test_slopes_are_those_of_power_laws() -> None:
    assert fitted_slope(WIDTHS, [7 * m**0.6 for m in WIDTHS]) == pytest.approx(0.6)
    assert fitted_slope(WIDTHS, [0, 0, 5]) != fitted_slope(WIDTHS, [0, 0, 5])  # NaN: one cost gives no slope


def test_legend_names_the_slopes() -> None:
    ax = plot_growth(ROWS, "work")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["scan: $m^{1.00}$", "skin: $m^{0.77}$"]


def test_the_bound_is_drawn_through_the_first_point() -> None:
    lists = [row for row in ROWS if row["finder"] == "skin"]
    share, movement, bound = (line.get_ydata() for line in plot_rescans(lists).lines)
    assert list(share) == [row["rescans_share"] for row in lists]
    assert bound[0] == movement[0]
    assert bound[-1] / bound[0] == pytest.approx(lists[-1]["bound"] / lists[0]["bound"])


def test_writes_the_numbers_beside_the_picture(tmp_path: Path) -> None:
    files = write_growth_figure(tmp_path, ROWS, 16)
    assert {file.suffix for file in files} == {".png", ".json"}
    written = json.loads((tmp_path / "growth.json").read_text())
    assert written["slopes"]["work"]["skin"] == pytest.approx(0.77)
