from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hybrid_train.errors import DataError
from hybrid_train.report import (
    plot_cost_parts,
    plot_costs,
    plot_fired,
    plot_fired_per_step,
    plot_losses,
    write_comparison_figures,
    write_run_figures,
)
from hybrid_train.report.style import LINE, legend_below, nested_widths, panels, plain, staggered, styles_of

M, N, B = 1024, 12, 1.5
STEPS = 30


def make_row(finder: Any = "scan", index: Any = "neurons", steps: Any = STEPS, **changes: Any) -> Any:
    counter = np.arange(1, steps + 2)
    row = {
        "finder": finder,
        "index": index,
        "promise": "exact",
        "recall": 1.0,
        "losses": (8.0 * 0.8 ** np.arange(steps + 1)).tolist(),
        "cost_per_step": {
            "inner_products": (1000 * counter).tolist(),
            "nodes_visited": (10 * counter).tolist(),
            "oracle_calls": counter.tolist(),
            "verifications": (500 * counter).tolist(),
        },
    }
    return row | changes


def make_fired(steps: Any = STEPS, n: Any = N, **changes: Any) -> Any:
    counts = np.random.default_rng(5).integers(40, 90, n)
    return {
        "finder": "scan",
        "index": "neurons",
        "counts_initial": counts.tolist(),
        "counts_final": (counts + 3).tolist(),
        "fired_mean": [60.0] * (steps + 1),
        "fired_min": [40] * (steps + 1),
        "fired_max": [93] * (steps + 1),
        "expected": 68.4,
        "bound": 2 * M * math.exp(-(B**2) / 2),
        "width": M,
        "threshold": B,
    } | changes


def make_comparison(
    finders: Any = ("scan", "hsr", "grover"), indexes: Any = ("neurons", "data"), steps: Any = STEPS
) -> Any:
    rows = [make_row(finder, index, steps) for index in indexes for finder in finders]
    return {"rows": rows, "fired": make_fired(steps)}


def one_axes() -> Any:
    return Figure().add_subplot()


def curves_of(ax: Any) -> Any:
    """The curves drawn, without reference lines."""
    return [line for line in ax.lines if line.get_marker() not in ("None", "")]


def read(directory: Any, name: Any) -> Any:
    return json.loads((directory / f"{name}.json").read_text())


@pytest.mark.parametrize("write", [write_comparison_figures, write_run_figures])
@pytest.mark.parametrize("steps", [0, 1, STEPS])
def test_three_pictures_each_beside_its_numbers(tmp_path: Path, write: Any, steps: Any) -> None:
    finders, indexes = (
        (("grover",), ("data",)) if write is write_run_figures else (("scan", "hsr"), ("neurons", "data"))
    )
    written = write(tmp_path / "new" / "figures", make_comparison(finders, indexes, steps))
    assert {path.name for path in written} == {f"{n}.{s}" for n in ("loss", "cost", "fired") for s in ("png", "json")}
    assert all(path.parent == tmp_path / "new" / "figures" for path in written)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written if path.suffix == ".png")


def test_the_numbers_are_the_document_s(tmp_path: Path) -> None:
    comparison = make_comparison()
    write_comparison_figures(tmp_path, comparison)
    loss, cost, fired = (read(tmp_path, name) for name in ("loss", "cost", "fired"))
    assert [(c["finder"], c["index"], c["values"]) for c in loss["curves"]] == [
        (row["finder"], row["index"], row["losses"]) for row in comparison["rows"]
    ]
    assert all(curve["values"] == [1011 * (t + 1) for t in range(STEPS + 1)] for curve in cost["curves"])
    assert cost["dense"] == M * N
    assert sorted(fired["per_datum"]["initial"], reverse=True) == fired["per_datum"]["initial"]
    initial = comparison["fired"]["counts_initial"]
    assert [initial[i] for i in fired["per_datum"]["datum"]] == fired["per_datum"]["initial"]
    assert [value - 3 for value in fired["per_datum"]["final"]] == fired["per_datum"]["initial"]


