from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classical.onion.peeling import peel
from classical.onion.places import GRID


def layers_of(points: np.ndarray) -> list[np.ndarray]:
    """Return the layers of distinct points, each (v, 2), outermost first."""
    points = np.unique(points, axis=0)
    order, starts, _ = peel(points[:, 0].copy(), points[:, 1].copy())
    assert sorted(order) == list(range(len(points)))
    return [points[order[first:last]] for first, last in pairwise(starts)]


def assert_layers(layers: list[np.ndarray]) -> None:
    """Each layer is a convex polygon, counter-clockwise from its smallest corner, around all that follow it."""
    for depth, layer in enumerate(layers):
        inside = np.concatenate(layers[depth:])
        assert (inside.min(axis=0) == layer.min(axis=0)).all()
        assert (inside.max(axis=0) == layer.max(axis=0)).all()
        sides = np.roll(layer, -1, axis=0) - layer
        turns = sides[:, None, 0] * (inside[None, :, 1] - layer[:, None, 1])
        turns -= sides[:, None, 1] * (inside[None, :, 0] - layer[:, None, 0])
        assert (turns >= 0).all()
        angle = np.arctan2(sides[:, 1], sides[:, 0])
        assert (np.diff(np.where(angle <= -np.pi / 2, angle + 2 * np.pi, angle)) >= -1e-12).all()


@pytest.mark.parametrize("size", [1, 2, 5, 1000, GRID])
def test_layers_are_nested_convex_polygons(size: int) -> None:
    rng = np.random.default_rng(size)
    for case in range(150):
        points = rng.integers(-size, size + 1, (rng.integers(1, 40), 2))
        if case % 5 == 1:
            points[:, 1] = points[:, 0]
        if case % 5 == 2:
            points[:, 0] = 1
        if case % 5 == 3:
            points[:, 1] = points[:, 0] // 2
        assert_layers(layers_of(points))


def test_layers_of_the_corners_of_the_grid_do_not_overflow() -> None:
    rng = np.random.default_rng(0)
    points = rng.choice([-GRID, 1 - GRID, -1, 0, 1, GRID - 1, GRID], (60, 2))
    assert_layers(layers_of(points))


def test_many_points_have_few_layers_and_take_few_steps() -> None:
    points = np.unique(np.rint(1e5 * np.random.default_rng(1).standard_normal((4000, 2))).astype(np.int64), axis=0)
    assert_layers(layers_of(points))
    _, starts, spent = peel(points[:, 0].copy(), points[:, 1].copy())
    assert len(starts) - 1 < 4 * 4000 ** (2 / 3)
    assert spent < 4000 * np.log2(4000) ** 2
