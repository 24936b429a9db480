"""The objective around a point of training: curvature against known Hessians, and the figure's numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hybrid_train.data import sphere
from hybrid_train.errors import ConfigError
from hybrid_train.network.deep import fully_connected
from hybrid_train.report.landscape import plot_cuts, plot_landscape, write_landscape_figure
from hybrid_train.theory.landscapes import Landscape, Objective, landscape, lowest_curvature
from hybrid_train.training.losses import make_loss

SQUARED = make_loss("squared")


def small(points: int = 5, **options: float) -> Landscape:
    data = sphere(6, 5, seed=1)
    net = fully_connected([12, 10], 5, seed=2)
    return landscape(net, data.inputs, SQUARED.encode(data, 1), SQUARED, reach=0.5, points=points, **options)


@pytest.mark.parametrize("steps", [10, 60])
def test_lanczos_finds_the_lowest_eigenvector(steps: int) -> None:
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((60, 60)))
    values = np.concatenate([[-9.0], np.linspace(-1, 5, 59)])
    matrix = basis * values @ basis.T
    value, vector = lowest_curvature(lambda v: matrix @ v, rng.standard_normal(60), steps)
    assert value == pytest.approx(-9.0, rel=1e-3)
    assert abs(vector @ basis[:, 0]) > 0.999
    assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_lanczos_stops_where_its_space_is_exhausted() -> None:
    value, vector = lowest_curvature(lambda v: -2.0 * v, np.array([3.0, 4.0, 0.0]), 10)
    assert value == pytest.approx(-2.0)
    assert np.abs(vector) == pytest.approx([0.6, 0.8, 0.0])


def test_gradients_and_curvatures_are_those_of_differences() -> None:
    data = sphere(6, 5, seed=1)
    objective = Objective(fully_connected([12, 10], 5, seed=2), data.inputs, SQUARED.encode(data, 1), SQUARED)
    rng = np.random.default_rng(1)
    direction = rng.standard_normal(len(objective.point))
    direction /= np.linalg.norm(direction)
    ends = [objective.value(objective.point + h * direction) for h in (1e-4, 0.0, -1e-4)]
    slope, bend = (ends[0] - ends[2]) / 2e-4, (ends[0] - 2 * ends[1] + ends[2]) / 1e-8
    assert objective.gradient(objective.point) @ direction == pytest.approx(slope, rel=1e-5)
    product = objective.hessian_product(objective.point, direction, 1e-4)
    assert product @ direction == pytest.approx(bend, rel=1e-3)


def test_the_grid_is_the_objective_along_the_two_directions() -> None:
    found = small(points=9)
    middle = found.values[4, 4]
    assert middle == pytest.approx(found.objective)
    row = found.values[4]
    step = found.along_gradient[5]
    assert row[3] < middle < row[5]  # uphill is to the right
    assert (row[5] - row[3]) / (2 * step) == pytest.approx(found.gradient_norm, rel=0.2)
    assert found.curvature < found.gradient_curvature
    assert small(points=9).as_dict() == found.as_dict()


def test_the_curve_bends_down_where_curvature_is_negative() -> None:
    found = small(points=21, smoothing=0.2)
    assert found.curvature < 0
    column = found.values[:, 10]
    assert column[14] + column[6] < 2 * column[10]


@pytest.mark.parametrize("options", [{"reach": 0.0}, {"reach": 1.0, "points": 4}, {"reach": 1.0, "smoothing": -1.0}])
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    data = sphere(3, 5, seed=1)
    with pytest.raises(ConfigError, match=r"expected|must be"):
        landscape(fully_connected([4, 4], 5), data.inputs, SQUARED.encode(data, 1), SQUARED, **options)


def test_the_figure_is_written_beside_its_numbers(tmp_path: Path) -> None:
    documents = [{"step": step, **small().as_dict()} for step in (0, 10)]
    written = write_landscape_figure(tmp_path / "new", documents)
    assert [path.name for path in written] == ["landscape.png", "landscape.json"]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert json.loads(written[1].read_text())["points"] == documents


def test_a_flat_landscape_can_be_drawn() -> None:
    document = small().as_dict() | {"values": np.ones((5, 5)).tolist()}
    plot_landscape(document).figure.draw_without_rendering()


def test_cuts_go_through_the_middle_of_the_grid() -> None:
    document = small().as_dict()
    gradient, curvature, point = plot_cuts(document).lines
    assert gradient.get_ydata() == pytest.approx(np.array(document["values"])[2])
    assert curvature.get_ydata() == pytest.approx(np.array(document["values"])[:, 2])
    assert point.get_ydata() == pytest.approx([document["objective"]])