def test_verifications_are_not_charged_twice() -> None:
    row = make_row(steps=1)
    row["cost_per_step"] = {"inner_products": [7, 7], "verifications": [7, 7], "oracle_calls": [2, 3]}
    (curve,) = curves_of(plot_costs([row], ax=one_axes()))
    np.testing.assert_array_equal(curve.get_ydata(), [9, 10])


def test_what_is_drawn_is_what_was_given() -> None:
    row = make_row()
    (curve,) = curves_of(plot_losses([row], ax=one_axes()))
    np.testing.assert_array_equal(curve.get_ydata(), row["losses"])
    np.testing.assert_array_equal(curve.get_xdata(), np.arange(STEPS + 1))


@pytest.mark.parametrize("plot", [plot_losses, plot_costs])
def test_axes_of_the_caller_are_drawn_into_and_returned(plot: Any) -> None:
    ax = one_axes()
    assert plot([make_row()], ax=ax) is ax
    assert ax.get_legend() is None
    assert plot([make_row()]).figure is not ax.figure


def test_two_indexes_in_one_panel_are_told_apart() -> None:
    ax = plot_losses([make_row(index="neurons"), make_row(index="data")])
    assert ax.get_legend_handles_labels()[1] == ["scan, neurons", "scan, data"]


def test_identical_curves_stay_visible() -> None:
    curves = curves_of(plot_losses([make_row(finder) for finder in ("scan", "hsr", "grover")]))
    widths = [curve.get_linewidth() for curve in curves]
    orders = [curve.get_zorder() for curve in curves]
    assert widths == sorted(set(widths), reverse=True), "each must show from under the next"
    assert orders == sorted(set(orders))


def test_different_curves_have_the_same_width() -> None:
    assert nested_widths([np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([1.0, 2.0, 3.0])]) == [LINE] * 3


@given(length=st.integers(1, 300), curves=st.integers(1, 12))
def test_markers_never_coincide(length: Any, curves: Any) -> None:
    curves = min(curves, length)
    places = []
    for i in range(curves):
        first, every = staggered(i, curves, length)
        places.append(set(range(first, length, every)))
    assert all(places)
    assert sum(map(len, places)) == len(set().union(*places))


@given(names=st.lists(st.text(min_size=1), max_size=70))
def test_styles_are_stable_and_distinct(names: Any) -> None:
    styles = styles_of(names)
    assert list(styles) == list(dict.fromkeys(names))
    assert len({(style.color, style.marker) for style in styles.values()}) == len(styles)


def test_a_failed_row_is_named_and_does_not_stop_the_others(tmp_path: Path) -> None:
    comparison = make_comparison()
    failed = {"finder": "grover", "index": "neurons", "promise": "exact", "error": "40 qubits do not fit"}
    comparison["rows"][2] = failed | {"losses": [], "cost_per_step": {}}
    write_comparison_figures(tmp_path, comparison)
    loss = read(tmp_path, "loss")
    assert loss["failed"] == [{"finder": "grover", "index": "neurons", "error": "40 qubits do not fit"}]
    assert len(loss["curves"]) == 5


def test_a_row_that_failed_midway_shows_how_far_it_came(tmp_path: Path) -> None:
    write_comparison_figures(tmp_path, {"rows": [make_row(steps=4, error="diverged")], "fired": None})
    assert len(read(tmp_path, "loss")["curves"][0]["values"]) == 5


def test_nothing_is_written_where_nothing_was_measured(tmp_path: Path) -> None:
    row = {"finder": "scan", "index": "data", "error": "no", "losses": [], "cost_per_step": {}}
    assert write_comparison_figures(tmp_path, {"rows": [row], "fired": None}) == []
    assert write_run_figures(tmp_path, {"rows": [row], "fired": None}) == []


def test_gaps_and_zeros_in_a_loss(tmp_path: Path) -> None:
    row = make_row(losses=[1.0, None, 0.0, 0.5])
    write_comparison_figures(tmp_path, {"rows": [row], "fired": None})
    assert read(tmp_path, "loss")["curves"][0]["values"] == [1.0, None, 0.0, 0.5]
    assert plot_losses([row]).get_yscale() == "log"


def test_a_finder_charged_nothing_is_still_seen() -> None:
    free = make_row("empty")
    free["cost_per_step"] = {"inner_products": [0] * (STEPS + 1)}
    ax = plot_costs([make_row(), free], dense=M * N)
    assert ax.get_yscale() == "symlog"
    assert ax.get_ylim()[0] < 0


def test_all_zero_is_drawn_on_a_plain_axis() -> None:
    row = make_row(losses=[0.0, 0.0])
    row["cost_per_step"] = {"inner_products": [0, 0]}
    assert plot_losses([row]).get_yscale() == plot_costs([row]).get_yscale() == "linear"


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_shared_axes_hold_the_curves_of_every_panel(scale: Any) -> None:
    _, axes = panels(2)
    for ax, factor in zip(axes, (scale, 1.0), strict=True):
        plot_losses([make_row(losses=[3.0 * factor, 2.0 * factor])], ax=ax)
    low, high = axes[0].get_ylim()
    assert low < min(2.0, 2.0 * scale)
    assert high > max(3.0, 3.0 * scale)


@pytest.mark.parametrize("count", [1, 3, 8, 20])
@pytest.mark.parametrize("width", [1, 2])
def test_the_legend_covers_no_data(count: Any, width: Any) -> None:
    names = [f"correlation_tree_{i}" for i in range(count)]
    figure, axes = panels(width)
    for ax in axes:
        plot_costs([make_row(name) for name in names], ax=ax, dense=10**9)
    legend_below(figure, axes)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == count + 1
    assert all(box.y1 <= ax.get_tightbbox().y0 + 1 for ax in axes)
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1


def test_parts_of_the_cost() -> None:
    row = make_row()
    row["cost_per_step"]["nodes_visited"] = [0] * (STEPS + 1)
    ax = plot_cost_parts(row, dense=M * N)
    labels = ax.get_legend_handles_labels()[1]
    assert labels[:-1] == ["inner products", "of these, verifications", "oracle calls"]
    assert plain(M * N) in labels[-1]


def test_counters_of_different_lengths_are_refused() -> None:
    row = make_row("hsr")
    row["cost_per_step"]["oracle_calls"] = [1, 2]
    with pytest.raises(DataError, match=r"finder='hsr'.*inner_products=31.*oracle_calls=2"):
        plot_costs([row])


@pytest.mark.parametrize("n", [1, N, 500])
def test_fired_counts_stand_beside_expectation_and_bound(n: int) -> None:
    fired = make_fired(n=n)
    for plot in (plot_fired, plot_fired_per_step):
        ax = plot(fired, ax=one_axes())
        levels = [line.get_ydata()[0] for line in ax.lines]
        assert fired["bound"] in levels
        assert 68.4 in levels
        low, high = ax.get_ylim()
        assert low < min(fired["counts_initial"])
        assert high > fired["bound"]


def test_an_expectation_for_each_datum_follows_its_datum() -> None:
    fired = make_fired(expected=[float(i) for i in range(1, N + 1)])
    order = np.argsort(-np.asarray(fired["counts_initial"]), kind="stable")
    drawn = [line.get_ydata() for line in plot_fired(fired).lines]
    assert any(np.array_equal(line, order + 1.0) for line in drawn)
    assert any(line[0] == (N + 1) / 2 for line in (line.get_ydata() for line in plot_fired_per_step(fired).lines))


def test_a_datum_that_fires_nothing_is_seen() -> None:
    fired = make_fired()
    fired["counts_final"][0] = 0
    ax = plot_fired(fired)
    assert ax.get_yscale() == "symlog"
    assert ax.get_ylim()[0] < 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5.0, "5"),
        (0.25, "0.25"),
        (0.001, "0.001"),
        (49.1234, "49.12"),
        (65536, "65\u2009536"),
        (1e8, "$10^{8}$"),
        (2.5e-7, r"$2.5\times 10^{-7}$"),
    ],
)
def test_numbers_for_readers(value: Any, text: Any) -> None:
    assert plain(value) == text


def test_no_display_and_no_global_state_are_needed() -> None:
    code = "import sys, hybrid_train.report; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
